"""The keywords that overloads promise are those that the functions take."""
import inspect
import typing

import ohmlearn as ol
import pytest
from ohmlearn.drivers.checks.keywords import StopKeywords, TrainKeywords
from ohmlearn.drivers.descent.descend import Stops


def written(annotations):
    return {name: getattr(kind, "__forward_arg__", kind) for name, kind in annotations.items()}


@pytest.mark.parametrize(("function", "count"), [(ol.train, 3), (ol.lab.train, 2), (ol.descend, 2)])
def test_a_call_is_overloaded(function, count):
    """For one and for several, and for a network in a store."""
    assert len(typing.get_overloads(function)) == count


def test_keywords_of_train():
    taken = {name: p.annotation for name, p in inspect.signature(ol.train).parameters.items()
             if p.kind is p.KEYWORD_ONLY and name != "grid"}
    assert written(TrainKeywords.__annotations__) == taken


def test_keywords_of_descend():
    kinds = {name: kind.replace("Array", "ArrayLike") for name, kind in Stops.__annotations__.items()}
    assert written(StopKeywords.__annotations__) == kinds
