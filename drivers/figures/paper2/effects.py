"""The physical effects of learning: power, effective dimension of the response, susceptibility and soft mode.

Paper 2 builds on M. Stern, A. J. Liu and V. Balasubramanian, *Physical effects of learning*, Phys. Rev. E 109, 024311
(2024), which states three directions for weak inputs: the effective dimension of the response falls, the response to
random perturbations grows, and the soft modes align with the task. They are followed here along gradient flow under
current and voltage drive, and along coupled learning below and above R = 1. No direction is stated for the power: under
currents it follows the outputs asked for, so it is shown and not judged.
"""
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from ohmlearn.drivers.descent.descend import descend
from ohmlearn.drivers.display import plots
from ohmlearn.drivers.figures.catalogue import PAPER_2, Entry, Settings
from ohmlearn.drivers.figures.paper1.fig2 import SOURCES, TARGETS
from ohmlearn.drivers.figures.paper2 import landscape
from ohmlearn.drivers.figures.paper2.landscape import Array, Problem
from ohmlearn.drivers.figures.verdicts import median_error, verdict
from ohmlearn.drivers.training.train import train
from ohmlearn.network import Network
from ohmlearn.rule import GradientFlow
from ohmlearn.solvers.hessian.imprint import Imprint, imprint
from ohmlearn.task import Task

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COSTS = 10.0 ** -np.arange(0, 6.1, 0.5)         # states looked at, in C(0)
RULE = GradientFlow(floor=1e-6, ceiling=10.0, fraction=0.2)
NAMES = tuple(field.name for field in fields(Imprint))
STATED = {"dimension": ("effective dimension of the response", -1), "susceptibility": ("Tr H⁻¹", 1),
          "alignment": ("fraction of the softest mode in the response", 1)}      # how each should move
LABELS = {"power": "power $V^T H V$", "dimension": "effective dimension", "susceptibility": r"Tr $H^{-1}$",
          "alignment": "fraction of the softest mode"}
TICKS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 2, 3, 5, 10, 20, 50)
LOOKS = (("-", plots.OURS), ("-", plots.PUBLISHED), ("--", plots.OURS_THREE), ("--", "#CC79A7"))


@dataclass(frozen=True)
class Size:
    """networks : under each drive; tasks : of coupled learning. nodes : of the networks of gradient flow."""

    networks: int
    nodes: int = 64

    def __post_init__(self) -> None:
        if self.networks < 2:
            raise ValueError(f"two networks under each drive at least, not {self.networks}")


QUICK, USUAL, FULL = Size(24), Size(60), Size(300)


@dataclass(frozen=True, eq=False)
class Effects:
    """Networks on their way. cost : (n_states,) C/C(0) asked for. values : name of an :class:`Imprint`'s field ->
    (n_networks, n_states), NaN where a network was not trained so far."""

    cost: Array
    values: Mapping[str, Array]

    def relative(self, name: str) -> Array:
        """(n_networks, n_states) over the value at the start."""
        found: Array = self.values[name] / self.values[name][:, :1]
        return found

    def change(self, name: str) -> Array:
        """(n_networks,) last value over the first."""
        found = self.relative(name)
        last = np.array([row[np.flatnonzero(np.isfinite(row))[-1]] for row in found])
        return last


def gather(rows: Sequence[Sequence[Imprint | None]]) -> Effects:
    """Effects from the imprints (n_networks)(n_states) at COSTS."""
    return Effects(COSTS, {name: np.array([[np.nan if one is None else getattr(one, name) for one in row]
                                           for row in rows]) for name in NAMES})


def by_flow(problems: Sequence[Problem], error: float = 0.0) -> Effects:
    """Gradient flow, the networks of Figs. 1 and 2 of paper 2; training ends at |c| = error."""
    rows = []
    for given in problems:
        initial = descend(given.network, given.task, conductances=given.conductances, max_steps=1).initial_cost
        states = descend(given.network, given.task, rule=RULE, conductances=given.conductances, until=COSTS[-1] / 2,
                         error=error, costs=initial * COSTS[1:], threads=1).history
        found = [imprint(given.network, given.task, g) for g in (given.conductances, *states)]
        rows.append([*found, *[None] * (len(COSTS) - len(found))])
    return gather(rows)


def by_learning(network: Network, tasks: Sequence[Task], rate: float, threads: int | None = None) -> Effects:
    """Coupled learning at R from G = 1; the states where C* first falls to COSTS."""
    rows: list[list[Imprint | None]] = [[imprint(network, task, 1.0)] for task in tasks]
    for cost in COSTS[1:]:
        runs = train(network, list(tasks), rate, until=float(cost), threads=threads)
        for row, task, run in zip(rows, tasks, runs, strict=True):
            row.append(imprint(network, task, run.conductances) if run.status == "reached" else None)
    return gather(rows)


