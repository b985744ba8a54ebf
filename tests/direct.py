"""An integration of paper 1, Eq. 3, that shares nothing with the kernels: Dormand and Prince's RK5(4) with its error
control, dense solves for C*, and C* followed within every step. Plain scalar loops, for first crossings in numbers."""
import numba
import numpy as np

_C = np.array([0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1, 1])
_A = np.zeros((7, 6))
_A[1, :1] = 1 / 5
_A[2, :2] = 3 / 40, 9 / 40
_A[3, :3] = 44 / 45, -56 / 15, 32 / 9
_A[4, :4] = 19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729
_A[5, :5] = 9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656
_A[6, :6] = 35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84
_E = np.array([71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40])
POINTS = 8          # of a step at which C* is looked at
AGAIN = 8           # times that a step is taken again to end at a crossing
BENT = 1e-3         # bend of δ over a step, relative to δ and its change, above which the step is halved


@numba.njit(cache=True)
def rhs(y, out, ends, kind, rule, n):
    """dy/dt of y = (v, w, G). kind (n,): 0 free, 1 source, 2 target. rule: aR, η, floor, fall (inf: clip), ceiling."""
    out[:] = 0.0
    for j in range(ends.shape[0]):
        a, b = ends[j]
        dv, dw, g = y[a] - y[b], y[n + a] - y[n + b], y[2 * n + j]
        out[a] -= g * dv
        out[b] += g * dv
        out[n + a] -= g * dw
        out[n + b] += g * dw
        k = -rule[0] * dw * (2 * dv + rule[1] * dw)
        if np.isfinite(rule[3]):
            k = min(max(k, rule[3] * (rule[2] - g)), rule[3] * (rule[4] - g))
        elif (g <= rule[2] and k < 0) or (g >= rule[4] and k > 0):
            k = 0.0
        out[2 * n + j] = k
    for a in range(n):
        if kind[a] == 1:
            out[a] = out[n + a] = 0.0
        elif kind[a] == 2:
            out[n + a] = -out[a]


@numba.njit(cache=True)
def errors(y, dy, ends, kind, targets, wanted, n, delta, slope):
    """δ = V_T - v*_T at the conductances of y, and dδ/dt as they change by dy."""
    place, free = np.full(n, -1), 0
    for a in range(n):
        if kind[a] != 1:
            place[a] = free
            free += 1
    L, right = np.zeros((free, free)), np.zeros((free, 2))
    for j in range(ends.shape[0]):
        a, b = ends[j]
        g, i, k = y[2 * n + j], place[a], place[b]
        if i >= 0:
            L[i, i] += g
        if k >= 0:
            L[k, k] += g
        if i >= 0 and k >= 0:
            L[i, k] -= g
            L[k, i] -= g
        elif i >= 0:
            right[i, 0] += g * y[b]
        elif k >= 0:
            right[k, 0] += g * y[a]
    v = np.empty(n)
    v[:] = y[:n]
    still = np.linalg.solve(L, right[:, 0].copy())
    for a in range(n):
        if place[a] >= 0:
            v[a] = still[place[a]]
    for j in range(ends.shape[0]):
        a, b = ends[j]
        current = dy[2 * n + j] * (v[a] - v[b])
        if place[a] >= 0:
            right[place[a], 1] -= current
        if place[b] >= 0:
            right[place[b], 1] += current
    moved = np.linalg.solve(L, right[:, 1].copy())
    for t in range(targets.size):
        delta[t] = wanted[t] - still[place[targets[t]]]
        slope[t] = -moved[place[targets[t]]]


@numba.njit(cache=True)
def cost_at(s, d0, d1, m0, m1):
    total = 0.0
    for i in range(d0.size):
        a, b = m0[i] - (d1[i] - d0[i]), (d1[i] - d0[i]) - m1[i]
        x = d0[i] + s * (d1[i] - d0[i]) + s * (1 - s) * ((1 - s) * a + s * b)
        total += x * x
    return total


@numba.njit(cache=True)
def crossing(level, d0, d1, m0, m1):
    """First s in [0, 1] with C* < level, NaN if none, and the least C* of a dip before it."""
    least, before = np.inf, 0.0
    for k in range(1, POINTS + 1):
        left, right = (k - 1) / POINTS, k / POINTS
        low, high = left, right
        for _ in range(40):                     # the least cost within, if there is one inside
            one, two = low + 0.382 * (high - low), low + 0.618 * (high - low)
            if cost_at(one, d0, d1, m0, m1) < cost_at(two, d0, d1, m0, m1):
                high = two
            else:
                low = one
        bottom = 0.5 * (low + high)
        for s in (bottom, right):
            cost = cost_at(s, d0, d1, m0, m1)
            if level <= cost < min(cost_at(left, d0, d1, m0, m1), cost_at(right, d0, d1, m0, m1)):
                least = min(least, cost)
            if cost < level:
                low, high = before, s
                for _ in range(60):
                    middle = 0.5 * (low + high)
                    if cost_at(middle, d0, d1, m0, m1) < level:
                        high = middle
                    else:
                        low = middle
                return high, least
            before = s
    return np.nan, least


