"""Exact elimination of nodes with few neighbours: star–mesh transformations, in an order that is planned once.

A node with conductances w_i to its neighbours and g to ground gives way to edges w_i w_j / W between them and w_i g / W
to ground, W = g + Σ w (Rosen 1924; Y–Δ where there are three). Nothing is subtracted, so no digits are lost however far
the conductances spread. Of planar networks about a third of the nodes remains, with fewer edges than there were.
"""
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from ohmlearn.kernels.simd.jit import inline, inner, kernel

WIDE = 64       # arcs: a node stays where two of its neighbours have more, since looking through theirs would take long
FEW = 50        # a pass over n nodes that eliminates less than n / FEW is the last at its number of neighbours


class Mesh(NamedTuple):
    """Linked lists of arcs, one a node; arcs 2e and 2e + 1 are the two directions of edge e.

    node, next (arcs,): where an arc leads, and the next of its list, -1 at the end; head, degree (n_nodes,): first arc
    of a node and its number of neighbours, -1 once it is eliminated.
    """

    node: NDArray[np.integer]
    next: NDArray[np.integer]
    head: NDArray[np.integer]
    degree: NDArray[np.integer]


class Plan(NamedTuple):
    """What is eliminated, in order: node order[k] with neighbours near[begin[k]:begin[k + 1]] along `edge`; the edge of
    the i-th and the j-th of them, j < i, row by row, is the next of `target`."""

    order: NDArray[np.integer]
    begin: NDArray[np.integer]
    near: NDArray[np.integer]
    edge: NDArray[np.integer]
    target: NDArray[np.integer]


@inline
def link(mesh, arc, start, end):
    """Put an arc from start to end at the head of start's list."""
    mesh.node[arc], mesh.next[arc] = end, mesh.head[start]
    mesh.head[start] = arc
    mesh.degree[start] += 1


@inner
def take_sorted(slots, mesh, ends):
    """`take_edges` for edges by lower, then upper row, among which parallel ones are neighbours; -1 for others."""
    low = high = -1
    for j in range(ends.shape[0]):
        a, b = min(ends[j, 0], ends[j, 1]), max(ends[j, 0], ends[j, 1])
        if a >= 0 and (a < low or (a == low and b < high)):
            return -1
        if a >= 0:
            low, high = a, b
    count, low, high = 0, -1, -1
    for j in range(ends.shape[0]):
        a, b = ends[j, 0], ends[j, 1]
        slots[j] = -1
        if a < 0 or b < 0:
            continue
        if min(a, b) != low or max(a, b) != high:
            low, high = min(a, b), max(a, b)
            if mesh.degree[a] > mesh.degree[b]:
                a, b = b, a
            link(mesh, 2 * count, a, b)
            link(mesh, 2 * count + 1, b, a)
            count += 1
        slots[j] = count - 1
    return count


@kernel
def take_edges(slots, mesh, ends):
    """Link the edges ends (n_edges, 2), parallel ones as one; slots (n_edges,): its number, -1 where an end is held,
    row -1. Returns how many there are.

    Edges of a lower row are looked through together, so that the work is linear in the edges whatever the degrees.
    """
    n, m = mesh.head.size, ends.shape[0]
    count = take_sorted(slots, mesh, ends)
    if count >= 0:
        return count
    start, first = np.zeros(n + 1, np.int64), np.full(n, -1, slots.dtype)
    for j in range(m):
        a, b = ends[j, 0], ends[j, 1]
        if a >= 0 and b >= 0:
            start[min(a, b) + 1] += 1
    for a in range(n):
        start[a + 1] += start[a]
    grouped, place = np.empty(start[n], slots.dtype), start[:n].copy()
    for j in range(m):
        a, b = ends[j, 0], ends[j, 1]
        slots[j] = -1
        if a >= 0 and b >= 0:
            grouped[place[min(a, b)]] = j
            place[min(a, b)] += 1
    for a in range(n):
        for k in range(start[a], start[a + 1]):
            j = grouped[k]
            b = max(ends[j, 0], ends[j, 1])
            if first[b] < 0:
                first[b] = j
            slots[j] = first[b]                 # for now: the first of the edges that are parallel
        for k in range(start[a], start[a + 1]):
            first[max(ends[grouped[k], 0], ends[grouped[k], 1])] = -1
    count = 0
    for j in range(m):
        if slots[j] == j:
            a, b = ends[j, 0], ends[j, 1]
            if mesh.degree[a] > mesh.degree[b]:
                a, b = b, a
            link(mesh, 2 * count, a, b)
            link(mesh, 2 * count + 1, b, a)
            slots[j] = count
            count += 1
        elif slots[j] >= 0:
            slots[j] = slots[slots[j]]
    return count


