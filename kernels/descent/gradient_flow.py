"""Gradient flow on conductances, dG/dt = -∂C/∂G with C = ½ Σ c², of one network at a time.

Voltages V of the samples and responses μ = Γ ∂c/∂V of the outputs are columns of right-hand sides, 8 side by
side in a chunk, solved with one sparse LDLᵀ of the Laplacian whose held nodes are identity rows. A constraint
k belongs to two columns, V of its sample and μ of its output: g_k = -(Δμ)∘(ΔV) (paper 2, Eq. 8).

A step is implicit in the stiff directions, which are those of the g: ΔG = -h gᵀ y, y = (1 + h g gᵀ)⁻¹ c, the
errors c becoming y. Its length h is the largest that two caps allow, one on |ΔG/G|, one on the fraction of the
errors that it removes; without the first, edges slam into the floor and isolate nodes.

What is per edge stands in rows of 8 edges, (n_rows, 8), filled up with edges that do not learn.
"""
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from ohmlearn.kernels.linalg.block_ldlt import Elimination, Factor, assemble, factorise, substitute
from ohmlearn.kernels.linalg.graph import Graph
from ohmlearn.kernels.simd.jit import borrowed, inline, inner, kernel
from ohmlearn.kernels.simd.vectors import at, fma, load, maximum, minimum, store

RUNNING, REACHED, OUT_OF_TIME, STALLED, DIVERGED = -1, 0, 1, 2, 3
PATIENCE, PROGRESS = 200, 1e-6      # stalled: C has fallen by less than this fraction over so many steps
HUGE = 1e300          # makes 1 of what is above 0, through min(1, HUGE x)
NEWTON = 1e12         # longest step in units of 1/Tr(g gᵀ), where it is Newton's
# state of a descent: its time, last step length, steps; C now, at first, and PATIENCE steps ago; marks behind
TIME, LENGTH, STEPS, COST, FIRST, PAST, NEXT_TIME, NEXT_COST, KEPT, N_STATE = range(10)


class Member(NamedTuple):
    """One network and its task. Nodes are numbered in order of elimination; edges within held places are left out.

    free : (n_nodes,) uint8, 0 at held nodes. inject : (chunks, n_nodes, 8) currents of every column, 0 at held nodes.
    offset : (n_samples, n_edges) drops of every sample where all free voltages are 0; no rows where none has any.
    sample, output : (n_constraints,) column of V and of μ of each constraint.
    reach, base : (n_constraints, n_nodes) and (n_constraints,), error c = reach · V + base.
    """

    graph: Graph
    pattern: Elimination
    free: NDArray[np.uint8]
    inject: NDArray[np.float64]
    offset: NDArray[np.float64]
    sample: NDArray[np.int64]
    output: NDArray[np.int64]
    reach: NDArray[np.float64]
    base: NDArray[np.float64]


class Limits(NamedTuple):
    """cap : on |ΔG/G| of a step; fraction : of the errors that a step removes at most. floor, ceiling : of G.
    until, error : stop where C <= until C(0) or every |c| <= error. time, steps : stop there."""

    cap: float
    fraction: float
    floor: float
    ceiling: float
    until: float
    error: float
    time: float
    steps: float


class Work(NamedTuple):
    """What a step needs. matrix : the factor. voltages : (chunks, n_nodes, 8) of every column.
    error, left : (n_constraints,) c and y. slope : (n_constraints n_rows, 8) g, constraint after constraint, 0 where an
    edge cannot move. change : (n_rows, 8) ΔG. gram, scratch : (n_constraints, n_constraints). row : (1, 8)."""

    matrix: NDArray[np.float64]
    voltages: NDArray[np.float64]
    error: NDArray[np.float64]
    left: NDArray[np.float64]
    slope: NDArray[np.float64]
    change: NDArray[np.float64]
    gram: NDArray[np.float64]
    scratch: NDArray[np.float64]
    row: NDArray[np.float64]


class Track(NamedTuple):
    """States to keep along the way. at_times, at_costs : marks, increasing and falling; a step ends at each time, and
    the first state at or below a cost is kept. kept : (n_marks, n_rows, 8) G; time, cost : (n_marks,) of each."""

    at_times: NDArray[np.float64]
    at_costs: NDArray[np.float64]
    kept: NDArray[np.float64]
    time: NDArray[np.float64]
    cost: NDArray[np.float64]


