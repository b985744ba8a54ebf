"""Fig. 4 of paper 1: what coupled learning does, drawn from a real small network and its own numbers.

The free network beside the clamped one, whose targets are nudged towards the desired voltages, and what the
difference does to every conductance; then the same network after training.
"""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from ohmlearn.drivers.display import plots
from ohmlearn.drivers.figures.catalogue import PAPER_1, Entry, Settings
from ohmlearn.drivers.figures.verdicts import judge
from ohmlearn.drivers.training.train import train
from ohmlearn.io.replacing import replacing, save_figure, write_text
from ohmlearn.network import Network
from ohmlearn.run import Run
from ohmlearn.task import Task

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
NODES, SEED = 16, 5
SOURCES, TARGETS = 3, 2
NUDGE = 0.5             # large enough to be seen; learning in simulations takes 1e-3
EXACT = 1e-9


@dataclass(frozen=True)
class Size:
    """nodes : of the network."""

    nodes: int = NODES


@dataclass(frozen=True, eq=False)
class Fig4:
    """What Fig. 4 shows. free, clamped : (n_nodes,) voltages at equilibrium before training. change : (n_edges,)
    dG/dt over γl, (Δv^F)² - (Δv^C)² over η. power : P^F and P^C. trained : the run."""

    network: Network
    task: Task
    free: Array
    clamped: Array
    change: Array
    power: tuple[float, float]
    trained: Run


def compute(size: Size) -> Fig4:
    """Free and clamped equilibrium of the untrained network, and the network trained at R = 0.1."""
    from ohmlearn.solvers.equilibrium.equilibrium import Equilibrium

    network = Network.delaunay(size.nodes, seed=SEED, mean_degree=None, spacing=0.72, longest=2.0)
    task = Task.allosteric(network, SOURCES, TARGETS, seed=SEED, feasible=True)
    start = np.ones(network.n_edges)
    free = Equilibrium(network, task.sources).solve(start, task.source_voltages)
    nudged = free[task.targets] + NUDGE * (task.target_voltages - free[task.targets])
    clamped = Equilibrium(network, np.append(task.sources, task.targets)).solve(
        start, np.append(task.source_voltages, nudged))
    a, b = network.edges.T
    squares = [(v[a] - v[b]) ** 2 for v in (free, clamped)]
    power = tuple(0.5 * float(start @ square) for square in squares)
    return Fig4(network, task, free, clamped, (squares[0] - squares[1]) / NUDGE, (power[0], power[1]),
                train(network, task, 0.1, until=1e-6))


def verdicts(data: Fig4) -> list[str]:
    """What the picture shows, checked on its numbers."""
    from ohmlearn.solvers.hessian.hessian import hessian

    task = data.task
    missing = task.target_voltages - data.free[task.targets]
    moved = data.clamped[task.targets] - data.free[task.targets] - NUDGE * missing
    gradient = hessian(data.network, task, np.ones(data.network.n_edges)).cost_gradient
    slope = float(gradient @ data.change) / float(np.linalg.norm(gradient) * np.linalg.norm(data.change))
    held = np.abs(data.clamped - data.free)[task.sources].max()
    return [judge(max(np.abs(moved).max(), held) - EXACT, 0.0,
                  f"4b: clamped targets off v_T + η (V_T - v_T), and sources off V_S, by {np.abs(moved).max():.1g} and "
                  f"{held:.1g} V; expected none"),
            judge(data.power[0] - data.power[1], 0.0,
                  f"4: the clamped network dissipates {data.power[1]:.6f}, the free one {data.power[0]:.6f}; expected "
                  "more when clamped, as free voltages minimise the power"),
            judge(slope, 0.0, f"4c: cosine between ΔG and the gradient of C*: {slope:.3f}; expected negative"),
            judge(data.trained.final_cost - 1e-6, 0.0,
                  f"4d: C*/C*(0) after training {data.trained.final_cost:.2g}; expected 1e-6")]


