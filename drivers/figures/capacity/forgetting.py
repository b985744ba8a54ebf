"""Continual learning: two tasks in turn, what is forgotten of one while the other is learned, and how it comes back.

Two tasks with sources and targets of their own are trained until each is at its threshold, A, B, A, B and so on, by
coupled learning at several R. Each turn begins from what the one before left.
"""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from ohmlearn.drivers.analysis.tasks_in_turn import TasksInTurn, tasks_in_turn
from ohmlearn.drivers.display import plots
from ohmlearn.drivers.figures.catalogue import BEYOND, Entry, Settings
from ohmlearn.drivers.figures.paper2.landscape import Array
from ohmlearn.drivers.figures.verdicts import median_error, verdict
from ohmlearn.io.replacing import replacing, save_figure, write_text
from ohmlearn.network import Network
from ohmlearn.parallel.threads import available_threads, in_threads
from ohmlearn.task import Task

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SOURCES, TARGETS = 5, 3
UNTIL = 1e-6
SHOWN = 1.0                 # R of the panels that show one
SHORTEST = 1e-3             # of times that are shown; a task that is still known takes none


@dataclass(frozen=True)
class Size:
    """pairs : of tasks. rates : R. targets : their numbers, at one R. cycles : turns of each task."""

    pairs: int
    rates: tuple[float, ...]
    targets: tuple[int, ...]
    cycles: int


QUICK, USUAL, FULL = Size(6, (1.0, 1e2), (1, 8), 3), Size(24, (0.1, 1.0, 1e2, 1e4), (1, 2, 3, 5, 8, 12), 6), Size(
    64, (0.1, 1.0, 10.0, 1e2, 1e3, 1e4, 1e6), (1, 2, 3, 5, 8, 12), 8)


@dataclass(frozen=True, eq=False)
class Turns:
    """What came of pairs of tasks. forgotten : (n_pairs, cycles) C*/C*(0) of the first task after every turn of the
    second. times : (n_pairs, cycles) that the first one's turns took over its first. reached : fraction of all turns
    that came to the threshold. one : a pair, in full."""

    forgotten: Array
    times: Array
    reached: float
    one: TasksInTurn


def turns(network: Network, size: Size, rate: float, targets: int, threads: int | None) -> Turns:
    """Train pairs of tasks in turn."""
    def pair(seed: int) -> TasksInTurn:
        both = [Task.allosteric(network, SOURCES, targets, seed=2 * seed + k, feasible=True) for k in (0, 1)]
        return tasks_in_turn(network, both, rate, cycles=size.cycles, until=UNTIL, threads=1)
    found = in_threads(pair, range(size.pairs), min(available_threads(threads), size.pairs))
    times = np.array([each.training_times for each in found])
    return Turns(np.array([each.costs[2::2, 0] for each in found]), times[:, ::2] / times[:, :1],
                 float(np.isfinite(times).mean()), found[0])


def lines(by_rate: dict[float, Turns], by_targets: dict[int, Turns], title: str) -> list[str]:
    """What was measured."""
    told = [title, f"A turn ends at C* = {UNTIL:g} C*(0), C*(0) before all training; forgotten is C*/C*(0) of task A "
            "after a turn of task B. Medians.", ""]
    for rate, found in by_rate.items():
        ends, again = np.median(found.forgotten, axis=0), np.nanmedian(found.times, axis=0)
        if rate == SHOWN:
            told.append(verdict(float(ends[-1] / ends[0]), 0, 0.1, f"R = {rate:g}: forgotten in the last turn over the "
                                "first", median_error(found.forgotten[:, -1] / found.forgotten[:, 0])))
            told.append(verdict(float(again[1]), 0, 1, f"R = {rate:g}: time to learn A again over the first time",
                                median_error(found.times[:, 1])))
        told.append(f"      R = {rate:g}: forgotten {', '.join(f'{x:.2g}' for x in ends)}; time of A's turns over the "
                    f"first {', '.join(f'{x:.2g}' for x in again)}; {found.reached:.0%} of all turns reached")
    for count, found in by_targets.items():
        ends = np.median(found.forgotten, axis=0)
        told.append(f"      {count} targets, R = {SHOWN:g}: forgotten {ends[0]:.2g} in the first turn, {ends[-1]:.2g} "
                    f"in the last; {found.reached:.0%} of all turns reached")
    return told


