"""Where and why the two floors on conductances differ.

relax, of the published runs: a conductance falls no faster than it relaxes to the floor, at a rate of its own.
clip: it falls as fast as learning wants, and stops at the floor. Computed here over R: training times, conductances,
overshoot and flatness under either; and, at one R, under a relaxation from slow to fast, which leads from one to the
other if the limited fall is what makes the difference.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
from ohmlearn.drivers.figures.beyond.floors_data import Ends, Floors
from ohmlearn.drivers.figures.catalogue import BEYOND, Entry, Settings
from ohmlearn.drivers.figures.paper1.fig2 import SOURCES, TARGETS, UNTIL, decades
from ohmlearn.drivers.training.train import train
from ohmlearn.io.replacing import replacing, save_figure, write_text
from ohmlearn.network import Network
from ohmlearn.rule import Rule
from ohmlearn.run import Record, Run
from ohmlearn.task import Task

# 1e-2 of the start: under clip, steps get the more and the shorter the lower the floor and the larger R
FLOORS = {"relax": Rule(floor=1e-2), "clip": Rule(floor=1e-2, floor_mode="clip")}
CUT = 0.1                   # an edge that has fallen below this fraction of its start counts as cut
FINE = 60                   # records a decade, for the overshoot of C*
BETWEEN = 1e4               # R at which the rate of relaxation is varied


@dataclass(frozen=True)
class Size:
    """tasks : how many. rates : R of the comparison. falls : rates of relaxation at R = 1e4, in γp."""

    tasks: int
    rates: tuple[float, ...]
    falls: tuple[float, ...]

    def __post_init__(self) -> None:
        if self.tasks < 3:
            raise ValueError(f"the floors are compared over three tasks at least, not {self.tasks}")


QUICK = Size(12, decades(1e-1, 1e5), (1.0, 10.0, 100.0))
USUAL = Size(50, decades(1e-2, 1e5), (1.0, 3.0, 10.0, 30.0, 100.0, 300.0))
FULL = Size(50, decades(1e-2, 1e5, 2), (1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0))


def end_of(run: Run) -> tuple[float, ...]:
    """What :class:`Ends` keeps of a run."""
    from ohmlearn.solvers.hessian.hessian import hessian

    if run.status != "reached" or run.network is None or run.task is None:
        return (np.nan,) * 5
    stiff = 2 * hessian(run.network, run.task, run.conductances).satisfied_modes(1)[0][0]
    found = (run.training_time, run.conductances.mean(), np.mean(run.conductances < CUT), run.equilibrium_cost.max(),
             stiff)
    return tuple(float(value) for value in found)


def ends(network: Network, tasks: Sequence[Task], settings: Sequence[tuple[float, float, Rule]],
         threads: int | None = None) -> Ends:
    """Train all tasks under every (value, rate, rule)."""
    columns = [np.array([end_of(run) for run in train(network, tasks, rate, rule=rule, until=UNTIL, threads=threads,
                                                      record=Record(per_decade=FINE, start=1e-5))])
               for _, rate, rule in settings]
    return Ends(np.array([value for value, _, _ in settings]), *np.stack(columns, axis=1).transpose(2, 0, 1))


def compute(network: Network, size: Size, threads: int | None = None) -> Floors:
    """Train all tasks at all rates under both floors, and under what lies between."""
    tasks = [Task.allosteric(network, SOURCES, TARGETS, seed=seed) for seed in range(size.tasks)]
    over = {name: ends(network, tasks, [(rate, rate, rule) for rate in size.rates], threads)
            for name, rule in FLOORS.items()}
    falls = [(fall, BETWEEN, replace(FLOORS["relax"], floor_rate=fall)) for fall in size.falls]
    return Floors(over, ends(network, tasks, falls, threads))


def save(data: Floors, folder: Path, title: str) -> list[Path]:
    """Write picture, table and data into a folder; returns what was written."""
    from .floors_panels import draw
    from .floors_table import table

    folder.mkdir(parents=True, exist_ok=True)
    picture, text, numbers = (folder / name for name in ("floors.png", "floors.txt", "floors.csv"))
    save_figure(draw(data), picture, dpi=250)
    write_text(text, table(data, title))
    names = [field.name for field in fields(Ends) if field.name != "values"]
    with replacing(numbers) as out:
        print("rule", "R", "relaxation", "task", *names, sep=",", file=out)
        for rule, found in [*data.over.items(), ("between", data.between)]:
            for column, value in enumerate(found.values):
                rate, fall = (BETWEEN, value) if rule == "between" else (value, 1.0 if rule == "relax" else np.inf)
                for task in range(len(found.times)):
                    row = (f"{getattr(found, name)[task, column]:.9g}" for name in names)
                    print(rule, f"{rate:.9g}", f"{fall:g}", task, *row, sep=",", file=out)
    return [picture, text, numbers]


def make(size: Size, folder: Path, settings: Settings) -> list[Path]:
    """Compare the floors and write picture, table and data into a folder; returns what was written."""
    network = settings.make_network()
    title = f"{network!r}; {size.tasks} tasks with {SOURCES} sources and {TARGETS} targets."
    return save(compute(network, size, settings.threads), folder, title)


FIGURE = Entry(
    "floors", "Where and why the two floors on conductances differ", BEYOND,
    {"a": "training time under either floor: median, and every task", "b": "mean conductance at the end",
     "c": "fraction of the edges that are cut, below a tenth of their start", "d": "largest eigenvalue of 2JᵀJ at the "
     "end: median, and every task", "e": "largest C* on the way", "f": "fraction of cut edges at R = 1e4 against the "
     "rate at which conductances may fall: from relax to clip"},
    {"quick": QUICK, "usual": USUAL, "full": FULL}, make, adjust={"tasks": int}, takes_network=True)