@inner
def surround(near, edge, mesh, a):
    """Neighbours of node a and the edges to them, the one with most neighbours last."""
    count, arc = 0, mesh.head[a]
    while arc >= 0:
        if mesh.degree[mesh.node[arc]] >= 0:
            near[count], edge[count] = mesh.node[arc], arc >> 1
            if count > 0 and mesh.degree[near[count]] < mesh.degree[near[count - 1]]:
                near[count], near[count - 1] = near[count - 1], near[count]
                edge[count], edge[count - 1] = edge[count - 1], edge[count]
            count += 1
        arc = mesh.next[arc]


@inner
def join(target, mesh, place, near, n_edges):
    """Edges between all of `near`, new ones where there are none: target, see Plan. Returns the number of edges.

    place (n_nodes,) : -1 everywhere, before and after. Arcs to nodes that are gone are taken out on the way.
    """
    count = near.size
    for i in range(count):
        place[near[i]] = i
    target[:count * (count - 1) // 2] = -1
    for i in range(count - 1):
        before, arc = -1, mesh.head[near[i]]
        while arc >= 0:
            b, after = mesh.node[arc], mesh.next[arc]
            if mesh.degree[b] < 0 and before < 0:
                mesh.head[near[i]] = after
            elif mesh.degree[b] < 0:
                mesh.next[before] = after
            else:
                before, k = arc, place[b]
                if k > i:
                    target[k * (k - 1) // 2 + i] = arc >> 1
            arc = after
    k = 0
    for i in range(count):
        place[near[i]] = -1
        for j in range(i):
            if target[k] < 0:
                target[k] = n_edges
                link(mesh, 2 * n_edges, near[i], near[j])
                link(mesh, 2 * n_edges + 1, near[j], near[i])
                n_edges += 1
            k += 1
    return n_edges


@kernel
def make_plan(mesh, n_edges, most, stay):
    """Eliminate nodes of at most `most` neighbours, fewest first, in passes over all; one is left at least. stay
    (n_nodes,) : nodes that are left in any case.

    Returns the plan, and the mesh, and its number of edges, that it leaves behind.
    """
    n, kind = mesh.head.size, mesh.head.dtype
    plan = Plan(np.empty(n, kind), np.zeros(n + 1, kind), np.empty(most * n, kind), np.empty(most * n, kind),
                np.empty(most * (most - 1) // 2 * n, kind))
    place = np.full(n, -1, kind)
    gone = used = 0
    for limit in range(1, most + 1):
        found = n
        while found * FEW > n:
            found = gone
            for a in range(n):
                count = mesh.degree[a]
                if count < 0 or count > limit or gone == n - 1 or stay[a]:
                    continue
                here = slice(plan.begin[gone], plan.begin[gone] + count)
                near = plan.near[here]
                surround(near, plan.edge[here], mesh, a)
                if count > 1 and mesh.degree[near[count - 2]] > WIDE:
                    continue
                if 2 * n_edges + count * count > mesh.node.size:
                    if 2 * mesh.node.size > np.iinfo(kind).max:         # more arcs could not be counted: it stays
                        continue
                    mesh = Mesh(np.append(mesh.node, mesh.node), np.append(mesh.next, mesh.next), mesh.head,
                                mesh.degree)
                mesh.degree[a] = -1
                for b in near:
                    mesh.degree[b] -= 1
                n_edges = join(plan.target[used:], mesh, place, near, n_edges)
                used += count * (count - 1) // 2
                plan.order[gone], plan.begin[gone + 1] = a, plan.begin[gone] + count
                gone += 1
            found = gone - found
    stop = plan.begin[gone]
    return Plan(plan.order[:gone].copy(), plan.begin[:gone + 1].copy(), plan.near[:stop].copy(),
                plan.edge[:stop].copy(), plan.target[:used].copy()), mesh, n_edges


@kernel
def part_by_part(plan, bounds):
    """The same plan, sorted by the ranges of rows in which nodes lie, of which no step meets two; and where each part
    begins in `order` and in `target`, (n_parts + 1,) both."""
    parts = bounds.size - 1
    pieces, targets, near = np.zeros(parts + 1, np.int64), np.zeros(parts + 1, np.int64), np.zeros(parts + 1, np.int64)
    part = np.empty(plan.order.size, np.int32)
    for k in range(part.size):
        part[k] = np.searchsorted(bounds, plan.order[k], side="right") - 1
        count = plan.begin[k + 1] - plan.begin[k]
        pieces[part[k] + 1] += 1
        near[part[k] + 1] += count
        targets[part[k] + 1] += count * (count - 1) // 2
    for p in range(parts):
        pieces[p + 1] += pieces[p]
        near[p + 1] += near[p]
        targets[p + 1] += targets[p]
    place, i, p, at = pieces.copy(), near.copy(), targets.copy(), 0
    found = Plan(np.empty_like(plan.order), np.empty_like(plan.begin), np.empty_like(plan.near),
                 np.empty_like(plan.edge), np.empty_like(plan.target))
    for k in range(part.size):
        q, count = part[k], plan.begin[k + 1] - plan.begin[k]
        found.order[place[q]], found.begin[place[q]] = plan.order[k], i[q]
        for j in range(count):
            found.near[i[q] + j], found.edge[i[q] + j] = plan.near[plan.begin[k] + j], plan.edge[plan.begin[k] + j]
        for j in range(count * (count - 1) // 2):
            found.target[p[q] + j] = plan.target[at + j]
        place[q] += 1
        i[q] += count
        p[q] += count * (count - 1) // 2
        at += count * (count - 1) // 2
    found.begin[part.size] = plan.begin[part.size]
    return found, pieces, targets


@kernel
def core_edges(ends, edges, mesh):
    """Edges that are left: their ends, numbered as the nodes that are left, and their numbers; returns how many."""
    row = np.empty(mesh.degree.size, mesh.degree.dtype)
    rows = count = 0
    for a in range(row.size):
        row[a] = rows
        rows += mesh.degree[a] >= 0
    for e in range(edges.size):
        a, b = mesh.node[2 * e + 1], mesh.node[2 * e]
        if mesh.degree[a] >= 0 and mesh.degree[b] >= 0:
            ends[count, 0], ends[count, 1], edges[count] = row[a], row[b], e
            count += 1
    return count


@kernel
def fill(weights, slots, conductances):
    """Weights of the edges of the mesh from the conductances (n_edges,) of the network."""
    weights[:] = 0.0
    for j in range(slots.size):
        if slots[j] >= 0:
            weights[slots[j]] += conductances[j]


@kernel
def eliminate(plan, first, last, p, share, total, weights, excess):
    """Carry a plan out from node `first` to `last`, whose targets begin at p: share (as plan.near) of W along each
    edge, and total (as plan.order), W itself. weights (edges of the mesh,) and excess (n_nodes,), the conductances to
    ground, become what is left of them.
    """
    for k in range(first, last):
        a = plan.order[k]
        begin, end = plan.begin[k], plan.begin[k + 1]
        ground = excess[a]
        total[k] = ground
        for i in range(begin, end):
            total[k] += weights[plan.edge[i]]
        for i in range(begin, end):
            share[i] = weights[plan.edge[i]] / total[k]
            excess[plan.near[i]] += share[i] * ground
            for j in range(begin, i):
                weights[plan.target[p]] += share[i] * weights[plan.edge[j]]
                p += 1


@kernel
def restrict(currents, plan, first, last, share):
    """Hand currents (n_nodes,) of the nodes from `first` to `last` of a plan on to their neighbours; their own stay as
    they were handed on."""
    for k in range(first, last):
        t = currents[plan.order[k]]
        for i in range(plan.begin[k], plan.begin[k + 1]):
            currents[plan.near[i]] += share[i] * t


@kernel
def extend(voltages, currents, plan, first, last, share, total):
    """Voltages (n_nodes,) of the nodes from `first` to `last` of a plan from those of the others and the currents
    handed on."""
    for k in range(last - 1, first - 1, -1):
        a = plan.order[k]
        voltages[a] = currents[a] / total[k]
        for i in range(plan.begin[k], plan.begin[k + 1]):
            voltages[a] += share[i] * voltages[plan.near[i]]
