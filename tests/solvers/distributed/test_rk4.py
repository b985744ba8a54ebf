"""RK4 steps over ranks against those of one machine on the same numbering of the nodes: the same bits."""
import numpy as np
import pytest
from ohmlearn import Network, Rule, Task
from ohmlearn.solvers.equilibrium.node_order import Layout
from ohmlearn.solvers.large.rk4 import Stepper
from rank_jobs import on_ranks
from scipy.sparse.csgraph import dijkstra
from sweeps import needs_mpi

pytestmark = needs_mpi

RULES = (Rule(floor=0.6, nudge=0.1, floor_rate=0.25), Rule(floor=0.6, ceiling=1.1, floor_mode="clip", prefactor=0.5))


def networks():
    """Grids of odd sides, a Delaunay network, a chain, and edges that reach all over, some of them parallel."""
    rng = np.random.default_rng(5)
    n = 1500
    loose = np.r_[np.c_[np.arange(n - 1), np.arange(1, n)], rng.integers(0, n, (n, 2)), [[3, 4], [4, 3]]]
    return {"grid": Network.grid(61, 67), "delaunay": Network.delaunay(2500, seed=2),
            "chain": Network.from_edges(np.c_[np.arange(2999), np.arange(1, 3000)]),
            "all over": Network(loose[loose[:, 0] != loose[:, 1]], n)}


def owners(network, size):
    """Slabs, tiles, patches of odd shapes, random owners, and parts without nodes."""
    n, rng = network.n_nodes, np.random.default_rng(size)
    found = {"slabs": np.arange(n) * size // n, "random": rng.integers(0, size, n),
             "empty": np.where(np.arange(n) < n // 3, size - 1, size // 2)}
    if network.positions is not None:
        found["tiles"] = (network.positions > np.median(network.positions, axis=0)) @ [2, 1] % size
    seeds = rng.choice(n, size, replace=False)
    nearest = dijkstra(network.adjacency, unweighted=True, indices=seeds)
    found["patches"] = np.argmin(nearest, axis=0)
    try:
        import pymetis
    except ImportError:
        return found
    graph = network.adjacency
    return found | {"metis": np.array(pymetis.part_graph(size, pymetis.CSRAdjacency(graph.indptr, graph.indices))[1])}


def a_state(network, number):
    rule, rng = RULES[number % 2], np.random.default_rng(1)
    if number == 2:
        rule = Rule(frozen=rng.random(network.n_edges) < 0.3)
    task, n = Task.allosteric(network, 6, 3, seed=1), network.n_nodes
    v, w, g = rng.normal(size=n), rng.normal(size=n), rng.uniform(0.6, 1.1, network.n_edges)
    v[task.sources], w[task.sources] = task.source_voltages, 0
    w[task.targets] = task.target_voltages - v[task.targets]
    return task, rule, (v, w, g), rng.normal(size=n)


def stepped(stepper, task, still):
    """Everything that a stepper says after a few steps."""
    trace = np.vstack([stepper.steps(3, 0.05), stepper.steps(2, 0.02)])
    before = stepper.bounds(), stepper.at_targets(), stepper.of_targets(still)
    stepper.clamp(task.target_voltages)
    return {"replicated": [trace, *before, stepper.at_targets()],
            "nodes": np.c_[stepper.voltages, stepper.difference, stepper.drift(still)], "edges": stepper.conductances}


def steps_on_ranks(comm):
    from ohmlearn.solvers.distributed.part import Part
    from ohmlearn.solvers.distributed.rk4 import DistributedStepper

    found = {}
    for number, (name, network) in enumerate(networks().items()):
        order = Layout.as_numbered(network).edges
        task, rule, (v, w, g), still = a_state(network, number)
        if rule.frozen is not None:
            rule = Rule(frozen=rule.frozen[order])
        for kind, owner in owners(network, comm.size).items():
            part = Part.of(network, owner, comm)
            stepper = DistributedStepper(part, task, rule, 2.0)
            start = [np.where(part.layer == 0, x[part.nodes], np.nan) for x in (v, w)]
            stepper.put(*start, g[order][part.edge_numbers])
            end = stepped(stepper, task, still[part.nodes])
            own, own_edges = part.own, part.own_edges
            found[name, kind] = end | {"nodes": (part.nodes[own], end["nodes"][own]),
                                       "edges": (part.edge_numbers[own_edges], end["edges"][own_edges])}
    return found


@pytest.mark.parametrize("size", [
    pytest.param(1, marks=pytest.mark.slow), 2, 3, pytest.param(4, marks=pytest.mark.slow),
    pytest.param(6, marks=pytest.mark.slow)])
def test_bits_are_those_of_one_machine(size):
    by_rank = on_ranks(size, steps_on_ranks)
    for number, (name, network) in enumerate(networks().items()):
        layout = Layout.as_numbered(network)
        task, rule, state, still = a_state(network, number)
        stepper = Stepper(network, task, rule, 2.0, layout=layout)
        stepper.put(*state)
        wanted = stepped(stepper, task, still)
        for kind in owners(network, size):
            nodes, edges = np.full((network.n_nodes, 3), np.nan), np.full(network.n_edges, np.nan)
            for rank in by_rank:
                end = rank[name, kind]
                for mine, theirs in zip(end["replicated"], wanted["replicated"], strict=True):
                    np.testing.assert_array_equal(mine, theirs)
                nodes[end["nodes"][0]], edges[end["edges"][0]] = end["nodes"][1], end["edges"][1]
            np.testing.assert_array_equal(nodes, wanted["nodes"])
            np.testing.assert_array_equal(edges, wanted["edges"][layout.edges])


def reduced(comm):
    """Sums and largest values of numbers dealt out to the ranks."""
    from ohmlearn.solvers.distributed.reductions import RankSums, exact_sum, replicated

    rng = np.random.default_rng(7)
    terms = {"wide": rng.normal(size=5000) * 10.0 ** rng.uniform(-12, 12, 5000), "ones": np.ones(999),
             "cancel": np.array([1e16, 1.0, -1e16, 3.0, 2**-60]), "none": np.zeros(3),
             "infinite": np.array([1, np.inf])}
    owner = {name: rng.integers(0, comm.size, array.size) for name, array in terms.items()}
    sums = {name: exact_sum(comm, array[owner[name] == comm.rank]) for name, array in terms.items()}
    place = np.where(np.arange(4) % comm.size == comm.rank, np.arange(4), -1)
    rows = replicated(comm, place, np.array([1.0, -0.0, np.nan, -3.0]))
    largest = RankSums(comm).largest
    return terms, sums, rows, largest(float(comm.rank), -1.0), largest(np.nan if comm.rank == 0 else 1.0)


@pytest.mark.parametrize("size", [1, 3])
def test_reductions_do_not_depend_on_the_ranks(size):
    import math

    for terms, sums, rows, top, lost in on_ranks(size, reduced):
        for name, array in terms.items():
            assert sums[name] == math.fsum(array)
        np.testing.assert_array_equal(rows, [1.0, -0.0, np.nan, -3.0])
        assert np.signbit(rows[1])
        assert top.tolist() == [size - 1.0, -1.0]
        assert np.isnan(lost[0])
