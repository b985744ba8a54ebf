"""Digits learned at a finite rate from samples that are presented in turn: how well, and how soon.

Every pixel is joined to twenty rails by edges that learn; the output of a digit is the difference of two rails. Images
are presented for 1/σ each, and edges learn at R meanwhile, by the hinge loss. Times are in units of the relaxation of a
rail at the start, so that voltages do not come to rest where σ is above 1.
"""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from ohmlearn.drivers.circuits.learned import Learned
from ohmlearn.drivers.circuits.train_on_data import train_on_data
from ohmlearn.drivers.data_benchmarks.classes import rails
from ohmlearn.drivers.data_benchmarks.data_sets import digits, split
from ohmlearn.drivers.figures.catalogue import BEYOND, Entry, Settings
from ohmlearn.drivers.figures.verdicts import judge
from ohmlearn.edges import NMOS, Linear, Sinh
from ohmlearn.io.replacing import replacing, save_figure, write_text
from ohmlearn.learn.flow import Flow
from ohmlearn.learn.losses import Hinge
from ohmlearn.learn.update import Update
from ohmlearn.learn.validation import Validation
from ohmlearn.parallel.threads import available_threads, in_threads

from .finite_rate_panels import draw

Floats = NDArray[np.float64]
PIXELS, DIGITS, THRESHOLD = 64, 10, 0.75
GATES = 0.5, 4.5            # V, between which gates are drawn
GAIN = 2 * (GATES[1] - GATES[0]) / (GATES[1] - THRESHOLD) ** 2 / PIXELS     # a rail then conducts 1 in the mean
LOSS, NUDGE, CLAMP = Hinge(margin=0.05), 0.05, 2.0
MOST = 10.0                 # of R/σ: what is learned from one image beyond it only hides what was learned before
REST = (0.003, 0.03, 0.3, 3.0)      # steps of the updates at rest, in V⁻¹ of gates


class Case(NamedTuple):
    """A law of the edges. begin : range of what learns at the start. unit : of its rate, so that conductances change
    alike under all laws."""

    law: Any
    begin: tuple[float, float]
    unit: float


LAWS = {
    "resistors": Case(Linear(), (0.2 / PIXELS, 1.8 / PIXELS), GAIN),
    "sinh resistors": Case(Sinh(scale=0.5), (0.2 / PIXELS, 1.8 / PIXELS), GAIN),
    "transistors": Case(NMOS(gain=GAIN, threshold=THRESHOLD, leak=1e-8, lowest=0.4, highest=8.0), GATES, 1.0),
}


@dataclass(frozen=True)
class Size:
    """images : to learn, and as many to test. epochs : where σ <= 1, and times σ beyond. seeds : circuits that begin
    differently, up to 8. rates : R. switching : σ."""

    images: int
    epochs: int
    seeds: int
    rates: tuple[float, ...]
    switching: tuple[float, ...]

    def __post_init__(self) -> None:
        if not 20 <= self.images <= 800 or self.epochs < 1 or not 2 <= self.seeds <= 8:
            raise ValueError("20 to 800 images, one epoch at least and 2 to 8 seeds, not "
                             f"{self.images}, {self.epochs} and {self.seeds}")
        if min(self.rates, default=0) <= 0 or min(self.switching, default=0) <= 0:
            raise ValueError(f"R and σ must be > 0, not {self.rates} and {self.switching}")


QUICK = Size(150, 6, 3, (0.03, 0.3), (0.3, 3.0))
USUAL = Size(400, 12, 4, (0.01, 0.1, 1.0, 10.0), (0.1, 0.3, 1.0, 3.0, 10.0))
FULL = Size(800, 20, 8, (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0), (0.1, 0.3, 1.0, 3.0, 10.0, 30.0))


@dataclass(frozen=True, eq=False)
class Found:
    """Of one law. accuracy : (n_rates, n_sigmas, n_seeds) of images that are not learned, at equilibrium at the end;
    NaN where R/σ is above MOST. time : likewise, until 95 % of it was reached first, in relaxation times. rest :
    (n_steps, n_seeds) accuracy of updates at rest."""

    rates: tuple[float, ...]
    switching: tuple[float, ...]
    accuracy: Floats
    time: Floats
    rest: Floats


