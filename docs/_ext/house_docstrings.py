"""Docstrings of this project as numpydoc sections.

In the sources a parameter or attribute is one line, `name : meaning, shape, unit`, under a short text. Here such
lines become the Parameters and Attributes of numpydoc, with the type from the annotation, and a paragraph that begins
with "Raises" becomes its Raises.
"""
from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

INLINE = re.compile(r"(?<=[.;]) (\w+(?:, \w+)*) : ")
ENTRY = re.compile(r"(\*{0,2}\w+(?:, \*{0,2}\w+)*) : (.*)")
RETURNS = re.compile(r"Returns (.*)", re.DOTALL)
RAISES = re.compile(r"Raises (?:a |an )?([A-Z]\w+(?:(?:, | or )[A-Z]\w+)*) *(.*)", re.DOTALL)
TYPES = (
    (r"NDArray\[np\.int\w*\]", "array of int"), (r"NDArray\[np\.bool_\]", "array of bool"),
    (r"NDArray\[[^\]]*\]|\bArray\b|\bFloats\b", "array"), (r"\bArrayLike\b", "array_like"),
    (r"\bnp\.ndarray\b", "array"), (r"Literal\[([^\]]*)\]", r"{\1}"),
    (r"\bSequence\[", "sequence["), (r" \| ", " or "), (r"^Any$", ""),
)


@dataclass
class Parsed:
    """A docstring in parts. text : paragraphs. entries : {names: meaning}. returns : what comes back. raises :
    {exception: when}. example : lines typed and what they print."""

    text: list[str] = field(default_factory=list)
    entries: dict[str, str] = field(default_factory=dict)
    returns: str = ""
    raises: dict[str, str] = field(default_factory=dict)
    example: str = ""

    def meaning(self, name: str) -> str | None:
        """What is said of one name, or None."""
        return next((meaning for names, meaning in self.entries.items()
                     if name in [n.lstrip("*") for n in names.split(", ")]), None)


def parse(docstring: str) -> Parsed:
    """The parts of a docstring in the style of the project."""
    parsed, names = Parsed(), ""
    for block in re.split(r"\n\s*\n", inspect.cleandoc(docstring)):
        free: list[str] = []
        names = ""
        if block.startswith(">>>"):
            parsed.example += f"\n\n{block}" if parsed.example else block
            continue
        for line in block.split("\n"):
            if (found := ENTRY.fullmatch(line)):
                names = found[1]
                parsed.entries[names] = found[2]
            elif names:
                parsed.entries[names] += " " + line.strip()
            else:
                free.append(line)
        if free:
            text = "\n".join(free)
            text, _, raised = text.partition(" Raises ") if RETURNS.match(text) else (text, "", "")
            found = RAISES.fullmatch(f"Raises {raised}" if raised else text)
            if (comes := RETURNS.fullmatch(text)) and not parsed.returns:
                parsed.returns = " ".join(comes[1].split())
            if found:
                first, *others = re.split(r"(?<=\.)\s+Raises (?:a |an )?(?=[A-Z])", found[2])
                parsed.raises[found[1]] = " ".join(first.split())
                for other in others:
                    name, _, when = other.partition(" ")
                    parsed.raises[name] = " ".join(when.split())
            elif not comes:
                parsed.text.append(text if all(line[:1] != " " for line in free) else bullets(free))
    parsed.returns = parsed.returns or comes_back(parsed.text)
    together = list(parsed.entries.items())
    parsed.entries.clear()
    for names, meaning in together:
        parts = [names, *INLINE.split(meaning)]         # perhaps several on one line, "a : this. b : that"
        parsed.entries |= zip(parts[::2], parts[1::2], strict=True)
    return parsed


def comes_back(text: list[str]) -> str:
    """What the first sentence says of the result: "(n_nodes,) injected currents.", "...; returns the axes."; else "".
    """
    first = " ".join(text[0].split()) if text else ""
    if re.match(r"\((?:[\w ]+,|\.\.\.)", first):
        return first
    said = re.search(r"[;,] returns (.+?)\.(?: |$)", first)
    return f"{said[1]}." if said else ""


def bullets(lines: list[str]) -> str:
    """A paragraph whose lines hang, such as one on file formats, as a list."""
    items: list[str] = []
    for line in lines:
        if line[:1] == " " and items:
            items[-1] += " " + line.strip()
        else:
            items.append(line.strip())
    return "\n".join(f"- {item}" for item in items)


