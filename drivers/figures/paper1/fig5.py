"""Fig. 5 of paper 1, computed: the nonequilibrium cost C while a network learns, and how far C and C* overshoot."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from ohmlearn.drivers.analysis.training_times import MARGIN
from ohmlearn.drivers.display import plots
from ohmlearn.drivers.figures.catalogue import PAPER_1, Entry, Settings
from ohmlearn.drivers.figures.paper1.fig2 import SOURCES, TARGETS, TRACE_RATES, TRACE_SOURCES, UNTIL, decades, traces
from ohmlearn.drivers.figures.paper1.fig2_panels import draw_traces
from ohmlearn.drivers.figures.verdicts import judge, median_error
from ohmlearn.drivers.training.train import train
from ohmlearn.io.replacing import replacing, save_figure, write_table, write_text
from ohmlearn.network import Network
from ohmlearn.run import Record, Runs
from ohmlearn.task import Task

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
POINTS = 200            # records a decade of the ensemble
TOLERANCE = 1e-4        # of τ: the largest C* lies between the looks at it, which are closer together so
WITHIN = 1e-3           # C may exceed C*(0) by this much: the slow manifold starts with its lag, not at equilibrium


@dataclass(frozen=True)
class Size:
    """tasks, rates : of panels c and d. trace_rates : of panels a and b, 0 for the quasistatic limit."""

    tasks: int
    rates: tuple[float, ...]
    trace_rates: tuple[float, ...] = TRACE_RATES

    def __post_init__(self) -> None:
        if self.tasks < 1:
            raise ValueError(f"Fig. 5 needs one task at least, not {self.tasks}")


QUICK = Size(16, decades(1e-1, 1e6), (0.0, *decades(1e-1, 1e4)))
USUAL = Size(50, decades(1e-2, 1e8))
FULL = Size(50, decades(1e-2, 1e12, 2))


@dataclass(frozen=True, eq=False)
class Overshoot:
    """Largest values on the way to the threshold, relative to C*(0). rate : (n_rates,) R.
    cost, equilibrium : (n_tasks, n_rates) of C and C*."""

    rate: Array
    cost: Array
    equilibrium: Array


@dataclass(frozen=True, eq=False)
class Fig5:
    """What Fig. 5 shows. traces : runs of one task over R (a, b). overshoot : of an ensemble (c, d)."""

    traces: Runs
    overshoot: Overshoot


def overshoots(network: Network, tasks: Sequence[Task], rates: Sequence[float], threads: int | None = None
               ) -> Overshoot:
    """Largest C and C* of every task at every rate, from its start to where it ends."""
    cost, equilibrium = [], []
    for rate in rates:
        runs = train(network, tasks, rate, until=UNTIL, record=Record(per_decade=POINTS, start=1e-5), method="rk4",
                     tolerance=TOLERANCE, threads=threads)
        cost.append([run.cost.max() for run in runs])
        equilibrium.append([run.equilibrium_cost.max() for run in runs])
    return Overshoot(np.array(rates), np.array(cost).T, np.array(equilibrium).T)


def table(data: Fig5, title: str = "") -> str:
    """The figure as text: overshoot by R, and verdicts."""
    found = data.overshoot
    lines = [title, "Fig. 5 of paper 1: largest values on the way to C* = 1e-6 C*(0), relative to C*(0), over "
             f"{len(found.cost)} tasks with {SOURCES} sources and {TARGETS} targets.", "",
             f"{'R':>10}{'C, median':>12}{'largest':>10}{'C*, median':>12}{'largest':>10}{'tasks with C* > 1.01':>22}"]
    for k, rate in enumerate(found.rate):
        own, settled = found.cost[:, k], found.equilibrium[:, k]
        lines.append(f"{rate:>10.4g}{np.median(own):>12.4g}{own.max():>10.4g}{np.median(settled):>12.4g}"
                     f"{settled.max():>10.4g}{np.mean(settled > 1.01):>22.0%}")
    return "\n".join([*lines, "", *verdicts(data)]) + "\n"


def verdicts(data: Fig5) -> list[str]:
    """C stays below its start, C* does not; at small R both are one curve."""
    found = data.overshoot
    most = max(float(run.cost.max()) for run in data.traces)
    k = int(np.argmax(np.median(found.equilibrium, axis=0)))
    median = float(np.median(found.equilibrium[:, k]))
    lines = [judge(found.cost.max() - 1 - WITHIN, 0.0,
                   f"5: largest C/C*(0) of all tasks at R = {found.rate.min():g} to {found.rate.max():g}: "
                   f"{found.cost.max():.6f}; expected no more than 1"),
             judge(most - 1 - WITHIN, 0.0,
                   f"5a, b: largest C/C*(0) of the task shown, with {TRACE_SOURCES} sources: {most:.6f}; expected no "
                   "more than 1"),
             judge(1.01 - median, median_error(found.equilibrium[:, k]),
                   f"5: C* overshoots where C does not: median of its largest value {median:.3f} at "
                   f"R = {found.rate[k]:g}, largest of all {found.equilibrium.max():.3g}; expected above 1.01")]
    slow = [run for run in data.traces if 0 < run.rate <= 0.01 * MARGIN]
    if slow:
        apart = max(float(np.abs(np.log10(run.cost / run.equilibrium_cost)[run.equilibrium_cost > UNTIL]).max())
                    for run in slow)
        lines.append(judge(apart - 0.1, 0.0, f"5: C and C* at R <= 0.01 apart by {apart:.3f} decades at most; expected "
                                             "0.1: near the quasistatic limit they are one"))
    return lines


def draw(data: Fig5) -> Figure:
    """The figure, 5.2 inches wide."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(plots.STYLE):
        figure = Figure(figsize=(5.2, 4.7), layout="constrained")
        a, b, c, d = figure.subplots(2, 2).flat
        draw_traces(figure, (a, b), data.traces, equilibrium=False)
        draw_largest(c, data.overshoot.rate, data.overshoot.cost, "largest $C/C^*(0)$")
        draw_largest(d, data.overshoot.rate, data.overshoot.equilibrium, "largest $C^*/C^*(0)$")
        high = max(2.0, 1.5 * data.overshoot.equilibrium.max())
        for ax in (c, d):
            ax.set(ylim=(0.8, high))
        plots.panel_letters([a, b, c, d])
    return figure


