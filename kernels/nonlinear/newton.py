"""Equilibria of a block of lanes with nonlinear edges, by Newton's iteration with a search on ‖F‖₁.

F is the current out of every node that is not held, with leaks to ground. Newton's direction lowers ‖F‖₁ at first
wherever the Jacobian is regular, and so does that of the shifted one, J + κ ‖F‖₁; for transistors J is a column
diagonally dominant M-matrix, so that the equilibrium is unique and an LU without pivoting is safe. A lane that has
converged is left alone: what it becomes does not depend on its neighbours.

Where the search ends at no equilibrium, as it does where one has just vanished (mean law), the lane follows the
relaxation of its nodes instead, dv/dt = -F, by implicit steps that lengthen as it settles.
"""
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from ohmlearn.kernels.law.divided_differences import nudges
from ohmlearn.kernels.law.law_type import pair, tangent
from ohmlearn.kernels.linalg.block_lu import factorise, substitute
from ohmlearn.kernels.simd.elementary import absolute
from ohmlearn.kernels.simd.jit import inner, kernel
from ohmlearn.kernels.simd.vectors import at, fma, load, maximum, store, where

MOST_ITERATIONS, MOST_HALVINGS = 3000, 40
SEARCHES = 200          # iterations after which a search is given up
# κ in 1/V: κ ‖F‖₁ is added to the diagonal of the Jacobian, or nodes that are cut off would be moved by 1e8 V. It grows
# with every step that is halved, and falls after every whole one.
SHIFT_LEAST, SHIFT_MOST, SHIFT_GROWTH = 0.03, 100.0, 4.0
LEAPS = 20              # full steps taken although ‖F‖₁ grows, as where the search ends at a kink of ideal diodes
CLOSE = 3e-8            # of the largest voltage: after a full step of that size the next would be below 1e-12
LESS = 1e-4             # decrease of ‖F‖₁ that is asked of a step, relative to what the tangent foresees,
MEMORY = 10             # against the largest of so many: behind transistors at their kinks it has to rise at times
                        # (Grippo, Lampariello and Lucidi, SIAM J. Numer. Anal. 23, 707 (1986)); but against the last
                        # for steps longer than the largest voltage at first, or cut-off nodes run away
ROUNDING = 1e-15        # of the largest voltage times what a node is joined by: a current below it is rounding
SETTLED, FALL = 1e-6, 0.1       # relaxation ends where a step moves less than SETTLED of the largest voltage and leaves
                                # less than FALL of ‖F‖₁: it does not where an equilibrium has just vanished
NORM, MOVED, REACH, FRACTION, SPAN, SHIFT, INVERSE, NUMBERS = range(8)      # rows of Newton.numbers


class Newton(NamedTuple):
    """Work space, all (rows, lanes); n nodes, m edges, e entries of the factor.

    matrix : (n + e,), upper : (e,) the Jacobian and its LU. current : (n,) F, then Newton's direction. before : (n,)
    the direction. kept, next_kept : (m,) what laws keep of their edges, at the last step that was taken and at the one
    on trial. numbers : (NUMBERS,) ‖F‖₁ without what is rounding, largest change of a voltage, largest voltage, fraction
    of the step taken, largest voltage at first, shift of the diagonal over ‖F‖₁, inverse of the step of relaxation, 0
    while a lane searches.
    """

    matrix: NDArray[np.float64]
    upper: NDArray[np.float64]
    current: NDArray[np.float64]
    before: NDArray[np.float64]
    kept: NDArray[np.float64]
    next_kept: NDArray[np.float64]
    numbers: NDArray[np.float64]


