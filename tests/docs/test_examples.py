"""Every public name shows how it is used: an example that runs, and for functions what they return."""
import doctest
import inspect
import sys
import warnings
from importlib import import_module
from pathlib import Path

import matplotlib.pyplot as plt
import ohmlearn as ol
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "docs" / "_ext"))
import face
import house_docstrings as house


def methods(cls):
    """Public methods of ours that a class has; properties say what they are in their first line."""
    found = {name: thing for base in reversed(cls.__mro__) if base.__module__.startswith("ohmlearn")
             for name, thing in vars(base).items() if not name.startswith("_")}
    return {name: getattr(cls, name) for name, thing in found.items()
            if inspect.isfunction(thing) or isinstance(thing, classmethod | staticmethod)}


def public():
    """{name: thing} of what users call: the top level and its submodules, what comes back, and methods of all these."""
    found = {name: getattr(ol, name) for name in ol.__all__ if name != "__version__"}
    for module, names in face.in_submodules().items():
        found |= {f"{module}.{name}": getattr(getattr(ol, module), name) for name in names}
    found |= {name: getattr(import_module(module), name) for name, module in face.RESULTS.items()}
    for name, cls in list(found.items()):
        if inspect.isclass(cls):
            found |= {f"{name}.{method}": thing for method, thing in methods(cls).items()}
    return found


PUBLIC = public()
FLAGS = doctest.NORMALIZE_WHITESPACE


def faults(thing):
    """What an example or a docstring is without."""
    parsed = house.parse(inspect.getdoc(thing) or "")
    missing = [] if doctest.DocTestParser().get_examples(parsed.example) else ["no example"]
    call = getattr(thing, "__func__", thing)
    gives = inspect.isfunction(call) and inspect.signature(call).return_annotation not in ("None", None)
    if gives and not parsed.returns:
        missing.append("does not say what it returns")
    return missing


def test_every_public_name_has_an_example_and_says_what_it_returns():
    wrong = {name: found for name, thing in PUBLIC.items() if (found := faults(thing))}
    assert not wrong, f"{1 - len(wrong) / len(PUBLIC):.0%} of {len(PUBLIC)} names; {wrong}"
    assert len(PUBLIC) > 150


def test_faults_are_seen():
    def plain():
        """Do something."""

    assert faults(plain) == ["no example", "does not say what it returns"]


def example(name):
    """The lines of an example."""
    return house.parse(inspect.getdoc(PUBLIC[name])).example


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_example_runs(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    told, lines = [], example(name)
    owner = name.rpartition(".")[0]
    if owner in PUBLIC and not lines.startswith(">>> import"):      # of a method: it goes on where its class's ended
        lines = f"{example(owner)}\n\n{lines}"
    test = doctest.DocTestParser().get_doctest(lines, {}, name, None, 0)
    plt.close("all")
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)
        result = doctest.DocTestRunner(optionflags=FLAGS).run(test, out=told.append)
    assert result.attempted > 0
    assert result.failed == 0, "".join(told)
