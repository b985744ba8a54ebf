"""Modes of learning: against a closed form, an independent Jacobian, and an independent integration."""
import numpy as np
import ohmlearn as ol
import pytest
from ohmlearn.drivers.analysis.onset import falling
from ohmlearn.solvers.theory.learning_modes import LearningModes
from ohmlearn.solvers.theory.linear_theory import first_rate, rise, theory
from scipy.integrate import solve_ivp


def divider():
    """1 V - g1 - target - g2 - ground."""
    network = ol.Network.from_edges([(0, 1), (1, 2)])
    return network, ol.Task([0, 2], [1.0, 0.0], [1], [0.6])


def small(seed=3, targets=2):
    network = ol.Network.packing(16, seed=2)
    return network, ol.Task.allosteric(network, 3, targets, seed=seed, feasible=True)


def slopes(network, task, rate, prefactor=1.0):
    """d(v, w, G)/dt of Eq. 3 at η = 0, written with dense matrices; w at the targets is V_T - v_T."""
    D, n = network.incidence.toarray(), network.n_nodes
    held = np.isin(np.arange(n), task.sources)
    targets = np.asarray(task.targets)

    def right(y):
        v, w, g = y[:n], y[n:2 * n].copy(), y[2 * n:]
        w[targets] = task.target_voltages - v[targets]
        dv, dw = -(D.T @ (g * (D @ v))), -(D.T @ (g * (D @ w)))
        dv[held] = dw[held] = 0.0
        dw[targets] = 0.0
        return np.concatenate([dv, dw, -2 * prefactor * rate * (D @ v) * (D @ w)])

    return right


def trained(network, task):
    run = ol.train(network, task, rate=0.3, until=1e-14, tolerance=1e-5)
    return run.conductances


@pytest.mark.parametrize("rate", [0.2, 5.0])
@pytest.mark.parametrize("prefactor", [1.0, 0.5])
def test_one_target_is_the_damped_oscillator_of_eq_14(rate, prefactor):
    network, task = divider()
    g = np.array([1.5, 1.0])
    modes = LearningModes(network, task, g, ol.Rule(prefactor=prefactor))
    h, d2 = 2.5, 2 * prefactor * (0.4**2 + 0.6**2)
    root = np.emath.sqrt(h**2 - 4 * rate * d2)
    assert np.allclose(np.sort_complex(modes.spectrum(rate)), np.sort_complex([(h - root) / 2, (h + root) / 2]))
    assert np.allclose(modes.frequencies(rate), abs(np.imag(root)) / 2)
    found = theory(network, task, g, rule=ol.Rule(prefactor=prefactor))
    assert np.isclose(found.onset_of_slowest(), h**2 / (4 * d2), rtol=4e-3)


@pytest.mark.parametrize("rate", [0.3, 30.0])
def test_modes_are_those_of_the_jacobian(rate):
    network, task = small()
    g = trained(network, task)
    modes = LearningModes(network, task, g, ol.Rule())
    n, right = network.n_nodes, slopes(network, task, rate)
    y = np.concatenate([modes.voltages, np.zeros(n), g])
    still = np.concatenate([np.isin(np.arange(n), task.sources), ~np.isin(np.arange(n), modes.free)
                            | np.isin(np.arange(n), task.targets), ~modes.learning])
    moving = np.flatnonzero(~still)
    step = 1e-6
    J = np.array([(right(y + step * e) - right(y - step * e)) / (2 * step) for e in np.eye(y.size)[moving]]).T[moving]
    there = -np.linalg.eigvals(J)
    there = there[np.abs(there) > 1e-6]                 # directions of G that change no output
    here = modes.spectrum(rate)
    assert here.size == 2 * modes.free.size
    for mode in here:
        assert np.abs(there - mode).min() < 1e-4 * max(1.0, abs(mode))
    assert there.size == here.size


