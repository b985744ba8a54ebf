"""The quasistatic flow over ranks against that of one machine."""
import numpy as np
import pytest
from ohmlearn import Network, Rule, Task
from ohmlearn.solvers.large.quasistatic import QuasistaticFlow
from rank_jobs import on_ranks
from sweeps import needs_mpi

pytestmark = needs_mpi
LENGTHS = (4.0, 6.0, 6.0, 8.0, 10.0)


def problem():
    whole = Network.delaunay(500, seed=3)
    edges = np.sort(whole.edges, axis=1)
    network = Network(edges[np.lexsort((edges[:, 1], edges[:, 0]))], 500)
    frozen = np.random.default_rng(0).random(network.n_edges) < 0.1
    task = Task(sources=[0, 499], source_voltages=[1.0, 0.0], targets=[120, 300, 77], target_voltages=[0.3, 0.6, 0.5])
    return network, task, Rule(nudge=0.1, floor=0.7, ceiling=1.4, prefactor=2.0, frozen=frozen)


def steps(flow, g):
    """δ after every step, dδ/ds, G, and the step that is taken back."""
    flow.begin(g)
    taken = [flow.step(length, 1.0) for length in LENGTHS]
    before = flow.delta.copy()
    flow.step(6.0, 1.0)
    flow.take_back()
    return np.array(taken), before, flow.slope, flow.delta, flow.voltages, flow.difference, flow.conductances


def over_ranks(comm):
    from ohmlearn.solvers.distributed.part import Part
    from ohmlearn.solvers.distributed.quasistatic import DistributedFlow

    network, task, rule = problem()
    part = Part.of(network, np.random.default_rng(1).integers(0, comm.size, 500) if comm.size > 1 else np.zeros(500),
                   comm)
    runs = [steps(DistributedFlow(part, task, rule), np.ones(part.edge_numbers.size)) for _ in range(2)]
    flow = DistributedFlow(part, task, rule)
    flow.begin(np.ones(part.edge_numbers.size))
    flow.step(4.0, 1.0)
    state = {name: array.copy() for name, array in flow.saved().items()}
    flow.refresh()
    flow.step(2.0, 1.0)
    other = DistributedFlow(part, task, rule)
    other.restore(state)
    other.step(2.0, 1.0)
    same = all((a == b).all() for a, b in zip(*runs, strict=True))
    return part.nodes, part.edge_numbers, runs[0], same, bool((flow.g == other.g).all())


@pytest.mark.parametrize("size", [1, 3])
def test_the_flow_over_ranks_is_that_of_one_machine(size):
    network, task, rule = problem()
    one = steps(QuasistaticFlow(network, task, rule), np.ones(network.n_edges))
    for nodes, edges, found, same, resumed in on_ranks(size, over_ranks):
        assert (same, resumed) == (True, True)
        for k in range(4):
            np.testing.assert_allclose(found[k], one[k], rtol=1e-6, atol=1e-8)
        np.testing.assert_allclose(found[4], one[4][nodes], atol=1e-8)
        np.testing.assert_allclose(found[5], one[5][nodes], atol=1e-7)
        np.testing.assert_allclose(found[6], one[6][edges], atol=1e-8)
    assert 0.7 <= one[6].min() < 0.99       # it has moved
    assert one[6].max() > 1.01
