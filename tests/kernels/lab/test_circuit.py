"""The lab kernel: relaxation, the capacitive jump, the comparators and the potentiometers, against outside truth."""
from itertools import product

import numpy as np
import pytest
from ohmlearn import Network, Task
from ohmlearn.drivers.lab.block import LANES, LabBlock, Member, Whitened
from ohmlearn.kernels.lab import circuit as kernels
from ohmlearn.kernels.simd.vectors import aligned
from ohmlearn.lab.circuit import COMPARATORS, LabCircuit, lab_network, lab_task
from scipy.integrate import simpson, solve_ivp

UNIT = 12.8                                                      # conductance of a tap, 1/R0
QUIET = LabCircuit(noise=0.0)
STUCK = LabCircuit(noise=0.0, discrete=False, step=1e-300)       # potentiometers that do not turn


def a_network(n: int, m: int, seed: int = 0) -> Network:
    rng = np.random.default_rng(seed)
    chain = np.c_[np.arange(n - 1), np.arange(1, n)]
    more = rng.integers(0, n, (4 * m, 2))
    return Network(np.r_[chain, more[more[:, 0] != more[:, 1]]][:m], n)


CASES = {
    "board": (lab_network(), lab_task(lab_network(), 3)),
    "parallel edges, three sources": (a_network(8, 15), Task([0, 4, 7], [0.0, 5.0, -1.0], [2], [1.0])),
    "large": (a_network(14, 30), Task([0, 13], [0.0, 5.0], [2, 5, 9], [1.0, 2.0, 3.0])),
    "no inner node": (a_network(4, 6), Task([0, 3], [0.0, 5.0], [1, 2], [2.0, 3.0])),
    "one free node": (a_network(3, 4), Task([0, 2], [0.0, 5.0], [1], [2.0])),
}


def block_of(network: Network, task: Task, circuit: LabCircuit, rates: list[float], seed: int = 0) -> LabBlock:
    """A block with random taps, and voltages anywhere: nothing in it is at equilibrium."""
    rng = np.random.default_rng(seed)
    whitened = Whitened.of(network, task, circuit.capacitors)
    block = LabBlock(whitened.shape, circuit)
    for lane in range(LANES):
        taps = rng.integers(1, 129, network.n_edges).astype(float)
        block.insert(lane, Member(lane, whitened, rates[lane % len(rates)], 0, taps))
    for rows in (block.state.free, block.state.clamped, block.state.held):
        rows[:] = rng.normal(2.0, 1.0, rows.shape)
    return block


def step(block: LabBlock) -> None:
    """One training step."""
    train = kernels.train_board if block.shape == kernels.BOARD else kernels.train
    train(aligned(2, LANES), block.state, block.wiring, block.settings, block.work)


def drops_of(block: LabBlock, lane: int) -> tuple[np.ndarray, np.ndarray]:
    """(m,) drops of the free and of the clamped network: b_j·x + e_j."""
    m, n, k = block.shape
    b, state, wiring = block.wiring.vectors[:, lane].reshape(m, n), block.state, block.wiring
    sources, targets = wiring.sources[:, lane], wiring.targets[:, lane].reshape(m, k)
    return (b @ state.free[:, lane] + sources,
            b[:, :n - k] @ state.clamped[:, lane] + sources + targets @ state.held[:, lane])


def voltages(network: Network, task: Task, drops: np.ndarray) -> np.ndarray:
    """(n_nodes,) node voltages that have these drops."""
    D = network.incidence.toarray()
    v = np.linalg.lstsq(np.vstack([D, np.eye(network.n_nodes)[task.sources]]),
                        np.append(drops, task.source_voltages), rcond=None)[0]
    np.testing.assert_allclose(D @ v, drops, rtol=0, atol=1e-12)
    return v


def moved(K: np.ndarray, L: np.ndarray, v: np.ndarray, held: np.ndarray, time: float,
          by: np.ndarray | float = 0.0) -> np.ndarray:
    """v after a time in which the held nodes move evenly by so much: K dv/dt = -L v at the others, by solve_ivp."""
    free = np.setdiff1d(np.arange(len(v)), held)
    inverse, steady = np.linalg.inv(K[np.ix_(free, free)]), np.zeros(len(v))
    steady[held] = np.asarray(by) / time
    steady[free] = -inverse @ (K[np.ix_(free, held)] @ steady[held])
    jacobian = np.zeros_like(K)
    jacobian[free] = -inverse @ L[free]
    return solve_ivp(lambda _, x: steady + jacobian @ x, (0, time), v, "Radau", rtol=1e-10, atol=1e-12,
                     jac=jacobian).y[:, -1]


