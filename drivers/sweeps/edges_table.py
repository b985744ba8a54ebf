"""The laws of edges in a sweep file and on the command line."""
from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Annotated, Any, Optional, get_type_hints

import numpy as np
from ohmlearn.edges import laws
from ohmlearn.network import Network
from pydantic import BaseModel, Field, create_model

from .tables import OneWay, Table, table_like

LAWS = ("Linear", "Cubic", "Sinh", "Offset", "IdealDiode", "Diode", "NMOS")


def _table_of(name: str) -> type[BaseModel]:
    """A table with the fields of a law, in which parameters are a number or a list with one for every edge."""
    law = getattr(laws, name)
    hints = get_type_hints(law)
    numbers = {field.name: float | list[float] | (None if field.default is None else float)
               for field in dataclasses.fields(law) if hints[field.name] in (laws.Numbers, laws.Numbers | None)}
    return table_like(law, **numbers)


_laws: dict[str, Any] = {name: (Optional[_table_of(name)], None) for name in LAWS}  # noqa: UP045
LawTable: Any = create_model("LawTable", __base__=OneWay, **_laws)


class PerEdge(Table):
    """Several laws, and the number of the law of every edge."""

    laws: Annotated[list[LawTable], Field(min_length=1)]
    which: list[int]


EdgesTable: Any = create_model("EdgesTable", __base__=OneWay, **_laws, PerEdge=(PerEdge | None, None))


def table_of(edges: Any) -> dict[str, Any]:
    """What a file would say for a law, or for several. Raises TypeError for one that a file has no name for."""
    if isinstance(edges, laws.PerEdge):
        return {"PerEdge": {"laws": [table_of(law) for law in edges.laws], "which": edges.which.tolist()}}
    name = type(edges).__name__
    if name not in LAWS or type(edges) is not getattr(laws, name):
        raise TypeError(f"a sweep writes down the laws of its edges and knows {', '.join(LAWS)}, not {edges!r}; train "
                        "others by ohmlearn.train")
    given = {field.name: getattr(edges, field.name) for field in dataclasses.fields(edges)}
    return {name: {key: value.tolist() if isinstance(value, np.ndarray) else value for key, value in given.items()}}


def make_edges(table: Any, network: Network) -> Any:
    """The laws of an [edges] table: a law, or several with the number of the law of every edge. Raises ValueError where
    they do not fit the network."""
    from ohmlearn.solvers.nonlinear.edge_arrays import as_edges

    if getattr(table, "PerEdge", None) is None:
        return as_edges(_law_of(table), network)
    return as_edges(laws.PerEdge([_law_of(law) for law in table.PerEdge.laws], table.PerEdge.which), network)


def _law_of(table: Any) -> Any:
    name = next(name for name in LAWS if getattr(table, name) is not None)
    given: Mapping[str, Any] = getattr(table, name).model_dump()
    return getattr(laws, name)(**{key: np.array(value) if isinstance(value, list) else value
                                  for key, value in given.items()})
