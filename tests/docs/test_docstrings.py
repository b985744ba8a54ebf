"""Every public name is documented: what it means, every parameter, shapes of arrays, units of quantities."""
import dataclasses
import inspect
import re
import sys
from pathlib import Path

import ohmlearn as ol
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "docs" / "_ext"))
import face
import house_docstrings as house

SHAPE = re.compile(r"\((?:n_\w+|n|k|\d|K|all edges)[^()]*,[^()]*\)|\(\d\)|one (?:entry )?per edge|of any shape")
# the type of these says what they are
OWN = re.compile(r"(?:Network|Task|Rule|GradientFlow|Sequence|tuple|None|[\[\] |,.])+")
SAME_EVERYWHERE = ("self", "cls", "path", "threads", "ax", "index", "X", "y")      # X, y: scikit-learn's data
ARRAY = re.compile(r"NDArray|ArrayLike|\bArray\b|\bFloats\b")
# Quantity -> words of its unit; symbols that the table of conventions (docs/api.md) explains count.
UNITS = {
    r"voltage": r"\bV\b|[Vv]olt", r"currents?$": r"\bA\b|G₀|unit",
    r"conductances?$": r"G₀|\bS\b|1/R0|\bΩ\b|unit|per edge|file",
    r"(^|_)times?$": r"1/γp|\bs\b|∂C/∂G|training step", r"t_max": r"1/γp|∂C/∂G", r"(^|_)cost$": r"V²|C\*?\(0\)",
    r"capacitance": r"\bF\b", r"learning_rate": r"1/s", r"eigenvalues": r"unit|G₀",
}


def members(cls):
    """Public methods and properties that a class itself defines."""
    return {name: thing for name, thing in vars(cls).items() if not name.startswith("_") and name in vars(cls)
            and (callable(thing) or isinstance(thing, property | classmethod | staticmethod)
                 or hasattr(thing, "attrname"))}


def public():
    """{name: thing} of everything that a user may call or read."""
    found = {}
    for name in ol.__all__:
        if name == "__version__":
            continue
        found[name] = getattr(ol, name)
    for module, names in face.in_submodules().items():
        found |= {name: getattr(getattr(ol, module), name) for name in names}
    for name, module in face.RESULTS.items():
        found[name] = getattr(__import__(module, fromlist=[name]), name)
    for cls in [thing for thing in found.values() if inspect.isclass(thing)]:
        found |= {f"{cls.__name__}.{name}": thing for name, thing in members(cls).items()}
    return found


def unwrapped(thing):
    """The function behind a property or method."""
    return getattr(thing, "fget", None) or getattr(thing, "func", None) or getattr(thing, "__func__", thing)


def returns_array(thing):
    given = getattr(unwrapped(thing), "__annotations__", {}).get("return", "")
    return not inspect.isclass(thing) and bool(re.fullmatch(r"(NDArray\[.*\]|Array|Floats)", str(given)))


def faults(name, thing):
    """What is missing in the documentation of a name."""
    text = inspect.getdoc(thing) or ""
    if not text or text.startswith(f"{name}("):
        return ["no docstring"]
    parsed, missing = house.parse(text), []
    if returns_array(thing) and not SHAPE.search(text):
        missing.append("no shape of what it returns")
    types = house.annotations(unwrapped(thing) if not inspect.isclass(thing) else thing)
    for parameter, annotation in types.items():
        meaning = parsed.meaning(parameter)
        known = parameter.startswith("_") or parameter in SAME_EVERYWHERE
        if known or re.search(r"see :|as in the class|as for :|as there", text):
            continue
        named = re.search(rf"\b{parameter}\b", text) or (parameter == "rate" and re.search(r"\bR\b", text))
        if meaning is None and not OWN.fullmatch(annotation) and not named:
            missing.append(f"{parameter} is not explained")
        elif ARRAY.search(annotation) and not SHAPE.search(meaning or text):
            missing.append(f"no shape of {parameter}")
    for entries, meaning in parsed.entries.items():
        for entry in entries.split(", "):
            missing += [f"no unit of {entry}" for quantity, unit in UNITS.items()
                        if re.search(quantity, entry) and not re.search(unit, meaning + parsed.text[0])]
    return missing


def test_every_public_name_is_documented():
    names = public()
    wrong = {name: found for name, thing in names.items() if (found := faults(name, thing))}
    share = 1 - len(wrong) / len(names)
    assert not wrong, f"{share:.0%} of {len(names)} names documented; " + "; ".join(
        f"{name}: {', '.join(found)}" for name, found in wrong.items())
    assert len(names) > 100


def test_every_attribute_is_documented():
    names = {name: thing for name, thing in public().items() if inspect.isclass(thing)}
    missing = {name: left for name, cls in names.items() if dataclasses.is_dataclass(cls) and (left := [
        field.name for field in dataclasses.fields(cls) if not field.name.startswith("_")
        and house.parse(inspect.getdoc(cls)).meaning(field.name) is None])}
    assert not missing, missing
    assert sum(dataclasses.is_dataclass(cls) for cls in names.values()) > 20


def test_faults_are_seen():
    def broken(voltages: "ArrayLike", other: int) -> "NDArray[float]":  # noqa: F821
        """Give something.

        voltages : what is given.
        """

    assert faults("broken", broken) == ["no shape of what it returns", "no shape of voltages", "other is not explained",
                                        "no unit of voltages"]


def test_the_reference_holds_every_public_name():
    listed = [name for names in face.grouped().values() for name in names]
    assert sorted(listed) == sorted(name for name in ol.__all__ if name != "__version__")
    assert set(face.SUBMODULES) == set(ol._SUBMODULES)


@pytest.mark.parametrize(("text", "lines"), [
    ("Sum |x| of C*(0).", ["Sum \\|x\\| of C\\*(0)."]),
    ("Do.\n\na : one. b, c : two.", ["Do.", "", "Parameters", "----------", "a", "    one.", "b, c", "    two."]),
    ("Do.\n\nx, y : (n,) `a` and\n    :class:`B`.\n\nRaises KeyError when bad.",
     ["Do.", "", "Parameters", "----------", "x, y", "    (n,) ``a`` and :class:`~.B`.", "", "Raises", "------",
      "KeyError", "    when bad."]),
])
def test_docstrings_of_the_house_become_numpydoc(text, lines):
    assert house.as_numpydoc(text, None) == lines


def test_names_that_share_an_entry_keep_their_types():
    def both(task: "Task", rate: "ArrayLike", low: float, high: float) -> None:  # noqa: F821
        """Do.

        task, rate : one or several. low, high : bounds.
        """

    shown = house.as_numpydoc(inspect.getdoc(both), both)
    assert "task, rate : Task; array_like" in shown
    assert "low, high : float" in shown
