"""Other outputs, samples, rules and updates on networks beyond the lanes' limit, where the plain kernels hand over."""
import numpy as np
import ohmlearn as ol
import pytest
from ohmlearn.drivers.training import regime
from scipy.sparse import csr_array
from scipy.sparse.linalg import spsolve

NET = ol.Network.delaunay(regime.LANES_UP_TO + 300, seed=4)
FAR = ol.Task.allosteric(NET, 5, 2, seed=3, feasible=True)


@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_both_ways_agree_where_both_know_the_task(rate):
    """A bias of zero makes the general kernels follow a plain task."""
    options = {"until": None, "t_max": 3.0, "tolerance": 1e-6}
    one = ol.train(NET, FAR, rate, **options)
    two = ol.train(NET, FAR, rate, rule=ol.Rule(bias=np.zeros(NET.n_edges)), **options)
    assert np.abs(one.conductances - 1).max() > 1e-3
    np.testing.assert_allclose(two.conductances, one.conductances, atol=2e-6)
    np.testing.assert_allclose(two.voltages, one.voltages, atol=2e-6)
    assert two.final_cost == pytest.approx(one.final_cost, rel=1e-4)


def equilibrium(held, drop=None, value=0.0):
    """v at G = 1 with held nodes, and a held drop, by bordered sparse equations."""
    n, (a, b) = NET.n_nodes, NET.edges.T
    ones = np.ones(NET.n_edges)
    rows, columns = np.r_[a, b, a, b], np.r_[a, b, b, a]
    entries = np.r_[ones, ones, -ones, -ones]
    fixed = np.isin(rows, list(held))
    rows, columns, entries = rows[~fixed], columns[~fixed], entries[~fixed]
    right = np.zeros(n + (drop is not None))
    for node, volts in held.items():
        rows, columns, entries = np.r_[rows, node], np.r_[columns, node], np.r_[entries, 1.0]
        right[node] = volts
    if drop is not None:
        rows, columns = np.r_[rows, drop, n, n], np.r_[columns, n, n, drop]
        entries, right[n] = np.r_[entries, 1.0, -1.0, 1.0, -1.0], value
    return spsolve(csr_array((entries, (rows, columns))).tocsc(), right)[:n]


def test_an_update_for_a_drop_is_that_of_sparse_solves():
    sources = dict(zip(FAR.sources.tolist(), FAR.source_voltages.tolist(), strict=True))
    pair, wanted = [int(FAR.targets[0]), int(FAR.targets[1])], 0.3
    task = ol.Task(FAR.sources, FAR.source_voltages, [tuple(pair)], [wanted])
    run = ol.train(NET, task, 0.0, rule=ol.Rule(nudge=0.0), updates=ol.rules.Discrete(step=0.5), until=None, t_max=0.5)
    v = equilibrium(sources)
    w = equilibrium(sources, pair, wanted) - v
    a, b = NET.edges.T
    expected = 1 - 0.5 * 2 * (v[a] - v[b]) * (w[a] - w[b])
    assert np.abs(expected - 1).max() > 1e-4
    np.testing.assert_allclose(run.conductances, expected, atol=1e-12)
