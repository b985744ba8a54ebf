"""Where data enter a network, and where its answers are read, as data."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from ohmlearn.checks.kinds import number, whole


@dataclass(frozen=True, eq=False)
class Terminals:
    """The nodes of a network at which features enter, outputs are read, and constant voltages are held.

    inputs : one entry a feature, the node held at x, or a pair of nodes held at x and -x.
    outputs : one entry a class or a number: the node, or the pair of nodes whose difference of voltages is read.
    held : nodes held at the same voltage throughout, in V.

    >>> import ohmlearn as ol
    >>> ol.learn.Terminals(inputs=[0, 2], outputs=[4, (3, 5)], held={8: 0.0}).held
    {8: 0.0}
    """

    inputs: Sequence[Any]
    outputs: Sequence[Any]
    held: Mapping[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("inputs", "outputs"):
            entries = getattr(self, name)
            object.__setattr__(self, name, tuple(tuple(entry) if np.ndim(entry) else entry for entry in entries))
        held = {whole("held node", node, 0): number(f"held voltage of node {node}", voltage)
                for node, voltage in dict(self.held or {}).items()}
        object.__setattr__(self, "held", held)
