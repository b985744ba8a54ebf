"""What Fig. 3 of paper 1 shows."""
from __future__ import annotations

from dataclasses import dataclass

from ohmlearn.drivers.analysis.flatness import Flatness
from ohmlearn.drivers.analysis.oscillation_strength import Swings
from ohmlearn.drivers.analysis.oscillations import Oscillations
from ohmlearn.run import Runs


@dataclass(frozen=True, eq=False)
class Fig3:
    """What Fig. 3 shows. traces : runs of one task (d)."""

    oscillations: Oscillations
    flatness: Flatness
    swings: Swings
    traces: Runs
