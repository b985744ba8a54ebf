"""Order of elimination and pattern of a sparse LDLᵀ factor, for graphs that are prepared by the thousand."""
import heapq

import numpy as np
from ohmlearn.kernels.simd.jit import kernel


@kernel
def minimum_degree(start, arcs):
    """Order of elimination by least remaining degree (ties: lower number), and the nodes each one leaves joined.

    start (n_nodes + 1,), arcs : neighbours of every node, each once. Returns order (n_nodes,), then begin
    (n_nodes + 1,) and rows: those of order[k] are rows[begin[k]:begin[k + 1]].
    """
    n = start.size - 1
    place, count, room = start[:-1].copy(), np.diff(start), np.diff(start)     # lists in a pool that grows
    pool, used = np.concatenate((arcs, np.empty_like(arcs))), arcs.size
    order, begin = np.empty(n, dtype=np.int64), np.zeros(n + 1, dtype=np.int64)
    rows, seen = np.empty(2 * arcs.size + n, dtype=np.int64), np.full(n, -1)
    queue = [count[b] * n + b for b in range(n)]              # the degrees that nodes have or had
    heapq.heapify(queue)
    for k in range(n):
        key = heapq.heappop(queue)
        while count[key % n] != key // n:
            key = heapq.heappop(queue)
        a = key % n
        joined = pool[place[a]:place[a] + count[a]].copy()
        order[k], begin[k + 1] = a, begin[k] + joined.size
        while rows.size < begin[k + 1]:
            rows = np.concatenate((rows, np.empty_like(rows)))
        rows[begin[k]:begin[k + 1]] = joined
        count[a] = -1
        for b in joined:
            if place[b] + room[b] < place[b] + count[b] + joined.size:
                while pool.size < used + 2 * (count[b] + joined.size):
                    pool = np.concatenate((pool, np.empty_like(pool)))
                pool[used:used + count[b]] = pool[place[b]:place[b] + count[b]]
                place[b], room[b] = used, 2 * (count[b] + joined.size)
                used += room[b]
            count[b] = join(pool[place[b]:], count[b], joined, a, b, seen)
            heapq.heappush(queue, count[b] * n + b)
    return order, begin, rows[:begin[n]]


@kernel
def join(neighbours, count, joined, a, b, seen):
    """Put the nodes that a leaves joined into the list of b, a and b left out; returns how many there are then."""
    kept = 0
    for i in range(count):
        if neighbours[i] != a:
            neighbours[kept] = neighbours[i]
            kept += 1
    for i in range(kept):
        seen[neighbours[i]] = b
    for c in joined:
        if c != b and seen[c] != b:
            neighbours[kept] = c
            kept += 1
    for i in range(kept):
        seen[neighbours[i]] = -1
    return kept


@kernel
def fill_pattern(ends, begin, rows, slot, result):
    """Matrix rows of edges and of products, see `Elimination`; rows, in order of elimination, are sorted in place.

    ends (n_edges, 2) in order of elimination. Entry e of the columns is matrix row n_nodes + e.
    """
    n, p = begin.size - 1, 0
    for k in range(n):
        rows[begin[k]:begin[k + 1]].sort()
    for k in range(n):
        for j in range(begin[k], begin[k + 1]):
            target = begin[rows[j]]
            result[p] = rows[j]
            p += 1
            for i in range(j + 1, begin[k + 1]):      # column rows[j] holds all later rows of column k
                while rows[target] < rows[i]:
                    target += 1
                result[p] = n + target
                p += 1
    for e in range(len(ends)):
        low, high = min(ends[e, 0], ends[e, 1]), max(ends[e, 0], ends[e, 1])
        target = begin[low]
        while rows[target] < high:
            target += 1
        slot[e] = n + target
