"""Values of some nodes or edges into a message and out of one."""
from ohmlearn.kernels.simd.jit import kernel


@kernel
def pack(message, rows, places):
    """Copy the rows at some places into a message, one after the other. rows : (n, columns)."""
    columns = rows.shape[1]
    for i in range(places.size):
        for c in range(columns):
            message[i * columns + c] = rows[places[i], c]


@kernel
def unpack(rows, places, message):
    """Copy a message into the rows at some places."""
    columns = rows.shape[1]
    for i in range(places.size):
        for c in range(columns):
            rows[places[i], c] = message[i * columns + c]
