"""The physical Hessian from responses: exact without noise, soft modes from few, better with more."""
import numpy as np
import ohmlearn as ol
import pytest
from ohmlearn.solvers.hessian.responses import Responses, measure_responses

NET = ol.Network.delaunay(40, seed=5, mean_degree=None, spacing=0.6)
CUT = (NET.positions[NET.edges[:, 0], 0] < 0.5) != (NET.positions[NET.edges[:, 1], 0] < 0.5)
G = np.where(CUT, 1e-3, np.random.default_rng(0).uniform(0.5, 1.5, NET.n_edges))
H = (NET.incidence.T * G) @ NET.incidence.toarray()


def test_enough_responses_give_the_hessian():
    found = measure_responses(NET, G, 60)
    assert np.abs(found.hessian() - H).max() < 1e-9
    values, modes = found.soft_modes(3)
    exact, vectors = np.linalg.eigh(H)
    assert np.allclose(values, exact[1:4], rtol=1e-9)
    assert np.allclose(np.abs(np.sum(modes * vectors[:, 1:4], axis=0)), 1, atol=1e-9)


def test_few_responses_show_the_soft_mode_sectors_and_crack():
    exact = ol.soft.soft_mode(NET, G)
    found = measure_responses(NET, G, 4, seed=3).soft_mode(NET, G)
    assert np.array_equal(found.crack, exact.crack)
    assert np.array_equal(found.crack, CUT)
    assert abs(found.mode @ exact.mode) > 0.999
    assert np.isclose(found.eigenvalues[0], exact.eigenvalues[0], rtol=0.02)


def test_error_falls_with_the_number_of_noisy_responses():
    exact = np.linalg.pinv(H, rcond=1e-10, hermitian=True)         # the constant is rounding away from 0
    errors = [[np.linalg.norm(measure_responses(NET, G, count, 0.05, seed).compliance - exact) for seed in range(5)]
              for count in (100, 400, 1600)]
    means = np.mean(errors, axis=1)
    assert np.allclose(means[:-1] / means[1:], 2, rtol=0.25)          # as 1/√K
    modes = [1 - abs(measure_responses(NET, G, count, 0.05, 1).soft_modes()[1][:, 0] @ ol.soft.soft_mode(NET, G).mode)
             for count in (100, 1600)]
    assert modes[1] < 0.3 * modes[0] < 1e-3


def test_bad_measurements():
    good = measure_responses(NET, G, 5)
    with pytest.raises(ValueError, match="add up to"):
        Responses(good.currents + 1.0, good.voltages)
    with pytest.raises(ValueError, match="must be"):
        Responses(good.currents[:, 0], good.voltages[:, 0])
    with pytest.raises(ValueError, match="finite"):
        Responses(good.currents, good.voltages * np.nan)
    with pytest.raises(ValueError, match="show 5; measure more"):
        good.soft_modes(6)
    with pytest.raises(ValueError, match="count=0"):
        measure_responses(NET, G, 0)
