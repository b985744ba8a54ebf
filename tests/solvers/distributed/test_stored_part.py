"""Parts read from a store, and values in and out of its blocks, whatever the partition and the number of ranks."""
from importlib.util import find_spec

import numpy as np
import pytest
from ohmlearn import Network, distributed
from rank_jobs import on_ranks
from sweeps import needs_mpi

pytestmark = needs_mpi

KINDS = ("auto", "tiles", "slabs", "metis")


def stored(folder):
    """Stores of small blocks, one of them without positions, and the networks in them."""
    rng = np.random.default_rng(1)
    pairs = rng.integers(0, 200, (600, 2))
    loose = Network.from_edges(pairs[pairs[:, 0] != pairs[:, 1]], 203)
    found = {"grid": (Network.grid(30, 41), 0.5), "delaunay": (Network.delaunay(700, seed=4), None),
             "loose": (loose, rng.random(loose.n_edges))}
    for name, (network, g) in found.items():
        distributed.store_network(folder / f"{name}.zarr", network, g, block=97)
    return found


def parts(comm, folder):
    from ohmlearn.solvers.distributed.part import Part
    from ohmlearn.solvers.distributed.stored_part import StoredPart

    found = {}
    for name in ("grid", "delaunay", "loose"):
        opened = distributed.open_network(folder / f"{name}.zarr")
        for kind in KINDS:
            if kind == "tiles" and not opened.has_positions:
                continue
            if kind == "metis" and find_spec("pymetis") is None and comm.size > 1:
                continue
            here = StoredPart.of(opened, comm, kind)
            part = here.part
            owner = np.full(opened.n_nodes, -1)
            for rank, nodes in enumerate(comm.allgather(part.nodes[part.own])):
                assert np.all(owner[nodes] == -1)
                owner[nodes] = rank
            wanted = Part.of(opened.network(), owner, comm)
            for key in ("nodes", "layer", "node_owner", "edge_numbers", "ends"):
                np.testing.assert_array_equal(getattr(part, key), getattr(wanted, key))
            g = here.conductances()
            nodes_of_range = here.nodes_out(np.where(part.layer == 0, part.nodes, -1).astype(float))
            first = here.blocks.start * opened.block
            np.testing.assert_array_equal(nodes_of_range, first + np.arange(nodes_of_range.size))
            np.testing.assert_array_equal(here.nodes_in(nodes_of_range), part.nodes)
            edges_of_range = here.edges_out(part.edge_numbers.astype(float))
            np.testing.assert_array_equal(here.edges_in(edges_of_range), part.edge_numbers)
            found[name, kind] = owner, (part.edge_numbers, g)
    return found


@pytest.mark.parametrize("size", [1, 3, pytest.param(4, marks=pytest.mark.slow)])
def test_parts_of_a_store_are_those_of_the_network(tmp_path, size):
    networks = stored(tmp_path)
    by_rank = on_ranks(size, parts, tmp_path)
    for name, kind in by_rank[0]:
        network, g = networks[name]
        owner = by_rank[0][name, kind][0]
        counts = np.bincount(owner, minlength=size)
        assert counts.sum() == network.n_nodes
        assert counts.max() <= 1.1 * network.n_nodes / size + 31         # a column of the grid at most
        ends = np.sort(network.edges, axis=1)
        order = np.lexsort((ends[:, 1], ends[:, 0]))
        for rank in by_rank:
            numbers, values = rank[name, kind][1]
            np.testing.assert_array_equal(values, network.conductances(g)[order][numbers])
        if kind == "tiles" and size == 4:
            cut = np.count_nonzero(owner[network.edges[:, 0]] != owner[network.edges[:, 1]])
            assert cut < 0.09 * network.n_edges
    if size == 4:       # near squares rather than slabs
        network = networks["grid"][0]
        cut = {kind: np.count_nonzero(np.diff(by_rank[0]["grid", kind][0][network.edges], axis=1))
               for kind in ("tiles", "slabs")}
        assert cut["tiles"] < 0.75 * cut["slabs"]


def refused(comm, folder):
    from ohmlearn.solvers.distributed.stored_part import StoredPart

    opened = distributed.open_network(folder / "loose.zarr")
    said = []
    for kind in ("tiles", "squares"):
        try:
            StoredPart.of(opened, comm, kind)
        except ValueError as error:
            said.append(str(error))
    return said


def test_partitions_that_cannot_be_had_are_refused(tmp_path):
    stored(tmp_path)
    for tiles, squares in on_ranks(2, refused, tmp_path):
        assert "need the positions" in tiles
        assert "not 'squares'" in squares