@pytest.mark.parametrize("capacitors", ["edges", "nodes"])
@pytest.mark.parametrize("case", CASES)
def test_a_training_step_against_solve_ivp(case: str, capacitors: str) -> None:
    """Clamp, then a pause of 0.01 to 100 R0 c. For the clamp's jump stands a ramp in 1e-9 R0 c."""
    network, task = CASES[case]
    D = network.incidence.toarray()
    K = D.T @ D if capacitors == "edges" else np.eye(network.n_nodes)
    rates = [100.0, 1.0, 0.1, 0.01]
    block = block_of(network, task, LabCircuit(noise=0.0, capacitors=capacitors), rates)
    before = [[voltages(network, task, drops) for drops in drops_of(block, lane)] for lane in range(len(rates))]
    g, old = block.state.conductances.copy(), block.state.held.copy()
    step(block)
    held = np.append(task.sources, task.targets)
    for lane, (v, w) in enumerate(before):
        L = D.T @ (g[:, lane, None] * D)
        nudged = v[task.targets] + 0.5 * (task.target_voltages - v[task.targets])
        w = moved(K, L, w, held, 1e-9, np.append(0 * task.sources, nudged - old[:, lane]))
        free, clamped = drops_of(block, lane)
        np.testing.assert_allclose(free, D @ moved(K, L, v, task.sources, 1 / rates[lane]), rtol=0, atol=2e-9)
        np.testing.assert_allclose(clamped, D @ moved(K, L, w, held, 1 / rates[lane]), rtol=0, atol=1e-7)


@pytest.mark.parametrize("rate", [1e3, 10.0, 0.48, 0.3, 0.14, 1e-2, 1e-4])
def test_equal_resistors_relax_as_one_exponential(rate: float) -> None:
    """With capacitors beside equal resistors, c dΔv/dt = -G (Δv - Δv*) on every edge."""
    network, task = CASES["board"]
    block = block_of(network, task, QUIET, [rate])
    block.state.taps[:], block.state.conductances[:] = 64.0, 0.2
    settled = drops_of_settled(block, network, task)
    start = drops_of(block, 0)[0]
    step(block)
    expected = settled + np.exp(-0.2 / rate) * (start - settled)
    np.testing.assert_allclose(drops_of(block, 0)[0], expected, rtol=0, atol=2e-14)


def drops_of_settled(block: LabBlock, network: Network, task: Task) -> np.ndarray:
    """Equilibrium drops of the first lane's free network."""
    D = network.incidence.toarray()
    L = D.T @ (block.state.conductances[:, 0, None] * D)
    free = np.setdiff1d(np.arange(network.n_nodes), task.sources)
    v = np.zeros(network.n_nodes)
    v[task.sources] = task.source_voltages
    v[free] = np.linalg.solve(L[np.ix_(free, free)], -L[np.ix_(free, task.sources)] @ task.source_voltages)
    return D @ v


@pytest.mark.parametrize("case", CASES)
def test_energy_falls_as_fast_as_conductances_allow(case: str) -> None:
    """½ Σ (Δv - Δv*)² decays between exp(-2 G_max t) and exp(-2 G_min t)."""
    network, task = CASES[case]
    block = block_of(network, task, STUCK, [0.5])
    settled, g = drops_of_settled(block, network, task), block.state.conductances[:, 0].copy()
    energies = []
    for _ in range(5):
        energies.append(np.sum((drops_of(block, 0)[0] - settled) ** 2))
        step(block)
    falls = -np.log(np.divide(energies[1:], energies[:-1]))
    assert np.all(falls >= 4.0 * g.min() * (1 - 1e-9))
    assert np.all(falls <= 4.0 * g.max() * (1 + 1e-9))


def test_charge_and_energy_are_conserved() -> None:
    """What flows through resistors and capacitors into a free node adds up to nothing; what the sources give is stored
    or turned to heat. Trajectories of short pauses, integrated by Simpson's rule."""
    network, task = CASES["board"]
    D = network.incidence.toarray()
    pauses, time = 1000, 0.5
    block = block_of(network, task, STUCK, [pauses / time])
    g, path = block.state.conductances[:, 0].copy(), [drops_of(block, 0)[0]]
    for _ in range(pauses):
        step(block)
        path.append(drops_of(block, 0)[0])
    drops, t = np.array(path), np.linspace(0, time, pauses + 1)
    charge = D.T @ (g * simpson(drops, x=t, axis=0) + drops[-1] - drops[0])
    free = np.setdiff1d(np.arange(9), task.sources)
    np.testing.assert_allclose(charge[free], 0, rtol=0, atol=1e-9)
    heat, stored = simpson((g * drops**2).sum(axis=1), x=t), 0.5 * np.sum(drops[-1]**2 - drops[0]**2)
    assert charge[task.sources] @ task.source_voltages == pytest.approx(heat + stored, abs=1e-8)


