"""What chips draw, and what every imperfection does to measured voltages and updates."""
import dataclasses

import numpy as np
import ohmlearn as ol
import pytest
from ohmlearn.drivers.circuits.imperfections import drawn
from ohmlearn.edges import NMOS
from ohmlearn.learn import Imperfections, Terminals, Update, train_on_data

NET = ol.Network.grid(3, 3)
LAW = NMOS(gain=0.5, leak=1e-3, highest=4.0)
X = np.random.default_rng(7).uniform(0.0, 0.4, (6, 2))
Y = 0.1 + 0.3 * X[:, :1] + 0.2 * X[:, 1:]
TERMINALS = Terminals([0, 2], [4], held={8: 0.3})


def trained(flaws, *, step=1e-9, batch=1, order="shuffled", clamp=100.0, edges=LAW, epochs=1, **options):
    update = Update(step=step, nudge=0.5, batch=batch, order=order, clamp=clamp)
    return train_on_data(NET, TERMINALS, X, Y, edges=edges, dynamics=update, epochs=epochs, imperfections=flaws,
                         **options)


def test_mismatch_is_a_law_of_its_own():
    flaws = Imperfections(threshold=0.05, gain=0.2)
    many = trained(flaws, chips=3, epochs=3, step=1.0, seed=5)
    for chip in range(3):
        device = drawn(flaws, 12, 5, chip)
        assert np.array_equal(device.thresholds[0], device.thresholds[1])
        assert np.array_equal(device.gains[0], device.gains[1])
        law = NMOS(gain=0.5 * device.gains[0], threshold=device.thresholds[0], leak=1e-3, lowest=0.0, highest=4.0)
        order = np.random.default_rng([5, chip]).permutation(6)[None]
        one = trained(None, edges=law, step=1.0, order=order, values=np.full(12, LAW.start))
        first = trained(flaws, chips=3, epochs=1, step=1.0, seed=5, order=order)
        assert np.array_equal(one.values[0], first.values[chip])
    assert np.abs(many.values[0] - many.values[1]).max() > 1e-3


def test_resistors_scale_with_their_gains():
    flaws = Imperfections(gain=0.3)
    learned = trained(flaws, edges=None, epochs=5, step=1.0, chips=2)
    for chip in range(2):
        g = learned.values[chip] * drawn(flaws, 12, 0, chip).gains[0]
        v = ol.Equilibrium(NET, [0, 2, 8]).solve(g, np.concatenate([X, np.full((6, 1), 0.3)], axis=1).T)
        np.testing.assert_allclose(learned.outputs(X)[chip, :, 0], v[4], rtol=0, atol=1e-12)


def test_the_clamped_twin_has_devices_of_its_own():
    flaws, (a, b) = Imperfections(twin_threshold=0.1), NET.edges.T
    learned = trained(flaws, step=1.0, batch=6, clamp=1e9)
    device, change = drawn(flaws, 12, 0, 0), np.zeros(12)
    twin = dataclasses.replace(LAW, threshold=device.thresholds[1], lowest=0.0)
    for x, y in zip(X, Y[:, 0], strict=True):
        free = ol.edges.NonlinearEquilibrium(NET, [0, 2, 8], LAW).solve(2.0, [*x, 0.3])
        other = ol.edges.NonlinearEquilibrium(NET, [0, 2, 8, 4], twin)
        clamped = other.solve(2.0, [*x, 0.3, free[4] + 0.5 * (y - free[4])])
        change -= ((clamped[a] - clamped[b]) ** 2 - (free[a] - free[b]) ** 2) / 0.5 / 6
    assert not device.thresholds[0].any()
    np.testing.assert_allclose(learned.values[0] - 2.0, change, rtol=0, atol=1e-8)


def test_read_noise_is_that_of_every_node():
    learned = train_on_data(NET, Terminals([0, 2], [4, (3, 5)], held={8: 0.3}), X, np.repeat(Y, 2, axis=1), edges=LAW,
                            epochs=0, imperfections=Imperfections(read_noise=0.01))
    seen = learned.outputs(np.repeat(X[:1], 4000, axis=0))[0]
    assert np.unique(seen).size == seen.size
    assert np.abs(seen.std(axis=0) / [0.01, 0.01 * np.sqrt(2)] - 1).max() < 0.05


def test_noise_bias_and_leakage_add_up():
    start = np.full((8, 12), 2.0)
    moved = trained(Imperfections(update_noise=1e-3), epochs=40, values=start).values - 2.0
    assert abs(moved.std() / (1e-3 * np.sqrt(240)) - 1) < 0.2
    assert abs(np.corrcoef(moved[0], moved[1])[0, 1]) < 0.7
    pushed = trained(Imperfections(bias=1e-3), epochs=4, values=start, seed=3).values - 2.0
    device = drawn(Imperfections(bias=1e-3), 12, 3, 5)
    np.testing.assert_allclose(pushed[5], 24 * device.bias, rtol=0, atol=1e-7)
    back = trained(Imperfections(bias=1e-3, leakage=0.1), epochs=100, values=start, seed=3).values - 2.0
    np.testing.assert_allclose(back[5], 9 * device.bias, rtol=1e-4, atol=1e-7)


