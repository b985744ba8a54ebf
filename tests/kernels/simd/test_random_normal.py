"""The counter-based normal numbers are normal, independent, and a function of key and counter."""
import numpy as np
import pytest
from ohmlearn.kernels.simd import random_normal
from scipy import stats


@pytest.fixture(scope="module")
def drawn() -> np.ndarray:
    """(counters, keys) numbers."""
    keys = np.random.SeedSequence(5).generate_state(20_000, np.uint64)
    out = np.empty((1000, 20_000))
    for counter in range(1000):
        random_normal.normals(out[counter], keys, np.uint64(counter))
    return out


def test_layers_are_of_equal_area() -> None:
    """Horizontal layers between the right ends, and the tail with the rectangle below it."""
    ends = random_normal.ENDS[1:]
    heights = np.exp(-ends**2 / 2)
    areas = ends[:-1] * np.diff(heights)
    tail = random_normal.TAIL * heights[0] + np.sqrt(2 * np.pi) * stats.norm.sf(random_normal.TAIL)
    np.testing.assert_allclose(areas, tail, rtol=1e-8)


def test_distribution(drawn: np.ndarray) -> None:
    flat = drawn.ravel()[:2_000_000]
    assert stats.kstest(flat, "norm").pvalue > 1e-3
    for moment, expected in ((1, 0.0), (2, 1.0), (3, 0.0), (4, 3.0), (6, 15.0)):
        error = flat.size ** -0.5 * np.sqrt(stats.norm.moment(2 * moment) - expected**2)
        assert abs(np.mean(flat**moment) - expected) < 4 * error, moment


@pytest.mark.parametrize("beyond", [1.0, 2.5, random_normal.TAIL, 4.2, 4.6])
def test_tails(drawn: np.ndarray, beyond: float) -> None:
    for side in (drawn, -drawn):
        expected = drawn.size * stats.norm.sf(beyond)
        assert abs(np.sum(side > beyond) - expected) < 4 * np.sqrt(expected)


def test_neighbours_are_uncorrelated(drawn: np.ndarray) -> None:
    some = drawn[:, :2000]
    for a, b in ((some[1:], some[:-1]), (some[:, 1:], some[:, :-1]), (some[1:], np.abs(some[:-1]))):
        assert abs(np.mean(a * (b - b.mean()))) < 4 / np.sqrt(a.size)


def test_only_key_and_counter_matter(drawn: np.ndarray) -> None:
    keys = np.random.SeedSequence(5).generate_state(20_000, np.uint64)
    for counter, key in ((0, 0), (3, 19_999), (999, 7)):
        assert random_normal.normal(keys[key], np.uint64(counter)) == drawn[counter, key]
    some = np.empty(3)
    random_normal.normals(some, keys[[500, 2, 500]], np.uint64(17))
    assert some.tolist() == drawn[17, [500, 2, 500]].tolist()
