"""The law of an edge and its bounds, of rows of lanes and of single numbers, against plain arithmetic."""
import numba
import numpy as np
import pytest
from ohmlearn.kernels.law.bounds import AT_ONCE, held, limited, resting, snapped, stopped, top, within
from ohmlearn.kernels.law.learning_rates import learning_rates
from ohmlearn.kernels.law.linear_edge import learning, learning_by_clamp
from ohmlearn.kernels.simd.vectors import aligned, load, store

FLOOR, CEILING = 0.5, 2.0
G = np.array([0.5, 0.5, 2.0, 2.0, 1.0, 0.6, 1.9, 1.0])
K = np.array([-1.0, 1.0, -1.0, 1.0, -0.2, -9.0, 9.0, np.nan])


@numba.njit
def of_rows(out, g, k, fall, floor, ceiling):
    slope, value = load(k, 0), load(g, 0)
    high = top(ceiling)
    store(out, 0, limited(fall, floor, high, slope, value))
    store(out, 1, within(floor, high, value + slope))
    store(out, 2, stopped(fall, floor, high, slope, value))
    store(out, 3, snapped(fall, floor, high, slope, value))
    store(out, 4, resting(floor, high, value + slope, slope))
    store(out, 5, held(floor, high, slope, value, value + slope))


@numba.njit
def of_numbers(out, g, k, fall, floor, ceiling):
    out[0] = limited(fall, floor, ceiling, k, g)
    out[1] = within(floor, ceiling, g + k)
    out[2] = stopped(fall, floor, ceiling, k, g)
    out[3] = snapped(fall, floor, ceiling, k, g)
    out[4] = resting(floor, ceiling, g + k, k)
    out[5] = held(floor, ceiling, k, g, g + k)


def plain(g, k, fall, floor, ceiling):
    """The same in words: what a slope and a conductance become."""
    if np.isnan(k):
        return [k, k, k, g, k, k]
    down, up = fall * (floor - g), fall * (ceiling - g)
    new = g + k
    low, high = k < down, k > up
    stays = (g <= floor and k <= 0) or (g >= ceiling and k >= 0)
    return [min(max(k, down), up), min(max(new, floor), ceiling), 0.0 if low or high else k,
            floor if low else ceiling if high else min(max(g, floor), ceiling),
            0.0 if new < floor or new > ceiling else k,
            (floor if g <= floor else ceiling) if stays else new]


@pytest.mark.parametrize("fall", [0.3, AT_ONCE])
@pytest.mark.parametrize("ceiling", [CEILING, None])
def test_rows_and_numbers_obey_the_same_bounds(fall, ceiling):
    g, k, out = aligned(1, 8), aligned(1, 8), aligned(6, 8)
    g[0], k[0] = G, K
    tops = None
    if ceiling is not None:
        tops = aligned(1, 8)
        tops[:] = ceiling
    of_rows(out, g, k, fall, FLOOR, tops)
    for lane in range(8):
        single = np.empty(6)
        of_numbers(single, G[lane], K[lane], fall, FLOOR, ceiling)
        expected = plain(G[lane], K[lane], fall, FLOOR, np.inf if ceiling is None else ceiling)
        np.testing.assert_array_equal(out[:, lane], single)
        np.testing.assert_allclose(single, expected, rtol=1e-15)


def test_learning_is_that_of_the_paper_and_its_derivative():
    """-a R Δw (2 Δv + η Δw), against complex steps."""
    rng = np.random.default_rng(3)
    dv, dw, rate, nudge = rng.normal(size=4)
    assert numba.njit(lambda a, b, c, d: learning(a, b, c, d))(rate, nudge, dv, dw) == pytest.approx(
        rate * dw * (2 * dv + nudge * dw), rel=1e-15)
    by_step = (rate * 1e-30j * (2 * dv + nudge * 1e-30j)).imag / 1e-30
    assert numba.njit(lambda a, b: learning_by_clamp(a, b))(rate, dv) == pytest.approx(by_step, rel=1e-15)


@pytest.mark.parametrize("factors", [None, np.array([1.0, 0.0, 0.5])])
def test_rates_of_all_edges(factors):
    g, dv, dw = np.array([1.0, 0.5, 2.0]), np.array([0.3, -0.2, 0.1]), np.array([-0.1, -0.3, -0.2])
    out = np.empty(3)
    learning_rates(out, dv, dw, g, factors, -2.0, 0.1, AT_ONCE, FLOOR, CEILING)
    free = -2.0 * (1.0 if factors is None else factors) * dw * (2 * dv + 0.1 * dw)
    free[1], free[2] = max(free[1], 0.0), min(free[2], 0.0)         # at the floor and at the ceiling
    np.testing.assert_allclose(out, free, rtol=1e-14)
