"""Learning that saves power: the error against the power of circuits that are trained with a penalty on what they
dissipate, and the energy of a sample and of a training.

A penalty of weight λ pulls the edges by -λ Δv², the error by what is proportional to it. At rest the two are equal, so
that the mean squared error grows as λ². That law ends on either side: at small λ by what is left of the error when
training ends, at large λ by conductances that fall during the training, some to the lowest, so that the pulls change.
"""
from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from ohmlearn.drivers.circuits.learned import Learned
from ohmlearn.drivers.circuits.train_on_data import train_on_data
from ohmlearn.learn.terminals import Terminals
from ohmlearn.learn.update import Update
from ohmlearn.network import Network
from ohmlearn.parallel.threads import available_threads, in_threads
from ohmlearn.results.units import Units
from ohmlearn.solvers.equilibrium.equilibrium import Equilibrium

from .comparison import Row

Floats = NDArray[np.float64]
NODES, SAMPLES, EPOCHS = 64, 8, 10_000
WEIGHTS = np.r_[0.0, 10 ** np.linspace(-6, -2, 9)]
WITH_ENERGY = 0, 5      # numbers of the weights, 0 and 1e-4, of which energies are shown
# With longer steps trainings become unstable once penalties have made conductances small.
STEP, NUDGE = 5.0, 1e-3
MARKS = 16              # moments of a training at which its power is measured
NETWORKS = 2            # that dissipate: the free and the clamped one
# Errors that count for the slope: so many times that without a penalty, with so much of its power at least.
ABOVE_REST, POWER_LEFT = 100.0, 0.8
UNITS = Units(conductance="1/10kohm", capacitance="22uF")


class Samples(NamedTuple):
    """A network, where two features enter and two outputs are read, and samples that it can answer exactly."""

    network: Network
    terminals: Terminals
    X: Floats
    y: Floats


class Trained(NamedTuple):
    """A training with a penalty. error : mean squared, in V². power : of a sample, at the end, in G₀ V². energy :
    of both networks while all updates are made and every sample is presented for 1/γp, in G₀ V²/γp."""

    error: float
    power: float
    energy: float


def drawn(seed: int) -> Samples:
    """A packing, and what it answers with other conductances: two sources, ground, two targets."""
    network = Network.packing(NODES, seed=seed)
    rng = np.random.default_rng(seed)
    one, other, ground, *targets = (int(node) for node in rng.permutation(network.n_nodes)[:5])
    X = rng.uniform(0.0, 1.0, (SAMPLES, 2))
    circuit = Equilibrium(network, [one, other, ground])
    planted = rng.uniform(0.2, 1.8, network.n_edges)
    y = np.array([circuit.solve(planted, [*x, 0.0])[targets] for x in X])
    return Samples(network, Terminals([one, other], targets, held={ground: 0.0}), X, y)


def trained(samples: Samples, weight: float, epochs: int) -> Trained:
    """Train all conductances from 1 with a penalty, all samples in every update."""
    update = Update(step=STEP, nudge=NUDGE, power=weight, batch=len(samples.X), order="cyclic")
    marks = np.unique(np.round(np.geomspace(1, epochs, MARKS)).astype(int))
    learned: Learned | None = None
    power = []
    for count in np.diff(marks, prepend=[0, 0]):
        learned = train_on_data(samples.network, samples.terminals, samples.X, samples.y, dynamics=update,
                                epochs=int(count), every=max(1, int(count)), values=learned, threads=1)
        power.append(float(learned.power(samples.X)[0]))
    assert learned is not None
    energy = NETWORKS * len(samples.X) * np.trapezoid(power, np.r_[0, marks])
    error = np.mean((learned.outputs(samples.X) - samples.y) ** 2)
    return Trained(float(error), power[-1], float(energy))


def slope(weights: Floats, errors: Floats, powers: Floats) -> float:
    """Slope of log error on log λ, where the training has ended and the penalty is a small one; NaN where this is so at
    fewer than three weights. weights : the first is 0."""
    counts = (errors > ABOVE_REST * errors[0]) & (powers > POWER_LEFT * powers[0]) & (weights > 0)
    return fitted(weights[counts], errors[counts])


def fitted(weights: Floats, errors: Floats) -> float:
    """Slope of log error on log λ, NaN for fewer than three."""
    if len(weights) < 3:
        return np.nan
    return float(np.polyfit(np.log(weights), np.log(errors), 1)[0])


def power(epochs: int | None = None, tasks: int = 20, threads: int | None = None) -> list[Row]:
    """Error and power against the weight of the penalty, and energies."""
    epochs = EPOCHS if epochs is None else epochs
    every = [drawn(seed) for seed in range(tasks)]
    trained(every[0], 0.0, 1)       # compiles on one thread
    jobs = [(samples, weight) for samples in every for weight in WEIGHTS]
    found = in_threads(lambda job: trained(job[0], job[1], epochs), jobs, min(available_threads(threads), len(jobs)))
    error, dissipated, energy = np.array(found).reshape(tasks, len(WEIGHTS), 3).transpose(2, 0, 1)
    slopes = np.array([slope(WEIGHTS, *rows) for rows in zip(error, dissipated, strict=True)])
    whole = np.array([fitted(WEIGHTS[1:], row[1:]) for row in error])
    known = np.isfinite(slopes)
    rows = [Row(f"power: slope of the error on λ, {known.sum()} of {tasks} tasks", deviation(slopes[known]), "",
                "expected 2"),
            Row(f"power: the same over all λ from {WEIGHTS[1]:g} to {WEIGHTS[-1]:g}", deviation(whole), "",
                "unfinished trainings and large penalties included")]
    for k, weight in enumerate(WEIGHTS):
        rows.append(Row(f"power: λ = {weight:.1e}: median error, V²", f"{np.median(error[:, k]):.2e}", "",
                        f"{np.median(dissipated[:, k] / dissipated[:, 0]):.3f} of the power without a penalty"))
    for k in WITH_ENERGY:
        rows += [Row(f"power: λ = {WEIGHTS[k]:g}: energy of a sample that is presented for 1/γp, G₀ V²/γp",
                     f"{np.mean(dissipated[:, k]):.3f}", "", in_joules(np.mean(dissipated[:, k]))),
                 Row(f"power: λ = {WEIGHTS[k]:g}: energy of {epochs} updates from {SAMPLES} samples, two networks",
                     f"{np.mean(energy[:, k]):.3g}", "", in_joules(np.mean(energy[:, k])))]
    return rows


def deviation(values: Floats) -> str:
    """Mean and standard deviation, smallest and largest; a dash where there are none."""
    if not len(values):
        return "–"
    return f"{values.mean():.2f} ± {values.std():.2f} ({values.min():.2f} to {values.max():.2f})"


def in_joules(energy: float) -> str:
    """An energy in J, for resistors and capacitors of a laboratory circuit."""
    return f"{energy * UNITS.energy:.2g} J for 10 kΩ, 22 µF and 1 V"
