"""Voltages of one network over ranks against SciPy's direct solves of the whole."""
import numpy as np
import pytest
from ohmlearn import Equilibrium, Network
from rank_jobs import on_ranks
from scipy.sparse import csc_array
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import splu
from sweeps import needs_mpi

pytestmark = needs_mpi


def hubs():
    """A grid with two nodes that have edges to most others."""
    grid = Network.grid(23, 29)
    rng = np.random.default_rng(2)
    spokes = np.column_stack([rng.choice([5, 600], 700), rng.integers(0, grid.n_nodes, 700)])
    return Network(np.concatenate([grid.edges, spokes[spokes[:, 0] != spokes[:, 1]]]), grid.n_nodes)


def networks():
    chain = np.column_stack([np.arange(40), np.arange(1, 41)])
    return {"grid": Network.grid(33, 37), "delaunay": Network.delaunay(900, seed=1), "3-D": Network.grid(9, 10, 11),
            "hubs": hubs(), "chain with parallel edges": Network(np.concatenate([chain, chain[::3], chain[5:9, ::-1]]))}


def owners(network, size):
    """Slabs, alternating stripes, which leave every rank disconnected pieces, random owners, and all on one rank."""
    n = network.n_nodes
    node = np.arange(n)
    return {"slabs": node * size // n, "stripes": node // 50 % size,
            "random": np.random.default_rng(0).integers(0, size, n), "empty": np.full(n, size - 1)}


def sorted_edges(network):
    """Edges as the whole numbers them."""
    edges = np.sort(network.edges, axis=1)
    return edges[np.lexsort((edges[:, 1], edges[:, 0]))]


def conductances(network, decades):
    return 10 ** np.random.default_rng(decades).uniform(-decades / 2, decades / 2, network.n_edges)


def direct(network, g, held, volts, currents=None):
    """(n_nodes,) voltages by SciPy, conductances by the sorted edges, refined with residuals from differences along
    the edges, which rounding of the diagonal does not blur."""
    n, (a, b) = network.n_nodes, sorted_edges(network).T
    whole = csc_array((np.concatenate([g, g, -g, -g]), (np.concatenate([a, b, a, b]), np.concatenate([a, b, b, a]))),
                      shape=(n, n))
    free = np.setdiff1d(np.arange(n), held)
    v = np.zeros(n)
    v[held] = volts
    factor = splu(whole[free][:, free])
    for _ in range(4):
        flow = g * (v[a] - v[b])
        left = np.bincount(b, flow, n) - np.bincount(a, flow, n)
        v[free] += factor.solve((left if currents is None else left + currents)[free])
    return v


def solved(comm, method="auto"):
    """Nodes, voltages and statistics of every rank, for every network, partition and spread of conductances."""
    from ohmlearn.solvers.distributed.equilibrium import DistributedEquilibrium
    from ohmlearn.solvers.distributed.part import Part

    found = {}
    for name, network in networks().items():
        for kind, owner in owners(network, comm.size).items():
            part = Part.of(network, owner, comm)
            circuit = DistributedEquilibrium(part, [0, 7, network.n_nodes - 1], method)
            for decades in (0, 4, 8):
                g = conductances(network, decades)[part.edge_numbers]
                circuit.forget()
                v = circuit.solve(g, [1.0, 0.25, -2.0])
                found[name, kind, decades] = part.nodes, v, circuit.stats.iterations[0]
    return found


@pytest.mark.parametrize("size", [2, *(pytest.param(k, marks=pytest.mark.slow) for k in (3, 4))])
def test_voltages_are_those_of_a_direct_solve(size):
    by_rank = on_ranks(size, solved)
    for name, network in networks().items():
        for decades in (0, 4, 8):
            v = direct(network, conductances(network, decades), [0, 7, network.n_nodes - 1], [1.0, 0.25, -2.0])
            for kind in owners(network, size):
                seen = np.zeros(network.n_nodes, dtype=bool)
                for nodes, here, iterations in (rank[name, kind, decades] for rank in by_rank):
                    assert abs(here - v[nodes]).max(initial=0.0) < 1e-9, (name, kind, decades)
                    assert iterations < 60
                    seen[nodes] = True
                assert seen.all()


def cut(network, g, fraction):
    """Conductances of which some are 0."""
    return np.where(np.random.default_rng(7).random(network.n_edges) < fraction, 0.0, g)


