"""Tasks that some conductances give, and tasks that none do: against all orders of small networks, by equilibria."""
from itertools import permutations

import numpy as np
import ohmlearn as ol
import pytest
from ohmlearn.solvers.theory import satisfiable as module
from ohmlearn.tasks import Task, satisfiable

SMALL = {
    "grid": (ol.Network.grid(2, 3), [0, 5]),
    "bridge": (ol.Network.from_edges([(0, 1), (0, 2), (1, 2), (1, 3), (2, 3)]), [0, 3]),
    "packing": (ol.Network.from_edges([(0, 1), (1, 2), (2, 3), (3, 4), (4, 0), (1, 4), (2, 4), (4, 5), (5, 3), (6, 5),
                                       (6, 2)]), [0, 3]),
    "with leaves": (ol.Network.from_edges([(0, 1), (1, 2), (2, 3), (0, 4), (4, 3), (1, 5), (5, 6), (3, 7)]), [0, 3]),
    "neighbours held": (ol.Network.from_edges([(0, 1), (1, 2), (2, 3), (3, 4), (4, 0), (2, 4)]), [0, 1]),
}


def orders_without_extrema(net, held):
    """All orders of the free nodes, as tuples from low to high, in which each has a higher and a lower neighbour; the
    first held node is the highest, the second the lowest."""
    neighbours = [set() for _ in range(net.n_nodes)]
    for a, b in net.edges.tolist():
        neighbours[a].add(b)
        neighbours[b].add(a)
    free = [k for k in range(net.n_nodes) if k not in held]
    found = []
    for order in permutations(free):
        place = {node: k for k, node in enumerate((held[1], *order, held[0]))}
        if all({place[other] < place[node] for other in neighbours[node]} == {True, False} for node in free):
            found.append(order)
    return found


@pytest.mark.parametrize("name", [name for name in SMALL if name != "with leaves"])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_answers_are_those_of_all_orders(name, count):
    net, held = SMALL[name]
    every = orders_without_extrema(net, held)
    free = [k for k in range(net.n_nodes) if k not in held][:5]
    for targets in list(permutations(free, count))[::1 if count < 3 else 3]:
        wanted = (np.arange(count) + 1.0) / (count + 1)
        found = satisfiable(net, Task(held, [1.0, 0.0], list(targets), wanted))
        possible = any([node for node in order if node in targets] == list(targets) for order in every)
        assert found.answer == ("yes" if possible else "no")
        if possible:
            v = ol.voltages(net, Task(held, [1.0, 0.0], list(targets), wanted), found.conductances)
            np.testing.assert_allclose(v, found.voltages, rtol=0, atol=1e-12)
            np.testing.assert_allclose(v[list(targets)], wanted, rtol=0, atol=1e-12)
            assert found.conductances.min() == 1.0


@pytest.mark.parametrize("name", SMALL)
def test_whatever_conductances_do_is_satisfiable(name):
    net, held = SMALL[name]
    rng, free = np.random.default_rng(0), np.setdiff1d(np.arange(net.n_nodes), held)
    for _ in range(12):
        task = Task(held, [1.0, 0.0], [free[0]], [0.5])
        v = ol.voltages(net, task, np.exp(rng.normal(0, 3, net.n_edges)))
        targets = [k for k in rng.permutation(free) if abs(v[k] - v[np.arange(net.n_nodes) != k]).min() > 1e-9][:4]
        if targets:
            assert satisfiable(net, Task(held, [1.0, 0.0], targets, v[targets])).answer == "yes"


@pytest.mark.parametrize("one_of", [13, pytest.param(3, marks=pytest.mark.slow)])      # triples of targets
def test_cutting_an_edge_makes_no_task_possible(one_of):
    net, held = SMALL["packing"]
    free = [k for k in range(net.n_nodes) if k not in held]
    lost = 0
    for cut in range(net.n_edges):
        less = ol.Network(np.delete(net.edges, cut, axis=0))
        for targets in list(permutations(free, 3))[cut % one_of::one_of]:
            task = Task(held, [1.0, 0.0], list(targets), [0.25, 0.5, 0.75])
            if satisfiable(less, task).answer == "yes":
                assert satisfiable(net, task).answer == "yes"
            else:
                lost += satisfiable(net, task).answer == "yes"
    assert lost > 0


