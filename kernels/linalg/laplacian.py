"""The graph Laplacian L(G) = Δᵀ diag(G) Δ assembled into CSR, and applied straight from the edge list.

The pattern is made once per network; the data array is then refilled from G in one pass over the edges.
Nodes are addressed by row numbers `ends`: row -1 marks an eliminated (held) node, which has no row.
"""
import numpy as np
from numpy.typing import NDArray
from ohmlearn.kernels.simd.jit import kernel

Floats = NDArray[np.float64]
Ints = NDArray[np.integer]


@kernel
def count_entries(indptr: Ints, ends: Ints) -> None:
    """Row starts indptr (n_rows + 1,) of L with one entry per arc and the diagonal, parallel edges apart.

    ends : (n_edges, 2) row of both nodes of every edge, -1 where the node is held.
    """
    indptr[0] = 0
    indptr[1:] = 1
    for j in range(ends.shape[0]):
        a, b = ends[j, 0], ends[j, 1]
        if a >= 0 and b >= 0:
            indptr[a + 1] += 1
            indptr[b + 1] += 1
    for row in range(indptr.size - 1):
        indptr[row + 1] += indptr[row]


@kernel
def sort_arcs(arcs: Ints, indptr: Ints, ends: Ints) -> None:
    """Arcs 2j + side, grouped by column: those of column c stand from indptr[c] - c on.

    Side 0 of edge j is the entry (ends[j, 0], ends[j, 1]), side 1 its transpose.
    """
    n = indptr.size - 1
    place = np.empty(n, np.int64)
    for c in range(n):
        place[c] = indptr[c] - c
    for j in range(ends.shape[0]):
        a, b = ends[j, 0], ends[j, 1]
        if a >= 0 and b >= 0:
            arcs[place[b]] = 2 * j
            place[b] += 1
            arcs[place[a]] = 2 * j + 1
            place[a] += 1


@kernel
def place_entries(indices: Ints, slots: Ints, diagonal: Ints, filled: Ints, indptr: Ints, arcs: Ints, ends: Ints
                  ) -> None:
    """Column numbers, ascending in each row; `filled` counts the entries of a row, parallel edges merged.

    slots : (n_edges, 2) places in `indices` of the edge's two entries, -1 where an end is held.
    diagonal : (n_rows,) places of the diagonal. Columns come in ascending order, so rows need no sort.
    """
    n = indptr.size - 1
    slots[:] = -1
    filled[:] = 0
    for c in range(n):
        place = indptr[c] + filled[c]
        indices[place] = c
        diagonal[c] = place
        filled[c] += 1
        for arc in arcs[indptr[c] - c:indptr[c + 1] - c - 1]:
            j, side = arc >> 1, arc & 1
            row = ends[j, side]
            place = indptr[row] + filled[row]
            if filled[row] > 0 and indices[place - 1] == c:
                place -= 1
            else:
                indices[place] = c
                filled[row] += 1
            slots[j, side] = place


@kernel
def close_gaps(indptr: Ints, indices: Ints, slots: Ints, diagonal: Ints, filled: Ints, ends: Ints) -> int:
    """Move rows together after parallel edges were merged; returns the number of entries left."""
    n = indptr.size - 1
    shift = np.empty(n, indptr.dtype)
    stop = 0
    for row in range(n):
        start = indptr[row]
        shift[row] = start - stop
        diagonal[row] -= shift[row]
        for k in range(filled[row]):
            indices[stop + k] = indices[start + k]
        indptr[row] = stop
        stop += filled[row]
    indptr[n] = stop
    for j in range(ends.shape[0]):
        for side in range(2):
            if slots[j, side] >= 0:
                slots[j, side] -= shift[ends[j, side]]
    return stop


@kernel
def refill(data: Floats, ends: Ints, slots: Ints, diagonal: Ints, conductances: Floats) -> None:
    """Entries of L(G): data (n_entries,) from G (n_edges,), in one pass over the edges."""
    data[:] = 0.0
    for j in range(ends.shape[0]):
        g = conductances[j]
        a, b = ends[j, 0], ends[j, 1]
        if a >= 0:
            data[diagonal[a]] += g
        if b >= 0:
            data[diagonal[b]] += g
        if a >= 0 and b >= 0:
            data[slots[j, 0]] -= g
            data[slots[j, 1]] -= g


@kernel
def node_currents(currents: Floats, edges: NDArray[np.integer], conductances: Floats, voltages: Floats) -> None:
    """Current that leaves every node through its edges, I = L(G) V: currents (n_nodes,), no matrix needed."""
    currents[:] = 0.0
    for j in range(edges.shape[0]):
        a, b = edges[j, 0], edges[j, 1]
        i = conductances[j] * (voltages[a] - voltages[b])
        currents[a] += i
        currents[b] -= i


@kernel
def node_currents_compensated(currents: Floats, carry: Floats, edges: NDArray[np.integer], conductances: Floats,
                              voltages: Floats) -> None:
    """The same, added to what `currents` (n_nodes,) holds, each node's sum compensated (Neumaier 1974).

    carry : (n_nodes,) scratch. An edge adds to one end what it takes from the other, bit for bit, so that strong edges
    leave no current at the part of the network that they join; and hubs of many edges lose no digits.
    """
    carry[:] = 0.0
    for j in range(edges.shape[0]):
        a, b = edges[j, 0], edges[j, 1]
        i = conductances[j] * (voltages[a] - voltages[b])
        for node, part in ((a, i), (b, -i)):
            before = currents[node]
            total = before + part
            if abs(before) >= abs(part):
                carry[node] += (before - total) + part
            else:
                carry[node] += (part - total) + before
            currents[node] = total
    for node in range(currents.size):
        currents[node] += carry[node]


@kernel
def pair_currents(currents: Floats, edges: NDArray[np.integer], conductances: Floats, voltages: Floats,
                  corrections: Floats) -> None:
    """Currents (n_edges,) at voltages that are sums of two numbers, the second below the last digit of the first."""
    for j in range(edges.shape[0]):
        a, b = edges[j, 0], edges[j, 1]
        currents[j] = conductances[j] * ((voltages[a] - voltages[b]) + (corrections[a] - corrections[b]))


@kernel
def add_currents(total: Floats, carry: Floats, edges: NDArray[np.integer], currents: Floats) -> None:
    """Add currents (n_edges,) to what leaves their first nodes, total (n_nodes,), and take them from their second ones,
    each sum compensated; carry (n_nodes,) is scratch."""
    carry[:] = 0.0
    for j in range(edges.shape[0]):
        for side in range(2):
            node, part = edges[j, side], currents[j] * (1 - 2 * side)
            before = total[node]
            after = before + part
            if abs(before) >= abs(part):
                carry[node] += (before - after) + part
            else:
                carry[node] += (part - after) + before
            total[node] = after
    for node in range(total.size):
        total[node] += carry[node]


@kernel
def total_conductances(totals: Floats, ends: Ints, conductances: Floats) -> None:
    """Conductance of all edges at every row, the diagonal of L(G): totals (n_rows,)."""
    totals[:] = 0.0
    for j in range(ends.shape[0]):
        for side in range(2):
            if ends[j, side] >= 0:
                totals[ends[j, side]] += conductances[j]
