"""Networks made block by block, against the same networks made whole."""
import numpy as np
import pytest
from ohmlearn import Network
from ohmlearn.io.raster import raster_network
from ohmlearn.stored.delaunay_strips import DelaunayBlocks
from ohmlearn.stored.lattice_blocks import LatticeBlocks, network_blocks
from ohmlearn.stored.network_store import block_count
from ohmlearn.stored.raster_blocks import RasterBlocks


def all_of(blocks):
    """Edges, conductances and positions of all blocks; each block has the edges of its own lower ends."""
    made = [blocks[k] for k in range(block_count(blocks))]
    for number, block in enumerate(made):
        assert np.all(block.edges[:, 0] // blocks.block == number)
        assert np.all(block.edges[:, 0] < block.edges[:, 1])
    edges = np.concatenate([block.edges for block in made])
    keys = edges @ [blocks.n_nodes, 1]
    assert np.all(np.diff(keys) >= 0)
    return (edges, *(np.concatenate([x[k] for x in made]) if has else None
                     for k, has in ((1, blocks.has_conductances), (2, blocks.has_positions))))


def by_ends(network, values):
    """Edges of a network, lower ends first and sorted, and values in that order."""
    ends = np.sort(network.edges, axis=1)
    order = np.lexsort((ends[:, 1], ends[:, 0]))
    return ends[order], values[order]


@pytest.mark.parametrize("block", [1, 7, 64, 1000])
@pytest.mark.parametrize(("shape", "periodic"), [((9, 13), False), ((5, 7), True), ((4, 3, 5), False), ((6,), True),
                                                 ((3, 3, 3, 3), True), ((2, 5), False), ((2, 2, 2), False)])
def test_lattices(shape, periodic, block):
    network = Network.grid(*shape, periodic=periodic)
    edges, g, positions = all_of(LatticeBlocks(*shape, periodic=periodic, conductances=2.0, block=block))
    np.testing.assert_array_equal(edges, by_ends(network, network.edges[:, 0])[0])
    np.testing.assert_array_equal(g, 2.0)
    if positions is not None:
        np.testing.assert_array_equal(positions, network.positions)


@pytest.mark.parametrize("block", [5, 100])
def test_networks_in_memory_with_parallel_edges(block):
    rng = np.random.default_rng(2)
    pairs = rng.integers(0, 30, (120, 2))
    network = Network.from_edges(pairs[pairs[:, 0] != pairs[:, 1]], 31)
    values = rng.random(network.n_edges)
    edges, g, positions = all_of(network_blocks(network, values, block))
    ends, wanted = by_ends(network, values)
    np.testing.assert_array_equal(edges, ends)
    np.testing.assert_array_equal(g, wanted)
    assert positions is None


@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize("options", [{}, {"neighbours": 4, "quantity": "conductance", "average": "conductance"}])
@pytest.mark.parametrize("block", [11, 1000])
def test_rasters(block, options, size):
    rng = np.random.default_rng(4)
    values = rng.uniform(1, 9, (23, 17))
    values[rng.random(values.shape) < 0.3] = np.nan
    values[[5, 6]] = -1.0                              # rows without any data
    values[0, :3] = np.inf
    network, conductances, _ = raster_network(values, **options)
    blocks = RasterBlocks(values, block=block, **options)
    blocks.number([blocks.count(rank, size) for rank in range(size)])
    edges, g, positions = all_of(blocks)
    ends, wanted = by_ends(network, conductances)
    np.testing.assert_array_equal(edges, ends)
    np.testing.assert_array_equal(g, wanted)
    np.testing.assert_array_equal(positions, network.positions)


def test_rows_of_a_raster_are_read_a_few_at_a_time():
    class Cells:
        shape = (200, 40)
        most = 0

        def __getitem__(self, rows):
            Cells.most = max(Cells.most, rows.stop - rows.start)
            return np.ones((rows.stop - rows.start, 40))

    blocks = RasterBlocks(Cells(), 4, block=120)
    blocks.number([blocks.count()])
    edges = all_of(blocks)[0]
    assert len(edges) == 200 * 39 + 199 * 40
    assert Cells.most <= 6


def test_wrong_rasters_are_refused():
    with pytest.raises(ValueError, match="two dimensions"):
        RasterBlocks(np.ones(5))
    blocks = RasterBlocks(np.array([[1.0, 2.0], [1.0, 0.0]]), block=2)
    with pytest.raises(ValueError, match=r"cell \(1, 1\) is 0"):
        blocks.count()
    with pytest.raises(ValueError, match="fewer than two"):
        RasterBlocks(np.full((3, 3), np.nan)).number([np.zeros(3, dtype=np.int64)])
    with pytest.raises(ValueError, match="sides of at least 1"):
        LatticeBlocks(4, 0)
    with pytest.raises(ValueError, match="too few"):
        DelaunayBlocks(10)


def mirrored_delaunay(points, band):
    """Edges of the triangulation of all points at once, those near a side of the square mirrored in it."""
    from scipy.spatial import Delaunay

    n = len(points)
    for axis, side in ((1, 0.0), (1, 1.0), (0, 0.0), (0, 1.0)):
        near = points[np.abs(points[:, axis] - side) < band].copy()
        near[:, axis] = 2 * side - near[:, axis]
        points = np.concatenate([points, near])
    t = Delaunay(points).simplices
    ends = np.unique(np.sort(np.concatenate([t[:, [0, 1]], t[:, [1, 2]], t[:, [2, 0]]]), axis=1), axis=0)
    return ends[ends[:, 1] < n]


@pytest.mark.parametrize(("n", "block"), [(16, 5), (900, 64),
                                          pytest.param(40_000, 3000, marks=pytest.mark.slow)])
def test_strips_are_the_triangulation_of_the_whole(n, block):
    blocks = DelaunayBlocks(n, 3, block)
    edges, _, points = all_of(blocks)
    assert np.all((points >= 0) & (points <= 1))
    assert len(np.unique(points, axis=0)) == n
    np.testing.assert_array_equal(edges, mirrored_delaunay(points, 8 / np.sqrt(n)))
    assert not np.array_equal(all_of(DelaunayBlocks(n, 4, block))[2], points)
    other = all_of(DelaunayBlocks(n, 3, 2 * block + 1))
    np.testing.assert_array_equal(other[0], edges)
    if n == 40_000:
        assert blocks.n_strips == 25        # several groups, with margins of their own
        assert 2 * len(edges) / n == pytest.approx(6, abs=0.05)