@inner
def assemble(graph, pattern, law, leak, toward, inject, free, u, v, w, eta, active, work):
    """F into work.current and its Jacobian into work.matrix and work.upper, with identity rows at nodes that are not
    free: currents at v, derivatives by v where w is None; else their divided differences between v and v + η w,
    derivatives by w. The diagonal is shifted, see SHIFT_LEAST. Sets NORM, and next_kept of the active lanes.
    v, w : (n_nodes, lanes). eta : (1, lanes)."""
    n, zero = free.size, 0.0 * load(v, 0)
    e = nudges(load(eta, 0))
    for a in range(n):
        g = load(leak, a)
        store(work.matrix, a, g)
        store(work.current, a, fma(g, load(v, a) - load(toward, a) if w is None else load(w, a), -load(inject, a)))
    for k in range(work.upper.shape[0]):
        store(work.matrix, n + k, zero)
        store(work.upper, k, zero)
    for j in range(pattern.slot.size):
        a, b, k = at(graph.ends, 2 * j), at(graph.ends, 2 * j + 1), at(pattern.slot, j)
        theta, va, vb = load(u, j), load(v, a), load(v, b)
        if w is None:
            i, by_a, by_b, _, kept = tangent(law, j, theta, va, vb, load(work.kept, j))
            store(work.next_kept, j, where(active, kept, load(work.kept, j)))
        else:
            wa, wb = load(w, a), load(w, b)
            i = pair(law, j, (theta, zero), (va, wa), (vb, wb), e)[1]
            va, vb = fma(e[0], wa, va), fma(e[0], wb, vb)
            _, by_a, by_b, _, _ = tangent(law, j, theta, va, vb, load(work.kept, j))
        # Rows of nodes that are held in every lane are overwritten below: most edges of a crossbar end at one.
        free_a, free_b = at(free, a), at(free, b)
        if free_a:
            store(work.current, a, load(work.current, a) + i)
            store(work.matrix, a, load(work.matrix, a) + by_a)
        if free_b:
            store(work.current, b, load(work.current, b) - i)
            store(work.matrix, b, load(work.matrix, b) - by_b)
        both = free_a & free_b
        if both:
            below, above = (-by_a, by_b) if a < b else (by_b, -by_a)      # row b column a, and row a column b
            store(work.matrix, k, load(work.matrix, k) + where(both, below, 0.0))
            store(work.upper, k - n, load(work.upper, k - n) + where(both, above, 0.0))
    norm, rounding = zero, ROUNDING * load(work.numbers, REACH)
    for a in range(n):
        i, joined = where(at(free, a), load(work.current, a), 0.0), load(work.matrix, a)
        store(work.current, a, i)
        norm = norm + maximum(0.0, fma(-rounding, joined, absolute(i)))
    shift = fma(load(work.numbers, SHIFT), norm, load(work.numbers, INVERSE))
    for a in range(n):
        store(work.matrix, a, where(at(free, a), load(work.matrix, a) + shift, 1.0))
    store(work.numbers, NORM, norm)


@inner
def forget(work, active):
    """Drop what is kept of the edges in the lanes with an `active` bit: what comes depends on voltages alone."""
    for j in range(work.kept.shape[0]):
        store(work.kept, j, where(active, 0.0, load(work.kept, j)))


@inner
def keep(work):
    """Take what laws keep of their edges from the step that was on trial."""
    for j in range(work.kept.shape[0]):
        store(work.kept, j, load(work.next_kept, j))


@kernel
def step_back(work, norms, last, active):
    """Halve the step of the active lanes whose ‖F‖₁ is not below the earlier ones, norms (MEMORY, lanes) with the last
    one in row `last`. Returns a bit for each of them."""
    rejected = 0
    for lane in range(work.numbers.shape[1]):
        fraction = work.numbers[FRACTION, lane]
        far = fraction * work.numbers[MOVED, lane] > work.numbers[SPAN, lane]
        norm = norms[last, lane] if far else norms[:, lane].max()
        good = work.numbers[NORM, lane] <= norm * (1.0 - LESS * fraction)
        rounded = work.numbers[NORM, lane] == 0.0
        if active >> lane & 1 and not (good or rounded):
            rejected |= 1 << lane
            work.numbers[FRACTION, lane] = 0.5 * fraction
            work.numbers[SHIFT, lane] = min(SHIFT_MOST, SHIFT_GROWTH * work.numbers[SHIFT, lane])
    return rejected


@inner
def leap(rejected, leaps, work, unknown, direction):
    """Let the rejected lanes take their full step after all, a number of times. Returns those that may not any more."""
    refused = 0
    for lane in range(leaps.size):
        if rejected >> lane & 1:
            leaps[lane] += 1
            if leaps[lane] > LEAPS:
                refused |= 1 << lane
            else:
                for a in range(unknown.shape[0]):
                    unknown[a, lane] -= (1.0 - work.numbers[FRACTION, lane]) * direction[a, lane]
                work.numbers[FRACTION, lane] = 1.0
                work.numbers[SHIFT, lane] = SHIFT_LEAST
    return refused


@inner
def begin_relaxing(lanes, free, work):
    """Let the lanes follow their relaxation, in steps as short as the fastest node allows. The diagonal is left to the
    next `assemble`."""
    for lane in range(work.numbers.shape[1]):
        if lanes >> lane & 1:
            steepest = 0.0
            for a in range(free.size):
                steepest = max(steepest, work.matrix[a, lane])
            work.numbers[INVERSE, lane] = steepest
            work.numbers[SHIFT, lane] = 0.0


@inner
def too_far(relaxing, unknown, free, direction, last, work):
    """Take back the steps of the relaxing lanes whose F is not what an implicit step leaves, and shorten the next; the
    others lengthen theirs. last : (lanes,) ‖F‖₁ before. Returns bits of the first ones, and of those that have settled
    and may search again."""
    back = settled = 0
    for lane in range(unknown.shape[1]):
        if not relaxing >> lane & 1:
            continue
        off = left = 0.0
        inverse = work.numbers[INVERSE, lane]
        for a in range(free.size):
            d = inverse * direction[a, lane] if free[a] >> lane & 1 else 0.0
            off += abs(work.current[a, lane] - d)
            left += abs(d)
        if off <= 0.5 * left or work.numbers[NORM, lane] == 0.0:
            longer = 0.25 * inverse
            still = work.numbers[MOVED, lane] <= SETTLED * work.numbers[REACH, lane]
            if still and work.numbers[NORM, lane] <= FALL * last[lane]:
                longer = 0.0
                settled |= 1 << lane
                work.numbers[SHIFT, lane] = SHIFT_LEAST
            for a in range(free.size):
                if free[a] >> lane & 1:
                    work.matrix[a, lane] += longer - inverse
            work.numbers[INVERSE, lane] = longer
        else:
            back |= 1 << lane
            work.numbers[INVERSE, lane] = 8.0 * inverse
            for a in range(free.size):
                unknown[a, lane] += direction[a, lane]
    return back, settled


