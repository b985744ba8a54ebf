"""Fig. 1b-f of paper 1, computed: the lab circuit's traces, error floor and training times over R; and what decides
whether its oscillations last."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from ohmlearn.drivers.figures.catalogue import PAPER_1, Entry
from ohmlearn.drivers.figures.paper1.fig1_data import AS_BUILT, Fig1, LabSweep
from ohmlearn.drivers.lab.train import train
from ohmlearn.io.replacing import replacing, save_figure, write_table, write_text
from ohmlearn.lab.circuit import LabCircuit, lab_network, lab_task
from ohmlearn.lab.run import LabRuns
from ohmlearn.network import Network
from ohmlearn.task import Task

CAPACITANCES = (2.2e-6, 22e-6, 220e-6, 2200e-6)     # F, the paper's four
LEARNING_RATES = 0.04, 10.0                         # 1/s, slowest and fastest; the paper does not print its own
RATES = tuple(float(f"{rate:.12g}") for rate in 10.0 ** np.arange(-3.0, 2.01, 0.5))
LEAST = 1e-16                                       # of C(0): quartiles below are rounding
STEPS = 3000                                        # of panel e
TRACE_SEED = 2                                      # a task whose oscillations show
TRACED = ((0.01, 2.2e-6), (0.1, 2.2e-6), (1.0, 22e-6), (10.0, 220e-6), (100.0, 2200e-6))
VARIANT_RATES = (0.01, 0.1, 1.0, float(f"{10**0.5:.6g}"), 10.0, float(f"{10**1.5:.6g}"), 100.0)

VARIANTS = {
    "as built": AS_BUILT,
    "capacitors at the nodes": replace(AS_BUILT, capacitors="nodes"),
    "continuous resistances, a tenth of a tap a step": replace(AS_BUILT, discrete=False, step=0.1),
    "unsigned rule, to whole taps": replace(AS_BUILT, signed=False),
    "unsigned rule, continuous resistances": replace(AS_BUILT, signed=False, discrete=False),
    "footnote 1, the earlier XOR": replace(AS_BUILT, comparators="earlier"),
    "Eq. 6 as printed": replace(AS_BUILT, comparators="eq6"),
    "no comparator noise": replace(AS_BUILT, noise=0.0),
    "comparator noise of 0.03 V": replace(AS_BUILT, noise=0.03),
    "comparators biased by 0.01 V": replace(AS_BUILT, bias=0.01),
    "a pause after the turn too": replace(AS_BUILT, pause="both"),
    "potentiometers a step late": replace(AS_BUILT, delay=1),
    "potentiometers 3 steps late": replace(AS_BUILT, delay=3),
    "steps of 3 taps": replace(AS_BUILT, step=3.0),
    "steps of a quarter tap": replace(AS_BUILT, discrete=False, step=0.25),
}


@dataclass(frozen=True)
class Size:
    """How much is computed. tasks : of panels e and f, and of the variants. steps : training steps of every circuit."""

    tasks: int
    steps: int = STEPS

    def __post_init__(self) -> None:
        if self.tasks < 1 or self.steps < 100:
            raise ValueError(f"Fig. 1 needs a task and 100 training steps at least, not {self.tasks} and {self.steps}")


QUICK, USUAL, FULL = Size(24), Size(48), Size(200)


def settings() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(n_settings,) R and c of panels e and f: every capacitor at the R that its learning rates reach."""
    slow, fast = LEARNING_RATES
    r0 = AS_BUILT.reference
    found = [(rate, c) for rate in RATES for c in CAPACITANCES if slow <= rate / (r0 * c) <= fast]
    return np.array([rate for rate, _ in found]), np.array([c for _, c in found])


def sweep(network: Network, tasks: Sequence[Task], rate: NDArray[np.float64], capacitance: NDArray[np.float64],
          circuit: LabCircuit, steps: int, threads: int | None = None) -> LabSweep:
    """Train every task at every setting, each with noise of its own."""
    n, columns = len(tasks), []
    for k in range(len(rate)):
        runs: LabRuns = train(network, tasks, rate[k], capacitance=capacitance[k], circuit=circuit, steps=steps,
                            seed=np.arange(n) + 1000 * k, threads=threads)
        late = np.array([run.late for run in runs])
        own = np.maximum([run.floor_quartiles for run in runs], LEAST)
        columns.append((runs.steps, runs.floor, runs.equilibrium_cost, np.quantile(late, [0.25, 0.5, 0.75]),
                        np.log10(own[:, 2] / own[:, 0])))
    times, floors, settled, quartiles, widths = (np.column_stack(column) for column in zip(*columns, strict=True))
    return LabSweep(rate, capacitance, times, floors, quartiles, widths, settled)