def test_dead_zone_and_quantum():
    exact = trained(None, batch=6, step=1.0).values[0] - 2.0
    size = np.median(np.abs(exact))
    dead = trained(Imperfections(dead_zone=size), batch=6, step=1.0).values[0] - 2.0
    np.testing.assert_allclose(dead, np.where(np.abs(exact) < size, 0, exact), rtol=0, atol=1e-14)
    rough = trained(Imperfections(quantum=size), batch=6, step=1.0).values[0] - 2.0
    np.testing.assert_allclose(rough, size * np.rint(exact / size), rtol=0, atol=1e-14)


def test_edges_miss_updates_or_are_open_or_stuck():
    start = np.full((40, 12), 2.0)
    half = trained(Imperfections(probability=0.3), batch=6, step=1.0, values=start).values != 2.0
    assert abs(half.mean() - 0.3) < 0.07
    stuck = trained(Imperfections(stuck=0.3), step=1.0, epochs=3, values=start).values == 2.0
    assert abs(stuck.mean() - 0.3) < 0.07
    cut = Imperfections(open=0.2)
    learned = trained(cut, step=1.0, epochs=0, chips=4, seed=1)
    shut = drawn(cut, 12, 1, 2).gains[0] < 0.5
    assert shut.any()
    gates = np.where(shut, 0.0, 2.0)
    v = ol.edges.NonlinearEquilibrium(NET, [0, 2, 8], LAW).solve(gates, [*X[0], 0.3])
    assert abs(learned.outputs(X)[2, 0, 0] - v[4]) < 1e-6


@pytest.mark.parametrize("batch", [1, 3])
def test_imperfect_chips_depend_on_themselves_alone(batch):
    flaws = Imperfections(threshold=0.02, twin_gain=0.01, read_noise=1e-3, update_noise=1e-4, probability=0.8)
    some, many = (trained(flaws, chips=chips, batch=batch, step=1.0, epochs=3, threads=2) for chips in (3, 10))
    assert np.array_equal(some.values, many.values[:3])
    other = trained(flaws, chips=3, batch=batch, step=1.0, epochs=3, seed=1)
    assert np.abs(other.values - some.values).max() > 1e-4


def test_what_is_printed_is_what_is_given():
    assert repr(Imperfections()) == "Imperfections()"
    assert repr(Imperfections(threshold=0.1, probability=0.5)) == "Imperfections(threshold=0.1, probability=0.5)"


@pytest.mark.parametrize(("given", "words"), [({"gain": -1}, "gain must be"), ({"probability": 2}, "<= 1"),
                                              ({"bias": np.nan}, "bias must be"), ({"stuck": True}, "stuck must be")])
def test_what_is_refused(given, words):
    with pytest.raises(ValueError, match=words):
        Imperfections(**given)


def test_damage_is_done_to_some_edges_within_bounds():
    learned = trained(None, chips=3, epochs=3, step=1.0)
    noisy = learned.perturbed(noise=0.3, fraction=0.5, seed=2)
    moved = noisy.values != learned.values
    assert moved.sum(axis=1).tolist() == [6, 6, 6]
    assert len({row.tobytes() for row in moved}) == 3
    assert noisy.lost is None
    far = learned.perturbed(noise=100.0).values
    assert far.min() == 0.0
    assert far.max() == 4.0
    assert np.array_equal(noisy.values, learned.perturbed(noise=0.3, fraction=0.5, seed=2).values)
    with pytest.raises(ValueError, match="lost must lie between 0 and 1"):
        learned.perturbed(lost=2.0)
    with pytest.raises(ValueError, match="noise must be"):
        learned.perturbed(-1.0)


@pytest.mark.parametrize("edges", [LAW, None], ids=["transistors", "resistors"])
def test_lost_edges_are_lost_for_good(edges):
    """They do not conduct, nor learn, and more may be lost; the others recover what they can."""
    learned = trained(None, chips=3, epochs=30, step=1.0, edges=edges)
    damaged = learned.perturbed(lost=0.2, seed=1)
    lost = damaged.lost
    assert lost.sum(axis=1).tolist() == [2, 2, 2]
    left = np.where(lost[1], 0.0, learned.values[1])        # a channel that is off leaks as one that is lost
    v = ol.edges.NonlinearEquilibrium(NET, [0, 2, 8], edges or ol.edges.Linear()).solve(left, [*X[0], 0.3])
    assert abs(damaged.outputs(X)[1, 0, 0] - v[4]) < 1e-6
    again = trained(None, values=damaged, epochs=30, step=1.0, edges=edges)
    assert np.array_equal(again.lost, lost)
    assert np.array_equal(again.values[lost], damaged.values[lost])
    assert (again.values != damaged.values)[~lost].all()
    assert np.all(again.score_of(X, Y) > damaged.score_of(X, Y))
    assert again.perturbed(lost=1.0).lost.all()
    both = again.perturbed(lost=0.1, seed=7).lost
    assert np.all(both >= lost)
