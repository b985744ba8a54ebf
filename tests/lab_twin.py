"""The lab circuit in plain NumPy and SciPy, one circuit and one step at a time, in node voltages."""
from collections.abc import Callable

import numpy as np
from ohmlearn import Network, Task
from ohmlearn.lab.circuit import LabCircuit
from scipy.linalg import expm

XOR = {
    "eq5": lambda free, clamped, first, second: ((free - clamped) + first > 0) ^ ((free + clamped) + second > 0),
    "earlier": lambda free, clamped, first, second: ((free - clamped) + first > 0) ^ (clamped + second > 0),
    "eq6": lambda free, clamped, first, second: ((clamped - free) + first > 0) ^ (clamped + second > 0),
}


def lab(network: Network, task: Task, rate: float, circuit: LabCircuit, steps: int,
        errors: Callable[[int], np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """C in V² before each of the steps and at the end, and the taps then; errors(step) of the comparators (2, m), V."""
    D = network.incidence.toarray()
    sources, targets = task.sources, task.targets
    free = np.setdiff1d(np.arange(network.n_nodes), sources)
    inner = np.setdiff1d(free, targets)
    held = np.append(sources, targets)
    K = D.T @ D if circuit.capacitors == "edges" else np.eye(network.n_nodes)
    K_free, K_inner = K[np.ix_(free, free)], K[np.ix_(inner, inner)]
    divider = -np.linalg.solve(K_inner, K[np.ix_(inner, targets)])
    taps = np.full(network.n_edges, circuit.start / circuit.tap)

    def equilibrium(L, nodes, fixed, v):
        return np.linalg.solve(L[np.ix_(nodes, nodes)], -L[np.ix_(nodes, fixed)] @ v[fixed])

    def relax(L, nodes, fixed, capacitance, v):
        settled = equilibrium(L, nodes, fixed, v)
        A = np.linalg.solve(capacitance, L[np.ix_(nodes, nodes)])
        v[nodes] = settled + expm(-A / rate) @ (v[nodes] - settled)

    def pause(L):
        relax(L, free, sources, K_free, v)
        relax(L, inner, held, K_inner, w)

    L = D.T @ np.diag(circuit.unit / taps) @ D
    v = np.zeros(network.n_nodes)
    v[sources] = task.source_voltages
    v[free] = equilibrium(L, free, sources, v)
    w = v.copy()
    w[targets] += circuit.nudge * (task.target_voltages - v[targets])
    w[inner] = equilibrium(L, inner, held, w)
    costs, turned, seen = [], [], []
    for step in range(steps + 1):
        costs.append(np.sum((task.target_voltages - v[targets]) ** 2))
        turned.append(taps.copy())
        if step == steps:
            break
        clamped = v[targets] + circuit.nudge * (task.target_voltages - v[targets])
        w[inner] += divider @ (clamped - w[targets])
        w[targets] = clamped
        if circuit.pause != "turn":
            pause(L)
        seen.append((D @ v, D @ w, errors(step)))
        if step >= circuit.delay:
            taps = turn(circuit, taps, *seen[step - circuit.delay])
        L = D.T @ ((circuit.unit / taps)[:, None] * D)
        if circuit.pause != "clamp":
            pause(L)
    return np.array(costs), np.array(turned)


def turn(circuit: LabCircuit, taps: np.ndarray, free: np.ndarray, clamped: np.ndarray,
         errors: np.ndarray) -> np.ndarray:
    """Taps after an update of the potentiometers."""
    if circuit.signed:
        up = XOR[circuit.comparators](free, clamped, *errors)
        taps = taps + np.where(up, circuit.step, -circuit.step)
    else:
        product = (free - clamped + errors[0]) * (free + clamped + errors[1])
        G = circuit.unit / taps + circuit.gain / circuit.nudge * product
        taps = circuit.unit / np.maximum(G, circuit.unit / circuit.levels)
    if circuit.discrete:
        taps = np.rint(taps)
    return np.clip(taps, 1, circuit.levels)


def quasistatic(network: Network, task: Task, circuit: LabCircuit, steps: int) -> np.ndarray:
    """Taps before each step and at the end when both networks are at equilibrium whenever they are read: Eq. 5."""
    D = network.incidence.toarray()
    taps, turned = np.full(network.n_edges, circuit.start / circuit.tap), []

    def drops(nodes, voltages):
        free = np.setdiff1d(np.arange(network.n_nodes), nodes)
        L = D.T @ ((circuit.unit / taps)[:, None] * D)
        v = np.zeros(network.n_nodes)
        v[nodes] = voltages
        v[free] = np.linalg.solve(L[np.ix_(free, free)], -L[np.ix_(free, nodes)] @ voltages)
        return v, D @ v

    for _ in range(steps):
        turned.append(taps)
        v, free = drops(task.sources, task.source_voltages)
        nudged = v[task.targets] + circuit.nudge * (task.target_voltages - v[task.targets])
        _, clamped = drops(np.append(task.sources, task.targets), np.append(task.source_voltages, nudged))
        taps = np.clip(taps + np.where(np.abs(clamped) > np.abs(free), 1, -1), 1, circuit.levels)
    return np.array([*turned, taps])
