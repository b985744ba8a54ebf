"""A direct Cholesky factor laid out as the sampled one: half the bytes, for one that is to be applied many times."""
import numpy as np
from numpy.typing import NDArray
from ohmlearn.kernels.simd.jit import kernel


@kernel
def lay_out(starts: NDArray[np.int32], rows: NDArray[np.int32], share: NDArray[np.float32],
            indptr: NDArray[np.int32], indices: NDArray[np.int32], data: NDArray[np.float64],
            scale: NDArray[np.float64]) -> None:
    """Columns of L / scale below the diagonal into those of a `Factor`, zeros left out.

    starts (n + 1,); rows, share : as many as L has negative entries, the only ones that elimination from a
    grounded Laplacian leaves. indptr, indices, data : L, (n, n), CSC. scale : (n,) its diagonal.
    """
    place = 0
    starts[0] = 0
    for column in range(scale.size):
        for k in range(indptr[column], indptr[column + 1]):
            if data[k] < 0.0:
                rows[place] = indices[k]
                share[place] = -data[k] / scale[column]
                place += 1
        starts[column + 1] = place