def kinds_of_solves(comm, kind):
    """Solves of a network with all kinds of right-hand sides."""
    from ohmlearn.solvers.distributed.equilibrium import DistributedEquilibrium
    from ohmlearn.solvers.distributed.part import Part

    network = Network.delaunay(700, seed=4)
    n, rng = network.n_nodes, np.random.default_rng(1)
    part = Part.of(network, owners(network, comm.size)[kind], comm)
    g, into = conductances(network, 3), rng.standard_normal((n, 3))
    mine = g[part.edge_numbers]
    circuit = DistributedEquilibrium(part, [3, 650])
    volts = np.array([[1.0, 0.0, 2.0], [0.0, 0.0, -1.0]])
    found = {"columns": circuit.solve(mine, volts, into[part.nodes]),
             "one for all": circuit.solve(mine, [1.0, 0.5], into[part.nodes]),
             "no drive": circuit.solve(mine), "one number": circuit.solve(2.0, [1.0, 0.0]),
             "tiny": circuit.solve(1e-250 * mine, [1.0, 0.0], 1e-250 * into[part.nodes, 0]),
             "weak": circuit.solve(mine, None, 1e-150 * into[part.nodes, 0]),
             "start": circuit.solve(mine, [1.0, 0.0], start=np.ones(part.nodes.size))}
    found["cut"] = circuit.solve(cut(network, g, 0.02)[part.edge_numbers], [1.0, 0.0])
    try:
        circuit.solve(cut(network, g, 0.5)[part.edge_numbers], [1.0, 0.0])
    except ValueError as error:
        found["floats"] = str(error)
    into -= into.mean(axis=0)
    floating = DistributedEquilibrium(part, [])
    found["floating"] = floating.solve(mine, currents=into[part.nodes])
    circuit.forget()
    before = circuit.solve(mine, [1.0, 0.0])
    circuit.forget()
    found["again"] = bool((circuit.solve(mine, [1.0, 0.0]) == before).all())
    stats = circuit.stats
    kept, made = stats.n_kept, stats.n_setups
    for k in range(6):
        drifted = g * (1 + 0.01 * np.random.default_rng(k).standard_normal(g.size))
        found["drift"] = circuit.solve(drifted[part.edge_numbers], [1.0, 0.0])
    found["kept"] = (stats.n_kept - kept, stats.n_setups - made)
    return part.nodes, part.own, found


@pytest.mark.parametrize(("size", "kind"), [(3, "stripes"), (2, "empty")])
def test_kinds_of_solves(size, kind):
    network = Network.delaunay(700, seed=4)
    n, rng, held = network.n_nodes, np.random.default_rng(1), [3, 650]
    g, into = conductances(network, 3), rng.standard_normal((n, 3))
    volts = np.array([[1.0, 0.0, 2.0], [0.0, 0.0, -1.0]])
    expected = {"columns": np.column_stack([direct(network, g, held, volts[:, k], into[:, k]) for k in range(3)]),
                "one for all": np.column_stack([direct(network, g, held, [1.0, 0.5], into[:, k]) for k in range(3)]),
                "no drive": np.zeros(n), "one number": direct(network, np.ones(g.size), held, [1.0, 0.0]),
                "tiny": direct(network, g, held, [1.0, 0.0], into[:, 0]),
                "weak": direct(network, g, held, [0.0, 0.0], into[:, 0]) * 1e-150,
                "start": direct(network, g, held, [1.0, 0.0]),
                "cut": direct(network, cut(network, g, 0.02), held, [1.0, 0.0])}
    into -= into.mean(axis=0)
    grounded = np.column_stack([direct(network, g, [n - 1], [0.0], into[:, k]) for k in range(3)])
    expected["floating"] = grounded - grounded.mean(axis=0)
    drifted = g * (1 + 0.01 * np.random.default_rng(5).standard_normal(g.size))
    expected["drift"] = direct(network, drifted, held, [1.0, 0.0])
    results = on_ranks(size, kinds_of_solves, kind)
    for nodes, _, found in results:
        for name, v in expected.items():
            scale = max(abs(v).max(), 1e-300)
            assert found[name].shape == v[nodes].shape
            assert abs(found[name] - v[nodes]).max(initial=0.0) < 2e-9 * scale, name
        assert found["again"]
        kept, made = found["kept"]
        assert (kept >= 4, made <= 2) == (True, True)
    a, b = sorted_edges(network)[cut(network, g, 0.5) > 0].T
    label = connected_components(csc_array((np.ones(a.size), (a, b)), shape=(n, n)), directed=False)[1]
    alone = np.flatnonzero((label != label[3]) & (label != label[650]))
    assert {found["floats"] for _, _, found in results} == {
        f"node {alone[0]} floats: no held node in its part of the network ({alone.size} such nodes), so its voltage is "
        "undefined; hold a node there"}


