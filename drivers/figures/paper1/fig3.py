"""Fig. 3 of paper 1, computed: how fast and how strongly the error oscillates, and how flat the cost is at the end."""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ohmlearn.drivers.analysis.flatness import KINDS, MODES
from ohmlearn.drivers.analysis.flatness import measure as measure_flatness
from ohmlearn.drivers.analysis.oscillation_strength import measure as measure_swings
from ohmlearn.drivers.analysis.oscillations import measure as measure_oscillations
from ohmlearn.drivers.analysis.oscillations import record_costs
from ohmlearn.drivers.figures.catalogue import PAPER_1, Entry, Settings
from ohmlearn.drivers.figures.paper1.fig2 import SOURCES, TARGETS, decades
from ohmlearn.drivers.figures.paper1.fig3_data import Fig3
from ohmlearn.io.replacing import replacing, save_figure, write_table, write_text
from ohmlearn.network import Network
from ohmlearn.run import Runs
from ohmlearn.task import Task

TRACED = 6                                   # a task whose oscillations show
BASE = 0.01                                  # eigenvalues are relative to this R
LATE = (630.957344, 1e3, 2.5e3)              # where eigenvalues fall, and the first two are compared


@dataclass(frozen=True)
class Size:
    """How much is computed. tasks : of both panels. frequencies : R of panel a. sampled : those of them at which the
    errors themselves are followed. flatness : R of panels b and c, the first one what the others are relative to.
    swings : R of panels e and f. traced : R of panel d."""

    tasks: int
    frequencies: tuple[float, ...]
    sampled: tuple[float, ...]
    flatness: tuple[float, ...]
    swings: tuple[float, ...]
    traced: tuple[float, ...] = (10.0, 1e3, 1e6, 1e9)

    def __post_init__(self) -> None:
        if self.tasks < 3:
            raise ValueError(f"Fig. 3 needs three tasks at least, not {self.tasks}")


HALF = decades(10**0.5, 1e12, 2)
QUICK = Size(20, decades(10.0, 1e12), (1e6,), (BASE, 1.0, 30.0, *LATE, *decades(1e4, 1e8)), decades(1.0, 1e8),
             (10.0, 1e3, 1e6))
USUAL = Size(50, HALF, (1e2, 1e6, 1e10), (*decades(BASE, 100.0), *LATE, *decades(1e4, 1e6, 2), 1e7, 1e8),
             decades(1.0, 1e12))
FULL = Size(50, HALF, decades(10.0, 1e12), (*decades(BASE, 10**2.5, 2), *LATE, 5e3,
                                                       *decades(1e4, 1e8, 2)), decades(1.0, 1e12, 2))


def compute(network: Network, size: Size, threads: int | None = None) -> Fig3:
    """Train all tasks at all rates of the figure."""
    tasks = [Task.allosteric(network, SOURCES, TARGETS, seed=seed) for seed in range(size.tasks)]
    traces = Runs([record_costs(network, [tasks[min(TRACED, size.tasks - 1)]], rate, threads)[0]
                   for rate in size.traced])
    return Fig3(measure_oscillations(network, tasks, size.frequencies, size.sampled, threads),
                measure_flatness(network, tasks, size.flatness, threads),
                measure_swings(network, tasks, size.swings, threads), traces)


def save(data: Fig3, folder: Path, title: str) -> list[Path]:
    """Write picture, table, and the data of all panels into a folder; returns what was written."""
    from .fig3_panels import draw
    from .fig3_table import published_frequency, table

    folder.mkdir(parents=True, exist_ok=True)
    picture, text, extrema, eigenvalues, traces, amplitudes = (folder / name for name in (
        "fig3.png", "fig3.txt", "fig3a_frequency.csv", "fig3bc_eigenvalues.csv", "fig3d_traces.npz",
        "fig3ef_amplitudes.csv"))
    save_figure(draw(data), picture, dpi=250)
    write_text(text, table(data, title))
    found, flat = data.oscillations, data.flatness
    ours, theirs = found.frequency, found.published_way
    beside = np.full((2, ours.rate.size), np.nan)
    beside[:, np.isin(ours.rate, found.sampled)] = np.nanmean(found.crossings, 0), np.nanmedian(found.peaks, 0)
    write_table(extrema, np.column_stack([ours.rate, found.reached, theirs.periods.reached, theirs.mean, theirs.error,
                                         ours.reached, ours.mean, ours.error, ours.median, found.harmonic.mean, *beside,
                                         *published_frequency(ours.rate)]), "%.9g", ",", comments="",
               header="R,trained,with_maxima,frequency,error,oscillating,extrema_mean,extrema_error,extrema_median,"
                      "extrema_harmonic,crossings,peak,published,published_error")
    with replacing(eigenvalues) as out:
        print("hessian,R,mode,tasks,mean_ratio,error,median_ratio", file=out)
        for kind in KINDS:
            for mode in range(MODES):
                r = flat.ratios(kind, mode)
                for row in zip(r.rate, r.reached, r.mean, r.error, r.median, strict=True):
                    print(kind, f"{row[0]:.9g}", mode + 1, *(f"{x:.9g}" for x in row[1:]), sep=",", file=out)
    arrays = {f"{name}_{k}": getattr(run, name) for k, run in enumerate(data.traces)
              for name in ("times", "cost", "equilibrium_cost")}
    with replacing(traces, "wb") as file:
        np.savez(file, R=data.traces.rate, **arrays)
    swings = data.swings
    task, column = np.indices(swings.whole.shape).reshape(2, -1)
    write_table(amplitudes, np.column_stack([task, swings.rate[column], swings.whole.ravel(), swings.late.ravel(),
                                            swings.moved.ravel()]), "%.9g", ",", comments="",
               header="task,R,largest_swing,late_swing,conductances_moved")
    return [picture, text, extrema, eigenvalues, traces, amplitudes]


def make(size: Size, folder: Path, settings: Settings) -> list[Path]:
    """Compute Fig. 3 and write it into a folder: picture, table and data; returns what was written."""
    network = settings.make_network()
    title = f"{network!r}; {size.tasks} tasks with {SOURCES} sources and {TARGETS} targets."
    return save(compute(network, size, settings.threads), folder, title)


FIGURE = Entry(
    "fig3", "Oscillations of fast learning, and the flat cost that ends them", PAPER_1,
    {"a": "frequency of the oscillations against R: 1/⟨T⟩ of the times between maxima of C*, mean rate of extrema of "
     "C, zero crossings of v_T - V_T and peak of their spectrum, beside the published one",
     "b": "top three eigenvalues of 2JᵀJ at the trained state against R, relative to R = 0.01, beside the published",
     "c": "the same of the whole Hessian of C* and of the contrastive function",
     "d": "C of one task against time in 1/√R", "e": "largest swing of C* against R, of the whole run and once C* has "
     "fallen below 1e-2 C*(0); medians and quartiles", "f": "how far conductances move, against R"},
    {"quick": QUICK, "usual": USUAL, "full": FULL}, make, adjust={"tasks": int}, takes_network=True)
