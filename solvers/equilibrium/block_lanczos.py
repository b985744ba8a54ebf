"""Largest eigenvalues of a positive operator, with all their copies, by Lanczos on blocks of vectors."""
from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .conjugate_gradient import LANES

Floats = NDArray[np.float64]
BLOCKS = 6      # of the basis, beside the vectors that a restart keeps
GUARD = 2       # vectors beyond those asked for


def width_of(k: int) -> int:
    """Vectors in a block."""
    return LANES * -(-(k + GUARD) // LANES)


def rows_needed(k: int) -> int:
    """Rows that the operator must have at least: the basis and its image are linearly independent then."""
    return (BLOCKS + 2) * width_of(k)


def block_lanczos(operator: Callable[[Floats], Floats], project: Callable[[Floats], Floats], size: int, k: int,
                  tolerance: float, limit: int = 60) -> tuple[Floats, int]:
    """Vectors (size, k) of the k largest eigenvalues, and the blocks that the operator was applied to.

    A start of one vector meets one direction of an eigenspace only, so that Lanczos from it finds one copy of an
    eigenvalue, and others by rounding or not at all. Here the start has more vectors than are asked for, hence all
    copies are in what it spans with the operator's powers (Golub & Underwood 1977). Restarts keep the best vectors.

    operator : (size, b) to (size, b), symmetric and positive; size at least `rows_needed`. project : takes out what is
    to be left out.
    tolerance : ‖A x - θ x‖ <= tolerance θ. The vectors returned have gone through the operator once more.
    """
    width = width_of(k)
    space = np.empty((size, (BLOCKS + 2) * width), order="F")
    block, _ = orthonormal(project(np.random.default_rng(0).standard_normal((size, width))))
    matrix = np.empty((0, 0))
    for count in range(1, limit + 1):
        kept = len(matrix)
        space[:, kept:kept + width] = block
        basis = space[:, :kept + width]
        near = space[:, max(kept - width, 0):kept + width]      # all that the image of a block meets
        image = operator(block)
        inner = near.T @ image
        column = np.zeros((kept + width, width))
        column[-len(inner):] = inner
        matrix = np.block([[matrix, column[:kept]], [column[:kept].T, (column[kept:] + column[kept:].T) / 2]])
        block, coupling = orthonormal(image - near @ inner)
        block, _ = orthonormal(block - basis @ (basis.T @ block))       # once more, against rounding
        values, vectors = np.linalg.eigh(matrix)
        values, vectors = values[::-1], vectors[:, ::-1]
        rest = coupling @ vectors[-width:, :k]
        done = bool((np.linalg.norm(rest, axis=0) <= tolerance * values[:k]).all())
        if done or count == limit:
            found = basis @ vectors[:, :k] + block @ (rest / values[:k])
            # once more through the operator, each without the larger ones, whose rounding it shows
            return np.linalg.qr(operator(found))[0], count * (width // LANES)
        if basis.shape[1] > BLOCKS * width:
            space[:, :width] = basis @ vectors[:, :width]
            matrix = np.diag(values[:width])
    raise AssertionError


def orthonormal(vectors: Floats) -> tuple[Floats, Floats]:
    """Q (n, b), R (b, b) with orthonormal Q and Q R = vectors: by Cholesky where they are far from dependent."""
    gram = vectors.T @ vectors
    size = np.sqrt(np.diag(gram))
    try:
        lower = np.linalg.cholesky(gram / np.outer(size, size))
    except np.linalg.LinAlgError:
        lower = np.zeros_like(gram)
    if not np.diag(lower).min() > 1e-3:
        found = np.linalg.qr(vectors)
        return found[0], found[1]
    upper = (lower * size[:, None]).T
    return vectors @ np.linalg.inv(upper), upper