def alone(comm):
    """The voltages of one rank, and of one machine."""
    from ohmlearn.solvers.distributed.equilibrium import DistributedEquilibrium
    from ohmlearn.solvers.distributed.part import Part

    network = Network(sorted_edges(Network.delaunay(3000, seed=2)))
    g = conductances(network, 4)
    part = Part.of(network, np.zeros(3000), comm)
    one = Equilibrium(network, [0, 2999], "approximate-cholesky")
    return [circuit.solve(g, [1.0, 0.0]).tobytes() for circuit in (DistributedEquilibrium(part, [0, 2999]), one)]


def test_one_rank_has_the_bits_of_one_machine():
    (here, there), = on_ranks(1, alone)
    assert here == there


def resistances(comm):
    """Resistances of few pairs of many nodes and of many pairs of few, with and without held nodes."""
    from ohmlearn.solvers.distributed.equilibrium import DistributedEquilibrium
    from ohmlearn.solvers.distributed.part import Part

    network = Network.delaunay(300, seed=8)
    part = Part.of(network, np.arange(300) // 20 % comm.size, comm)
    g = conductances(network, 2)[part.edge_numbers]
    few, many = PAIRS
    return [DistributedEquilibrium(part, held).effective_resistance(pairs, g)
            for held in ([], [0], [4, 200]) for pairs in (few, many)]


PAIRS = ([(3, 250), (17, 17), (299, 0)], [(a, b) for a in (5, 90, 200) for b in (8, 150, 280)])


def test_resistances():
    network = Network.delaunay(300, seed=8)
    order = np.lexsort(np.sort(network.edges, axis=1).T[::-1])
    g = np.empty(network.n_edges)
    g[order] = conductances(network, 2)
    expected = [Equilibrium(network, held).effective_resistance(pairs, g)
                for held in ([0], [0], [4, 200]) for pairs in PAIRS]
    for found in on_ranks(3, resistances):
        for here, one in zip(found, expected, strict=True):
            np.testing.assert_allclose(here, one, rtol=1e-8, atol=1e-10)


def refusals(comm):
    """What wrong input raises on this rank; every rank must get here."""
    from ohmlearn.solvers.distributed.equilibrium import DistributedEquilibrium
    from ohmlearn.solvers.distributed.part import Part

    network = Network.grid(6, 7)
    part = Part.of(network, np.arange(42) * comm.size // 42, comm)
    apart = Part.of(Network([[0, 1], [2, 3], [3, 4]], 6), np.arange(6) * comm.size // 6, comm)
    circuit = DistributedEquilibrium(part, [0, 41])
    here = np.ones(part.edge_numbers.size)
    bad = here.copy()
    bad[part.edge_numbers == 0] = -1.0          # an edge that one rank alone may hold
    said = []
    for job in (lambda: DistributedEquilibrium(part, [0, 0]), lambda: DistributedEquilibrium(part, [42]),
                lambda: DistributedEquilibrium(part, [0], "superlu"),
                lambda: DistributedEquilibrium(part, [0], rtol=2.0),
                lambda: DistributedEquilibrium(apart, [0]), lambda: DistributedEquilibrium(apart, []),
                lambda: circuit.effective_resistance([0, 1]), lambda: circuit.effective_resistance([(0, 42)]),
                lambda: circuit.solve(bad), lambda: circuit.solve(here, [1.0]),
                lambda: circuit.solve(here, np.ones((2, 2)), np.ones((part.nodes.size, 3))),
                lambda: DistributedEquilibrium(part, []).solve(here, currents=np.ones(part.nodes.size)),
                lambda: DistributedEquilibrium(part, [0, 41], rtol=1e-17).solve(
                    10 ** np.random.default_rng(0).uniform(-9, 9, network.n_edges)[part.edge_numbers], [1.0, 0.0])):
        try:
            job()
            said.append("")
        except (ValueError, RuntimeError) as error:
            said.append(f"{type(error).__name__}: {error}")
    return said


def test_all_ranks_refuse_alike():
    by_rank = on_ranks(3, refusals)
    assert all(said == by_rank[0] for said in by_rank)
    for text, part in zip(by_rank[0], (
            "ValueError: node 0 is listed twice", "held node 42 does not exist; nodes run from 0 to 41",
            "method must be one of auto, approximate-cholesky, petsc over ranks, not 'superlu'",
            "rtol must lie between 0 and 1", "node 2 floats: no held node in its part of the network (4 such nodes)",
            "no node is held, and node 2 is in another part of the network than node 0 (4 such nodes)",
            "pairs must have shape (n_pairs, 2), not (2,)", "node 42 of a pair does not exist; nodes run from 0 to 41",
            "finite and >= 0, not -1.0 at edge 0", "held_voltages must be finite and of shape (2,)",
            "held_voltages has 2 columns and currents has 3", "currents must add up to 0, not 42",
            "NotConverged: the solve with 'approximate-cholesky' over"), strict=True):
        assert part in text
