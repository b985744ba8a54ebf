"""Power, effective dimension, susceptibility and alignment against closed forms and measured resistances."""
import numpy as np
import ohmlearn as ol
import pytest
from ohmlearn.solvers.hessian.imprint import imprint

NETWORKS = {"delaunay": ol.Network.delaunay(23, seed=4), "packing": ol.Network.packing(20, seed=1),
            "grid": ol.Network.grid(3, 7), "random": ol.Network.random(19, 4.5, seed=2)}


@pytest.mark.parametrize("name", NETWORKS)
def test_against_measured_resistances(name):
    """Tr H⁻¹ is the sum of all two-point resistances over N (Klein and Randić); power is current times voltage."""
    network = NETWORKS[name]
    n, g = network.n_nodes, np.random.default_rng(1).uniform(0.1, 3.0, network.n_edges)
    resistances = []
    for a in range(n):
        for b in range(a):
            v = ol.voltages(network, ol.Task(currents={a: 1.0, b: -1.0}, targets=[a], target_voltages=[0.0]), g)
            resistances.append(v[a] - v[b])
    task = ol.Task(currents={n - 1: 2.0, n - 2: -2.0}, targets=[(0, 1)], target_voltages=[0.0])
    found = imprint(network, task, g)
    assert found.susceptibility == pytest.approx(sum(resistances) / n, rel=1e-10)
    assert found.power == pytest.approx(4 * resistances[-1], rel=1e-10)
    assert 1 < found.dimension < n - 1
    assert 0 < found.alignment < 1
    held = ol.Task([0, 5], [1.5, -1.0], [3], [0.0])
    v = ol.voltages(network, held, g)
    drops = v[network.edges[:, 0]] - v[network.edges[:, 1]]
    assert imprint(network, held, g).power == pytest.approx(np.sum(g * drops**2), rel=1e-10)


def test_a_drive_of_one_mode_and_of_two():
    """Currents along the softest mode of a path move it alone; along two modes, two dimensions."""
    network = ol.Network.from_edges([(k, k + 1) for k in range(8)])
    values, modes = np.linalg.eigh(network.incidence.T @ network.incidence.toarray())

    def driven(currents):
        return imprint(network, ol.Task(currents=dict(enumerate(currents.tolist())), targets=[0],
                                        target_voltages=[0.0]), 1.0)

    one, two = driven(modes[:, 1]), driven(values[1] * modes[:, 1] + values[4] * modes[:, 4])
    assert (one.dimension, one.alignment) == pytest.approx((1.0, 1.0))
    assert (two.dimension, two.alignment) == pytest.approx((2.0, 0.5))
    assert one.power == pytest.approx(1 / values[1])
    assert values[1] == pytest.approx(2 - 2 * np.cos(np.pi / 9))
    assert one.susceptibility == pytest.approx((81 - 1) / 6)          # of a path of nine nodes: (N² - 1)/6


def test_samples_are_averaged_and_scale_is_physical():
    network, g = NETWORKS["packing"], np.random.default_rng(2).uniform(0.5, 2.0, NETWORKS["packing"].n_edges)
    tasks = [ol.Task([0, 3], [volts, 0.0], [7], [0.0]) for volts in (1.0, 2.0)]
    one, other = (imprint(network, task, g) for task in tasks)
    both = imprint(network, tasks, g)
    assert other.power == pytest.approx(4 * one.power)
    assert both.power == pytest.approx(2.5 * one.power)
    assert both.dimension == pytest.approx(one.dimension)
    assert imprint(network, tasks[0], 10 * g).susceptibility == pytest.approx(one.susceptibility / 10)


def test_what_has_no_imprint_is_refused(monkeypatch):
    network = NETWORKS["grid"]
    with pytest.raises(ValueError, match="in 2 pieces"):
        imprint(ol.Network.from_edges([(0, 1), (2, 3)]), ol.Task([0, 2], [1.0, 0.0], [1], [0.5]), 1.0)
    with pytest.raises(ValueError, match="no voltage differences"):
        imprint(network, ol.Task(currents={0: 0.0, 5: 0.0}, targets=[1], target_voltages=[0.5]), 1.0)
    monkeypatch.setattr("ohmlearn.solvers.hessian.imprint.DENSE_NODES", 10)
    with pytest.raises(ValueError, match=r"spectrum of 21 nodes is not computed \(more than 10\)"):
        imprint(network, ol.Task([0, 5], [1.0, 0.0], [1], [0.5]), 1.0)
