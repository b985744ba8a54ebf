"""Paper 2 beyond one linear output: several outputs, no gap between soft modes, outputs that are not linear.

SI Note 2 and the discussion say that the cost Hessian of a network that satisfies n_T constraints has rank n_T; that
stiff modes lie largely in the span of the soft ones even where no gap sets one soft mode apart; and that the satisfied
part of the Hessian is all of it for a nonlinear constraint too, once C is small.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ohmlearn.drivers.figures.catalogue import PAPER_2, Entry
from ohmlearn.drivers.figures.paper2 import landscape
from ohmlearn.drivers.figures.paper2.landscape import Array, Problem
from ohmlearn.drivers.figures.paper2.output_spans import COSTS, FAMILIES, N_NODES, SOFT, Spans, problem, spans, train
from ohmlearn.drivers.figures.paper2.outputs_data import Bent, Spectrum
from ohmlearn.drivers.figures.paper2.outputs_panels import draw
from ohmlearn.drivers.figures.verdicts import fraction_error, median_error, verdict
from ohmlearn.io.replacing import write_table
from ohmlearn.outputs import Constraint
from ohmlearn.solvers.hessian.hessian import hessian
from ohmlearn.solvers.hessian.hessian_trajectory import hessian_trajectory
from ohmlearn.task import Task

OUTPUTS = (1, 2, 3, 4, 5)
SHOWN = 10                      # eigenvalues kept
ENOUGH, LARGELY = 6, 0.5        # six soft modes hold more than half of the stiff modes
CURVES: dict[str, tuple[Callable[[Array], Array], Callable[[Array], Array], Callable[[Array], Array]]] = {
    "square": (np.square, lambda x: 2 * x, lambda x: 2 + 0 * x),
    "cube": (lambda x: x**3, lambda x: 3 * x**2, lambda x: 6 * x),
    "exponential": (np.expm1, np.exp, np.exp)}


@dataclass(frozen=True)
class Size:
    """networks : of each family and number of outputs (a, b), of each curve (d), twice as many of each number of
    outputs (c). outputs : their numbers. nodes : of a network."""

    networks: int
    outputs: tuple[int, ...] = OUTPUTS
    nodes: int = N_NODES

    def __post_init__(self) -> None:
        if self.networks < 2:
            raise ValueError(f"two networks of each kind at least, not {self.networks}")


QUICK, USUAL, FULL = Size(4), Size(12), Size(50)


def spectrum(family: str, given: Problem) -> Spectrum:
    """Train a network and follow its spectrum."""
    states = train(given)
    values = [np.sort(np.abs(np.linalg.eigvalsh(hessian(given.network, given.task, g).total())))[::-1][:SHOWN]
              for g in states.history]
    return Spectrum(family, given.task.n_targets, states.costs / states.initial_cost, np.array(values))


def bent(given: Problem, curve: str) -> Problem:
    """The same with one output f(V_a - V_b), its drop twice that at the start."""
    value, slope, second = CURVES[curve]
    a, b = given.task.targets[0]
    drop = np.zeros(given.network.n_nodes)
    drop[[a, b]] = 1.0, -1.0
    now = float(hessian(given.network, given.task, given.conductances).errors[0] + given.target)
    output = Constraint(lambda v: value(drop @ v), lambda v: slope(drop @ v) * drop,
                        lambda v: second(drop @ v) * np.outer(drop, drop))
    return Problem(given.network, given.conductances, Task(currents=given.task.currents, targets=[output],
                                                           target_voltages=[float(value(np.array(2 * now)))]))


def bends(count: int, n_nodes: int) -> list[Bent]:
    """Delaunay networks that learn one nonlinear output."""
    found = []
    for curve in CURVES:
        for seed in range(count):
            given = bent(problem("Delaunay", seed, 1, n_nodes=n_nodes), curve)
            states = train(given)
            course = hessian_trajectory(given.network, given.task, states.history)
            found.append(Bent(curve, course.cost / states.initial_cost, course.ratio))
    return found


def verdicts(found: Sequence[Spectrum], spanned: Spans, curved: Sequence[Bent], size: Size) -> list[str]:
    """What was measured beside what the paper says."""
    rests, ends = (np.array([getattr(one, name) for one in found]) for name in ("slope", "remainder"))
    slopes = np.array([one.slope for one in curved])
    k, several = SOFT.index(ENOUGH), spanned.outputs > 1
    fraction, dimensions = spanned.fractions[several][:, :, k], float(np.mean(spanned.dimensions[:, k]))
    least = np.median(spanned.least[several][:, 0, k])
    right = float(np.mean([one.stiff == one.outputs for one in found]))
    lines = [f"Several outputs: {len(found)} networks of {size.nodes} nodes of {len(FAMILIES)} families with "
             f"{size.outputs[0]} to {size.outputs[-1]} outputs; {len(spanned.gap)} Delaunay networks without a gap; "
             f"{len(curved)} with a nonlinear output.", "",
             verdict(right, 1.0, 1.0, "fraction of the networks with as many stiff modes as outputs, all families",
                     fraction_error(1.0, len(found))),
             verdict(float(np.median(rests)), 0.48, 0.52, "first eigenvalue beyond the outputs ∝ C^x, x (median)",
                     median_error(rests)),
             verdict(float(np.median(ends)), -np.inf, 1e-4,
                     f"first eigenvalue beyond the outputs over the last of theirs at C = {COSTS[-1]:g} C(0) (median)",
                     median_error(ends)),
             verdict(float(np.median(fraction[:, 0])), LARGELY, np.inf,
                     f"no gap (λ₂/λ₁ {np.median(spanned.gap):.2g}), several outputs: fraction of the stiff "
                     f"modes in the span of the {ENOUGH} softest modes (median)", median_error(fraction[:, 0])),
             verdict(float(np.median(fraction[:, 0] - fraction[:, 3])), 0.2, np.inf,
                     "that share less the one of as many random modes (median)",
                     median_error(fraction[:, 0] - fraction[:, 3]))]
    middle = np.median(fraction, axis=0)
    lines += [f"      the same before training {middle[1]:.2f}, trained to outputs that random conductances give "
              f"{middle[2]:.2f}, random modes {middle[3]:.2f}, dimensions over edges {dimensions:.2f}; least squared "
              f"cosine of the trained ones {least:.2f}"]
    for curve in CURVES:
        own = np.array([one.slope for one in curved if one.curve == curve])
        lines.append(verdict(float(np.median(own)), 0.48, 0.52,
                             f"nonlinear output ({curve}): ‖H_dyn‖/‖H_sat‖ ∝ C^x, x (median)", median_error(own)))
    lines.append(f"      all slopes of nonlinear outputs {slopes.min():.3f} to {slopes.max():.3f}; of the eigenvalues "
                 f"{rests.min():.3f} to {rests.max():.3f}")
    return lines


def make(size: Size, folder: Path) -> list[Path]:
    """Compute the figure and write picture, verdicts and data into a folder; returns what was written."""
    found = [spectrum(family, problem(family, seed, many, n_nodes=size.nodes)) for family in FAMILIES
             for many in size.outputs for seed in range(size.networks)]
    spanned, curved = spans(2 * size.networks, size.outputs, size.nodes), bends(size.networks, min(size.nodes, 36))
    paths = landscape.save(folder, "landscape_outputs", draw(found, spanned, curved),
                           verdicts(found, spanned, curved, size), {
        "family": [list(FAMILIES).index(one.family) for one in found for _ in one.cost],
        "outputs": [one.outputs for one in found for _ in one.cost],
        "cost": np.concatenate([one.cost for one in found]),
        **{f"eigenvalue{k + 1}": np.concatenate([one.values[:, k] for one in found]) for k in range(SHOWN)}})
    second, third = folder / "landscape_outputs_spans.csv", folder / "landscape_outputs_bent.csv"
    where = np.indices(spanned.fractions.shape).reshape(3, -1)
    write_table(second, np.column_stack([where[0], spanned.outputs[where[0]], spanned.gap[where[0]], where[1],
                                        np.array(SOFT)[where[2]], spanned.fractions.ravel(), spanned.least.ravel()]),
               "%.9g", ",", header="network,outputs,gap,kind,soft_modes,fraction,least", comments="")
    write_table(third, np.column_stack([np.repeat([list(CURVES).index(one.curve) for one in curved],
                                                 [len(one.cost) for one in curved]),
                                       np.concatenate([one.cost for one in curved]),
                                       np.concatenate([one.ratio for one in curved])]),
               "%.9g", ",", header="curve,cost,ratio", comments="")
    return [*paths, second, third]


FIGURE = Entry(
    "landscape-outputs", "Several outputs, no gap, nonlinear outputs: what holds of the two Hessians", PAPER_2,
    {"a": "eigenvalues of the cost Hessian of trained networks with one to five outputs, four families",
     "b": "the first eigenvalue beyond the outputs against C", "c": "fraction of the stiff modes in the span of the k "
     "softest modes of networks without a gap, against k", "d": "dynamic over satisfied part against C for outputs "
     "that are not linear"},
    {"quick": QUICK, "usual": USUAL, "full": FULL}, lambda size, folder, given: make(size, folder))
