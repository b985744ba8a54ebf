"""Tables of a sweep file: what their keys may be follows from dataclasses and functions."""
from __future__ import annotations

import dataclasses
import inspect
import types
from collections.abc import Callable
from typing import Annotated, Any, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, create_model, model_validator

STRICT = ConfigDict(extra="forbid", strict=True, frozen=True, arbitrary_types_allowed=True)


class Table(BaseModel):
    """A table of the file: unknown keys are refused, numbers stay what they are."""

    model_config = STRICT


def table_like(thing: Callable[..., Any], **instead: Any) -> type[BaseModel]:
    """A table with the parameters of a dataclass or function, so that it grows with them. `instead` overrides types."""
    source = thing if dataclasses.is_dataclass(thing) else inspect.unwrap(thing)
    hints = get_type_hints(source)
    fields: dict[str, Any] = {}
    for name, parameter in inspect.signature(thing).parameters.items():
        kind: Any = instead.get(name, hints.get(name, Any))
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL:      # in a file, the list of them
            kind = Annotated[types.GenericAlias(list, (kind,)), Field(min_length=1)]
        if kind is not None:
            fields[name] = (kind, ... if parameter.default is inspect.Parameter.empty else parameter.default)
    return create_model(thing.__name__, __base__=Table, **fields)


class OneWay(Table):
    """Exactly one of several ways to say what is meant."""

    @model_validator(mode="after")
    def one(self) -> OneWay:
        """Refuse none and several."""
        given = [name for name in type(self).model_fields if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"name one of {', '.join(type(self).model_fields)}; got {', '.join(given) or 'none'}")
        return self
