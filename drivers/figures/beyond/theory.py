"""The linear theory of learning out of equilibrium (Eqs. 4 and 12-14 of paper 1) beside what is measured.

The spectrum of one trained network as R passes R_c, its C(t) below and above, and the predicted onset of oscillations
of many tasks against the observed one. Two predictions: by the slowest mode of the state trained at R = 0.3 alone, and
R_c, which also counts oscillations that begin before training, see :mod:`ohmlearn.solvers.theory.linear_theory`.
"""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ohmlearn.drivers.analysis.onset import OnsetScan, scan_onsets
from ohmlearn.drivers.figures.beyond.theory_data import FACTOR, FRACTION, SHOWN, Compared, Shown
from ohmlearn.drivers.figures.beyond.theory_panels import draw
from ohmlearn.drivers.figures.catalogue import BEYOND, Entry, Settings
from ohmlearn.drivers.figures.paper1.fig2 import SOURCES, TARGETS, decades
from ohmlearn.drivers.figures.verdicts import fraction_error, verdict
from ohmlearn.drivers.training.train import train
from ohmlearn.io.replacing import replacing, save_figure, write_table, write_text
from ohmlearn.network import Network
from ohmlearn.run import Record
from ohmlearn.solvers.theory.linear_theory import Theory, theory
from ohmlearn.task import Task

TRAINED_AT = 0.3
AROUND = (0.3, 3.0, 30.0)           # of the traces, in R_c
SEARCHED = 0.05, 100.0


@dataclass(frozen=True)
class Size:
    """tasks : how many. rates : a decade, of the measured scan."""

    tasks: int
    rates: int

    def __post_init__(self) -> None:
        if self.tasks < 2 or self.rates < 1:
            raise ValueError(f"the theory is compared over two tasks and one rate a decade at least, not {self.tasks} "
                             f"and {self.rates}")


QUICK, USUAL, FULL = Size(8, 6), Size(40, 12), Size(100, 16)


def compare(network: Network, tasks: list[Task], per_decade: int, threads: int | None
            ) -> tuple[Compared, list[Theory], OnsetScan]:
    """Theories of all tasks from their runs at R = 0.3, and their measured onsets."""
    runs = train(network, tasks, rate=TRAINED_AT, threads=threads)
    theories = [theory(network, task, run) for task, run in zip(tasks, runs, strict=True)]
    scan = scan_onsets(network, tasks, decades(*SEARCHED, per_decade), threads=threads)
    slowest = [one.onset_of_slowest(SEARCHED) for one in theories]     # LAPACK has threads of its own
    start = [one.onset_from_start(SEARCHED) for one in theories]
    found = Compared(np.array(slowest), np.array(start), scan.onset, runs.status == "reached", ~scan.never_smooth)
    return found, theories, scan


def show(network: Network, found: Compared, theories: list[Theory], threads: int | None) -> Shown:
    """The task whose prediction is the typical one: the median of observed over predicted."""
    ratios = np.where(found.used & np.isfinite(found.predicted), found.observed / found.predicted, np.nan)
    middle = np.nanmedian(ratios)
    k = int(np.nanargmin(np.abs(np.log(ratios / middle))))
    task, critical = theories[k].trained.task, float(found.predicted[k])
    traces = train(network, [task] * len(AROUND), rate=critical * np.array(AROUND), record=Record(per_decade=300),
                   threads=threads)
    return Shown(theories[k], critical, float(found.observed[k]), [theories[k].spectrum(rate) for rate in SHOWN],
                 list(traces))


def lines(found: Compared, title: str) -> list[str]:
    """What was measured beside what is expected."""
    n, told = int(found.used.sum()), [title, ""]
    for name, predicted, bar in (("R_c", found.predicted, FRACTION), ("slowest mode of the trained state alone",
                                                                  found.slowest, None)):
        fraction, ratios = found.fraction(predicted), found.ratios(predicted)
        ratios = ratios[np.isfinite(ratios) & (ratios > 0)]
        spread = np.exp(np.std(np.log(ratios)))
        words = (f"{name}: observed onset within a factor {FACTOR:g} of the predicted for {round(fraction * n)} of {n} "
                 f"tasks (observed/predicted {np.exp(np.mean(np.log(ratios))):.2f}, spread ×{spread:.2f})")
        told.append(f"      {words}" if bar is None else verdict(fraction, bar, 1.0, words, fraction_error(bar, n)))
    at = found.used & np.isfinite(found.observed) & np.isfinite(found.predicted)
    told.append(f"      correlation of the logarithms of predicted and observed onset: "
                f"{np.corrcoef(np.log(found.predicted[at]), np.log(found.observed[at]))[0, 1]:.2f}")
    told.append(f"      the start decides R_c in {np.sum((found.start < found.slowest)[found.used])} of {n} tasks")
    told.append(f"      left out: {np.sum(~found.learned)} tasks that R = {TRAINED_AT:g} does not learn, "
                f"{np.sum(found.learned & ~found.smooth)} whose C rises by 10 % at R = {SEARCHED[0]:g} already")
    return told


def make(size: Size, folder: Path, given: Settings) -> list[Path]:
    """Compare theory with simulation, and write picture, verdicts and data into a folder; returns what was written."""
    network = given.make_network()
    tasks = [Task.allosteric(network, SOURCES, TARGETS, seed=seed) for seed in range(size.tasks)]
    found, theories, _ = compare(network, tasks, size.rates, given.threads)
    shown = show(network, found, theories, given.threads)
    title = (f"Linear theory of learning: {network!r}, {size.tasks} tasks with {SOURCES} sources and {TARGETS} "
             f"targets; onset: first R at which C(t) is 10 % above its running minimum, {size.rates} rates a decade.")
    folder.mkdir(parents=True, exist_ok=True)
    picture, text, onsets, spectrum = (folder / name for name in ("theory.png", "theory.txt", "theory_onset.csv",
                                                                  "theory_spectrum.npz"))
    save_figure(draw(shown, found), picture, dpi=250)
    write_text(text, "\n".join(lines(found, title)) + "\n")
    table = np.column_stack([np.arange(size.tasks), found.predicted, found.slowest, found.start, found.observed,
                             found.learned, found.smooth])
    write_table(onsets, table, "%.6g", ",", comments="",
               header="task,predicted,slowest_mode,from_start,observed,learned,smooth")
    with replacing(spectrum, "wb") as file:
        np.savez(file, R=np.array(SHOWN), omega=np.array(shown.spectra), critical_rate=shown.critical)
    return [picture, text, onsets, spectrum]


FIGURE = Entry(
    "theory", "Linear theory: the modes of learning, and when they begin to oscillate", BEYOND,
    {"a": "rates of decay of the slowest modes of one trained network against R, real ones and oscillating ones",
     "b": "their frequencies", "c": "C(t) of that task below and above R_c, simulated and linear about the start",
     "d": "observed onset of oscillations against the predicted one"},
    {"quick": QUICK, "usual": USUAL, "full": FULL}, make, adjust={"tasks": int}, takes_network=True)
