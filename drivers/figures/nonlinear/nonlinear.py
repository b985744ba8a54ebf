"""Networks of transistors at any rate R, beside networks of resistors.

Training time against R of four laws of edges, with and without a ceiling on the gate voltages; XOR learned by the
transistor circuit of the laboratory as published; and how far what coupled learning follows is from the gradient.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from ohmlearn.drivers.analysis.training_times import TrainingTimes
from ohmlearn.drivers.circuits.train_chips import train_chips
from ohmlearn.drivers.figures.catalogue import BEYOND, Entry, Settings
from ohmlearn.drivers.figures.paper1.fig2 import SOURCES, TARGETS, UNTIL, decades
from ohmlearn.drivers.training.ensemble import default_limit
from ohmlearn.drivers.training.train import train
from ohmlearn.edges import NMOS, Linear
from ohmlearn.io.replacing import replacing, save_figure, write_text
from ohmlearn.lab import published_gates, transistor_network, xor_samples
from ohmlearn.learn.update import Update
from ohmlearn.network import Network
from ohmlearn.rule import Rule
from ohmlearn.solvers.nonlinear.gradients import cost_gradient
from ohmlearn.task import Task

from .data import Array, Ends, Nonlinear, Quality, Xor

OVERDRIVE = 2.0             # V, of all gates at the start; with gain 1/OVERDRIVE a channel conducts 1 at 0 V
LEAK = 1e-6
LAWS: dict[str, Any] = {
    "linear": Linear(),
    "mean": NMOS("mean", gain=1 / OVERDRIVE, leak=LEAK),
    "square": NMOS("square", gain=1 / OVERDRIVE, leak=LEAK),
    "level 1": NMOS("level1", gain=1 / OVERDRIVE, leak=LEAK, threshold=0.75, body_effect=1.09, surface_potential=0.95,
                    modulation=0.2)}
CEILED = ("linear", "square")
NUDGES = (1e-3, 1e-2, 0.1, 0.3, 1.0)
STEP, NUDGE = 0.3 * 0.5, 0.5        # of the published training of XOR: γ η, and η


@dataclass(frozen=True)
class Size:
    """tasks : how many, of panels a to c. rates : R. ceilings : over what gates begin with. epochs : of XOR.
    seeds : of XOR. gradients : tasks of panel e."""

    tasks: int
    rates: tuple[float, ...]
    ceilings: tuple[float, ...]
    epochs: int
    seeds: tuple[int, ...]
    gradients: int

    def __post_init__(self) -> None:
        if self.tasks < 3 or self.gradients < 1 or self.epochs < 1:
            raise ValueError(f"three tasks, one gradient and one epoch at least, not {self.tasks}, {self.gradients} "
                             f"and {self.epochs}")


QUICK = Size(6, decades(1e-1, 1e6), (4.0,), 1000, (3, 4), 4)
USUAL = Size(50, decades(1e-2, 1e8), (4.0, 30.0), 10_000, (0, 1, 2, 3, 4), 20)
FULL = Size(50, decades(1e-2, 1e8, 2), (4.0, 30.0), 10_000, tuple(range(64)), 50)


def upward(task: Task) -> tuple[Task, float]:
    """A task with its voltages mapped onto 0 to 1 V, where transistors conduct, and the factor of the voltages."""
    low, high = task.source_voltages.min(), task.source_voltages.max()
    factor = float(1.0 / (high - low))
    return Task(task.sources, (task.source_voltages - low) * factor, task.targets,
                (task.target_voltages - low) * factor), factor


def limited(name: str, ceiling: float | None) -> tuple[Any, Rule]:
    """A law and its rule. A transistor's conductance is its gain times the overdrive, so that with the inverse of the
    gain as prefactor it learns as fast as a resistor."""
    law = LAWS[name]
    if name == "linear":
        return law, Rule(floor_mode="clip", ceiling=ceiling)
    highest = None if ceiling is None else law.threshold + ceiling * OVERDRIVE
    return replace(law, highest=highest), Rule(prefactor=OVERDRIVE)


def ends(network: Network, drawn: Sequence[tuple[Task, float]], rates: Sequence[float], name: str,
         ceiling: float | None = None, threads: int | None = None) -> Ends:
    """Train all tasks at all rates. With voltages smaller by a factor, the same R is one over its square."""
    (law, rule), tasks, factors = limited(name, ceiling), [task for task, _ in drawn], np.array([f for _, f in drawn])
    times, largest = [], []
    for rate in rates:
        runs = train(network, tasks, rate / factors**2, rule=rule, edges=law, until=UNTIL, t_max=default_limit(rate),
                     threads=threads)
        reached = np.array([run.status == "reached" for run in runs])
        times.append(np.where(reached, runs.training_time, np.nan))
        over = runs.conductances - (0.0 if name == "linear" else law.threshold)
        largest.append(over.max(axis=1) / (1.0 if name == "linear" else OVERDRIVE))
    return Ends(TrainingTimes(np.array(rates), np.array(times).T), np.array(largest).T)


def learn_xor(size: Size, threads: int | None = None) -> Xor:
    """The published training of XOR, seed by seed."""
    samples = xor_samples()
    drawn = [published_gates(seed, size.epochs) for seed in size.seeds]
    update = Update(step=STEP, nudge=NUDGE, order=np.stack([order for _, order in drawn], axis=-1))
    learned = train_chips(transistor_network(), samples, edges=NMOS.ald1106(), epochs=size.epochs, dynamics=update,
                          values=np.array([gates for gates, _ in drawn]), every=max(1, size.epochs // 200),
                          threads=threads)
    middle = np.mean(learned.wanted)
    right = (learned.final < middle) == (learned.wanted < middle)
    errors = np.sqrt(np.mean((learned.outputs - learned.wanted) ** 2, axis=(2, 3)))
    return Xor(size.seeds, learned.epochs.astype(float), errors, right.all(axis=(1, 2)))


def gradient_quality(network: Network, count: int) -> Quality:
    """Cosines at gates drawn at random, for tasks mapped onto 0 to 1 V."""
    cosines: dict[str, Array] = {}
    for name, law in LAWS.items():
        rows = []
        for seed in range(count):
            task, _ = upward(Task.allosteric(network, SOURCES, TARGETS, seed=seed, feasible=True))
            scale = np.random.default_rng(seed).uniform(0.5, 1.5, network.n_edges)
            values = scale if name == "linear" else law.threshold + OVERDRIVE * scale
            exact = cost_gradient(network, task, values, edges=law).gradient
            rows.append([_cosine(exact, cost_gradient(network, task, values, edges=law, method="contrast",
                                                      nudge=nudge).gradient) for nudge in NUDGES])
        cosines[name] = np.array(rows)
    return Quality(NUDGES, cosines)


def _cosine(a: Array, b: Array) -> float:
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))


def compute(network: Network, size: Size, threads: int | None = None) -> Nonlinear:
    """All that the figure shows."""
    drawn = [upward(Task.allosteric(network, SOURCES, TARGETS, seed=seed, feasible=True)) for seed in range(size.tasks)]
    laws = {name: ends(network, drawn, size.rates, name, threads=threads) for name in LAWS}
    fast = [rate for rate in size.rates if rate >= 1]
    ceilings = {(name, c): ends(network, drawn, fast, name, c, threads) for name in CEILED for c in size.ceilings}
    return Nonlinear(laws, ceilings, learn_xor(size, threads), gradient_quality(network, size.gradients))


def save(data: Nonlinear, folder: Path, title: str) -> list[Path]:
    """Write picture, table and data into a folder; returns what was written."""
    from .panels import draw
    from .table import table

    folder.mkdir(parents=True, exist_ok=True)
    picture, text, numbers = (folder / name for name in ("nonlinear.png", "nonlinear.txt", "nonlinear.csv"))
    save_figure(draw(data), picture, dpi=250)
    write_text(text, table(data, title))
    with replacing(numbers) as out:
        print("law", "ceiling", "R", "task", "tau", "largest", sep=",", file=out)
        every = [(name, np.inf, found) for name, found in data.laws.items()]
        every += [(name, c, found) for (name, c), found in data.ceilings.items()]
        for name, c, found in every:
            for (task, k), time in np.ndenumerate(found.times.times):
                print(name, c, f"{found.times.rate[k]:.9g}", task, f"{time:.9g}", f"{found.largest[task, k]:.9g}",
                      sep=",", file=out)
    return [picture, text, numbers]


def make(size: Size, folder: Path, settings: Settings) -> list[Path]:
    """Train and compare, and write picture, table and data into a folder; returns what was written."""
    network = settings.make_network()
    title = (f"{network!r}; {size.tasks} feasible tasks with {SOURCES} sources and {TARGETS} targets, mapped onto 0 to "
             "1 V.")
    return save(compute(network, size, settings.threads), folder, title)


FIGURE = Entry(
    "nonlinear", "Networks of transistors at any rate", BEYOND,
    {"a": "training time against R: geometric mean over the tasks that reached the threshold",
     "b": "fraction of tasks that reached it, with ceilings on what learns; lines: R from which half of the tasks feel "
     "them", "c": "largest overdrive of an edge at the end over √R: median",
     "d": "XOR in the transistor circuit: error of the outputs against epochs",
     "e": "cosine of coupled learning's direction with the exact gradient against the nudge"},
    {"quick": QUICK, "usual": USUAL, "full": FULL}, make, adjust={"tasks": int}, takes_network=True)