def test_the_jump_leaves_the_charge_of_inner_nodes() -> None:
    """With no time to relax, K Δv = 0 at the inner nodes of the clamped network while its targets move."""
    network, task = CASES["board"]
    block = block_of(network, task, STUCK, [1e14])
    before, free = drops_of(block, 0)[1], drops_of(block, 0)[0]
    step(block)
    inner = np.setdiff1d(np.arange(9), np.append(task.sources, task.targets))
    D = network.incidence.toarray()
    charge = D.T @ (drops_of(block, 0)[1] - before)
    np.testing.assert_allclose(charge[inner], 0, rtol=0, atol=1e-11)
    assert np.all(np.abs(charge[task.targets]) > 0.1)
    np.testing.assert_allclose(drops_of(block, 0)[0], free, rtol=0, atol=1e-11)


def test_node_capacitors_keep_inner_nodes_in_place() -> None:
    network, task = CASES["board"]
    block = block_of(network, task, LabCircuit(noise=0.0, capacitors="nodes"), [1e14])
    before = block.state.clamped.copy()
    step(block)
    np.testing.assert_allclose(block.state.clamped, before, rtol=0, atol=1e-11)


@pytest.mark.parametrize("capacitors", ["edges", "nodes"])
def test_two_pauses_are_one_twice_as_long(capacitors: str) -> None:
    network, task = CASES["board"]
    circuit = LabCircuit(noise=0.0, discrete=False, step=1e-300, capacitors=capacitors)
    rates = [200.0, 2.0, 0.2, 0.02]
    short, long = (block_of(network, task, circuit, [f * rate for rate in rates]) for f in (2, 1))
    step(short), step(short), step(long)
    np.testing.assert_allclose(short.state.free, long.state.free, rtol=0, atol=1e-13)


LITERALLY = {
    "eq5": lambda free, clamped: (free > clamped) != (free > -clamped),
    "earlier": lambda free, clamped: (free > clamped) != (clamped > 0),
    "eq6": lambda free, clamped: (clamped > free) != (clamped > 0),
}


def turned(form: str, free: float, clamped: float) -> bool:
    """Whether the kernel raises the resistance of an edge with these drops."""
    a, b, c, d = COMPARATORS[form]
    settings = LabBlock((2, 1, 1), LabCircuit(comparators=form)).settings
    taps = np.array([64.0])
    readings = np.array([a * free + b * clamped]), np.array([c * free + d * clamped])
    kernels.turn(taps, np.array([0.2]), *readings, settings)
    assert taps[0] in (63.0, 65.0)
    return bool(taps[0] == 65.0)


@pytest.mark.parametrize("form", COMPARATORS)
def test_truth_tables(form: str) -> None:
    """The XOR forms as printed; footnote 1's present one is Eq. 5, the others with drops of one sign only."""
    for free, clamped in product((-2.0, -1.0, 1.0, 2.0), repeat=2):
        if abs(free) == abs(clamped):
            continue
        up = turned(form, free, clamped)
        assert up == LITERALLY[form](free, clamped)
        same_sign = free * clamped > 0
        if form == "eq5" or same_sign:
            assert up == ((abs(clamped) > abs(free)) != (form == "eq6"))
    assert turned("eq5", -2.0, 1.0) != turned("earlier", -2.0, 1.0)


def test_potentiometers_end_at_their_ends() -> None:
    settings = LabBlock((2, 1, 1), LabCircuit()).settings
    taps, g = np.array([1.0, 1.0, 128.0, 128.0]), np.zeros(4)
    kernels.turn(taps, g, np.array([1.0, -1, 1, -1]), np.ones(4), settings)
    assert taps.tolist() == [1.0, 2.0, 127.0, 128.0]
    assert g.tolist() == (UNIT / taps).tolist()


def test_the_unsigned_rule() -> None:
    """ΔG = gain (F² - C²)/η, then the nearest whole tap when discrete; never below the smallest conductance."""
    free, clamped = np.array([1.0, 1.0, 3.0, 0.0]), np.array([1.5, 0.5, 1.0, 4.0])
    for discrete in (False, True):
        circuit = LabCircuit(signed=False, discrete=discrete, gain=0.03, nudge=0.25)
        taps, g = np.full(4, 64.0), np.full(4, UNIT / 64)
        kernels.turn(taps, g, free - clamped, free + clamped, LabBlock((2, 1, 1), circuit).settings)
        expected = 12.8 / np.maximum(0.2 + 0.03 * (free**2 - clamped**2) / 0.25, 0.1)
        np.testing.assert_allclose(taps, np.rint(expected) if discrete else expected, rtol=1e-14)
        assert taps[3] == 128.0
