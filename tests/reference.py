"""Slow, readable NumPy twins of the kernels."""
import numpy as np

# ---- the Laplacian of one network (kernels/laplacian.py) ----


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


# ---- coupled learning of one member (kernels/dynamics.py, kernels/equilibrium.py, kernels/stepsize.py) ----

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
    """One step of Gill's form of RK4 (S. Gill, Proc. Camb. Phil. Soc. 47, 96 (1951)) of state (v, w, G)."""
    s = np.sqrt(0.5)
    y, q = [np.array(part) for part in state], [np.zeros_like(part) for part in state]
    for a, b, c, d in ((0.5, 0.0, 1.0, 0.0), (1 - s, 1.0, 2 - 2 * s, -2 + 3 * s),
                       (1 + s, 1.0, 2 + 2 * s, -2 - 3 * s), (1 / 6, 2.0, 0.0, 0.0)):
        k = [dt * slope for slope in slopes(network, task, rule, rate, *y)]
        y = [yi + a * (ki - b * qi) for yi, ki, qi in zip(y, k, q, strict=True)]
        q = [c * ki + d * qi for ki, qi in zip(k, q, strict=True)]
        y[2] = np.maximum(y[2], rule.floor)
        if rule.ceiling is not None:
            y[2] = np.minimum(y[2], rule.ceiling)
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


# ---- order of elimination and pattern of a factor (kernels/symbolic.py) ----


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
