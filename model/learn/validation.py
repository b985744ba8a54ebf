"""Samples that are put aside to judge a training by, as data."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from ohmlearn.checks.kinds import check_fields, number, whole


@dataclass(frozen=True, eq=False)
class Validation:
    """Samples that a training does not learn, by which it is judged after every record, and when it stops early.

    samples : (X, y), features (n_samples, n_features) and answers as those that are learned; or the fraction of the
        data that is put aside, drawn by the seed of the training.
    patience : epochs without a better validation score after which a chip stops; its values are then those of the
        best. None: it goes on to the end.

    >>> import ohmlearn as ol
    >>> ol.learn.Validation(0.2, patience=5).samples
    0.2
    """

    samples: float | tuple[ArrayLike, ArrayLike] = 0.2
    patience: int | None = None

    def __post_init__(self) -> None:
        check_fields(self)
        if self.patience is not None:
            whole("patience", self.patience, 1)
        if isinstance(self.samples, tuple):
            if len(self.samples) != 2:
                raise ValueError(f"validation samples must be a pair (X, y), not {len(self.samples)} arrays")
        elif not 0 < number("validation samples", self.samples) < 1:
            raise ValueError(f"validation samples must be a fraction between 0 and 1, or (X, y), not {self.samples}")


def split(fraction: float, count: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Numbers of the samples to learn, and of those that are put aside. Raises ValueError where there would be none."""
    mixed = np.random.default_rng([seed, 3]).permutation(count)
    aside = round(fraction * count)
    if not 0 < aside < count:
        raise ValueError(f"a fraction of {fraction:g} of {count} samples leaves none to learn, or to validate by")
    return np.sort(mixed[aside:]), mixed[:aside]