def draw(data: Fig4) -> Figure:
    """The figure, 5.6 inches wide."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(plots.STYLE):
        figure = Figure(figsize=(5.6, 5.4), layout="constrained")
        a, b, c, d = figure.subplots(2, 2).flat
        reach = max(float(np.abs(v).max()) for v in (data.free, data.clamped))
        volts = {"cmap": "viridis", "vmin": -reach, "vmax": reach}
        one = np.ones(data.network.n_edges)
        marks = draw_network(a, data, data.free, one, volts, "free: targets as they come, $v_T^F$")
        draw_network(b, data, data.clamped, one, volts, r"clamped: $v_T^C = v_T^F + \eta\,(V_T - v_T^F)$")
        draw_change(figure, c, data)
        draw_network(d, data, data.trained.voltages, data.trained.conductances, volts,
                     r"trained: $v_T^F = V_T$, widths: $G$")
        figure.colorbar(marks, ax=d, label="voltage (V)", orientation="horizontal", shrink=0.8, pad=0.02)
        plots.panel_letters([a, b, c, d])
    return figure


def draw_network(ax: Axes, data: Fig4, voltages: Array, conductances: Array, colours: dict[str, Any], title: str
                 ) -> Any:
    """One state: nodes coloured by voltage, edges as wide as they conduct; sources squares, targets large circles with
    their voltage beside."""
    from matplotlib.collections import LineCollection

    places, task = data.network.positions, data.task
    assert places is not None
    widths = 0.5 + 2.5 * conductances / conductances.max()
    lines = list(places[data.network.edges])
    ax.add_collection(LineCollection(lines, colors="0.75", linewidths=list(widths), zorder=1))
    rest = np.setdiff1d(np.arange(len(places)), np.append(task.sources, task.targets))
    for nodes, shape, area, edge in ((rest, "o", 25, "0.4"), (task.sources, "s", 70, "black"),
                                     (task.targets, "o", 95, plots.PUBLISHED)):
        marks = ax.scatter(*places[nodes].T, s=area, marker=shape, c=voltages[nodes], edgecolors=edge,
                           linewidths=0.6 if area == 25 else 1.6, zorder=3, **colours)
    for nodes, colour in ((task.sources, "black"), (task.targets, plots.PUBLISHED)):
        for node in nodes:
            ax.annotate(f"{voltages[node]:.2f}", places[node], xytext=(0, 9), textcoords="offset points", color=colour,
                        fontsize=7, ha="center", zorder=5, bbox={"fc": "white", "ec": "none", "pad": 0.4, "alpha": 0.8})
    _frame(ax, places, title)
    return marks


def draw_change(figure: Figure, ax: Axes, data: Fig4) -> None:
    """Panel c: edges coloured by how their conductance changes."""
    from matplotlib.collections import LineCollection

    places, reach = data.network.positions, float(np.abs(data.change).max())
    assert places is not None
    strength = np.abs(data.change) / reach
    lines = LineCollection(list(places[data.network.edges]), array=data.change, cmap="PuOr_r", clim=(-reach, reach),
                           linewidths=list(1.0 + 4 * strength), zorder=1)
    ax.add_collection(lines)
    ax.scatter(*places.T, s=9, color="0.35", zorder=2)
    _frame(ax, places, r"$\Delta G_j \propto (\Delta v_j^F)^2 - (\Delta v_j^C)^2$")
    figure.colorbar(lines, ax=ax, label=r"$\dot G/\gamma_\ell$ (V$^2$)", orientation="horizontal", shrink=0.8, pad=0.02)


def _frame(ax: Axes, places: Array, title: str) -> None:
    low, high = places.min(axis=0), places.max(axis=0)
    room = 0.12 * (high - low)
    ax.set(xlim=(low[0] - room[0], high[0] + room[0]), ylim=(low[1] - room[1], high[1] + room[1]), aspect="equal",
           title=title)
    ax.axis("off")


def make(size: Size, folder: Path, settings: Settings) -> list[Path]:
    """Compute Fig. 4 and write picture, verdicts and data into a folder; returns what was written."""
    data = compute(size)
    folder.mkdir(parents=True, exist_ok=True)
    picture, text, numbers = (folder / name for name in ("fig4.png", "fig4.txt", "fig4.npz"))
    save_figure(draw(data), picture, dpi=250)
    words = (f"Fig. 4 of paper 1, from a network of {data.network.n_nodes} nodes and {data.network.n_edges} edges: "
             f"free, clamped with η = {NUDGE:g} (1e-3 in all other figures), the change of G, and after training.")
    write_text(text, "\n".join([words, "", *verdicts(data)]) + "\n")
    assert data.network.positions is not None
    with replacing(numbers, "wb") as file:
        np.savez(file, edges=data.network.edges, positions=data.network.positions, sources=data.task.sources,
                 source_voltages=data.task.source_voltages, targets=data.task.targets,
                 target_voltages=data.task.target_voltages, free=data.free, clamped=data.clamped, change=data.change,
                 trained=data.trained.conductances)
    return [picture, text, numbers]


FIGURE = Entry(
    "fig4", "Coupled learning: free network, clamped network, and what their difference does", PAPER_1,
    {"a": "free: sources (squares) held, target voltages (orange rings) come out as they may",
     "b": "clamped: targets nudged towards the desired voltages", "c": "how every conductance then changes",
     "d": "after training: the free targets are what was desired"},
    dict.fromkeys(("quick", "usual", "full"), Size()), make)
