"""What coupled learning conserves: the sum of the squared conductances, in the quasistatic limit.

With η -> 0 and away from the bounds, ½ d(ΣG²)/dt = 2aR Σ w·dv/dt over the free nodes (docs/physics.md): nothing at
R = 0, and growth at large R, where the voltages never come to rest. At fixed voltages of the sources the outputs depend
on ratios of conductances alone, so that Hessians of the cost fall as 1/ΣG²: this is how fast learning ends in flat
places (Fig. 3b of paper 1).
"""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ohmlearn.drivers.analysis.training_times import MARGIN, line_slope
from ohmlearn.drivers.figures.beyond.conservation_data import FAST, Array, Conserved, middle
from ohmlearn.drivers.figures.catalogue import BEYOND, Entry, Settings
from ohmlearn.drivers.figures.paper1.fig2 import SOURCES, TARGETS, UNTIL, decades
from ohmlearn.drivers.figures.verdicts import median_error, verdict
from ohmlearn.drivers.training.train import train
from ohmlearn.io.replacing import replacing, save_figure, write_text
from ohmlearn.network import Network
from ohmlearn.rule import Rule
from ohmlearn.run import Record, Run
from ohmlearn.task import Task

TRACED = (1e-2, 1.0, 1e2, 1e4)
NUDGES = (0.0, 1e-4, 1e-3, 1e-2, 1e-1)
FINE = 1e-5             # tolerance of the runs at R = 0, whose drift is what the integration leaves
FREE = 10.0             # times the floor: conductances above it never met it


@dataclass(frozen=True)
class Size:
    """tasks : how many. rates : R, the first one what eigenvalues are relative to."""

    tasks: int
    rates: tuple[float, ...]

    def __post_init__(self) -> None:
        if self.tasks < 3:
            raise ValueError(f"the sum of squares is followed over three tasks at least, not {self.tasks}")


QUICK = Size(12, decades(1e-2, 1e7))
USUAL = Size(50, decades(1e-2, 1e8))
FULL = Size(50, decades(1e-2, 1e10, 2))


def grown(run: Run) -> float:
    """ΣG²/ΣG₀² at the end of a run that began with G = 1."""
    return float(np.mean(run.conductances**2)) if run.status == "reached" else np.nan


def stiffness(run: Run) -> float:
    """Largest eigenvalue of 2JᵀJ at the end of a run."""
    from ohmlearn.solvers.hessian.hessian import hessian

    if run.status != "reached" or run.network is None or run.task is None:
        return np.nan
    return float(2 * hessian(run.network, run.task, run.conductances).satisfied_modes(1)[0][0])


def drift(run: Run) -> float:
    """How far ΣG²/ΣG₀² went from 1 up to the last record before a conductance met the floor, or to the end."""
    states = run.recorded["conductances"]
    met = np.flatnonzero(states.min(axis=1) < FREE * Rule().floor)
    last = int(met[0]) - 1 if met.size else len(states) - 1
    return float(np.mean(states[last] ** 2)) - 1 if last > 0 else np.nan


def compute(network: Network, size: Size, threads: int | None = None) -> Conserved:
    """Train all tasks at all rates, and in the quasistatic limit with every nudge."""
    tasks = [Task.allosteric(network, SOURCES, TARGETS, seed=seed) for seed in range(size.tasks)]
    ends = [train(network, tasks, rate, until=UNTIL, threads=threads) for rate in size.rates]
    along = Record(per_decade=20, start=1e-4, keep=("conductances",))
    still = [train(network, tasks, 0.0, rule=Rule(nudge=nudge), until=UNTIL, tolerance=FINE, record=along,
                   threads=threads) for nudge in NUDGES]
    reached = np.all([runs.status == "reached" for runs in ends], axis=0)
    traced = tasks[int(np.argmax(reached))]
    traces = train(network, traced, np.array(TRACED), until=UNTIL, threads=threads,
                   record=Record(per_decade=20, keep=("squared_norm",)))
    return Conserved(np.array(size.rates), np.array([[grown(run) for run in runs] for runs in ends]).T,
                     np.array([[stiffness(run) for run in runs] for runs in ends]).T, np.array(NUDGES),
                     np.array([[drift(run) for run in runs] for runs in still]).T, traces)


def exponent(x: Array, values: Array) -> tuple[float, float]:
    """Mean over tasks of the exponent in x that each of its values (n_tasks, n_x) follows, and its standard error."""
    logs = np.log(values[np.isfinite(values).all(axis=1)])
    if not len(logs):
        return np.nan, np.nan
    slopes = [line_slope(np.log(x), row)[0] for row in logs]
    return float(np.mean(slopes)), float(np.std(slopes) / np.sqrt(len(slopes)))


