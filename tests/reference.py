"""Slow, readable NumPy twins of the kernels."""
import numpy as np

# ---- the Laplacian of one network (kernels/linalg/laplacian.py) ----


def laplacian(n_nodes, edges, conductances):
    """(n_nodes, n_nodes) dense L(G) = Δᵀ diag(G) Δ."""
    incidence = np.zeros((len(edges), n_nodes))
    for j, (a, b) in enumerate(edges):
        incidence[j, a], incidence[j, b] = 1.0, -1.0
    return incidence.T @ np.diag(conductances) @ incidence


def equilibrium(n_nodes, edges, conductances, held, held_voltages, currents):
    """(n_nodes,) voltages with held nodes, L_FF v_F = I_F - L_FS V_S, by dense elimination."""
    full = laplacian(n_nodes, edges, conductances)
    free = np.setdiff1d(np.arange(n_nodes), held)
    v = np.zeros(n_nodes)
    v[held] = held_voltages
    v[free] = np.linalg.solve(full[np.ix_(free, free)], currents[free] - full[np.ix_(free, held)] @ held_voltages)
    return v


def exact_equilibrium(n_nodes, edges, conductances, held, held_voltages, currents=None):
    """The same by elimination without a subtraction, in extended precision: right to the last digits of a double
    however far the conductances spread (Grassmann, Taksar & Heyman 1985), while no current is injected or all are
    positive."""
    weights = np.zeros((n_nodes, n_nodes), np.longdouble)
    np.add.at(weights, (edges[:, 0], edges[:, 1]), np.asarray(conductances, np.longdouble))
    weights += weights.T
    into = np.zeros(n_nodes, np.longdouble) if currents is None else np.array(currents, np.longdouble)
    alive, steps = np.ones(n_nodes, dtype=bool), []
    for a in np.setdiff1d(np.arange(n_nodes), held):
        alive[a] = False
        near = np.flatnonzero((weights[a] > 0) & alive)
        total = weights[a, near].sum()
        fraction = weights[a, near] / total
        weights[np.ix_(near, near)] += np.outer(fraction, weights[a, near])
        weights[near, near] = 0
        into[near] += fraction * into[a]
        steps.append((a, near, fraction, into[a] / total))
    v = np.zeros(n_nodes, np.longdouble)
    v[held] = held_voltages
    for a, near, fraction, own in reversed(steps):
        v[a] = fraction @ v[near] + own
    return v


# ---- coupled learning of one member (kernels/ensemble/rk4.py, kernels/linalg/block_ldlt.py,
# kernels/ensemble/step_bounds.py) ----

def slopes(network, task, rule, rate, v, w, G):
    """dv/dt, dw/dt, dG/dt of paper 1, Eq. 3, in the (v, w) form, with the floor and the ceiling."""
    D = network.incidence
    dv, dw = D @ v, D @ w
    v_dot, w_dot = -D.T @ (G * dv), -D.T @ (G * dw)
    v_dot[task.sources] = w_dot[task.sources] = 0.0
    w_dot[task.targets] = -v_dot[task.targets]
    G_dot = -rule.prefactor * rate * dw * (2 * dv + rule.nudge * dw)
    if rule.frozen is not None:
        G_dot = np.where(rule.frozen, 0.0, G_dot)
    if rule.floor_mode == "relax":
        G_dot = np.maximum(G_dot, rule.floor_rate * (rule.floor - G))
        if rule.ceiling is not None:
            G_dot = np.minimum(G_dot, rule.floor_rate * (rule.ceiling - G))
    else:
        G_dot = np.where(rule.floor >= G, np.maximum(G_dot, 0.0), G_dot)
        if rule.ceiling is not None:
            G_dot = np.where(rule.ceiling <= G, np.minimum(G_dot, 0.0), G_dot)
    return v_dot, w_dot, G_dot