def test_the_linear_response_is_that_of_a_small_error():
    network, task = small()
    g = trained(network, task)
    modes = LearningModes(network, task, g, ol.Rule())
    n, rate, scale = network.n_nodes, 8.0, 1e-5
    errors = scale * np.array([1.0, -0.4])
    moved = ol.Task(task.sources, task.source_voltages, task.targets,
                    modes.voltages[task.targets] + errors)
    w = np.zeros(n)
    w[modes.free] = modes.start(errors)[modes.free.size:]
    times = np.linspace(0.0, 6.0, 25)
    mask = np.concatenate([np.ones(2 * n), modes.learning])
    right = slopes(network, moved, rate)
    # w at the targets follows from v; beside the targets it is integrated
    exact = solve_ivp(lambda t, y: mask * right(y), (0, 6.0), np.concatenate([modes.voltages, w, g]), t_eval=times,
                      rtol=1e-10, atol=1e-14, method="LSODA").y
    linear = modes.evolve(rate, times, errors)
    assert np.allclose(linear, moved.target_voltages - exact[task.targets].T, atol=2e-4 * scale)
    assert rise(np.sum(linear**2, axis=1)) > 0.1        # it does oscillate


def test_slow_modes_are_those_of_the_quasistatic_limit():
    """At R -> 0 the T slowest ω/R are the eigenvalues of K 2 a Ψᵀ M Ψ, and the fastest are those of L."""
    network, task = small()
    g = trained(network, task)
    modes = LearningModes(network, task, g, ol.Rule())
    psi = np.linalg.inv(modes.relaxation)[:, modes.targets]
    slow = np.linalg.eigvals(np.linalg.inv(psi[modes.targets]) @ psi.T @ modes.restoring @ psi)
    rate = 1e-6
    assert np.allclose(np.sort(modes.spectrum(rate)[:2].real) / rate, np.sort(slow.real), rtol=1e-4)
    assert np.isclose(modes.spectrum(rate).real.max(), np.linalg.eigvalsh(modes.relaxation).max(), rtol=1e-4)


def test_edges_at_the_bounds_and_frozen_ones_take_no_part():
    network, task = divider()
    rule = ol.Rule(floor=1e-6, ceiling=1.5, frozen=np.array([False, True]))
    assert LearningModes(network, task, np.array([1.5, 1.0]), rule).learning.tolist() == [False, False]
    assert LearningModes(network, task, np.array([1e-6, 1.0]), ol.Rule()).learning.tolist() == [False, True]
    frozen = LearningModes(network, task, np.array([1.4, 1.0]), rule)
    assert np.allclose(frozen.restoring, 2 * (1 - 1.4 / 2.4)**2)


def test_theory_foresees_the_onset_of_the_divider():
    """One target, no other mode: both onsets are near each other, and the simulation turns there too."""
    network, task = divider()
    run = ol.train(network, task, rate=0.3, until=1e-6)
    found = ol.theory(network, task, run)
    rates = np.geomspace(0.3, 10, 16)
    runs = ol.train(network, [task] * 16, rate=rates, until=None, t_max=60.0, record=ol.Record(per_decade=100))
    seen = rates[next(k for k, r in enumerate(runs) if rise(falling(r.cost)) > 0.1)]
    assert 0.5 < seen / found.critical_rate() < 2


def test_search():
    assert np.isclose(first_rate(lambda rate: rate > 3.21, (1e-2, 1e3)), 3.21, rtol=4e-3)
    assert np.isnan(first_rate(lambda rate: False, (1e-2, 1e3)))
    assert first_rate(lambda rate: True, (1e-2, 1e3)) == 1e-2
    with pytest.raises(ValueError, match="increase"):
        first_rate(bool, (2.0, 1.0))


def test_rise_is_over_the_running_minimum():
    assert np.isclose(rise([1.0, 0.1, 0.15, 0.01, 0.012]), 0.5)
    assert rise([1.0, 0.5, 0.2]) == 0.0


def test_what_it_cannot_do_is_said():
    network, task = divider()
    modes = LearningModes(network, task, np.ones(2), ol.Rule())
    with pytest.raises(ValueError, match="R must be finite and > 0"):
        modes.spectrum(0.0)
    with pytest.raises(NotImplementedError, match="linear theory of learning"):
        LearningModes(network, ol.Task([0, 2], [1.0, 0.0], [(1, 2)], [0.6]), np.ones(2), ol.Rule())
