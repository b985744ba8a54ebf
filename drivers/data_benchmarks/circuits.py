"""Benchmarks of the transistor circuit of the laboratory: XOR and nonlinear regression, with imperfect devices too."""
from __future__ import annotations

import time

import numpy as np
from ohmlearn.drivers.circuits.imperfections import Imperfections
from ohmlearn.drivers.circuits.train_chips import train_chips
from ohmlearn.drivers.circuits.train_on_data import train_on_data
from ohmlearn.edges.laws import NMOS
from ohmlearn.lab import published_gates, regression_samples, transistor_network, xor_samples
from ohmlearn.learn.terminals import Terminals
from ohmlearn.learn.update import Update

from .comparison import Row

XOR_EPOCHS, XOR_SEEDS = 10_000, 16
REGRESSION_EPOCHS, REGRESSION_CHIPS = 25_000, 20
# Of a pair of transistors as the data sheets of such arrays say it, a few millivolts and about a percent.
MISMATCH = Imperfections(threshold=5e-3, gain=0.01)


def xor(epochs: int | None = None, threads: int | None = None) -> list[Row]:
    """XOR as published, and which seeds solve it (PyCLLN: seeds 3 and 4 of the first five)."""
    epochs = XOR_EPOCHS if epochs is None else epochs
    drawn = [published_gates(seed, epochs) for seed in range(XOR_SEEDS)]
    update = Update(step=0.15, nudge=0.5, order=np.stack([order for _, order in drawn], axis=-1))
    train_chips(transistor_network(), xor_samples(), edges=NMOS.ald1106(), epochs=1, dynamics=Update())     # compiles
    begun = time.perf_counter()
    learned = train_chips(transistor_network(), xor_samples(), edges=NMOS.ald1106(), epochs=epochs, dynamics=update,
                          values=np.array([gates for gates, _ in drawn]), threads=threads)
    seconds = time.perf_counter() - begun
    false, true = (np.abs(learned.final[..., 0] - level) for level in (0.0, -0.087))
    solved = np.flatnonzero(np.all((true < false) == (learned.wanted[:, 0] < -0.04), axis=1))
    gates, whole = learned.values[3], epochs == XOR_EPOCHS
    rows = [Row(f"XOR, seed 3: {what} gate after {epochs} epochs, V", f"{value:.6f}", published if whole else "")
            for what, value, published in (("highest", gates.max(), "2.938915"), ("mean", gates.mean(), "1.402848"),
                                           ("median", float(np.median(gates)), "1.320885"))]
    return [*rows, Row(f"XOR, seeds 0 to {XOR_SEEDS - 1} that solve it", ", ".join(map(str, solved)) or "none",
                       "3, 4 of 0 to 4" if whole else ""),
            Row("XOR: time of a sample and chip", f"{1e6 * seconds / (4 * max(epochs, 1) * XOR_SEEDS):.1f} µs")]


def regression(epochs: int | None = None, threads: int | None = None) -> list[Row]:
    """The eight points with a bend, on the circuit as designed, and on chips whose transistors differ."""
    epochs = REGRESSION_EPOCHS if epochs is None else epochs
    samples = regression_samples()
    update = Update(step=0.4, nudge=1.0, order="cyclic")
    exact = train_chips(transistor_network(), samples, edges=NMOS.ald1106(), epochs=epochs, dynamics=update,
                        values=np.full(32, 3.0))
    low, high, entry = (int(node) for node in samples[0].sources)
    levels = samples[0].source_voltages
    terminals = Terminals([entry], [int(samples[0].targets[0])], held={low: levels[0], high: levels[1]})
    X, y = np.array([sample.source_voltages[2:] for sample in samples]), np.array([sample.target_voltages
                                                                                   for sample in samples])

    def of_chips(flaws: Imperfections) -> str:
        chips = train_on_data(transistor_network(), terminals, X, y, edges=NMOS.ald1106(), epochs=epochs,
                              dynamics=update, values=np.full(32, 3.0), chips=REGRESSION_CHIPS,
                              imperfections=flaws, threads=threads, every=max(1, epochs))
        errors = np.mean((chips.outputs(X) - y) ** 2, axis=(1, 2))
        return f"{np.median(errors):.2e} ({errors.min():.2e} to {errors.max():.2e})"

    whole = epochs == REGRESSION_EPOCHS
    return [Row(f"regression: mean squared error after {epochs} epochs, V²", f"{exact.mean_squared_error[0]:.2e}",
                "1.71e-5" if whole else ""),
            *(Row(f"regression: {REGRESSION_CHIPS} chips, thresholds ±{1e3 * flaws.threshold:g} mV, gains "
                  f"±{100 * flaws.gain:g} %: median error, V²", of_chips(flaws), "2e-5 to 2e-4" if whole else "")
              for flaws in (MISMATCH, MISMATCH.scaled(10)))]
