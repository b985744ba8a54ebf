"""Soft mode, sectors and crack of trained networks from measured responses alone, against their number and noise.

Nothing is known of the task: random currents are injected everywhere and voltages read everywhere (paper 2, below
Eq. 13). The networks are those of Fig. S1 whose soft mode stands alone.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from ohmlearn.drivers.descent.descend import Descent
from ohmlearn.drivers.display import plots
from ohmlearn.drivers.figures.catalogue import PAPER_2, Entry
from ohmlearn.drivers.figures.paper2 import landscape
from ohmlearn.drivers.figures.paper2.fig_s1 import GAP, RULE, TARGETS
from ohmlearn.drivers.figures.paper2.landscape import Array, Problem
from ohmlearn.drivers.figures.verdicts import verdict
from ohmlearn.solvers.hessian.responses import measure_responses

if TYPE_CHECKING:
    from matplotlib.figure import Figure

N_NODES = 64
COUNTS = np.array([1, 2, 3, 4, 6, 8, 12, 16, 32, 63, 128, 256, 512])
NOISES = (0.0, 0.01, 0.1, 0.5)


@dataclass(frozen=True)
class Size:
    """networks : how many are tried."""

    networks: int


QUICK, FULL = Size(10), Size(60)


@dataclass(frozen=True, eq=False)
class Found:
    """Means over the networks, (n_noises, n_counts). hessian : relative error of H⁺. mode : 1 - |v₁ · estimate|.
    sectors : fraction of the nodes in the right sector. crack : fraction of crack edges right, of those found or
    there."""

    hessian: Array
    mode: Array
    sectors: Array
    crack: Array
    networks: int


def estimates(count: int, threads: int | None = None) -> Found:
    """Train, measure, estimate."""
    problems = [landscape.problem(k, N_NODES, "current", TARGETS, log=True) for k in range(count)]
    descents = landscape.optimise(problems, RULE, threads)
    rows = [row for row in landscape.each(_rows, problems, descents, threads) if row is not None]
    hessian, mode, sectors, crack = np.mean(rows, axis=0)
    return Found(hessian, mode, sectors, crack, len(rows))


def _rows(problem: Problem, descent: Descent) -> Array | None:
    """(4, n_noises, n_counts) of one network, None where its soft mode does not stand alone."""
    network, g = problem.network, descent.conductances
    soft = landscape.account(problem, descent).soft
    if soft.gap < GAP:
        return None
    exact = np.linalg.pinv((network.incidence.T * g) @ network.incidence.toarray(), rcond=1e-10, hermitian=True)
    rows = np.empty((4, len(NOISES), len(COUNTS)))
    for i, noise in enumerate(NOISES):
        for k, count in enumerate(COUNTS):
            found = measure_responses(network, g, int(count), noise, seed=1000 * i + k)
            mode = np.linalg.eigh(found.compliance)[1][:, -1]
            sectors = (mode > 0) == (mode @ soft.mode > 0)
            a, b = network.edges.T
            crack = sectors[a] != sectors[b]
            rows[:, i, k] = (np.linalg.norm(found.compliance - exact) / np.linalg.norm(exact),
                             1 - abs(mode @ soft.mode), np.mean(sectors == soft.sectors),
                             np.sum(crack & soft.crack) / np.sum(crack | soft.crack))
    return rows


def verdicts(found: Found) -> list[str]:
    """What was measured; the paper names the possibility and no numbers."""
    full, few = int(np.flatnonzero(COUNTS == N_NODES - 1)[0]), int(np.flatnonzero(COUNTS == 8)[0])
    lines = [f"Responses alone: {found.networks} trained networks of {N_NODES} nodes with λ₂/λ₁ > {GAP:g}; random "
             "currents in, all voltages read.", "",
             verdict(float(found.hessian[0, full]), -np.inf, 1e-6,
                               f"relative error of H⁺ from {N_NODES - 1} responses without noise"),
             verdict(float(found.sectors[1, few]), 0.95, np.inf,
                               f"nodes in the right sector, 8 responses, noise {NOISES[1]:.0%}")]
    lines += [f"      noise {noise:.0%}: crack found from {' '.join(str(c) for c in COUNTS)} responses: "
              + " ".join(f"{x:.2f}" for x in row) for noise, row in zip(NOISES, found.crack, strict=True)]
    return lines


def draw(found: Found) -> Figure:
    """Errors of H⁺ and of the soft mode, sectors and crack, against the number of responses."""
    from matplotlib import colormaps, rc_context
    from matplotlib.figure import Figure

    with rc_context(plots.STYLE):
        figure = Figure(figsize=(7.0, 5.0), layout="constrained")
        axes = figure.subplots(2, 2)
        panels: Sequence[tuple[Array, str]] = (
            (found.hessian, r"relative error of $H^+$"), (found.mode, r"$1 - |v_1 \cdot$ estimate$|$"),
            (found.sectors, "nodes in the right sector"), (found.crack, "crack edges right"))
        for ax, (values, label) in zip(axes.flat, panels, strict=True):
            for i, noise in enumerate(NOISES):
                ax.plot(COUNTS, np.maximum(values[i], 1e-16), "o-", ms=2.5, label=f"noise {noise:.0%}",
                        color=colormaps["viridis"](0.9 * i / len(NOISES)))
            ax.axvline(N_NODES - 1, color=plots.GUIDE, lw=0.7)
            ax.set(xscale="log", xlabel="responses", ylabel=label)
        for ax in axes[0]:
            ax.set_yscale("log")
        axes[1, 1].legend()
        plots.panel_letters(axes.flat)
    return figure


def make(size: Size, folder: Path, threads: int | None = None) -> list[Path]:
    """Compute the figure and write picture, verdicts and data into a folder; returns what was written."""
    found = estimates(size.networks, threads)
    noise, count = np.meshgrid(NOISES, COUNTS, indexing="ij")
    columns = {"noise": noise.ravel(), "responses": count.ravel()}
    columns |= {name: getattr(found, name).ravel() for name in ("hessian", "mode", "sectors", "crack")}
    return landscape.save(folder, "landscape_responses", draw(found), verdicts(found), columns)


FIGURE = Entry(
    "landscape-responses", "Soft mode, sectors and crack from measured responses alone", PAPER_2,
    {"a": "error of the estimated H⁺ against the number of responses", "b": "error of the soft mode",
     "c": "nodes in the right sector", "d": "crack edges right"},
    {"quick": QUICK, "usual": FULL, "full": FULL}, lambda size, folder, given: make(size, folder, given.threads))
