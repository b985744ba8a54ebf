"""Data that come with scikit-learn, and their splits."""
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


def split(X: Floats, y: NDArray[Any], seed: int, **sizes: Any) -> tuple[Floats, Floats, NDArray[Any], NDArray[Any]]:
    """Features to learn and to test, and their classes, all in the same proportions. sizes : train_size, test_size."""
    parts = scikit_learn("model_selection").train_test_split(X, y, random_state=seed, stratify=y, **sizes)
    return tuple(parts)
