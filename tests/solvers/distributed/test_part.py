"""What each rank holds of a network, against the network as a whole."""
import numpy as np
import pytest
from ohmlearn import Network
from rank_jobs import on_ranks
from scipy.sparse.csgraph import dijkstra
from sweeps import needs_mpi

pytestmark = needs_mpi


def networks():
    rng = np.random.default_rng(3)
    loose = rng.integers(0, 300, (260, 2))
    loose = np.r_[loose[loose[:, 0] != loose[:, 1]], [[0, 1], [1, 0], [0, 1]]]
    return {"grid": Network.grid(17, 23), "delaunay": Network.delaunay(400, seed=1),
            "loose ends and parallel edges": Network(loose, 301)}


def owners(network, size):
    """Slabs, tiles, random owners, and all nodes on the last rank."""
    n = network.n_nodes
    slabs = np.arange(n) * size // n
    tiles = slabs
    if network.positions is not None:
        middle = np.median(network.positions, axis=0)
        tiles = (network.positions > middle) @ [2, 1] % size
    return {"slabs": slabs, "tiles": tiles, "random": np.random.default_rng(0).integers(0, size, n),
            "empty": np.full(n, size - 1)}


def held(comm):
    """What every rank holds of each network under each partition, and what exchanges give."""
    from ohmlearn.solvers.distributed.part import Part

    found = {}
    for name, network in networks().items():
        for kind, owner in owners(network, comm.size).items():
            part = Part.of(network, owner, comm)
            k, e = part.nodes.size, part.edge_numbers.size
            pairs, single, of_edges = np.full((k, 2), -1.0), np.full(k, -1), np.full(e, -1.0)
            pairs[part.own] = np.c_[part.nodes, part.nodes**2][part.own]
            single[part.own], of_edges[part.own_edges] = part.nodes[part.own], part.edge_numbers[part.own_edges]
            part.halo.exchange([pairs], [of_edges])
            part.halo.exchange([single])
            found[name, kind] = {key: getattr(part, key) for key in (
                "nodes", "layer", "node_owner", "edge_numbers", "ends", "own", "own_edges", "n_nodes", "n_edges")} | {
                "pairs": pairs, "single": single, "of_edges": of_edges, "places": part.places([0, 5, 250]),
                "neighbours": [link.rank for link in part.halo.links], "repr": repr(part)}
    return found


@pytest.mark.parametrize("size", [1, 3, pytest.param(4, marks=pytest.mark.slow)])
def test_parts_are_those_of_the_whole(size):
    by_rank = on_ranks(size, held)
    for name, network in networks().items():
        edges = np.sort(network.edges, axis=1)
        edges = edges[np.lexsort((edges[:, 1], edges[:, 0]))]
        for kind, owner in owners(network, size).items():
            parts = [rank[name, kind] for rank in by_rank]
            for rank, part in enumerate(parts):
                own = np.flatnonzero(owner == rank)
                distance = np.full(network.n_nodes, np.inf)
                if own.size:
                    distance = dijkstra(network.adjacency, unweighted=True, indices=own, min_only=True)
                nodes = np.flatnonzero(distance <= 4)
                np.testing.assert_array_equal(part["nodes"], nodes)
                np.testing.assert_array_equal(part["layer"], distance[nodes])
                np.testing.assert_array_equal(part["node_owner"], owner[nodes])
                numbers = np.flatnonzero((distance[edges] <= 3).any(axis=1))
                np.testing.assert_array_equal(part["edge_numbers"], numbers)
                np.testing.assert_array_equal(nodes[part["ends"].astype(int)].reshape(-1, 2), edges[numbers])
                np.testing.assert_array_equal(nodes[part["own"]], own)
                np.testing.assert_array_equal(numbers[part["own_edges"]], np.flatnonzero(owner[edges[:, 0]] == rank))
                np.testing.assert_array_equal(part["pairs"], np.c_[nodes, nodes**2])
                np.testing.assert_array_equal(part["single"], nodes)
                np.testing.assert_array_equal(part["of_edges"], numbers)
                assert part["places"].tolist() == [
                    list(nodes).index(node) if node in nodes else -1 for node in (0, 5, 250)]
                assert rank not in part["neighbours"]
                assert part["repr"] == (f"<Part {rank} of {size}: {own.size} of {network.n_nodes} nodes, "
                                        f"{nodes.size - own.size} neighbours>")
            assert {(part["n_nodes"], part["n_edges"]) for part in parts} == {(network.n_nodes, network.n_edges)}


def refusals(comm):
    """What wrong owners and arrays raise, on one rank."""
    from ohmlearn.solvers.distributed.part import Part

    network = Network.grid(3, 4)
    said = []
    part = Part.of(network, np.zeros(12), comm)
    for job in (lambda: Part.of(network, np.zeros(11), comm), lambda: Part.of(network, np.full(12, 1), comm),
                lambda: part.halo.exchange([np.zeros(12, dtype=np.int32)])):
        try:
            job()
        except (ValueError, TypeError) as error:
            said.append(str(error))
    return said


def test_wrong_owners_and_arrays_are_refused():
    said, = on_ranks(1, refusals)
    assert [text.partition(",")[0] for text in said] == [
        "owner must hold 12 ranks from 0 to 0", "owner must hold 12 ranks from 0 to 0",
        "arrays to exchange must be contiguous and have items of 8 bytes"]
