"""The open question of paper 1: can a network learn several tasks that are shown in turn, when learning is fast?

The discussion expects training to succeed only if the tasks switch no faster than the voltages relax, σ <= γp, and
leaves it for the future. Here pairs of tasks with the same sources and targets, and other voltages, are shown in turn
at σ while the network learns at R, beside the same pairs shown at once to two pairs of networks with one set of
conductances. Only pairs that can be learned so, slowly, are used: what fails then fails by the switching.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ohmlearn.drivers.figures.beyond.switching_data import Switched
from ohmlearn.drivers.figures.beyond.switching_panels import draw
from ohmlearn.drivers.figures.catalogue import BEYOND, Entry, Settings
from ohmlearn.drivers.figures.paper1.fig2 import SOURCES, TARGETS
from ohmlearn.drivers.figures.paper2.landscape import Array
from ohmlearn.drivers.figures.verdicts import fraction_error, judge
from ohmlearn.drivers.training.train import train
from ohmlearn.io.replacing import replacing, save_figure, write_text
from ohmlearn.network import Network
from ohmlearn.run import Record, Run
from ohmlearn.schedule import Schedule
from ohmlearn.task import Task

Pair = tuple[Task, Task]
UNTIL = 1e-3            # of C*/C*(0), C* the mean over both tasks
STEPS = 300.0           # time limit: over R up to R = 1, over √R beyond
SLOW = 0.1              # R at which a pair must be learned when both are shown at once
DRAWN = 4               # pairs drawn for one that is used, at most
TRACED = 0.1, (None, 0.03, 0.3, 3.0, 30.0)      # R and σ of the traces


@dataclass(frozen=True)
class Size:
    """pairs : how many. rates : R. switching : σ/γp."""

    pairs: int
    rates: tuple[float, ...]
    switching: tuple[float, ...]

    def __post_init__(self) -> None:
        if self.pairs < 1 or min(self.rates, default=0) <= 0 or min(self.switching, default=0) <= 0:
            raise ValueError(f"at least one pair, and R and σ > 0, not {self.pairs}, {self.rates} and {self.switching}")


SIGMAS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
RATES = (0.1, 0.3, 1.0, 10.0, 100.0)
QUICK = Size(6, (0.3, 3.0, 30.0), (0.03, 0.3, 3.0, 30.0))
USUAL, FULL = Size(20, RATES, SIGMAS), Size(40, (0.03, *RATES), SIGMAS)


def limit(rate: float) -> float:
    """Time limit of a run in 1/γp."""
    return STEPS / min(rate, rate**0.5)


def draw_pair(network: Network, seed: int) -> Pair:
    """Two feasible tasks with the same sources and targets and voltages of their own, as in paper 1."""
    first = Task.allosteric(network, SOURCES, TARGETS, seed=seed, feasible=True)
    rng = np.random.default_rng([seed, 4])
    while True:
        volts = np.append(rng.normal(0, 1.0, SOURCES), 0.0)
        second = Task(first.sources, volts, first.targets, rng.normal(0, 0.2, TARGETS))
        if second.feasible:
            return first, second


def learnable_pairs(network: Network, count: int, threads: int | None = None) -> tuple[list[Pair], int]:
    """Pairs that are learned when both tasks are shown at once at R = 0.1, and how many were drawn for them."""
    drawn = [draw_pair(network, seed) for seed in range(DRAWN * count)]
    found: list[Pair] = []
    for k in range(0, len(drawn), count):
        some = drawn[k:k + count]
        runs = train(network, some, rate=np.full(len(some), SLOW), until=UNTIL, t_max=limit(SLOW), threads=threads)
        found += [pair for pair, run in zip(some, runs, strict=True) if run.status == "reached"]
        if len(found) >= count:
            return found[:count], k + count
    raise ValueError(f"only {len(found)} of {len(drawn)} pairs can be learned on {network!r}; ask for fewer")


def measure(network: Network, pairs: Sequence[Pair], size: Size, threads: int | None = None) -> Switched:
    """Train all pairs at every R and σ, and shown at once."""
    schedules = [*(Schedule(switching=sigma) for sigma in size.switching), None]
    runs = [[train(network, list(pairs), rate=np.full(len(pairs), rate), until=UNTIL, t_max=limit(rate),
                   schedule=schedule, threads=threads) for schedule in schedules] for rate in size.rates]

    def gather(name: str) -> Array:
        return np.array([[getattr(some, name) for some in row] for row in runs])

    return Switched(np.array(size.rates), np.append(size.switching, np.nan), gather("status") == "reached",
                    gather("final_cost"), gather("training_time"))


def traces(network: Network, pair: Pair, threads: int | None = None) -> dict[float | None, Run]:
    """Runs of one pair at one R over σ, None for both at once."""
    rate, sigmas = TRACED
    return {sigma: train(network, pair, rate, until=UNTIL, t_max=limit(rate), record=Record(per_decade=60),
                         schedule=None if sigma is None else Schedule(switching=sigma), threads=threads)
            for sigma in sigmas}


def lines(found: Switched, title: str) -> list[str]:
    """What is seen. The paper gives an expectation, no number, so nothing is judged but that."""
    told, fraction, sigma = [title, ""], found.fraction, found.switching[:-1]
    best = {words: fraction[:, :-1][:, here].max(axis=1) for words, here in (("<=", sigma <= 1), (">", sigma > 1))}
    for words, here in (("R <= 1", found.rate <= 1), ("R > 1", found.rate > 1)):
        if here.any():
            slow, fast = (float(best[one][here].max()) for one in ("<=", ">"))
            told.append(judge(*fewer(fast, slow, found.reached.shape[2]),
                              f"{words}: pairs learned at the best R and σ > γp {fast:.0%}, at the best R and "
                              f"σ <= γp {slow:.0%}; expected fewer for σ > γp"))
    for k, rate in enumerate(found.rate):
        row = ", ".join(f"{s:g}: {x:.0%}" for s, x in zip(sigma, fraction[k], strict=False))
        told.append(f"      R = {rate:g}: pairs learned by σ/γp {row}; both at once {fraction[k, -1]:.0%}")
    for k, rate in enumerate(found.rate):
        row = ", ".join(f"{s:g}: {x:.2g}" for s, x in zip(sigma, np.median(found.cost[k], axis=1), strict=False))
        told.append(f"      R = {rate:g}: median C*/C*(0) at the end by σ/γp {row}; both at once "
                    f"{np.median(found.cost[k, -1]):.2g}")
    return told


def fewer(fast: float, slow: float, pairs: int) -> tuple[float, float]:
    """By how much a fraction fails to be a pair smaller than another one, and the standard error of their difference.

    Shares of none or all have an error too: one pair more of each kind is counted in. None learned is few enough.
    """
    one, other = (fraction_error((fraction * pairs + 1) / (pairs + 2), pairs) for fraction in (fast, slow))
    return (fast - slow + (1 - 1e-9) / pairs if fast > 0 else -1.0), float(np.hypot(one, other))


def make(size: Size, folder: Path, given: Settings) -> list[Path]:
    """Train the pairs and write picture, verdict and data into a folder; returns what was written."""
    network = given.make_network()
    pairs, drawn = learnable_pairs(network, size.pairs, given.threads)
    found = measure(network, pairs, size, given.threads)
    title = (f"Two tasks in turn: {network!r}, {size.pairs} pairs of tasks with {SOURCES} sources and {TARGETS} "
             f"targets ({drawn} drawn, the others are not learned at R = {SLOW:g} when shown at once); learned: "
             f"C* < {UNTIL:g} C*(0) within {STEPS:g}/R (R <= 1) or {STEPS:g}/√R, C* the mean over both.")
    folder.mkdir(parents=True, exist_ok=True)
    picture, text, data = (folder / f"switching.{kind}" for kind in ("png", "txt", "csv"))
    save_figure(draw(found, traces(network, pairs[0], given.threads)), picture, dpi=250)
    write_text(text, "\n".join(lines(found, title)) + "\n")
    with replacing(data) as out:
        print("R,switching,pairs,fraction_learned,median_cost,lower,upper,median_time", file=out)
        for k, i in np.ndindex(*found.fraction.shape):
            times = found.time[k, i][found.reached[k, i]]
            print(f"{found.rate[k]:g}", f"{found.switching[i]:g}", size.pairs, f"{found.fraction[k, i]:.4g}",
                  *(f"{x:.6g}" for x in np.quantile(found.cost[k, i], [0.5, 0.25, 0.75])),
                  f"{np.median(times):.6g}" if times.size else "nan", sep=",", file=out)
    return [picture, text, data]


FIGURE = Entry(
    "switching", "Two tasks in turn: learning against the rate at which they switch", BEYOND,
    {"a": "fraction of pairs learned against σ/γp and R, and with both tasks shown at once",
     "b": "median of C* where training ended", "c": "C* of one pair at R = 0.1, by σ"},
    {"quick": QUICK, "usual": USUAL, "full": FULL}, make, takes_network=True)
