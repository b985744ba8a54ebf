"""Limits that paper 1 names: how many targets can be learned at high R, and how much noise and bias the rule stands.

The discussion expects fast training to fail where a problem is under-parameterised, and finds coupled learning robust
to noise and bias. Targets are added until every node that is no source is one. Two kinds of task: desired voltages
drawn as in the paper, which soon contradict each other, and those of a network with random conductances (a teacher),
which can always be met. Noise and bias are those of the comparators of the lab circuit, in volts, as it was built and
with the rule and the capacitors of the simulation.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from ohmlearn.drivers.figures.beyond.limits_data import Crowding, Disturbed
from ohmlearn.drivers.figures.beyond.limits_panels import draw
from ohmlearn.drivers.figures.catalogue import BEYOND, Entry, Settings
from ohmlearn.drivers.figures.paper2.landscape import Array
from ohmlearn.drivers.figures.verdicts import fraction_error, verdict
from ohmlearn.drivers.lab.train import train as train_lab
from ohmlearn.drivers.training.train import train
from ohmlearn.io.replacing import replacing, save_figure, write_text
from ohmlearn.lab.circuit import LabCircuit, lab_network, lab_task
from ohmlearn.network import Network
from ohmlearn.solvers.hessian.circuit import voltages
from ohmlearn.task import Task

SOURCES = 10
UNTIL = 1e-6
FAST = 1e2              # R from which training counts as fast
RATES = (0.1, 1.0, 1e1, 1e2, 1e4, 1e6)
LIMIT = 1000.0          # of the time: over R up to R = 1, over √R beyond
LAB_RATES = (0.01, 1.0, 100.0)
VOLTS = (0.0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3)       # of noise and of bias; the circuit as built has 0.01 V noise
TEACHER = 0.1, 10.0                                     # conductances of a teacher, evenly in their logarithm
LAB_STEPS, LAB_UNTIL = 1500, 1e-3
QUIET = LabCircuit(noise=0.0)
CIRCUITS = {"as built": QUIET,
            "as simulated": replace(QUIET, signed=False, discrete=False, capacitors="nodes")}


@dataclass(frozen=True)
class Size:
    """tasks : of every kind. targets : their numbers. lab_tasks : circuits at every noise and bias."""

    tasks: int
    targets: tuple[int, ...]
    lab_tasks: int

    def __post_init__(self) -> None:
        if self.tasks < 1 or self.lab_tasks < 1 or min(self.targets, default=0) < 1:
            raise ValueError(f"at least one task, one circuit and one target, not {self.tasks}, {self.lab_tasks} and "
                             f"{self.targets}")


MANY = (1, 2, 3, 5, 8, 12, 18, 25, 35, 50)
QUICK, USUAL, FULL = Size(5, (1, 3, 8, 18), 8), Size(16, MANY, 24), Size(32, MANY, 48)


def teacher_task(network: Network, sources: int, targets: int, seed: int) -> Task:
    """A task like :meth:`Task.allosteric` whose desired voltages the network gives at random conductances."""
    task = Task.allosteric(network, sources, targets, seed=seed)
    rng = np.random.default_rng([seed, 3])
    low, high = np.log(TEACHER)
    conductances = np.exp(rng.uniform(low, high, network.n_edges))
    return replace(task, target_voltages=voltages(network, task, conductances)[task.targets])


KINDS: dict[str, Callable[[Network, int, int], Task]] = {
    "drawn": lambda network, count, seed: Task.allosteric(network, SOURCES, count, seed=seed, feasible=count < 9),
    "of a teacher": lambda network, count, seed: teacher_task(network, SOURCES, count, seed)}


def crowding(network: Network, size: Size, threads: int | None = None) -> Crowding:
    """Train tasks of both kinds with more and more targets at every R."""
    reached: dict[str, list[Array]] = {}
    cost: dict[str, list[Array]] = {}
    for kind, draw_task in KINDS.items():
        for count in size.targets:
            tasks = [draw_task(network, count, seed) for seed in range(size.tasks)]
            runs = [train(network, tasks, rate=np.full(size.tasks, rate), until=UNTIL, go_on=True,
                          t_max=LIMIT / min(rate, rate**0.5), threads=threads) for rate in RATES]
            reached.setdefault(kind, []).append(np.array([r.status == "reached" for r in runs]))
            cost.setdefault(kind, []).append(np.array([r.final_cost for r in runs]))
    return Crowding(np.array(size.targets), np.array(RATES), {kind: np.array(x) for kind, x in reached.items()},
                    {kind: np.array(x) for kind, x in cost.items()})


def disturb(circuit: LabCircuit, what: str, tasks: Sequence[Task], threads: int | None = None) -> Disturbed:
    """Train circuits with `what`, "noise" or "bias", of more and more volts, at every R."""
    n, network = len(tasks), lab_network()
    circuits = [replace(circuit, noise=v) if what == "noise" else replace(circuit, bias=v) for v in VOLTS]
    runs = [train_lab(network, list(tasks) * len(LAB_RATES), np.repeat(LAB_RATES, n), circuit=each, steps=LAB_STEPS,
                until=LAB_UNTIL, seed=np.tile(np.arange(n), len(LAB_RATES)), traces=False, threads=threads)
            for each in circuits]
    shape = (len(VOLTS), len(LAB_RATES), n)
    return Disturbed(np.array(VOLTS), np.array(LAB_RATES),
                     np.array([np.isfinite(r.steps) for r in runs]).reshape(shape),
                     np.array([r.floor for r in runs]).reshape(shape))


def first_failure(crowd: Crowding, kind: str, fraction: float = 0.5) -> Array:
    """(n_rates,) smallest number of targets at which fewer than a fraction of the tasks are learned; NaN if none."""
    fails = crowd.reached[kind].mean(axis=2) < fraction
    return np.where(fails.any(axis=0), crowd.count[fails.argmax(axis=0)], np.nan)


def lines(crowd: Crowding, disturbed: dict[str, dict[str, Disturbed]], title: str) -> list[str]:
    """What was measured, and what the paper leads one to expect."""
    told = [title, f"Success is C* < {UNTIL:g} C*(0) after {LIMIT:g}/R (R <= 1) or {LIMIT:g}/√R; of circuits, C < "
            f"{LAB_UNTIL:g} C(0) held for ten steps.", ""]
    few = crowd.count <= 3
    fractions = {kind: x.mean(axis=2) for kind, x in crowd.reached.items()}
    easy = float(fractions["of a teacher"][few].min())
    tasks = crowd.reached["of a teacher"].shape[2]
    told.append(verdict(easy, 0.8, 1.0, "least fraction of a teacher's tasks learned with up to 3 targets, at every R",
                        fraction_error(0.8, tasks)))
    for kind, fraction in fractions.items():
        slow, fast = fraction[:, 0], fraction[:, crowd.rate >= FAST].mean(axis=1)
        worst = int(np.argmin(fast - slow))
        told.append(f"      {kind}: R >= {FAST:g} loses most against R = {crowd.rate[0]:g} with "
                    f"{crowd.count[worst]} targets, {fast[worst]:.0%} against {slow[worst]:.0%}; with "
                    f"{crowd.count[-1]} targets {fast[-1]:.0%} against {slow[-1]:.0%}")
    for kind in crowd.reached:
        ends = ", ".join(f"R = {rate:g}: {'never' if np.isnan(n) else f'{n:g}'}"
                         for rate, n in zip(crowd.rate, first_failure(crowd, kind), strict=True))
        told.append(f"      targets at which fewer than half of the tasks ({kind}) are learned: {ends}")
    built = disturbed["as built"]
    at = int(np.argmin(np.abs(built["noise"].volts - 0.01)))
    told.append(verdict(float(built["noise"].reached[at, :-1].mean()), 0.8, 1.0, "fraction of circuits as built that "
                        "learn with the lab's noise of 0.01 V at R <= 1",
                        fraction_error(0.8, built["noise"].reached[at, :-1].size)))
    for name, both in disturbed.items():
        for what, found in both.items():
            ends = "; ".join(f"R = {rate:g}: " + ", ".join(f"{v:g} V {x:.2g}" for v, x in zip(
                found.volts, np.median(found.floor[:, k], axis=1), strict=True)) for k, rate in enumerate(found.rate))
            told.append(f"      median error floor, {name}, {what}: {ends}")
    return told


def make(size: Size, folder: Path, given: Settings) -> list[Path]:
    """Compute the limits and write picture, verdicts and data into a folder; returns what was written."""
    network = given.make_network()
    crowd = crowding(network, size, given.threads)
    tasks = [lab_task(lab_network(), seed) for seed in range(size.lab_tasks)]
    disturbed = {name: {what: disturb(circuit, what, tasks, given.threads) for what in ("noise", "bias")}
                 for name, circuit in CIRCUITS.items()}
    title = (f"Limits of learning: {network!r}, {SOURCES} sources, {size.tasks} tasks of each kind; "
             f"{size.lab_tasks} tasks of the lab circuit, {LAB_STEPS} training steps.")
    folder.mkdir(parents=True, exist_ok=True)
    picture, text = folder / "limits.png", folder / "limits.txt"
    save_figure(draw(crowd, disturbed), picture, dpi=250)
    write_text(text, "\n".join(lines(crowd, disturbed, title)) + "\n")
    return [picture, text, *tables(folder, crowd, disturbed)]


def tables(folder: Path, crowd: Crowding, disturbed: dict[str, dict[str, Disturbed]]) -> list[Path]:
    """The data of all panels, one table for targets and one for volts; returns what was written."""
    first, second = folder / "limits_targets.csv", folder / "limits_volts.csv"
    with replacing(first) as out:
        print("kind,targets,R,fraction_reached,median_cost,lower,upper", file=out)
        for kind in crowd.reached:
            for i, k in np.ndindex(len(crowd.count), len(crowd.rate)):
                cost = np.quantile(crowd.cost[kind][i, k], [0.5, 0.25, 0.75])
                print(kind, crowd.count[i], f"{crowd.rate[k]:g}", f"{crowd.reached[kind][i, k].mean():.4g}",
                      *(f"{x:.6g}" for x in cost), sep=",", file=out)
    with replacing(second) as out:
        print("circuit,disturbance,volts,R,fraction_reached,median_floor,lower,upper", file=out)
        for name, both in disturbed.items():
            for what, found in both.items():
                for i, k in np.ndindex(len(found.volts), len(found.rate)):
                    floor = np.quantile(found.floor[i, k], [0.5, 0.25, 0.75])
                    print(name.replace(",", ""), what, found.volts[i], f"{found.rate[k]:g}",
                          f"{found.reached[i, k].mean():.4g}", *(f"{x:.6g}" for x in floor), sep=",", file=out)
    return [first, second]


FIGURE = Entry(
    "limits", "Limits: how many targets at high R, how much noise and bias in the rule", BEYOND,
    {"a": "fraction of tasks learned against the number of targets, desired voltages drawn as in the paper",
     "b": "the same with voltages that a network with random conductances gives", "c": "C* at the end, both kinds",
     "d": "error floor of the lab circuit against comparator noise", "e": "the same against bias",
     "f": "fraction of circuits that learn against noise"},
    {"quick": QUICK, "usual": USUAL, "full": FULL}, make, adjust={"tasks": int}, takes_network=True)
