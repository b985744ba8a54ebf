"""RK4 steps of one large network: (v, w) as pairs, scattered along a flat list of edges, block by block.

Nodes are numbered so that neighbours lie close together (reverse Cuthill–McKee), edges are sorted by their
lower end. Once all edges with lower end up to a are scattered, node a has all its current and its v and w can
advance in place: no later edge looks at it. So a stage is one sweep over blocks of nodes, stage s + 1 may follow
stage s at a distance of `lag` blocks, and the next step follows likewise, on another thread. Every node sums its
currents in the same order whatever the number of threads, so the bits do not depend on it.
"""
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from ohmlearn.kernels.law.bounds import limited, resting, within
from ohmlearn.kernels.law.gill import advance
from ohmlearn.kernels.law.linear_edge import learning, rate_of_edge
from ohmlearn.kernels.simd.atomics import load_acquire, store_release, yield_thread
from ohmlearn.kernels.simd.jit import inline, inner, kernel
from ohmlearn.kernels.simd.pairs import load_pair, store_pair

Floats = NDArray[np.float64]

BLOCK = 1024  # nodes of a block; a power of two


class Graph(NamedTuple):
    """ends (n_edges, 2) uint32, lower end first; starts (n_blocks + 1,) first edge of each block of lower ends;
    lag: blocks that an edge can reach ahead, at most; marked (n_marked,) sources and targets, ascending;
    target (n_marked,) which of the targets, -1 for a source; marks (n_blocks + 1,) first marked node of each block;
    learning (n_edges,) factor of R at every edge, or None for 1."""

    ends: NDArray[np.uint32]
    starts: NDArray[np.int64]
    lag: int
    marked: NDArray[np.int64]
    target: NDArray[np.int64]
    marks: NDArray[np.int64]
    learning: Floats | None


class State(NamedTuple):
    """x (2 n_nodes,) v and w in turns; g (n_edges,) conductances; qx, qg the second registers of the two."""

    x: Floats
    qx: Floats
    g: Floats
    qg: Floats


class Pace(NamedTuple):
    """dt; learn = -a R dt; nudge η; fall = dt times how fast G may fall (law/bounds.py); floor; ceiling."""

    dt: float
    learn: float
    nudge: float
    fall: float
    floor: float
    ceiling: float


@inner
def scatter(acc, drops, block, graph, state):
    """Edges of one block: drops Δ(v, w) and the currents G Δ(v, w) into both ends (acc, a ring)."""
    x, g, ends = state.x, state.g, graph.ends
    mask, two = np.uint64(acc.size - 1), np.uint64(2)
    first = np.uint64(graph.starts[block])
    for j in range(np.uint64(graph.starts[block + 1]) - first):
        e = first + j
        a, b = two * ends[e, 0], two * ends[e, 1]
        drop = load_pair(x, b) - load_pair(x, a)
        store_pair(drops, two * j, drop)
        current = g[e] * drop
        a, b = a & mask, b & mask
        store_pair(acc, a, load_pair(acc, a) + current)
        store_pair(acc, b, load_pair(acc, b) - current)


@inline
def slope(pace, factors, j, dv, dw, G):
    """dt dG/dt of one edge, -a R dt Δw (2 Δv + η Δw), within the bounds on G."""
    k = learning(rate_of_edge(factors, j, pace.learn), pace.nudge, dv, dw)
    return limited(pace.fall, pace.floor, pace.ceiling, k, G)


@inline
def learn(stage, drops, block, graph, state, pace):
    """One stage of dG/dt at the edges of one block, whose drops stand in pairs."""
    first, last = graph.starts[block], graph.starts[block + 1]
    g, q = state.g[first:last], state.qg[first:last]
    for j in range(g.size):
        k = slope(pace, graph.learning, first + j, drops[2 * j], drops[2 * j + 1], g[j])
        new, r = advance(stage, g[j], q[j], k)
        g[j] = within(pace.floor, pace.ceiling, new)
        if stage == 1:                                # where half a step is taken anew, G hardly moves
            q[j] = r
        elif stage < 3:
            q[j] = resting(pace.floor, pace.ceiling, new, r)


@inline
def move(stage, acc, block, graph, state, pace):
    """Nodes of one block: dv/dt, dw/dt = current; sources rest, at targets dw/dt = -dv/dt. Empties acc."""
    x, q = state.x, state.qx
    first = 2 * BLOCK * block
    count = min(2 * BLOCK, x.size - first)
    ring = first & (acc.size - 1)
    for i in range(graph.marks[block], graph.marks[block + 1]):
        place = ring + 2 * graph.marked[i] - first
        if graph.target[i] < 0:
            acc[place] = 0.0
        acc[place + 1] = -acc[place]
    xs, qs, currents = x[first:first + count], q[first:first + count], acc[ring:ring + count]
    for i in range(count):
        xs[i], r = advance(stage, xs[i], qs[i], pace.dt * currents[i])
        if stage < 3:
            qs[i] = r
        currents[i] = 0.0


@inline
def stage_of_block(stage, acc, drops, block, graph, state, pace):
    """One stage of one block."""
    scatter(acc, drops, block, graph, state)
    learn(stage, drops, block, graph, state, pace)
    move(stage, acc, block, graph, state, pace)


@inner
def advance_block(stage, acc, drops, block, graph, state, pace):
    """One stage of one block, each of the four compiled for itself."""
    if stage == 0:
        stage_of_block(0, acc, drops, block, graph, state, pace)
    elif stage == 1:
        stage_of_block(1, acc, drops, block, graph, state, pace)
    elif stage == 2:
        stage_of_block(2, acc, drops, block, graph, state, pace)
    else:
        stage_of_block(3, acc, drops, block, graph, state, pace)


@kernel
def march(trace, progress, rings, drops, graph, state, pace, thread, threads):
    """Steps thread, thread + threads, … of len(trace) steps; the threads follow each other through the blocks.

    trace : (n_steps, n_targets) target voltages after every step.
    progress : (threads, 8) blocks that each thread has finished, all steps counted; 0 on entry.
    rings : (threads, 4, size) zeros, where currents gather; (threads, 1, size) where stages do not overlap.
    drops : (threads, 2 × most edges of a block) scratch.
    """
    n_blocks = graph.starts.size - 1
    lag = graph.lag
    for step in range(thread, trace.shape[0], threads):
        before = (thread - 1) % threads
        for tick in range(n_blocks + 3 * lag):
            goal = (step - 1) * n_blocks + min(tick + lag + 1, n_blocks)
            while step > 0 and load_acquire(progress, 8 * before) < goal:
                yield_thread()
            for stage in range(4):
                block = tick - stage * lag
                if 0 <= block < n_blocks:
                    acc = rings[thread, stage % rings.shape[1]]
                    advance_block(stage, acc, drops[thread], block, graph, state, pace)
            block = tick - 3 * lag
            if block >= 0:
                for i in range(graph.marks[block], graph.marks[block + 1]):
                    if graph.target[i] >= 0:
                        trace[step, graph.target[i]] = state.x[2 * graph.marked[i]]
                store_release(progress, 8 * thread, step * n_blocks + block + 1)
