"""The keywords of `train` and `descend` with their types, once for all their overloads; a test compares signatures."""
from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from numpy.typing import ArrayLike

if TYPE_CHECKING:
    from ohmlearn.discrete import Discrete
    from ohmlearn.rule import GradientFlow, Rule
    from ohmlearn.run import Record, Run
    from ohmlearn.schedule import Schedule


class TrainKeywords(TypedDict, total=False):
    """What :func:`ohmlearn.train` takes by keyword, `grid` apart."""

    rule: Rule | GradientFlow | None
    schedule: Schedule | None
    updates: Discrete | None
    until: float | None
    t_max: float | None
    dt: float | Literal["auto"]
    conductances: ArrayLike | Run | Sequence[Run] | None
    record: Record | None
    method: Literal["auto", "rk4", "slow"]
    tolerance: float
    go_on: bool
    precision: Literal["double", "single"]
    solver: str
    edges: Any
    threads: int | None
    checkpoint: str | Path | None
    progress: bool


class StopKeywords(TypedDict, total=False):
    """When :func:`ohmlearn.descend` ends, and which states it keeps."""

    until: float
    error: float
    t_max: float
    max_steps: int
    times: ArrayLike
    costs: ArrayLike
