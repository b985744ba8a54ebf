"""Names that a module hands on from others, which are imported when a name is first asked for."""
from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any


def lazy_names(module: str, table: Mapping[str, Sequence[str]]) -> tuple[Callable[[str], Any], Callable[[], list[str]],
                                                                         list[str]]:
    """`__getattr__`, `__dir__` and `__all__` of a module. table : names by the modules that define them. What type
    checkers should know of them stands in a stub file beside the module."""
    home = {name: source for source, names in table.items() for name in names}

    def get(name: str) -> Any:
        if name not in home:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        value = getattr(import_module(home[name]), name)
        setattr(sys.modules[module], name, value)
        return value

    return get, lambda: sorted({*vars(sys.modules[module]), *home}), sorted(home)
