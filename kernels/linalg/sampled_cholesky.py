"""Approximate Cholesky factor of a grounded Laplacian, by eliminating nodes and sampling what they leave.

Eliminating a node joins all its neighbours to each other, with weights w_i w_j / W, W = Σ w. Here every
neighbour but the heaviest is joined to one other only, drawn in proportion to its weight, so that the clique is
right on average and the number of edges never grows (Kyng & Sachdeva 2016; order and sampling as in Gao, Kyng &
Spielman 2023). As a preconditioner it does not care how far the conductances spread.

A large matrix is eliminated in parts, ranges of rows that touch each other through border rows alone; these come last.
While a part is eliminated, ground and the border rows that it touches are its terminals: nodes of its own, behind the
rows, so that parts never meet and threads can take one each.
"""
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from ohmlearn.kernels.simd.jit import inline, inner, kernel

MOST = 255  # nodes of this many neighbours or more wait together
RUN = 64    # arcs that are sorted by insertion


class Arcs(NamedTuple):
    """Linked lists of arcs, one list a node. node: where the arc leads; weight: 0 once deleted; back: its reverse;
    next: the next arc in the list, -1 at its end; head (n_rows + n_terminals,): first arc of every node."""

    node: NDArray[np.integer]
    weight: NDArray[np.float64]
    back: NDArray[np.integer]
    next: NDArray[np.integer]
    head: NDArray[np.integer]


class Waiting(NamedTuple):
    """Nodes to be eliminated, in doubly linked lists by number of arcs. head (MOST + 1,): first of each list.

    count (n_rows + n_terminals,); before, after (n_rows,), as terminals are in no list."""

    count: NDArray[np.integer]
    before: NDArray[np.integer]
    after: NDArray[np.integer]
    head: NDArray[np.integer]


@kernel
def fill_arcs(arcs, waiting, first, last, ground, shift, border, indptr, indices, data, excess):
    """Arcs of the rows from `first` to `last` that are no border rows: of their off-diagonal entries, CSR, sorted, and
    of the conductances `excess` (n,) to ground, the terminal `ground`. border (n,) : number of a border row, else -1;
    shift + number is its terminal. Lists of all these are empty before."""
    e = 0
    for a in range(first, last):
        if border[a] >= 0:
            continue
        for place in range(indptr[a], indptr[a + 1]):
            b = indices[place]
            if data[place] < 0 and (b < a or border[b] >= 0):
                e = join(arcs, waiting, e, a, b if border[b] < 0 else shift + border[b], -data[place])
        if excess[a] > 0:
            e = join(arcs, waiting, e, a, ground, excess[a])
    waiting.head[:] = -1
    for a in range(last - 1, first - 1, -1):
        if border[a] < 0:
            enqueue(waiting, a)


@kernel
def count_left(arcs, first, last):
    """Arcs between terminals, numbers from `first` to `last`, that the elimination of a part has left."""
    count = 0
    for a in range(first, last):
        arc = arcs.head[a]
        while arc >= 0:
            count += arcs.weight[arc] > 0
            arc = arcs.next[arc]
    return count


@kernel
def fill_border(arcs, waiting, rows, border, indptr, indices, data, excess):
    """Arcs between border rows, nodes numbered as in `border`, and to ground, the next number; how many there are."""
    e = 0
    for k in range(rows.size):
        a = rows[k]
        for place in range(indptr[a], indptr[a + 1]):
            b = border[indices[place]]
            if 0 <= b < k and data[place] < 0:
                e = join(arcs, waiting, e, k, b, -data[place])
        if excess[a] > 0:
            e = join(arcs, waiting, e, k, rows.size, excess[a])
    return e


@kernel
def hand_on(arcs, waiting, e, left, first, ends, border):
    """Arcs e, e + 1, … between border rows from those that a part has left between its terminals, numbers from `first`
    on; ends : rows that they stand for, -1 for ground. Returns how many arcs there are."""
    ground = arcs.head.size - 1
    for t in range(ends.size):
        a = ground if ends[t] < 0 else border[ends[t]]
        arc = left.head[first + t]
        while arc >= 0:
            other = left.node[arc] - first
            if left.weight[arc] > 0 and other > t:
                e = join(arcs, waiting, e, a, ground if ends[other] < 0 else border[ends[other]], left.weight[arc])
            arc = left.next[arc]
    return e


@kernel
def edges_left(edges, weights, arcs, first, numbers):
    """The same as edges (k, 2) with weights (k,): `numbers` (n_terminals,) of the terminals, which are the nodes from
    `first` on."""
    e = 0
    for t in range(numbers.size):
        arc = arcs.head[first + t]
        while arc >= 0:
            other = arcs.node[arc] - first
            if arcs.weight[arc] > 0 and other > t:
                edges[e, 0], edges[e, 1], weights[e] = numbers[t], numbers[other], arcs.weight[arc]
                e += 1
            arc = arcs.next[arc]


@kernel
def enqueue_all(waiting):
    """Put all rows into the lists of those that wait."""
    waiting.head[:] = -1
    for a in range(waiting.before.size - 1, -1, -1):
        enqueue(waiting, a)


@inline
def join(arcs, waiting, e, a, b, weight):
    """Two new arcs e, e + 1 between nodes a and b."""
    add(arcs, waiting, e, a, b, weight)
    add(arcs, waiting, e + 1, b, a, weight)
    arcs.back[e], arcs.back[e + 1] = e + 1, e
    return e + 2


@inline
def add(arcs, waiting, e, start, end, weight):
    arcs.node[e], arcs.weight[e] = end, weight
    arcs.next[e] = arcs.head[start]
    arcs.head[start] = e
    waiting.count[start] += 1


