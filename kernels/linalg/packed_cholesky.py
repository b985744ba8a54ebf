"""A direct Cholesky factor laid out as the sampled one: half the bytes, for one that is to be applied many times."""
import numpy as np
from numpy.typing import NDArray
from ohmlearn.kernels.simd.jit import kernel

Floats = NDArray[np.float64]
Ints = NDArray[np.integer]


@kernel
def lay_out(starts: Ints, rows: Ints, share: NDArray[np.float32], order: Ints, indptr: Ints, indices: Ints,
            data: Floats, scale: Floats, total: Floats, ground: Floats) -> None:
    """Columns of L / scale below the diagonal into those of a `Factor`, zeros left out, ground among their entries.

    starts (n + 1,); rows, share : as many as L has negative entries, the only ones that elimination from a
    grounded Laplacian leaves, and n more. indptr, indices, data : L, (n, n), CSC. scale : (n,) its diagonal.
    total : (n,) D. order : (n,) rows of the matrix in the order of the columns. ground : (n,) conductance of every row
    to ground, in that order; what elimination adds to it comes in here, by sums of positive numbers, so that no digit
    is lost.
    """
    n = scale.size
    place = 0
    starts[0] = 0
    for column in range(n):
        begin = place
        heaviest = ground[column] / total[column]
        rows[place], share[place] = n, heaviest
        place += 1
        for k in range(indptr[column], indptr[column + 1]):
            if data[k] < 0.0:
                part = -data[k] / scale[column]
                ground[indices[k]] += part * ground[column]
                rows[place], share[place] = order[indices[k]], part
                place += 1
        most = begin + np.argmax(share[begin:place])
        last = place - 1
        rows[most], rows[last] = rows[last], rows[most]
        share[most], share[last] = share[last], share[most]
        starts[column + 1] = place
