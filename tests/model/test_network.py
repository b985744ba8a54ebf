"""The Network: views against matrices written out by hand, its parts, its drawing, and what is no network."""
import matplotlib.pyplot as plt
import numpy as np
import ohmlearn as ol
import pytest
from matplotlib.collections import LineCollection

SQUARE = [(0, 1), (1, 2), (2, 3), (3, 0), (0, 1)]      # the first side is doubled


def test_views_of_a_square():
    net = ol.Network.from_edges(SQUARE)
    assert (net.n_nodes, net.n_edges) == (4, 5)
    np.testing.assert_array_equal(net.degree, [3, 3, 2, 2])
    np.testing.assert_array_equal(net.adjacency.toarray(), [[0, 2, 0, 1], [2, 0, 1, 0], [0, 1, 0, 1], [1, 0, 1, 0]])
    np.testing.assert_array_equal(net.incidence.toarray(), [[1, -1, 0, 0], [0, 1, -1, 0], [0, 0, 1, -1],
                                                            [-1, 0, 0, 1], [1, -1, 0, 0]])
    np.testing.assert_array_equal((net.incidence.T @ net.incidence).toarray(),
                                  np.diag(net.degree) - net.adjacency.toarray())


@pytest.mark.parametrize("m", [5, 40, 300])
def test_components_are_those_of_scipy(m):
    from scipy.sparse.csgraph import connected_components

    rng = np.random.default_rng(m)
    net = ol.Network.from_edges([(a, b) for a, b in rng.integers(0, 100, (m, 2)) if a != b], n_nodes=100)
    np.testing.assert_array_equal(net.components, connected_components(net.adjacency, directed=False)[1])
    path = ol.Network.from_edges(np.stack([order := rng.permutation(500), np.roll(order, 1)], 1))
    assert not path.components.any()


def test_components_and_parts():
    places = np.arange(16).reshape(8, 2)
    net = ol.Network.from_edges([(5, 6), (0, 1), (1, 2), (2, 4), (4, 0)], n_nodes=8, positions=places)
    parts = net.components
    assert len(set(parts[[0, 1, 2, 4]])) == 1
    assert len(set(parts[[0, 3, 5, 7]])) == 4
    largest = net.largest_component()
    np.testing.assert_array_equal(largest.edges, [(0, 1), (1, 2), (2, 3), (3, 0)])
    np.testing.assert_array_equal(largest.positions, net.positions[[0, 1, 2, 4]])
    swapped = net.subset([6, 5, 3])
    assert swapped.n_nodes == 3
    np.testing.assert_array_equal(swapped.edges, [(1, 0)])
    np.testing.assert_array_equal(net.subset(parts == parts[0]).edges, largest.edges)


def test_edge_vectors_go_the_short_way_round():
    places = [(0.5, 0.5), (3.5, 0.5), (3.5, 1.8)]
    edges = [(0, 1), (1, 2), (2, 0)]
    flat = ol.Network.from_edges(edges, positions=places)
    np.testing.assert_allclose(flat.edge_vectors, [(3, 0), (0, 1.3), (-3, -1.3)])
    np.testing.assert_allclose(ol.Network.from_edges(edges, positions=places, box=(4, 2)).edge_vectors,
                               [(-1, 0), (0, -0.7), (1, 0.7)])
    assert ol.Network.from_edges(edges, positions=places, box=(4, 4)).box == 4.0
    with pytest.raises(ValueError, match="no positions"):
        _ = ol.Network.from_edges(edges).edge_vectors


def test_frozen():
    edges, places = np.array(SQUARE), np.zeros((4, 2))
    net = ol.Network.from_edges(edges, positions=places)
    edges[0], places[0] = (2, 0), (7, 7)
    np.testing.assert_array_equal(net.edges, SQUARE)
    np.testing.assert_array_equal(net.positions, np.zeros((4, 2)))
    for array in (net.edges, net.positions):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
    with pytest.raises(AttributeError):
        net.n_nodes = 9


@pytest.mark.parametrize(("arguments", "words"), [
    ({"edges": [(0, 1), (1, 4)], "n_nodes": 4}, r"edge 1 joins nodes 1 and 4.*0 to 3.*renumber"),
    ({"edges": [(0, 1), (-1, 2)]}, "edge 1 joins nodes -1 and 2"),
    ({"edges": [(0, 1), (3, 3)]}, "edge 1 joins node 3 to itself"),
    ({"edges": []}, "one row at least"),
    ({"edges": [(0, 1, 2)]}, r"\(1, 3\)"),
    ({"edges": [(0, 1)], "positions": [(0, 0)]}, r"shape \(2, 2\), not \(1, 2\)"),
    ({"edges": [(0, 1)], "positions": [(0, 0), (0, np.inf)]}, "finite"),
    ({"edges": [(0, 1)], "box": 0}, "box must be"),
    ({"edges": [(0, 1)], "box": (1, 2, 3)}, "box must be"),
])
def test_no_network(arguments, words):
    with pytest.raises(ValueError, match=words):
        ol.Network.from_edges(**arguments)


@pytest.mark.parametrize("edge", [(0, 1.5), ("a", "b"), (0, np.nan)])
def test_nodes_of_another_kind(edge):
    with pytest.raises(TypeError, match="edges must be integers"):
        ol.Network.from_edges([edge])