def draw_largest(ax: Axes, rate: Array, largest: Array, label: str) -> None:
    """Median, quartiles and every task's largest value against R."""
    x = np.broadcast_to(rate, largest.shape)
    ax.plot(x.ravel(), largest.ravel(), ".", ms=2, color="0.6", label="tasks")
    ax.fill_between(rate, *np.quantile(largest, [0.25, 0.75], axis=0), color=plots.OURS, alpha=0.25, lw=0)
    ax.plot(rate, np.median(largest, axis=0), "o-", ms=3, color=plots.OURS, label="median, quartiles")
    ax.axhline(1.0, color=plots.GUIDE, lw=0.7)
    ax.set(xscale="log", yscale="log", xlabel=r"$R = \gamma_\ell/\gamma_p$", ylabel=label)
    ax.legend(loc="upper left")


def save(data: Fig5, folder: Path, title: str) -> list[Path]:
    """Write picture, table, and the data of all panels into a folder; returns what was written."""
    folder.mkdir(parents=True, exist_ok=True)
    picture, text, lines, peaks = (folder / name for name in ("fig5.png", "fig5.txt", "fig5ab_traces.npz",
                                                              "fig5cd_largest.csv"))
    save_figure(draw(data), picture, dpi=250)
    write_text(text, table(data, title))
    arrays: dict[str, Any] = {"R": data.traces.rate}
    for k, run in enumerate(data.traces):
        arrays |= {f"times_{k}": run.times, f"equilibrium_cost_{k}": run.equilibrium_cost, f"cost_{k}": run.cost}
    with replacing(lines, "wb") as file:
        np.savez(file, **arrays)
    task, column = np.indices(data.overshoot.cost.shape).reshape(2, -1)
    write_table(peaks, np.column_stack([task, data.overshoot.rate[column], data.overshoot.cost.ravel(),
                                       data.overshoot.equilibrium.ravel()]), "%.9g", ",", comments="",
               header="task,R,largest_cost,largest_equilibrium_cost")
    return [picture, text, lines, peaks]


def make(size: Size, folder: Path, settings: Settings) -> list[Path]:
    """Compute Fig. 5 and write it into a folder: picture, table and data; returns what was written."""
    network = settings.make_network()
    tasks = [Task.allosteric(network, SOURCES, TARGETS, seed=seed) for seed in range(size.tasks)]
    data = Fig5(traces(network, size.trace_rates, settings.threads),
                overshoots(network, tasks, size.rates, settings.threads))
    return save(data, folder, f"{network!r}.")


FIGURE = Entry(
    "fig5", "The nonequilibrium cost C while a network learns", PAPER_1,
    {"a": "C of one task over R, against training steps; dotted: quasistatic limit", "b": "the same against time",
     "c": "largest C on the way, over an ensemble: it does not overshoot", "d": "largest C* on the way, which does"},
    {"quick": QUICK, "usual": USUAL, "full": FULL}, make, adjust={"tasks": int}, takes_network=True)