def compute(size: Size, given: Settings) -> dict[str, Effects]:
    """All four ways of learning."""
    def problems(drive: str, target: float | tuple[float, float]) -> list[Problem]:
        return [landscape.problem(k, size.nodes, drive, target) for k in range(size.networks)]  # type: ignore[arg-type]

    network = given.make_network()
    tasks = [Task.allosteric(network, SOURCES, TARGETS, seed=seed, feasible=True) for seed in range(size.networks)]
    ways: dict[str, Callable[[], Effects]] = {
        "gradient flow, currents": lambda: by_flow(problems("current", (0.5, 1.5))),
        "gradient flow, voltages": lambda: by_flow(problems("voltage", 1.0), 1e-2),
        "coupled learning, R = 0.1": lambda: by_learning(network, tasks, 0.1, given.threads),
        "coupled learning, R = 100": lambda: by_learning(network, tasks, 100.0, given.threads)}
    return {name: way() for name, way in ways.items()}


def verdicts(found: Mapping[str, Effects], size: Size) -> list[str]:
    """What was measured beside the directions that are stated."""
    lines = [f"Physical effects of learning: {size.networks} networks or tasks each; gradient flow on {size.nodes} "
             f"nodes, coupled learning with {SOURCES} sources and {TARGETS} targets. Values where training ended over "
             "those at its start.", ""]
    for name, (words, sign) in STATED.items():
        for way, effects in found.items():
            change = effects.change(name)
            low, high = (1.0, np.inf) if sign > 0 else (-np.inf, 1.0)
            fraction = f"{'grows' if sign > 0 else 'falls'} in {np.mean(sign * (change - 1) > 0):.0%}"
            lines.append(verdict(float(np.median(change)), low, high, f"{words}, {way}: {fraction}, by the factor "
                                 f"(median ± {median_error(change):.2g})", median_error(change)))
    for way, effects in found.items():
        change = effects.change("power")
        lines.append(f"      power, {way}: falls in {np.mean(change < 1):.0%}, times {np.median(change):.3g} (median); "
                     "no direction is stated")
    return lines


def draw(found: Mapping[str, Effects]) -> Figure:
    """Power, dimension, susceptibility and alignment against C, over their values at the start."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(plots.STYLE):
        figure = Figure(figsize=(6.6, 5.0), layout="constrained")
        axes = figure.subplots(2, 2)
        for ax, name in zip(axes.flat, ("dimension", "susceptibility", "alignment", "power"), strict=True):
            _draw_one(ax, found, name)
        handles, words = axes[0, 0].get_legend_handles_labels()
        figure.legend(handles, words, loc="outside upper center", ncols=4)
        plots.panel_letters(axes.flat)
    return figure


def _draw_one(ax: Axes, found: Mapping[str, Effects], name: str) -> None:
    from matplotlib.ticker import NullLocator

    for (way, effects), (line, color) in zip(found.items(), LOOKS, strict=True):
        values = effects.relative(name)
        enough = np.isfinite(values).sum(axis=0) >= len(values) / 2
        low, middle, high = np.nanquantile(values[:, enough], [0.25, 0.5, 0.75], axis=0)
        ax.fill_between(effects.cost[enough], low, high, color=color, alpha=0.15, lw=0)
        ax.plot(effects.cost[enough], middle, line, color=color, label=way)
    ax.axhline(1.0, color=plots.GUIDE, lw=0.7)
    ax.set(xscale="log", yscale="log", xlabel="cost $C/C(0)$", ylabel=f"{LABELS[name]}\nover the start")
    ax.invert_xaxis()
    low, high = ax.get_ylim()
    ticks = [tick for tick in TICKS if low <= tick <= high]
    ax.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.yaxis.set_minor_locator(NullLocator())


def make(size: Size, folder: Path, given: Settings) -> list[Path]:
    """Compute the figure and write picture, verdicts and data into a folder; returns what was written."""
    found = compute(size, given)
    where = np.indices((len(found), size.networks, len(COSTS))).reshape(3, -1)
    return landscape.save(folder, "landscape_effects", draw(found), verdicts(found, size), {
        "way": where[0], "network": where[1], "cost": COSTS[where[2]],
        **{name: np.concatenate([effects.values[name].ravel() for effects in found.values()]) for name in NAMES}})


FIGURE = Entry(
    "landscape-effects", "The physical effects of learning: dimension, susceptibility, soft mode and power", PAPER_2,
    {"a": "effective dimension of the response to the task's drive against C, medians and quartiles", "b": "Tr H⁻¹ of "
     "the physical Hessian", "c": "fraction of the softest mode in the response", "d": "dissipated power"},
    {"quick": QUICK, "usual": USUAL, "full": FULL}, make, takes_network=True)