def test_what_hangs_on_one_node_has_its_voltage():
    net, held = SMALL["with leaves"]
    assert satisfiable(net, Task(held, [1.0, 0.0], [6], [0.3])).answer == "yes"
    found = satisfiable(net, Task(held, [1.0, 0.0], [6, 2], [0.3, 0.2]))
    assert found.answer == "yes"
    np.testing.assert_array_equal(found.voltages[[1, 5, 6]], 0.3)
    for targets, volts, told in (([6, 2], [0.2, 0.3], "no order"), ([6, 1], [0.3, 0.4], "target 6 hangs on node 1"),
                                 ([5, 6], [0.3, 0.4], "hangs on node 1 alone, where another target"),
                                 ([7], [0.4], "hangs on node 3 alone, where a source")):
        found = satisfiable(net, Task(held, [1.0, 0.0], targets, volts))
        assert found.answer == "no"
        assert told in found.reason


@pytest.mark.parametrize("seed", range(6))
def test_several_sources_and_equal_ones(seed):
    """Desired voltages of a network with other conductances, among five sources, two of them at 0 V."""
    net, rng = ol.Network.packing(24, seed=seed), np.random.default_rng(seed)
    nodes, volts = rng.permutation(net.n_nodes), [0.0, 0.0, 1.0, 0.6, -0.3]
    plain = Task(nodes[:5], volts, nodes[5:12], np.zeros(7))
    v = ol.voltages(net, plain, np.exp(rng.normal(0, 1.5, net.n_edges)))
    targets = [k for k in nodes[5:12] if abs(v[k] - v[np.arange(net.n_nodes) != k]).min() > 1e-6]
    task = Task(nodes[:5], volts, targets, v[targets])
    found = satisfiable(net, task)
    assert found.answer == "yes"
    again = ol.voltages(net, task, found.conductances)
    np.testing.assert_allclose(again[targets], v[targets], rtol=0, atol=1e-10)


def test_trained_conductances_are_proof_enough():
    net = ol.Network.packing(20, seed=1)
    task = Task([0, 5], [1.0, 0.0], [9, 12, 15], [0.5, 0.3, 0.7])
    run = ol.train(net, task, 1.0, until=1e-6)
    assert run.status == "reached"
    found = satisfiable(net, task, run.conductances, max_branches=1)
    assert found.reason.startswith("the conductances given")
    v = ol.voltages(net, task, found.conductances)
    np.testing.assert_allclose(v[task.targets], task.target_voltages, atol=1e-12)
    turned = Task(task.sources, [1.0, 0.0], task.targets, [0.3, 0.5, 0.7])
    assert not satisfiable(net, turned, run.conductances).reason.startswith("the conductances given")


def test_what_is_refused(monkeypatch):
    net = ol.Network.grid(3, 3)
    for volts, told in (([0.4, 0.4], "must differ"), ([0.4, 1.0], "must differ")):
        with pytest.raises(ValueError, match=told):
            satisfiable(net, Task([0, 8], [1.0, 0.0], [2, 4], volts))
    with pytest.raises(NotImplementedError, match="satisfiable knows held nodes"):
        satisfiable(net, Task({0: 1.0}, {(5, 7): 0.4}, ground=8))
    with pytest.raises(ValueError, match="max_branches must be >= 1"):
        satisfiable(net, Task({0: 1.0, 8: 0.0}, {4: 0.3}), max_branches=0)
    outside = satisfiable(net, Task({0: 1.0, 8: 0.0}, {4: 1.3}))
    assert outside.answer == "no"
    assert "allow 0 to 1 V" in outside.reason
    one = satisfiable(net, Task({0: 1.0}, {4: 1.0 - 1e-9}))
    assert one.answer == "no"
    monkeypatch.setattr(module, "_labelling", lambda core, most: "not decided")
    assert satisfiable(net, Task({0: 1.0, 8: 0.0}, {4: 0.3})).answer == "undecided"