def annotations(thing: Any) -> Mapping[str, str]:
    """{parameter: annotation as written} of a function or class; empty for anything else."""
    try:
        parameters = inspect.signature(thing).parameters.values()
    except (TypeError, ValueError):
        return {}
    return {p.name: p.annotation if isinstance(p.annotation, str) else getattr(p.annotation, "__name__", "")
            for p in parameters if p.annotation is not p.empty}


def kind(annotation: str) -> str:
    """An annotation as a reader wants it."""
    for pattern, plain in TYPES:
        annotation = re.sub(pattern, plain, annotation)
    return annotation


def kinds(types: Mapping[str, str], names: str) -> str:
    """The types of names that share an entry, "Task; array_like": one where they are alike."""
    return "; ".join(dict.fromkeys(k for n in names.split(", ") if (k := kind(types.get(n.lstrip("*"), "")))))


def escape(text: str) -> str:
    """Text that reStructuredText would misread, C*(0) and |ΔG|; single backticks are code."""
    parts = re.split(r"(:[\w:]+:`[^`]+`|``[^`]+``|`[^`]+`)", text)
    for i, part in enumerate(parts):
        if i % 2 == 0:
            parts[i] = re.sub(r"([*|])|(?<=\w)(_)(?!\w)", r"\\\g<0>", part)
        elif part.startswith(":"):
            parts[i] = re.sub(r"`(?![~.])(\w+)`", r"`~.\1`", part)
        elif not part.startswith("``"):
            parts[i] = f"`{part}`"
    return "".join(parts)


def as_numpydoc(docstring: str, thing: Any, made_by_us: bool = False) -> list[str]:
    """The docstring as numpydoc has it. made_by_us : a class that users read and do not make."""
    parsed, types = parse(docstring), annotations(thing)
    lines = "\n\n".join(escape(part) for part in parsed.text).split("\n")
    parameters = {n: m for n, m in parsed.entries.items() if not made_by_us and n.split(", ")[0].lstrip("*") in types}
    if not inspect.isclass(thing):
        parameters = parsed.entries
    attributes = {n: m for n, m in parsed.entries.items() if n not in parameters}
    if parsed.returns:
        given = kind(getattr(inspect.unwrap(thing), "__annotations__", {}).get("return", "") if callable(thing) else "")
        meaning = parsed.returns[:1].upper() + parsed.returns[1:]
        back = ["", "Returns", "-------", given or "result", "    " + escape(meaning)]
    for title, entries in (("Parameters", parameters), ("Attributes", attributes), ("Raises", parsed.raises)):
        if parsed.returns and title == "Raises":
            lines += back
        if entries:
            lines += ["", title, "-" * len(title)]
        for names, meaning in entries.items():
            given = kinds(types, names)
            lines += [escape(names) + (f" : {given}" if given and title == "Parameters" else ""),
                      "    " + escape(meaning)]
    if parsed.example:
        method = "." in getattr(thing, "__qualname__", "") and not parsed.example.startswith(">>> import")
        lines += ["", "Examples", "--------", *(["It goes on where the example of the class ended.", ""] * method),
                  *parsed.example.split("\n")]
    return lines


def process(app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Rewrite a docstring before numpydoc sees it."""
    module = getattr(thing, "__module__", "") or ""
    ours = module.startswith("ohmlearn") or name.startswith("ohmlearn")
    if what == "module" or not lines or not ours:
        return
    lines[:] = as_numpydoc("\n".join(lines), thing, name.rpartition(".")[2] in app.config.house_results)


def hide_making(app: Any, what: str, name: str, thing: Any, options: Any, signature: str | None, returns: str | None
                ) -> tuple[str, None] | None:
    """No signature for a class that users read and do not make."""
    return ("", None) if what == "class" and name.rpartition(".")[2] in app.config.house_results else None


def leave_out(app: Any, what: str, name: str, thing: Any, skip: bool, options: Any) -> bool | None:
    """Nothing that scikit-learn adds to its estimators by itself."""
    return True if re.fullmatch(r"set_\w+_request", name) else None


def setup(app: Any) -> dict[str, Any]:
    """Put the rewriting before numpydoc's."""
    app.add_config_value("house_results", [], "env")
    app.connect("autodoc-process-docstring", process, priority=100)
    app.connect("autodoc-skip-member", leave_out)
    app.connect("autodoc-process-signature", hide_making)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