@inline
def enqueue(waiting, a):
    k = min(waiting.count[a], MOST)
    first = waiting.head[k]
    waiting.before[a], waiting.after[a] = -1, first
    waiting.head[k] = a
    if first >= 0:
        waiting.before[first] = a


@inline
def dequeue(waiting, a):
    before, after = waiting.before[a], waiting.after[a]
    if after >= 0:
        waiting.before[after] = before
    if before >= 0:
        waiting.after[before] = after
    else:
        waiting.head[min(waiting.count[a], MOST)] = after


@inline
def recount(waiting, a, change):
    """Node a has `change` more arcs; ground (the last node) is in no list."""
    if a < waiting.before.size:
        dequeue(waiting, a)
        waiting.count[a] += change
        enqueue(waiting, a)


@kernel
def gather(found, mark, arcs, waiting, a):
    """Arcs of node a, one per neighbour: their numbers into `found`, parallel ones merged; returns how many."""
    count = 0
    arc = arcs.head[a]
    while arc >= 0:
        w, b = arcs.weight[arc], arcs.node[arc]
        if w > 0:
            if mark[b] >= 0:
                arcs.weight[found[mark[b]]] += w
                arcs.weight[arcs.back[arc]] = 0.0
                recount(waiting, b, -1)
            else:
                mark[b] = count
                found[count] = arc
                count += 1
        arc = arcs.next[arc]
    for i in range(count):
        mark[arcs.node[found[i]]] = -1
    return count


@kernel
def sort_by_weight(found, count, weight):
    """Order the first `count` arcs in `found` by weight, lightest first: runs by insertion, which are then merged."""
    for first in range(0, count, RUN):
        for i in range(first + 1, min(first + RUN, count)):
            arc = found[i]
            w = weight[arc]
            k = i
            while k > first and weight[found[k - 1]] > w:
                found[k] = found[k - 1]
                k -= 1
            found[k] = arc
    if count > RUN:             # rare
        merge_runs(found, np.empty(count, found.dtype), weight)


@inner
def merge_runs(found, spare, weight):
    """Merge sorted runs of arcs; of equal weights the first stays first."""
    count, run = spare.size, RUN
    while run < count:
        for first in range(0, count, 2 * run):
            middle, end = min(first + run, count), min(first + 2 * run, count)
            i, j = first, middle
            for k in range(first, end):
                if j >= end or (i < middle and weight[found[i]] <= weight[found[j]]):
                    spare[k] = found[i]
                    i += 1
                else:
                    spare[k] = found[j]
                    j += 1
        for k in range(count):
            found[k] = spare[k]
        run *= 2


@inline
def draw(state):
    """A number in [0, 1) and the next state of the generator (xorshift64*)."""
    state ^= state >> np.uint64(12)
    state ^= state << np.uint64(25)
    state ^= state >> np.uint64(27)
    return np.float64((state * np.uint64(2685821657736338717)) >> np.uint64(11)) * 2.0 ** -53, state


@kernel
def eliminate(found, sums, count, arcs, waiting, state):
    """Join the neighbours of a node, sorted by weight, by sampled edges; returns the generator's next state.

    Neighbour i of weight w_i gets an edge w_i (w_{i+1} + … ) / W to one later neighbour k, drawn like w_k.
    """
    total = 0.0
    for i in range(count):
        total += arcs.weight[found[i]]
        sums[i] = total
    for i in range(count - 1):
        arc = found[i]
        rest = total - sums[i]
        number, state = draw(state)
        goal = sums[i] + number * rest
        k = i + 1 + np.searchsorted(sums[i + 1:count - 1], goal, side="right")
        a, b, back = arcs.node[arc], arcs.node[found[k]], arcs.back[arc]
        weight = arcs.weight[arc] * rest / total
        arcs.node[back], arcs.weight[back] = b, weight                  # a's arc to the node now leads to b
        arcs.node[arc], arcs.weight[arc] = a, weight                    # and the node's own arc moves to b
        arcs.next[arc] = arcs.head[b]
        arcs.head[b] = arc
        recount(waiting, b, 1)
    last = found[count - 1]
    arcs.weight[arcs.back[last]] = 0.0
    recount(waiting, arcs.node[last], -1)
    return state


@kernel
def factorise(order, starts, total, mark, terminals, arcs, waiting, seed):
    """Eliminate the nodes that wait, as many as order.size. Fills order, starts and total; returns rows (node numbers)
    and share. mark (n_nodes,) : -1 everywhere, before and after. terminals : how many of them there are."""
    n = order.size
    rows, share = np.empty(4 * n + 64, arcs.node.dtype), np.empty(4 * n + 64, np.float32)
    found, sums = np.empty(n + terminals, arcs.back.dtype), np.empty(n + terminals)
    state = np.uint64(2 * seed + 1)
    place = 0
    starts[0] = 0
    for step in range(n):
        fewest = 0
        while waiting.head[fewest] < 0:
            fewest += 1
        a = waiting.head[fewest]
        dequeue(waiting, a)
        count = gather(found, mark, arcs, waiting, a)
        sort_by_weight(found, count, arcs.weight)
        if place + count > rows.size:
            rows, share = np.append(rows, np.empty_like(rows)), np.append(share, np.empty_like(share))
        total[step] = 0.0
        for i in range(count):
            rows[place + i] = arcs.node[found[i]]
            total[step] += arcs.weight[found[i]]
        for i in range(count):
            share[place + i] = arcs.weight[found[i]] / total[step]
        place += count
        order[step], starts[step + 1] = a, place
        if count > 0:
            state = eliminate(found, sums, count, arcs, waiting, state)
    return rows[:place].copy(), share[:place].copy()
