"""Every public name shows how it is used: an example that runs, and for functions what they return."""
import doctest
import inspect
import sys
import warnings
from pathlib import Path

import ohmlearn as ol
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "docs" / "_ext"))
import face
import house_docstrings as house


def public():
    """{name: thing} of what users import: the top level and its submodules."""
    found = {name: getattr(ol, name) for name in ol.__all__ if name != "__version__"}
    for module, names in face.in_submodules().items():
        found |= {f"{module}.{name}": getattr(getattr(ol, module), name) for name in names}
    return found


PUBLIC = public()
FLAGS = doctest.NORMALIZE_WHITESPACE


def faults(thing):
    """What an example or a docstring is without."""
    parsed = house.parse(inspect.getdoc(thing) or "")
    missing = [] if doctest.DocTestParser().get_examples(parsed.example) else ["no example"]
    gives = inspect.isfunction(thing) and inspect.signature(thing).return_annotation not in ("None", None)
    if gives and not parsed.returns:
        missing.append("does not say what it returns")
    return missing


def test_every_public_name_has_an_example_and_says_what_it_returns():
    wrong = {name: found for name, thing in PUBLIC.items() if (found := faults(thing))}
    assert not wrong, f"{1 - len(wrong) / len(PUBLIC):.0%} of {len(PUBLIC)} names; {wrong}"
    assert len(PUBLIC) > 40


def test_faults_are_seen():
    def plain():
        """Do something."""

    assert faults(plain) == ["no example", "does not say what it returns"]


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_example_runs(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    test = doctest.DocTestParser().get_doctest(house.parse(inspect.getdoc(PUBLIC[name])).example, {}, name, None, 0)
    told = []
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)
        result = doctest.DocTestRunner(optionflags=FLAGS).run(test, out=told.append)
    assert result.attempted > 0
    assert result.failed == 0, "".join(told)
