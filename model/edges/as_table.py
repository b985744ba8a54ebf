"""Laws of edges as tables of numbers and texts, as sweep files and files of runs hold them."""
from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from . import laws

LAWS = ("Linear", "Cubic", "Sinh", "Offset", "IdealDiode", "Diode", "NMOS")


def table_of(edges: Any) -> dict[str, Any]:
    """A law, or several with the number of the law of every edge, as a table. Raises TypeError for one that a file has
    no name for."""
    if isinstance(edges, laws.PerEdge):
        return {"PerEdge": {"laws": [table_of(law) for law in edges.laws], "which": edges.which.tolist()}}
    name = type(edges).__name__
    if name not in LAWS or type(edges) is not getattr(laws, name):
        raise TypeError(f"a file has names for the laws {', '.join(LAWS)}, not for {edges!r}")
    given = {field.name: getattr(edges, field.name) for field in dataclasses.fields(edges)}
    return {name: {key: value.tolist() if isinstance(value, np.ndarray) else value for key, value in given.items()}}


def edges_of_table(table: Mapping[str, Any]) -> Any:
    """The law, or several, that :func:`table_of` made a table of. Raises KeyError or TypeError for another table, and
    ValueError for parameters that a law does not have."""
    (name, given), = table.items()
    if name == "PerEdge":
        return laws.PerEdge([edges_of_table(law) for law in given["laws"]], given["which"])
    if name not in LAWS:
        raise KeyError(name)
    return getattr(laws, name)(**{key: np.array(value) if isinstance(value, list) else value
                                  for key, value in given.items()})
