"""Data that come with scikit-learn or are made here, and their splits."""
from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def scikit_learn(module: str) -> Any:
    """A module of scikit-learn. Raises ImportError that says how to get it."""
    try:
        return import_module(f"sklearn.{module}")
    except ImportError as error:
        raise ImportError("these data, and what they are compared with, come with scikit-learn: "
                          "pip install 'ohmlearn[learn]'") from error


def table(name: str) -> tuple[Floats, NDArray[Any]]:
    """Features from 0 to 1 V and classes of "iris" or "wine"."""
    X, y = getattr(scikit_learn("datasets"), f"load_{name}")(return_X_y=True)
    low, high = X.min(axis=0), X.max(axis=0)
    return np.asarray((X - low) / np.where(high > low, high - low, 1.0)), y


def digits() -> tuple[Floats, NDArray[Any]]:
    """(1797, 64) pixels from 0 to 1 V, and digits."""
    X, y = scikit_learn("datasets").load_digits(return_X_y=True)
    return X / 16.0, y


def radar_returns(seed: int = 0) -> tuple[Floats, NDArray[np.int64]]:
    """(351, 34) features from -1 to 1 and classes, made here in the likeness of the ionosphere set of Johns Hopkins.

    As the descriptions of that set say, a return is a complex autocorrelation function at 17 pulses, real and imaginary
    parts in turn; 225 are good (1), from a structure that reflects, and 126 bad (0). Here a good one turns by a Doppler
    shift and decays slowly, a bad one is noise, half of the time with a scatterer of any shift that decays faster. All
    are normalised by their power, so that the first pulse is 1. Noise differs from return to return.
    """
    rng = np.random.default_rng(seed)
    good = _autocorrelation(rng, rng.normal(0.0, 0.06, 225), decay=0.2, noise=0.5, seen=1.0)
    bad = _autocorrelation(rng, rng.uniform(-0.5, 0.5, 126), decay=1.0, noise=0.8, seen=0.5)
    pulses = np.concatenate([good, bad])
    X = np.clip(np.stack([pulses.real, pulses.imag], axis=-1).reshape(len(pulses), -1), -1.0, 1.0)
    mixed = rng.permutation(len(X))
    return X[mixed], np.repeat([1, 0], [len(good), len(bad)])[mixed]


def _autocorrelation(rng: np.random.Generator, shifts: Floats, decay: float, noise: float,
                     seen: float) -> NDArray[np.complex128]:
    """(n, 17) functions with Doppler shifts, in turns a pulse; with decays a pulse and noise up to some, and the
    probability that a scatterer is seen at all."""
    count, lags = len(shifts), np.arange(17)
    decays, strength = rng.uniform(0.0, decay, (count, 1)), rng.uniform(0.0, noise, (count, 1))
    reflected = (rng.uniform(size=(count, 1)) < seen) * np.exp((2j * np.pi * shifts[:, None] - decays) * lags)
    found = reflected + strength * (rng.standard_normal((count, 17)) + 1j * rng.standard_normal((count, 17)))
    found[:, 0] = 1.0
    return np.asarray(found)


def split(X: Floats, y: NDArray[Any], seed: int, **sizes: Any) -> tuple[Floats, Floats, NDArray[Any], NDArray[Any]]:
    """Features to learn and to test, and their classes, all in the same proportions. sizes : train_size, test_size."""
    parts = scikit_learn("model_selection").train_test_split(X, y, random_state=seed, stratify=y, **sizes)
    return tuple(parts)