def verdicts(data: Conserved) -> list[str]:
    """The law at R = 0, what breaks it, and what follows for the eigenvalues."""
    exact, (power, error) = data.drift[:, 0], exponent(data.nudge[1:], np.abs(data.drift[:, 1:]))
    lines = [verdict(middle(np.abs(exact[:, None]))[0], -np.inf, 1e-6,
                     f"median of |ΣG²/ΣG₀² - 1| at R = 0 and η = 0 before any conductance meets the floor, at "
                     f"tolerance {FINE:g}", median_error(np.abs(exact))),
             verdict(power, 0.95, 1.05, "exponent of the drift at R = 0 in η, which the law has as -aRη Σ w·Lw", error),
             verdict(abs(middle(data.squares)[0] - 1), -np.inf, 1e-3,
                     f"|ΣG²/ΣG₀² - 1| at R = {data.rate[0]:g}, median", median_error(data.squares[:, 0]))]
    fast = data.rate >= FAST / MARGIN
    if fast.sum() >= 3:
        rate = data.rate[fast]
        for words, values, low, high in (
                ("ΣG²", data.squares, 0.9, 1.1), ("λ₁ of 2JᵀJ", data.stiffness, -1.1, -0.9),
                ("λ₁ ΣG², which does not change with the scale of G", data.stiffness * data.squares, -0.1, 0.1)):
            power, error = exponent(rate, values[:, fast])
            lines.append(verdict(power, low, high, f"exponent of {words} in R from {FAST:g} on", error))
    return lines


def table(data: Conserved, title: str) -> str:
    """Medians over R and over η, and verdicts."""
    lines = [title, f"ΣG²/ΣG₀² where C* = {UNTIL:g} C*(0), and the largest eigenvalue λ₁ of 2JᵀJ there over that of "
             f"the same task at R = {data.rate[0]:g}: medians.", "",
             f"{'R':>10}{'reached':>9}{'ΣG²/ΣG₀²':>12}{'quartiles':>26}{'λ₁':>12}{'λ₁ ΣG²':>12}"]
    plain, scaled = middle(data.relative()), middle(data.relative(scaled=True))
    for k, rate in enumerate(data.rate):
        column = data.squares[:, k]
        low, half, high = np.nanquantile(column, [0.25, 0.5, 0.75])
        lines.append(f"{rate:>10.4g}{f'{np.isfinite(column).sum()}/{column.size}':>9}{half:>12.6g}"
                     f"{f'{low:.5g} to {high:.5g}':>26}{plain[k]:>12.3g}{scaled[k]:>12.3g}")
    lines += ["", f"{'η':>10}{'tasks':>9}{'drift':>12}    (ΣG²/ΣG₀² - 1 at R = 0, median, before any "
              "conductance meets the floor)"]
    lines += [f"{nudge:>10.4g}{np.isfinite(column).sum():>9}{half:>12.3g}"
              for nudge, column, half in zip(data.nudge, data.drift.T, middle(data.drift), strict=True)]
    return "\n".join([*lines, "", *verdicts(data)]) + "\n"


def save(data: Conserved, folder: Path, title: str) -> list[Path]:
    """Write picture, table and data into a folder; returns what was written."""
    from .conservation_panels import draw

    folder.mkdir(parents=True, exist_ok=True)
    picture, text, numbers = (folder / f"conservation.{ending}" for ending in ("png", "txt", "csv"))
    save_figure(draw(data), picture, dpi=250)
    write_text(text, table(data, title))
    with replacing(numbers) as out:
        print("task,R,nudge,squares,stiffness", file=out)
        for task, column in np.ndindex(data.squares.shape):
            print(task, f"{data.rate[column]:.9g}", f"{Rule().nudge:g}", f"{data.squares[task, column]:.12g}",
                  f"{data.stiffness[task, column]:.9g}", sep=",", file=out)
        for task, column in np.ndindex(data.drift.shape):
            print(task, 0, f"{data.nudge[column]:g}", f"{1 + data.drift[task, column]:.16g}", "nan", sep=",", file=out)
    return [picture, text, numbers]


def make(size: Size, folder: Path, settings: Settings) -> list[Path]:
    """Compute the figure and write picture, table and data into a folder; returns what was written."""
    network = settings.make_network()
    title = f"{network!r}; {size.tasks} tasks with {SOURCES} sources and {TARGETS} targets."
    return save(compute(network, size, settings.threads), folder, title)


FIGURE = Entry(
    "conservation", "What learning conserves: the sum of the squared conductances", BEYOND,
    {"a": "ΣG² along the training of one task", "b": "ΣG² at τ against R, as its excess over the start: median, "
     "quartiles and every task", "c": "largest eigenvalue of 2JᵀJ at τ, and the same times ΣG²: medians relative to "
     "the smallest R, with the published ones of Fig. 3b", "d": "drift of ΣG² at R = 0 against the nudge, before any "
     "conductance meets the floor"},
    {"quick": QUICK, "usual": USUAL, "full": FULL}, make, adjust={"tasks": int}, takes_network=True)