@inner
def resting(work):
    """Bits of the lanes whose last step was full and hardly moved them: what it leaves is below rounding."""
    bits = 0
    for lane in range(work.numbers.shape[1]):
        bits |= (work.numbers[MOVED, lane] <= CLOSE * work.numbers[REACH, lane]) << lane
    return bits


@inner
def balanced(work):
    """Bits of the lanes whose ‖F‖₁ is rounding."""
    bits = 0
    for lane in range(work.numbers.shape[1]):
        bits |= (work.numbers[NORM, lane] == 0.0) << lane
    return bits


@kernel
def newton(graph, pattern, law, leak, toward, inject, free, u, v, w, eta, active, work):
    """Bring v, or w where it is not None, of the lanes with an `active` bit to equilibrium, in place, at the nodes with
    a `free` bit, from where it is. Returns bits of the lanes that did not converge, and iterations.

    graph, pattern : as prepared. law : EdgeLaw. leak : (n_nodes, lanes) conductances to the voltages `toward`, 0 for
    leaks to ground, as all are of w. inject : likewise, currents into the nodes. u : (n_edges, lanes) what learns.
    eta : (1, lanes).
    """
    unknown = v if w is None else w
    n, lanes, leaps = free.size, unknown.shape[1], np.zeros(unknown.shape[1], dtype=np.int64)
    norms = np.zeros((MEMORY, lanes))
    rejected = relaxing = 0
    reach = 0.0 * load(unknown, 0)
    for a in range(n):
        reach = maximum(reach, absolute(load(unknown, a)))
    store(work.numbers, REACH, reach)
    store(work.numbers, SPAN, reach)
    store(work.numbers, SHIFT, SHIFT_LEAST)
    store(work.numbers, INVERSE, 0.0)
    store(work.numbers, FRACTION, 1.0)
    assemble(graph, pattern, law, leak, toward, inject, free, u, v, w, eta, active, work)
    for iteration in range(MOST_ITERATIONS):
        if w is None:
            keep(work)
        for lane in range(lanes):
            norms[iteration % MEMORY, lane] = work.numbers[NORM, lane]
            if work.numbers[FRACTION, lane] == 1.0 and not relaxing >> lane & 1:
                work.numbers[SHIFT, lane] = max(SHIFT_LEAST, work.numbers[SHIFT, lane] / SHIFT_GROWTH)
            work.numbers[FRACTION, lane] = 1.0
        factorise(pattern, work.matrix, work.upper)
        direction = work.before                          # F is needed no more; the direction takes its place
        substitute(pattern, work.matrix, work.upper, work.current)
        moved = reach = 0.0 * load(unknown, 0)
        for a in range(n):
            d, now = load(work.current, a), load(unknown, a)
            moved, reach = maximum(moved, absolute(d)), maximum(reach, absolute(now))
            store(direction, a, d)
            store(unknown, a, where(active, now - d, now))
        store(work.numbers, MOVED, moved)
        store(work.numbers, REACH, reach)
        active &= ~resting(work) | relaxing
        if not active:
            break
        assemble(graph, pattern, law, leak, toward, inject, free, u, v, w, eta, active, work)
        for _halving in range(MOST_HALVINGS):
            rejected = step_back(work, norms, iteration % MEMORY, active & ~relaxing)
            if not rejected:
                break
            for a in range(n):
                back = fma(load(work.numbers, FRACTION), load(direction, a), load(unknown, a))
                store(unknown, a, where(rejected, back, load(unknown, a)))
            assemble(graph, pattern, law, leak, toward, inject, free, u, v, w, eta, active, work)
        given_up = active & ~relaxing if iteration == SEARCHES else 0
        if rejected:
            given_up |= leap(rejected, leaps, work, unknown, direction)
        back = settled = 0
        if relaxing:
            back, settled = too_far(relaxing & active, unknown, free, direction, norms[iteration % MEMORY], work)
        begin_relaxing(given_up, free, work)
        if rejected | given_up | back:
            assemble(graph, pattern, law, leak, toward, inject, free, u, v, w, eta, active, work)
        active &= ~balanced(work) | relaxing | given_up
        relaxing = (relaxing | given_up) & ~settled
        if not active:
            if w is None:
                keep(work)
            break
    return active, iteration + 1