def gill_step(network, task, rule, rate, state, dt):
    """One step of Gill's form of RK4 (S. Gill, Proc. Camb. Phil. Soc. 47, 96 (1951)) of state (v, w, G). Where half a
    step or a whole one has led G beyond a bound, the rest of the step starts from the bound, at rest."""
    s = np.sqrt(0.5)
    y, q = [np.array(part) for part in state], [np.zeros_like(part) for part in state]
    for stage, (a, b, c, d) in enumerate(((0.5, 0.0, 1.0, 0.0), (1 - s, 1.0, 2 - 2 * s, -2 + 3 * s),
                       (1 + s, 1.0, 2 + 2 * s, -2 - 3 * s), (1 / 6, 2.0, 0.0, 0.0))):
        k = [dt * slope for slope in slopes(network, task, rule, rate, *y)]
        y = [yi + a * (ki - b * qi) for yi, ki, qi in zip(y, k, q, strict=True)]
        q = [c * ki + d * qi for ki, qi in zip(k, q, strict=True)]
        beyond = y[2] < rule.floor
        y[2] = np.maximum(y[2], rule.floor)
        if rule.ceiling is not None:
            beyond |= y[2] > rule.ceiling
            y[2] = np.minimum(y[2], rule.ceiling)
        if stage != 1:
            q[2] = np.where(beyond, 0.0, q[2])
    return y


def clamped_difference(network, task, G, v):
    """(n_nodes,) w at equilibrium: 0 at sources, V_T - v_T at targets."""
    held = np.append(task.sources, task.targets)
    values = np.append(np.zeros(len(task.sources)), task.target_voltages - v[task.targets])
    return equilibrium(network.n_nodes, network.edges, G, held, values, np.zeros(network.n_nodes))


def beginning(network, task, G):
    """v and w before learning starts, both at equilibrium."""
    v = equilibrium(network.n_nodes, network.edges, G, task.sources, task.source_voltages, np.zeros(network.n_nodes))
    return v, clamped_difference(network, task, G, v)


def equilibrium_error(network, task, G):
    """(n_targets,) V_T - v*_T."""
    return task.target_voltages - beginning(network, task, G)[0][task.targets]


def training_time(network, task, rule, rate, until, limit, rtol=1e-8):
    """First t with C* < until C*(0), by scipy's RK45 at tight tolerance with C* watched on its dense output."""
    from scipy.integrate import RK45
    from scipy.optimize import brentq
    n, m = network.n_nodes, network.n_edges

    def rhs(t, y):
        v, w = y[:n], y[n:2 * n].copy()
        w[task.targets] = task.target_voltages - v[task.targets]
        return np.concatenate(slopes(network, task, rule, rate, v, w, y[2 * n:]))

    def excess(y):
        return np.log(np.sum(equilibrium_error(network, task, y[2 * n:]) ** 2) / initial) - np.log(until)

    G = np.ones(m)
    initial = np.sum(equilibrium_error(network, task, G) ** 2)
    solver = RK45(rhs, 0.0, np.concatenate([*beginning(network, task, G), G]), limit, rtol=rtol, atol=1e-3 * rtol)
    while solver.status == "running":
        solver.step()
        path = solver.dense_output()
        times = np.linspace(solver.t_old, solver.t, 5)
        above = [excess(path(t)) for t in times]
        for i in range(4):
            if above[i] > 0 >= above[i + 1]:
                return brentq(lambda t: excess(path(t)), times[i], times[i + 1], xtol=1e-12 * times[i + 1])  # noqa: B023
    return np.nan


# ---- order of elimination and pattern of a factor (kernels/linalg/symbolic.py) ----


def elimination(edges, n_nodes):
    """Nodes in order of elimination by least remaining degree (ties: lower number), and the sets each leaves joined."""
    graph = [set() for _ in range(n_nodes)]
    for a, b in np.asarray(edges).tolist():
        graph[a].add(b)
        graph[b].add(a)
    order, left = [], []
    alive = set(range(n_nodes))
    while alive:
        a = min(alive, key=lambda k: (len(graph[k]), k))
        alive.remove(a)
        order.append(a)
        left.append(graph[a])
        for b in graph[a]:
            graph[b] = (graph[b] | graph[a]) - {a, b}
    return order, left


# ---- coupled learning of every linear task under every rule and schedule (kernels/general/stages.py and what uses
# it) ----