def test_a_count_of_another_kind():
    with pytest.raises(TypeError, match=r"^n_nodes must be a whole number, not 2\.5$"):
        ol.Network.from_edges([(0, 1)], n_nodes=2.5)


def test_conductances():
    net = ol.Network.from_edges([(0, 1), (1, 2)])
    np.testing.assert_array_equal(net.conductances(), [1, 1])
    np.testing.assert_array_equal(net.conductances(3), [3, 3])
    given = np.array([1.0, 0.0])
    checked = net.conductances(given)
    checked[0] = 5
    assert given[0] == 1
    for bad, words in [([1, -2.0], "edge 1 is -2"), ([np.nan, 1], "edge 0 is nan"), ([1], r"shape \(2,\)")]:
        with pytest.raises(ValueError, match=words):
            net.conductances(bad)


@pytest.mark.parametrize(("nodes", "words"), [
    ([0, 3], "node 3 is not in the network"), ([-1], "node -1"), ([0.0], "integer"), ([True, False], r"shape \(3,\)"),
    ([0, 1, 1], "distinct"), ([0, 2], "no edge joins"),
])
def test_no_subset(nodes, words):
    with pytest.raises((ValueError, TypeError), match=words):
        ol.Network.from_edges([(0, 1), (1, 2)]).subset(nodes)


@pytest.fixture
def drawn():
    """Draws a network and gives axes and line segments of the edges; figures are closed after the test."""
    def draw(net, **options):
        ax = net.plot(**options)
        ax.figure.canvas.draw()
        return ax, [lines for lines in ax.collections if isinstance(lines, LineCollection)]

    yield draw
    plt.close("all")


def test_periodic_edges_are_drawn_on_both_sides(drawn):
    ax, lines = drawn(ol.Network.grid(4, 3, periodic=True))
    ends = np.array(lines[0].get_segments())
    assert len(ends) == 24 + 3 + 4              # those over the rim twice
    np.testing.assert_allclose(np.abs(ends[:, 1] - ends[:, 0]).sum(axis=1), 1)      # never across the picture
    out = ends[(ends < 0).any(axis=(1, 2)) | (ends[:, :, 0] > 2).any(axis=1) | (ends[:, :, 1] > 3).any(axis=1)]
    assert len(out) == 2 * 7
    clip = lines[0].get_clip_box().transformed(ax.transData.inverted())
    np.testing.assert_allclose(clip.extents, (0, 0, 3, 4), atol=1e-12)
    assert len(ax.patches) == 1


def test_values_are_drawn(drawn):
    net = ol.Network.packing(16, seed=1)
    task = ol.Task.allosteric(net, 3, 2, seed=0)
    voltages, g = np.linspace(-1, 2, net.n_nodes), np.linspace(0, 3, net.n_edges)
    ax, lines = drawn(net, nodes=voltages, edges=g, task=task)
    marks = next(c for c in ax.collections if c.get_array() is not None and len(c.get_array()) == net.n_nodes)
    np.testing.assert_array_equal(marks.get_array(), voltages)
    assert marks.get_clim() == (-2, 2)          # white is zero
    np.testing.assert_array_equal(lines[1].get_array()[:net.n_edges], g)
    assert np.argmax(lines[1].get_linewidths()[:net.n_edges]) == net.n_edges - 1
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "source", f"target, {task.target_voltages[0]:.3g}, {task.target_voltages[1]:.3g} V desired"]
    assert len(ax.figure.axes) == 3             # two colour bars
    ax, lines = drawn(net, nodes=-voltages)
    assert (-2, 2) in [c.get_clim() for c in ax.collections]
    ax, lines = drawn(net, edges=np.zeros(net.n_edges))
    assert np.all(np.isfinite(lines[1].get_linewidths()))


def test_tasks_with_currents_and_pairs_are_drawn(drawn):
    net = ol.Network.grid(3, 3)
    task = ol.Task(currents={1: 1.0}, drops={(2, 5): 1.0}, targets=[(3, 4), {6: 0.5, 7: 0.5}],
                   target_voltages=[0.1, 0.2], ground=0)
    ax, _ = drawn(net, task=task)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "source", "current", "target, 0.1, 0.2 V desired"]


def test_names_are_written_beside_the_nodes(drawn):
    net = ol.Network.from_edges([(0, 1), (1, 2)], node_names=["in", "$o_u$t", "0"])
    ax, _ = drawn(net)
    assert [text.get_text() for text in ax.texts] == ["in", "$o_u$t", "0"]
    assert not drawn(net, names=False)[0].texts
    many = ol.Network.from_edges([(k, k + 1) for k in range(80)], node_names=[f"n{k}" for k in range(81)],
                                 positions=np.arange(162).reshape(81, 2))
    assert not drawn(many)[0].texts


def test_networks_without_places_are_laid_out(drawn):
    ax, _ = drawn(ol.Network.random(20, 3.0, seed=2))
    places = ax.collections[1].get_offsets()
    assert len(np.unique(places, axis=0)) == 20
    np.testing.assert_array_equal(places, drawn(ol.Network.random(20, 3.0, seed=2))[0].collections[1].get_offsets())
    with pytest.raises(ValueError, match="too many to lay out"):
        ol.Network.random(2001, 3.0).plot()
    with pytest.raises(ValueError, match=r"values on edges .* \(3,\)"):
        ol.Network.grid(4).plot(edges=[1, 2])