def compute(size: Size, threads: int | None = None, seed: int = 0) -> Fig1:
    """Train all circuits of the figure; the tasks of panels e and f are those of `lab_task` from this seed on."""
    network = lab_network()
    tasks = [lab_task(network, seed + k) for k in range(size.tasks)]
    traced = lab_task(network, TRACE_SEED)
    traces = train(network, traced, [rate for rate, _ in TRACED], capacitance=[c for _, c in TRACED],
                 steps=size.steps, threads=threads)
    rates = np.array(VARIANT_RATES)
    variants = {name: sweep(network, tasks, rates, np.full(rates.size, 22e-6), circuit, size.steps, threads)
                for name, circuit in VARIANTS.items()}
    found = sweep(network, tasks, *settings(), AS_BUILT, size.steps, threads)
    return Fig1(network, traced, traces, found, variants)


def save(data: Fig1, folder: Path) -> list[Path]:
    """Write picture, table, and the data of all panels into a folder; returns what was written."""
    from .fig1_panels import draw
    from .fig1_table import table

    folder.mkdir(parents=True, exist_ok=True)
    picture, text, traces, circuits, others = (folder / name for name in (
        "fig1.png", "fig1.txt", "fig1bcd_traces.npz", "fig1ef_circuits.csv", "fig1gh_variants.csv"))
    save_figure(draw(data), picture, dpi=250)
    write_text(text, table(data))
    arrays: dict[str, Any] = {
        "edges": data.network.edges, "positions": data.network.positions, "sources": data.task.sources,
        "source_voltages": data.task.source_voltages, "targets": data.task.targets,
        "target_voltages": data.task.target_voltages, "R": data.traces.rate, "capacitance": data.traces.capacitance,
        "cost": np.array([run.cost for run in data.traces]), "seconds": np.array([run.seconds for run in data.traces])}
    with replacing(traces, "wb") as file:
        np.savez(file, **arrays)
    found = data.sweep
    task, column = np.indices(found.steps.shape).reshape(2, -1)
    write_table(circuits, np.column_stack([task, found.rate[column], found.capacitance[column],
                                          found.learning_rate[column], found.steps.ravel(), found.floors.ravel(),
                                          found.settled.ravel(), found.widths.ravel()]), "%.9g", ",", comments="",
               header="task,R,capacitance,learning_rate,tau_steps,floor,equilibrium_cost,log10_width")
    with replacing(others) as out:
        print("circuit,R,reached,median_steps,mean_floor,mean_log10_width,median_equilibrium_cost", file=out)
        for name, one in data.variants.items():
            for k, rate in enumerate(one.rate):
                reached = one.steps[np.isfinite(one.steps[:, k]), k]
                print(name.replace(",", ""), f"{rate:g}", reached.size,
                      f"{np.median(reached) if reached.size else np.nan:g}", f"{one.floors[:, k].mean():.6g}",
                      f"{one.widths[:, k].mean():.6g}", f"{np.median(one.settled[:, k]):.6g}", sep=",", file=out)
    return [picture, text, traces, circuits, others]


def make(size: Size, folder: Path, threads: int | None = None) -> list[Path]:
    """Compute Fig. 1b-f and write it into a folder: picture, table and data; returns what was written."""
    return save(compute(size, threads), folder)


FIGURE = Entry(
    "fig1", "The lab circuit: twin networks of potentiometers and capacitors that learn by the sign rule", PAPER_1,
    {"b": "the board, its sources and targets", "c": "C of one task at five R, against training steps",
     "d": "the same against lab time", "e": "error floor against R, by capacitor",
     "f": "training time against R, with the power laws -1 and -1/2", "g": "mean error floor against R of the circuit "
     "with one difference: late potentiometers, coarse or fine steps, no noise", "h": "third over first quartile of C "
     "in the last third of a circuit's steps"},
    {"quick": QUICK, "usual": USUAL, "full": FULL}, lambda size, folder, given: make(size, folder, given.threads),
    adjust={"tasks": int})