@numba.njit(cache=True)
def integrate(y, ends, kind, targets, wanted, rule, until, limit, rtol, A, E):
    """First t with C* < until C*(0), NaN if not before `limit`; the least C*/level that did not cross before; steps.
    y becomes the state at the end of the last step."""
    n, T = kind.size, targets.size
    k, new, at = np.zeros((7, y.size)), np.empty(y.size), np.empty(y.size)
    rhs(y, k[0], ends, kind, rule, n)
    d0, m0, d1, m1 = np.empty(T), np.empty(T), np.empty(T), np.empty(T)
    errors(y, k[0], ends, kind, targets, wanted, n, d0, m0)
    level, missed, t, steps, again = until * np.sum(d0 * d0), np.inf, 0.0, 0, 0
    degree = np.zeros(n)
    for j in range(ends.shape[0]):
        degree[ends[j, 0]] += y[2 * n + j]
        degree[ends[j, 1]] += y[2 * n + j]
    h = min(1e-3 / degree.max(), 1e-3 * limit, 1e-3 / np.sqrt(rule[0] + 1e-300))
    while t < limit:
        h = min(h, limit - t)
        for s in range(1, 7):
            at[:] = y
            for r in range(s):
                if A[s, r] != 0.0:
                    at += h * A[s, r] * k[r]
            rhs(at, k[s], ends, kind, rule, n)
        new[:] = at
        error = 0.0
        for i in range(y.size):
            e = 0.0
            for s in range(7):
                e += E[s] * k[s, i]
            scale = 1e-3 + max(abs(y[i]), abs(new[i]))
            error = max(error, abs(h * e) / scale)
        error /= rtol
        steps += 1
        if not error <= 1.0:
            h *= max(0.2, 0.9 * error ** -0.2) if np.isfinite(error) else 0.2
            if t + h == t:
                return np.nan, missed, steps
            continue
        for j in range(ends.shape[0]):
            new[2 * n + j] = min(max(new[2 * n + j], rule[2]), rule[4])
        rhs(new, k[1], ends, kind, rule, n)
        errors(new, k[1], ends, kind, targets, wanted, n, d1, m1)
        bend, size = 0.0, 0.0
        for i in range(T):
            bend = max(bend, abs(d1[i] - d0[i] - 0.5 * h * (m0[i] + m1[i])))
            size = max(size, max(abs(d0[i]), h * abs(m0[i])))
        if bend > BENT * size + 1e-13 and t + 0.5 * h > t * (1 + 1e-13):
            h *= 0.5
            continue
        s, least = crossing(level, d0, d1, h * m0, h * m1)
        if not np.isnan(s) and again < AGAIN and min(s, 1 - s) * bend > 1e-10 * size and t + s * h > t:
            h *= s * (1 + 1e-12)                # the cubic is exact at its ends: end a step at the crossing
            again += 1
            continue
        y[:] = new
        if not np.isnan(s):
            return t + s * h, missed, steps
        missed = min(missed, least / max(level, 1e-300))
        t += h
        k[0], d0[:], m0[:] = k[1], d1, m1
        h *= min(5.0, 0.9 * max(error, 1e-10) ** -0.2)
    return np.nan, missed, steps


def first_crossing(network, task, rule, rate, limit, until=1e-6, rtol=1e-9):
    """τ of one run, NaN if not before `limit`; the least C*/(until C*(0)) of a dip before it that did not cross; and
    the conductances at the end of the step that crosses."""
    import reference as twin

    kind = np.zeros(network.n_nodes, dtype=np.int64)
    kind[task.sources], kind[task.targets] = 1, 2
    G = np.ones(network.n_edges)
    y = np.concatenate([*twin.beginning(network, task, G), G])
    fall = rule.floor_rate if rule.floor_mode == "relax" else np.inf
    numbers = np.array([rule.prefactor * rate, rule.nudge, rule.floor, fall,
                        np.inf if rule.ceiling is None else rule.ceiling])
    tau, missed, steps = integrate(y, np.ascontiguousarray(network.edges), kind, np.asarray(task.targets),
                                   np.asarray(task.target_voltages, dtype=float), numbers, until, limit, rtol, _A, _E)
    return tau, missed, y[2 * network.n_nodes:], steps


def trace(network, task, rule, rate, times, rtol=1e-9):
    """G (n_edges,) at the last of the times, and C*/C*(0) and C/C*(0) at all of them (n_times,)."""
    import reference as twin

    kind = np.zeros(network.n_nodes, dtype=np.int64)
    kind[task.sources], kind[task.targets] = 1, 2
    G = np.ones(network.n_edges)
    y = np.concatenate([*twin.beginning(network, task, G), G])
    fall = rule.floor_rate if rule.floor_mode == "relax" else np.inf
    numbers = np.array([rule.prefactor * rate, rule.nudge, rule.floor, fall,
                        np.inf if rule.ceiling is None else rule.ceiling])
    first, found, now = np.sum(twin.equilibrium_error(network, task, G) ** 2), [], 0.0
    for t in times:
        integrate(y, np.ascontiguousarray(network.edges), kind, np.asarray(task.targets),
                  np.asarray(task.target_voltages, dtype=float), numbers, 0.0, t - now, rtol, _A, _E)
        G, now = y[2 * network.n_nodes:], t
        found.append((np.sum(twin.equilibrium_error(network, task, G) ** 2),
                      np.sum((task.target_voltages - y[task.targets]) ** 2)))
    return G, *(np.array(found).T / first)