def draw(by_rate: dict[float, Turns], by_targets: dict[int, Turns]) -> Figure:
    """The figure, 7.2 inches wide."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(plots.STYLE):
        figure = Figure(figsize=(7.2, 5.0), layout="constrained")
        (a, b), (c, d) = figure.subplots(2, 2)
        draw_pair(a, by_rate[SHOWN].one)
        scale = plots.rate_colors(list(by_rate))
        for rate, found in by_rate.items():
            visit = np.arange(1, found.forgotten.shape[1] + 1)
            _spread(b, visit, found.forgotten, scale.to_rgba(rate))
            _spread(c, visit, np.maximum(found.times, SHORTEST), scale.to_rgba(rate))
        b.set(yscale="log", xlabel="turn", ylabel="forgotten of A, $C^*/C^*(0)$")
        c.set(xlabel="turn", ylabel="time of A's turn over its first", yscale="log", ylim=(SHORTEST, 10))
        for ax in (b, c):
            ax.set_xticks(visit)
            figure.colorbar(scale, ax=ax, label=r"$R = \gamma_\ell/\gamma_p$", pad=0.02)
        count = np.array(list(by_targets))
        for turn, colour, name in ((0, plots.OURS, "first turn"), (-1, plots.PUBLISHED, "last turn")):
            values = [found.forgotten[:, turn] for found in by_targets.values()]
            _spread(d, count, np.stack(values, axis=1), colour, name)
        d.set(xscale="log", yscale="log", xlabel="targets of each task", ylabel="forgotten of A, $C^*/C^*(0)$")
        d.set_xticks(count, [str(n) for n in count])
        d.minorticks_off()
        d.legend()
        plots.panel_letters([a, b, c, d])
    return figure


def draw_pair(ax: Axes, found: TasksInTurn) -> None:
    """Costs of both tasks along the turns, each as wide as the others."""
    length = np.array([found.times[found.phase == k].max() for k in range(found.task.size)])
    x = found.phase + found.times / np.where(length > 0, length, 1.0)[found.phase]
    for task, colour, name in ((0, plots.OURS, "A"), (1, plots.PUBLISHED, "B")):
        ax.plot(x, found.traces[:, task], color=colour, label=f"task {name}")
    for k in range(1, found.task.size):
        ax.axvline(k, color=plots.GUIDE, lw=0.5, ls=":")
    ax.set_xticks(np.arange(found.task.size) + 0.5, ["AB"[k] for k in found.task])
    ax.tick_params(axis="x", length=0)
    ax.set(yscale="log", xlabel="task that is trained", ylabel=f"$C^*/C^*(0)$, $R = {SHOWN:g}$",
           ylim=(UNTIL / 2, 100 * found.traces.max()))
    ax.legend(loc="upper right", ncols=2)


def _spread(ax: Axes, x: Array, values: Array, colour: object, name: str = "") -> None:
    """Median and quartiles of columns."""
    low, middle, high = np.nanquantile(values, [0.25, 0.5, 0.75], axis=0)
    ax.fill_between(x, low, high, color=colour, alpha=0.15, lw=0)
    ax.plot(x, middle, "o-", ms=3, color=colour, label=name)


def make(size: Size, folder: Path, settings: Settings) -> list[Path]:
    """Compute and write picture, verdicts and data into a folder; returns what was written."""
    network = settings.make_network()
    by_rate = {rate: turns(network, size, rate, TARGETS, settings.threads) for rate in size.rates}
    by_targets = {count: by_rate[SHOWN] if count == TARGETS else turns(network, size, SHOWN, count, settings.threads)
                  for count in size.targets}
    title = (f"Two tasks in turn: {network!r}, {SOURCES} sources and, where nothing else is said, {TARGETS} targets "
             f"each; {size.pairs} pairs.")
    folder.mkdir(parents=True, exist_ok=True)
    picture, text, table = (folder / f"forgetting.{ending}" for ending in ("png", "txt", "csv"))
    save_figure(draw(by_rate, by_targets), picture, dpi=250)
    write_text(text, "\n".join(lines(by_rate, by_targets, title)) + "\n")
    with replacing(table) as out:
        print("R,targets,pair,turn,forgotten,time_over_first", file=out)
        every = {(rate, TARGETS): found for rate, found in by_rate.items()}
        every |= {(SHOWN, count): found for count, found in by_targets.items()}
        for (rate, count), found in every.items():
            for pair, turn in np.ndindex(found.forgotten.shape):
                print(f"{rate:g}", count, pair, turn + 1, f"{found.forgotten[pair, turn]:.6g}",
                      f"{found.times[pair, turn]:.6g}", sep=",", file=out)
    return [picture, text, table]


FIGURE = Entry(
    "forgetting", "Continual learning: two tasks in turn, and what is forgotten", BEYOND,
    {"a": "costs of two tasks that are trained in turn", "b": "what a turn of B takes from A, turn by turn, against R",
     "c": "how long A takes to come back", "d": "the first and the last turn against the number of targets"},
    {"quick": QUICK, "usual": USUAL, "full": FULL}, make, adjust={"pairs": int}, takes_network=True)
