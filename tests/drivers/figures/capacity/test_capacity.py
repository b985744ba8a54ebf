"""The figures of capacity and of tasks in turn: what they count, and where a fraction falls to one half."""
import numpy as np
import ohmlearn as ol
import pytest
from ohmlearn.drivers.figures.capacity import capacity, forgetting
from ohmlearn.drivers.figures.capacity.capacity_data import Halves, Tried, half, half_with_error


def test_half_of_a_logistic_curve_comes_back():
    rng, targets = np.random.default_rng(0), np.tile(np.arange(1.0, 31.0), 40)
    network = np.repeat(np.arange(40), 30)
    success = (rng.random(targets.size) < 1 / (1 + np.exp((targets - 12.3) / 2.0))).astype(float)
    assert abs(half(targets, success) - 12.3) < 0.7
    tried = Tried(64, targets, network, success, success[None] > 0)
    value, error = half_with_error(tried, success)
    assert value == half(targets, success)
    assert abs(value - 12.3) < 4 * error
    assert 0.1 < error < 0.5
    assert np.isnan(half(targets, np.ones(targets.size)))


def test_an_exponent_comes_back():
    disks = np.array([12.0, 24.0, 48.0, 96.0])
    assert Halves(disks, 0.7 * disks**0.8, 0.05 * disks**0.8).exponent()[0] == pytest.approx(0.8)
    rng, found = np.random.default_rng(1), []
    for _ in range(200):
        noise = np.exp(0.05 * rng.normal(size=4))
        slope, error = Halves(disks, 0.7 * disks**0.8 * noise, 0.035 * disks**0.8).exponent()
        found.append((slope - 0.8) / error)
    assert 0.8 < np.std(found) < 1.2
    assert np.isnan(Halves(disks[:1], disks[:1], disks[:1]).exponent()[0])


def test_tasks_are_in_order_and_the_same_again():
    net = ol.Network.packing(20, seed=0)
    task = capacity.ordered_task(net, 5, seed=3)
    np.testing.assert_allclose(np.sort(task.target_voltages), np.arange(1, 6) / 6)
    assert task.sources.size == 2
    again = capacity.ordered_task(net, 5, seed=3)
    assert np.array_equal(task.targets, again.targets)
    assert np.array_equal(task.target_voltages, again.target_voltages)


def test_what_is_learned_can_be_met():
    found = capacity.attempt(12, 5, 2000, threads=1)
    assert found.possible.size == found.targets.size == found.network.size == found.learned.shape[1]
    assert not np.isnan(found.possible).any()
    learned = found.learned.any(axis=0)
    assert (found.possible[learned] == 1).all()
    assert learned[found.targets == 1].all()
    assert found.possible.min() == 0
    threaded = capacity.attempt(12, 5, 2000, threads=2)
    np.testing.assert_array_equal(found.possible, threaded.possible)
    np.testing.assert_array_equal(found.learned, threaded.learned)
    only = capacity.attempt(12, 2, None, threads=1)
    assert np.isnan(only.possible).all()
    assert capacity.halves([only], [capacity.certainly(only)]).disks.size == 0


def test_undecided_tasks_count_on_neither_side():
    tried = Tried(12, np.array([1.0, 2.0, 3.0]), np.arange(3), np.array([1.0, np.nan, 0.0]), np.zeros((2, 3), bool))
    assert capacity.certainly(tried).tolist() == [1, 0, 0]
    assert capacity.perhaps(tried).tolist() == [1, 1, 0]


@pytest.mark.parametrize(("module", "size"), [
    pytest.param(capacity, capacity.Size((12, 14), (16,), 3), marks=pytest.mark.slow),
    (forgetting, forgetting.Size(2, (1.0, 100.0), (1, 3), 2))])
def test_figures_are_made(module, size, tmp_path):
    written = module.make(size, tmp_path, ol.figures.Settings({"grid": {"shape": [5, 5]}}, threads=1))
    assert [path.suffix for path in written] == [".png", ".txt", ".csv"]
    assert all(path.stat().st_size > 100 for path in written)
    text = written[1].read_text()
    assert "FAIL  tasks learned that no conductances give" not in text
    rows = np.genfromtxt(written[2], delimiter=",", names=True)
    assert rows.size > 4
