"""The laws of edges in a sweep file and on the command line."""
from __future__ import annotations

import dataclasses
from typing import Annotated, Any, Optional, get_type_hints

from ohmlearn.edges import laws
from ohmlearn.edges.as_table import LAWS, edges_of_table
from ohmlearn.network import Network
from pydantic import BaseModel, Field, create_model

from .tables import OneWay, Table, table_like


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


def make_edges(table: Any, network: Network) -> Any:
    """The laws of an [edges] table: a law, or several with the number of the law of every edge. Raises ValueError where
    they do not fit the network."""
    from ohmlearn.solvers.nonlinear.edge_arrays import as_edges

    return as_edges(edges_of_table(table.model_dump(exclude_none=True)), network)