class GeneralTwin:
    """The equations written down once more: dense matrices, Lagrange multipliers, scipy's integrator from switch to
    switch. The state is v and w (copies, n_nodes), G and s (n_edges,), and ln f."""

    def __init__(self, network, samples, rule, schedule, rate):
        self.net, self.samples, self.rule, self.schedule, self.rate = network, samples, rule, schedule, rate
        n = network.n_nodes
        self.turn = len(samples) > 1 and schedule.switching is not None
        self.copies = 1 if self.turn else len(samples)
        self.O = samples[0].output_matrix(n).toarray()
        self.D = np.array([np.eye(n)[a] - np.eye(n)[b] for a, b in samples[0].drops]).reshape(-1, n)
        self.held = samples[0].sources
        self.floats = not self.held.size
        if self.floats:
            self.O = self.O - self.O.mean(axis=1, keepdims=True)
        self.H = np.eye(n)[self.held]

    def given(self, k):
        """Injected currents, held voltages, held drops, desired outputs of sample k."""
        task = self.samples[k % len(self.samples)]
        return (task.injected(self.net.n_nodes), task.source_voltages, np.array(list(task.drops.values())),
                task.target_voltages)

    def shown(self, t, copy, number):
        """The same of what is shown to a copy at time t, and its change in time; `number` samples were shown before."""
        if not self.turn:
            return self.given(copy), [0 * x for x in self.given(copy)]
        now = self.given(number)
        if not self.schedule.blend:
            return now, [0 * x for x in now]
        sigma = self.schedule.switching
        slope = [sigma * (b - a) for a, b in zip(now, self.given(number + 1), strict=True)]
        return [x + (t - number / sigma) * s for x, s in zip(now, slope, strict=True)], slope

    @staticmethod
    def constrained(force, constraints, values):
        """x nearest to `force` with constraints x = values (independent rows)."""
        if not len(constraints):
            return force
        return force + constraints.T @ np.linalg.solve(constraints @ constraints.T, values - constraints @ force)

    def equilibrium(self, G, given):
        """v* and w* of one sample, by one dense matrix bordered with all that is held."""
        n, current, (_, held, drops, desired) = self.net.n_nodes, given[0], given
        L, rule = laplacian(n, self.net.edges, G), self.rule
        gauge = np.ones((1, n)) if self.floats else np.empty((0, n))

        def solve(matrix, right, constraints, values):
            k = len(constraints)
            full = np.block([[matrix, constraints.T], [constraints, np.zeros((k, k))]])
            return np.linalg.solve(full, np.r_[right, values])[:n]

        rows = np.concatenate([self.H, self.D, gauge])
        v = solve(L, current, rows, np.r_[held, drops, np.zeros(len(gauge))])
        error = desired - self.O @ v
        if rule.clamp == "pulled":
            pull = rule.clamp_rate * self.O.T
            w = solve(L + rule.clamp_share * pull @ self.O, pull @ error, rows, np.zeros(len(rows)))
        else:
            w = solve(L, np.zeros(n), np.concatenate([self.O, rows]), np.r_[error, np.zeros(len(rows))])
        return v, w

    def voltages_slope(self, t, copy, number, v, w, G):
        """dv/dt, dw/dt of one copy, and dC/dt over 2."""
        (current, _, _, desired), (_, held, drops, desired_slope) = self.shown(t, copy, number)
        L, rule, fixed = laplacian(self.net.n_nodes, self.net.edges, G), self.rule, np.concatenate([self.H, self.D])
        v_dot = self.constrained(current - L @ v, fixed, np.r_[held, drops])
        error = desired - self.O @ v
        none = np.zeros(len(fixed))
        if rule.clamp == "pulled":
            pull = rule.clamp_rate * self.O.T @ (error - rule.clamp_share * self.O @ w)
            w_dot = self.constrained(-L @ w + pull, fixed, none)
        else:
            wanted = desired_slope - self.O @ v_dot
            if rule.clamp == "moving":
                wanted = rule.clamp_rate * (error - self.O @ w) - self.O @ v_dot / rule.nudge
            w_dot = self.constrained(-L @ w, np.concatenate([fixed, self.O]), np.r_[none, wanted])
        return v_dot, w_dot, error @ (desired_slope - self.O @ v_dot)

    def slope(self, t, y, number):
        v, w, G, s, f = self.unpack(y)
        rule, schedule, D = self.rule, self.schedule, self.net.incidence
        if self.rate == 0:
            for copy in range(self.copies):
                v[copy], w[copy] = self.equilibrium(G, self.shown(t, copy, number)[0])
        parts = [self.voltages_slope(t, copy, number, v[copy], w[copy], G) for copy in range(self.copies)]
        c = np.mean([(D @ b) * (2 * (D @ a) + rule.nudge * (D @ b)) + rule.aging * (D @ a) ** 2
                     for a, b in zip(v, w, strict=True)], axis=0)
        R = rule.prefactor * (self.rate or 1.0) * np.exp(f)
        if schedule.ramp_times is not None:
            R *= np.interp(t, schedule.ramp_times, schedule.ramp_factors)
        own = 1.0 if rule.edge_scale is None else 1 / np.sqrt(1 + s / rule.edge_scale ** 2)
        G_dot = -R * own * (c + (0.0 if rule.bias is None else rule.bias))
        if rule.frozen is not None:
            G_dot = np.where(rule.frozen, 0.0, G_dot)
        if rule.floor_mode == "relax" and self.rate > 0:
            G_dot = np.maximum(G_dot, rule.floor_rate * (rule.floor - G))
        elif self.rate == 0:
            G_dot = np.where(rule.floor >= G, np.maximum(G_dot, 0.0), G_dot)
        s_dot = R * (c ** 2 - (0.0 if rule.memory is None else s / rule.memory))
        f_dot = -schedule.slow_down if sum(part[2] for part in parts) > 0 else schedule.speed_up
        still = float(self.rate > 0)
        return np.concatenate([still * np.ravel([part[0] for part in parts]),
                               still * np.ravel([part[1] for part in parts]), G_dot, s_dot, [f_dot]])

    def unpack(self, y):
        n, m, c = self.net.n_nodes, self.net.n_edges, self.copies
        v, w = y[:2 * n * c].reshape(2, c, n).copy()
        return v, w, y[2 * n * c:2 * n * c + m], y[2 * n * c + m:-1], y[-1]

    def jump(self, number, y):
        """What changes at once when sample `number` begins: held voltages, held drops, the clamp."""
        v, w, G, s, f = self.unpack(y)
        _, held, drops, desired = self.given(number)
        fixed = np.concatenate([self.H, self.D])
        v[0] = self.constrained(v[0], fixed, np.r_[held, drops])
        if self.rule.clamp == "held":
            w[0] = self.constrained(w[0], np.concatenate([fixed, self.O]),
                                    np.r_[np.zeros(len(fixed)), desired - self.O @ v[0]])
        return np.concatenate([v.ravel(), w.ravel(), G, s, [f]])

    def integrate(self, times, G, rtol=1e-10):
        """States at the times (n,), the first at 0 and at equilibrium."""
        from scipy.integrate import solve_ivp
        start = [self.equilibrium(G, self.given(copy)) for copy in range(self.copies)]
        y = np.concatenate([np.ravel([v for v, _ in start]), np.ravel([w for _, w in start]), G, 0 * G, [0.0]])
        found, t, number = [y], times[0], 0
        while t < times[-1]:
            end = min(times[-1], (number + 1) / self.schedule.switching) if self.turn else times[-1]
            inside = [x for x in times if t < x <= end]
            path = solve_ivp(self.slope, (t, end), y, t_eval=np.unique([*inside, end]), rtol=rtol, atol=1e-3 * rtol,
                             args=(number,), method="RK45")
            found += list(path.y.T[:len(inside)])
            y, t, number = path.y[:, -1], end, number + 1
            if self.turn and not self.schedule.blend:
                y = self.jump(number, y)
        return [self.unpack(y) for y in found]

    def cost(self, G):
        """C* (V²), the mean over the samples."""
        return np.mean([np.sum((self.given(k)[3] - self.O @ self.equilibrium(G, self.given(k))[0]) ** 2)
                        for k in range(len(self.samples))])