def measure(name: str, size: Size, threads: int | None = None) -> Found:
    """Train the circuits of a law at every R and σ, and by updates at rest."""
    case, circuit = LAWS[name], rails(PIXELS, DIGITS)
    learn, test, wanted, right = split(*digits(), 0, train_size=size.images, test_size=size.images)
    begin = np.stack([np.random.default_rng(seed).uniform(*case.begin, circuit.network.n_edges)
                      for seed in range(size.seeds)])

    def trained(dynamics: Update | Flow, epochs: int) -> Learned:
        return train_on_data(circuit.network, circuit.terminals, learn, wanted, edges=case.law, loss=LOSS,
                             dynamics=dynamics, epochs=epochs, values=begin, threads=1,
                             validation=Validation((test, right)), every=max(1, epochs // size.epochs))

    def of_flow(place: tuple[int, ...]) -> tuple[Floats, Floats]:
        rate, sigma = size.rates[place[0]], size.switching[place[1]]
        if rate > MOST * sigma:
            return np.full(size.seeds, np.nan), np.full(size.seeds, np.nan)
        flow = Flow(rate=rate * case.unit, switching=sigma, nudge=NUDGE, clamp=CLAMP)
        learned = trained(flow, round(size.epochs * max(1.0, sigma)))
        score = learned.validation_score
        soon = (score >= 0.95 * score[-1]).argmax(axis=0)
        return score[-1], learned.epochs[soon] * size.images / sigma

    def of_updates(step: float) -> Floats:
        return trained(Update(step=step * case.unit, nudge=NUDGE), size.epochs).validation_score[-1]

    shape = len(size.rates), len(size.switching)
    workers = available_threads(threads)
    flows = in_threads(of_flow, list(np.ndindex(*shape)), workers)
    accuracy, time = (np.array([one[k] for one in flows]).reshape(*shape, size.seeds) for k in (0, 1))
    return Found(size.rates, size.switching, accuracy, time, np.array(in_threads(of_updates, REST, workers)))


def lines(found: dict[str, Found], size: Size) -> list[str]:
    """What is seen. Paper 1 expects samples in turn to be learned only where σ <= γp, and gives no number."""
    told = [f"Digits at a finite rate: {size.images} images to learn and as many to test, {PIXELS} pixels and "
            f"{2 * DIGITS} rails, {size.seeds} circuits that begin differently, hinge loss with a margin of "
            f"{LOSS.margin:g} V, nudge {NUDGE:g}, clamps of {CLAMP:g} rails. Times in relaxation times of a rail at "
            f"the start (1/γ), to the record: {size.epochs} of them, one an epoch, or every σ/γ epochs where σ > γ. R "
            f"up to {MOST:g} σ, in V⁻¹ of gates; conductances of resistors learn as fast as those of transistors. "
            "Accuracies are means of equilibria after the last epoch.", ""]
    for name, one in found.items():
        best, sigma = np.nanmax(one.accuracy, axis=0), np.array(one.switching)
        if (sigma <= 1).any() and (sigma > 1).any():
            slow, fast = best[sigma <= 1].max(axis=0), best[sigma > 1].max(axis=0)
            error = float(np.std(fast - slow, ddof=1) / np.sqrt(size.seeds))
            told.append(judge(float(np.mean(fast - slow)), error,
                              f"{name}: accuracy at the best R and σ > γ {fast.mean():.3f}, at the best R and σ <= γ "
                              f"{slow.mean():.3f}; expected less for σ > γ"))
        row = ", ".join(f"{step:g}: {x:.3f}" for step, x in zip(REST, one.rest.mean(axis=1), strict=True))
        told.append(f"      {name}: accuracy of updates at rest by R/σ {row}")
        for k, rate in enumerate(one.rates):
            row = ", ".join(f"{s:g}: {x.mean():.3f} after {np.median(t):.3g}" for s, x, t in
                            zip(one.switching, one.accuracy[k], one.time[k], strict=True) if rate <= MOST * s)
            told.append(f"      {name}, R = {rate:g}: accuracy, and 95 % of it after a time, by σ/γ {row}")
        accuracy = np.nan_to_num(one.accuracy.mean(axis=2))
        good = accuracy >= 0.95 * accuracy.max()
        times = np.where(good, np.median(one.time, axis=2), np.inf)
        soonest = divmod(int(times.argmin()), len(one.switching))
        told.append(f"      {name}: of those within 5 % of the best accuracy the soonest is R = "
                    f"{one.rates[soonest[0]]:g}, σ/γ = {one.switching[soonest[1]]:g}, after {times[soonest]:.3g}")
    return told


def make(size: Size, folder: Path, given: Settings) -> list[Path]:
    """Train, and write picture, text and data into a folder; returns what was written."""
    found = {name: measure(name, size, given.threads) for name in LAWS}
    folder.mkdir(parents=True, exist_ok=True)
    picture, text, data = (folder / f"finite-rate.{kind}" for kind in ("png", "txt", "csv"))
    save_figure(draw(found), picture, dpi=250)
    write_text(text, "\n".join(lines(found, size)) + "\n")
    with replacing(data) as out:
        print("law,R,switching,seed,accuracy,time", file=out)
        for name, one in found.items():
            for k, i, seed in np.argwhere(np.isfinite(one.accuracy)):
                print(name, f"{one.rates[k]:g}", f"{one.switching[i]:g}", seed, f"{one.accuracy[k, i, seed]:.4f}",
                      f"{one.time[k, i, seed]:.6g}", sep=",", file=out)
    return [picture, text, data]


FIGURE = Entry(
    "finite-rate", "Digits learned at a finite rate, by edges of three laws", BEYOND,
    {"a-c": "accuracy of images that are not learned, in per cent, against R and the rate σ at which images change",
     "d-f": "time until 95 % of that accuracy was reached, in relaxation times of a rail"},
    {"quick": QUICK, "usual": USUAL, "full": FULL}, make)