@inner
def respond(member, G, work):
    """Voltages of all columns at conductances G (n_edges and more,), relative to the held ones."""
    assemble(member.graph, member.pattern, member.free, G, work.matrix)
    factorise(member.pattern, work.matrix)
    ends = member.graph.ends
    for c in range(member.inject.shape[0]):
        inject, z = member.inject[c], work.voltages[c]
        for a in range(member.free.size):
            store(z, a, load(inject, a))
        for s in range(max(0, min(member.offset.shape[0] - 8 * c, 8))):
            for j in range(member.offset.shape[1]):
                current = G[j] * member.offset[8 * c + s, j]
                z[at(ends, 2 * j), s] -= current
                z[at(ends, 2 * j + 1), s] += current
            for a in range(member.free.size):
                z[a, s] *= member.free[a]
        substitute(member.pattern, Factor(work.matrix, z))


@inner
def measure(member, work):
    """Errors c."""
    for k in range(member.sample.size):
        chunk, lane = divmod(member.sample[k], 8)
        c = member.base[k]
        for a in range(member.free.size):
            c += member.reach[k, a] * work.voltages[chunk, a, lane]
        work.error[k] = c


@inner
def find_slopes(member, work):
    """Gradients g of all constraints."""
    ends, slope, z = member.graph.ends, work.slope.reshape(-1), work.voltages.reshape(-1)
    chunk = z.size // len(work.voltages)
    for k in range(member.sample.size):
        s, first = member.sample[k], k * work.change.size
        v, mu = s // 8 * chunk + s % 8, member.output[k] // 8 * chunk + member.output[k] % 8
        for j in range(ends.size // 2):
            a, b = 8 * at(ends, 2 * j), 8 * at(ends, 2 * j + 1)
            store(slope, first + j, (at(z, a + v) - at(z, b + v)) * (at(z, b + mu) - at(z, a + mu)))
        if s < member.offset.shape[0]:
            for j in range(ends.size // 2):
                a, b = 8 * at(ends, 2 * j), 8 * at(ends, 2 * j + 1)
                slope[first + j] += member.offset[s, j] * (at(z, b + mu) - at(z, a + mu))


@inner
def hold_back(limits, learns, G, work):
    """Drop the edges that cannot follow -∂C/∂G from all g; returns the trace of the Gram matrix of what is left."""
    n, slope, trace = len(G), work.slope, 0.0
    for r in range(n):
        push = 0.0 * load(G, r)
        for k in range(work.error.size):
            push = fma(-work.error[k], load(slope, k * n + r), push)
        up, down = minimum(1.0, HUGE * maximum(0.0, push)), minimum(1.0, HUGE * maximum(0.0, -push))
        above = minimum(1.0, HUGE * (load(G, r) - limits.floor))
        below = minimum(1.0, HUGE * (limits.ceiling - load(G, r)))
        free = load(learns, r) * (up * below + down * above)
        for k in range(work.error.size):
            store(slope, k * n + r, free * load(slope, k * n + r))
    for k in range(work.error.size):
        for i in range(k + 1):
            total = 0.0 * load(G, 0)
            for r in range(n):
                total = fma(load(slope, k * n + r), load(slope, i * n + r), total)
            store(work.row, 0, total)
            work.gram[k, i] = work.gram[i, k] = work.row.sum()
        trace += work.gram[k, k]
    return trace


@inline
def leave(h, work):
    """Errors y = (1 + h g gᵀ)⁻¹ c that a step h leaves, by elimination; returns |y|."""
    n, y, a = work.error.size, work.left, work.scratch
    for i in range(n):
        y[i] = work.error[i]
        for k in range(n):
            a[i, k] = h * work.gram[i, k] + (1.0 if i == k else 0.0)
    for i in range(n):
        for k in range(i + 1, n):
            factor = a[k, i] / a[i, i]
            y[k] -= factor * y[i]
            for q in range(i, n):
                a[k, q] -= factor * a[i, q]
    size = 0.0
    for i in range(n - 1, -1, -1):
        for k in range(i + 1, n):
            y[i] -= a[i, k] * y[k]
        y[i] /= a[i, i]
        size += y[i] * y[i]
    return np.sqrt(size)


@inline
def change(h, G, work):
    """ΔG of a step h, after `leave`; returns the largest |ΔG/G|."""
    n, most = len(G), 0.0 * load(G, 0)
    for r in range(n):
        total = 0.0 * load(G, r)
        for k in range(work.left.size):
            total = fma(-h * work.left[k], load(work.slope, k * n + r), total)
        store(work.change, r, total)
        most = maximum(most, maximum(-total, total) / load(G, r))
    store(work.row, 0, most)
    return work.row.max()


@inline
def move(limits, G, work):
    """G + ΔG, within the bounds."""
    for r in range(len(G)):
        store(G, r, minimum(limits.ceiling, maximum(limits.floor, load(G, r) + load(work.change, r))))


@inner
def choose_step(limits, G, work, h, longest):
    """A step up to `longest` that keeps to both caps and nearly reaches one, from a guess h; ΔG into work.change."""
    size, enough = leave(0.0, work), False      # enough: no longer step is looked for
    h = min(h, longest)
    while True:
        while leave(h, work) < (1.0 - limits.fraction) * size:
            h, enough = 0.5 * h, True
        most = change(h, G, work)
        enough = enough or h >= longest or not most < 0.8 * limits.cap
        if enough and not most > 1.001 * limits.cap:
            return h
        h = min(h * limits.cap / most, longest) if most > 0.0 else longest


@inner
def keep(track, G, state):
    """Keep this state if a mark was reached."""
    wanted, i = False, int(state[KEPT])
    while state[NEXT_TIME] < track.at_times.size and state[TIME] >= track.at_times[int(state[NEXT_TIME])]:
        state[NEXT_TIME], wanted = state[NEXT_TIME] + 1, True
    while state[NEXT_COST] < track.at_costs.size and state[COST] <= track.at_costs[int(state[NEXT_COST])]:
        state[NEXT_COST], wanted = state[NEXT_COST] + 1, True
    if wanted:
        for r in range(len(G)):
            for lane in range(G.shape[1]):
                track.kept[i, r, lane] = G[r, lane]
        track.time[i], track.cost[i] = state[TIME], state[COST]
        state[KEPT] = i + 1


@inner
def ending(limits, work, state):
    """Status of a state: RUNNING, or why the descent ends here."""
    cost, worst = state[COST], 0.0
    for k in range(work.error.size):
        worst = max(worst, abs(work.error[k]))
    if not np.isfinite(cost):
        return DIVERGED
    if cost <= limits.until * state[FIRST] or worst <= limits.error:
        return REACHED
    if state[TIME] >= limits.time or state[STEPS] >= limits.steps:
        return OUT_OF_TIME
    if state[STEPS] % PATIENCE == 0:
        stalled = cost > (1.0 - PROGRESS) * state[PAST]
        state[PAST] = cost
        return STALLED if stalled else RUNNING
    return RUNNING


@kernel
def step(limits, learns, track, work, G, state):
    """From the errors and gradients in `work` one step of the flow, G in place; returns the status before it."""
    state[COST] = 0.5 * leave(0.0, work)**2
    if state[STEPS] == 0:
        state[FIRST], state[PAST] = state[COST], np.inf
    keep(track, G, state)
    status = ending(limits, work, state)
    if status != RUNNING:
        return status
    trace = hold_back(limits, learns, G, work)
    if not trace > 0.0:
        return STALLED
    i = int(state[NEXT_TIME])
    goal = min(limits.time, track.at_times[i] if i < track.at_times.size else np.inf)
    rest = goal - state[TIME]
    last = 1.0 / trace if state[STEPS] == 0 else state[LENGTH]
    h = choose_step(limits, G, work, last, min(rest, NEWTON / trace))
    state[TIME] = state[TIME] + h if h < rest else goal
    state[LENGTH], state[STEPS] = h, state[STEPS] + 1
    move(limits, G, work)
    return RUNNING


@kernel
def descend(member, limits, learns, track, work, G, state):
    """Follow the flow from G (n_rows, 8), in place, to its end; returns the status. state : (N_STATE,) zeros."""
    member, learns, track, work = borrowed(member), borrowed(learns), borrowed(track), borrowed(work)
    G, state = borrowed(G), borrowed(state)
    while True:
        respond(member, G.reshape(G.size), work)
        measure(member, work)
        find_slopes(member, work)
        status = step(limits, learns, track, work, G, state)
        if status != RUNNING:
            return status
