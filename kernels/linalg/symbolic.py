"""Order of elimination and pattern of a sparse LDLᵀ factor, for graphs that are prepared by the thousand."""
import heapq

import numpy as np
from ohmlearn.kernels.simd.jit import inner, kernel


@kernel
def minimum_degree(start, arcs):
    """Order of elimination by least remaining degree (ties: lower number), and the nodes each one leaves joined.

    start (n_nodes + 1,), arcs : neighbours of every node, each once. Returns order (n_nodes,), then begin
    (n_nodes + 1,) and rows: those of order[k] are rows[begin[k]:begin[k + 1]].
    """
    n = start.size - 1
    place, count, room = start[:-1].copy(), start[1:] - start[:-1], start[1:] - start[:-1]
    pool, used = grown(arcs), arcs.size                       # lists of neighbours in a pool that grows
    order, begin = np.empty(n, dtype=np.int64), np.zeros(n + 1, dtype=np.int64)
    rows, seen = np.empty(2 * arcs.size + n, dtype=np.int64), np.full(n, -1)
    queue = [count[b] * n + b for b in range(n)]              # the degrees that nodes have or had
    heapq.heapify(queue)
    for k in range(n):
        key = heapq.heappop(queue)
        while count[key % n] != key // n:
            key = heapq.heappop(queue)
        a = key % n
        order[k], begin[k + 1] = a, begin[k] + count[a]
        while rows.size < begin[k + 1]:
            rows = grown(rows)
        move(pool, place[a], rows, begin[k], count[a])
        joined = rows[begin[k]:begin[k + 1]]
        count[a] = -1
        for b in joined:
            if place[b] + room[b] < place[b] + count[b] + joined.size:
                while pool.size < used + 2 * (count[b] + joined.size):
                    pool = grown(pool)
                move(pool, place[b], pool, used, count[b])
                place[b], room[b] = used, 2 * (count[b] + joined.size)
                used += room[b]
            count[b] = join(pool[place[b]:], count[b], joined, a, b, seen)
            heapq.heappush(queue, count[b] * n + b)
    return order, begin, rows[:begin[n]]


@kernel
def grown(numbers):
    """The same with as much room again behind."""
    longer = np.empty(2 * numbers.size, dtype=np.int64)
    move(numbers, 0, longer, 0, numbers.size)
    return longer


@inner
def move(given, at, to, place, count):
    """Copy numbers from one place to another."""
    for i in range(count):
        to[place + i] = given[at + i]


@inner
def sort(numbers):
    """Sort a few numbers in place by insertion, many by bringing them into a heap."""
    if numbers.size > 64:
        for parent in range(numbers.size // 2 - 1, -1, -1):
            sink(numbers, parent, numbers.size)
        for size in range(numbers.size - 1, 0, -1):
            numbers[0], numbers[size] = numbers[size], numbers[0]
            sink(numbers, 0, size)
        return
    for i in range(1, numbers.size):
        kept, j = numbers[i], i
        while j > 0 and numbers[j - 1] > kept:
            numbers[j] = numbers[j - 1]
            j -= 1
        numbers[j] = kept


@inner
def sink(heap, parent, size):
    """Let a number sink below those that are larger."""
    kept = heap[parent]
    while 2 * parent + 1 < size:
        child = 2 * parent + 1
        child += child + 1 < size and heap[child + 1] > heap[child]
        if heap[child] <= kept:
            break
        heap[parent] = heap[child]
        parent = child
    heap[parent] = kept


@inner
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
        sort(rows[begin[k]:begin[k + 1]])
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
