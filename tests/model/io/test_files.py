"""Files: published packings, round trips, other programs' readers and writers, and what is said of broken files."""
from itertools import pairwise

import networkx as nx
import numpy as np
import ohmlearn as ol
import pytest
import scipy.io
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ohmlearn.io import files

BANNER = "%%MatrixMarket matrix coordinate real symmetric\n"
GRAPH = '<graphml><key id="g" for="edge" attr.name="conductance"/><graph edgedefault="undirected">{}</graph></graphml>'
NODES = '<node id="a"/><node id="b"/><node id="c"/>'


@st.composite
def circuits(draw, parallel=True):
    """A network without isolated nodes, with or without positions and box, and conductances or None."""
    n = draw(st.integers(2, 8))
    numbers = st.floats(-1e6, 1e6)
    pairs = st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)).filter(lambda p: p[0] != p[1])
    extra = draw(st.lists(pairs, max_size=10))
    edges = draw(st.permutations([(k + 1, k) for k in range(n - 1)] + extra))
    if not parallel:
        edges = list({tuple(sorted(edge)): edge for edge in edges}.values())
    positions = draw(st.one_of(st.none(), st.lists(st.tuples(numbers, numbers), min_size=n, max_size=n)))
    box = None if positions is None else draw(st.one_of(st.none(), st.just(2.5), st.just((1.5, 1e-3))))
    g = draw(st.one_of(st.none(), st.lists(st.floats(0, 1e300), min_size=len(edges), max_size=len(edges))))
    return ol.Network.from_edges(edges, positions=positions, box=box), g


def same(net, other, *, places=True):
    np.testing.assert_array_equal(net.edges, other.edges)
    assert net.n_nodes == other.n_nodes
    if places:
        assert net.box == other.box
        assert (net.positions is None) == (other.positions is None)
        if net.positions is not None:
            np.testing.assert_array_equal(net.positions, other.positions)


def same_values(values, path):
    read = files.read_conductances(path)
    assert (values is None) == (read is None)
    if values is not None:
        np.testing.assert_array_equal(read, values)


roundtrip = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@roundtrip
@given(circuits())
def test_graphml_keeps_everything(tmp_path, circuit):
    net, g = circuit
    net.write(tmp_path / "net.graphml", g)
    same(ol.Network.read(tmp_path / "net.graphml"), net)
    same_values(g, tmp_path / "net.graphml")


@roundtrip
@given(circuits())
def test_csv_keeps_edges_and_conductances(tmp_path, circuit):
    net, g = circuit
    net.write(tmp_path / "net.csv", g)
    same(ol.Network.read(tmp_path / "net.csv"), net, places=False)
    same_values(g, tmp_path / "net.csv")


@roundtrip
@given(circuits(parallel=False))
def test_matrixmarket_keeps_edges_and_conductances(tmp_path, circuit):
    net, g = circuit
    net.write(tmp_path / "net.mtx", g)
    read = ol.Network.read(tmp_path / "net.mtx")
    np.testing.assert_array_equal(read.edges, np.sort(net.edges, axis=1))
    same_values(g, tmp_path / "net.mtx")
    matrix = scipy.io.mmread(tmp_path / "net.mtx", spmatrix=False).toarray()
    weights = np.zeros((net.n_nodes, net.n_nodes))
    weights[tuple(net.edges.T)] = 1 if g is None else g
    np.testing.assert_array_equal(matrix, weights + weights.T)


@roundtrip
@given(circuits())
def test_networkx_and_back(circuit):
    net, g = circuit
    graph = net.to_networkx(g)
    back = ol.Network.from_networkx(graph)
    np.testing.assert_array_equal(np.sort(back.edges, axis=1), np.sort(net.edges, axis=1))
    same(back.subset(np.arange(net.n_nodes)), ol.Network(back.edges, net.n_nodes, net.positions, net.box))
    if g is not None:
        np.testing.assert_array_equal(files.networkx_conductances(graph), g)


def test_packing_round_trip(tmp_path):
    net = ol.Network.packing(20, seed=2)
    net.write(tmp_path / "net.txt")
    same(ol.Network.read(tmp_path / "net.txt"), net)


def test_isolated_nodes_survive(tmp_path):
    net = ol.Network.from_edges([(1, 2)], n_nodes=5)
    for suffix in (".csv", ".graphml", ".mtx"):
        net.write(tmp_path / f"net{suffix}")
        same(ol.Network.read(tmp_path / f"net{suffix}"), net)


def test_the_papers_network(reference):
    net = ol.Network.read(reference / "networks" / "packing_01.txt")
    assert (net.n_nodes, net.n_edges, net.box, net.name) == (64, 143, 7.69803, "packing_01")
    np.testing.assert_array_equal(net.positions[0], (3.63762, 0.86458))
    np.testing.assert_array_equal(net.edges[:2], [(0, 35), (0, 22)])
    assert net.components.max() == 0


@pytest.mark.parametrize("text", [
    "0,1,2\n1,2,0.5\n", "0 1 2\n1 2 0.5\n", "0\t1\t2\n1\t2\t0.5\n", "0;1;2\n1;2;0.5",
    "a,b,conductance\n0,1,2\n1,2,0.5\n", "source;target;other;G\n0;1;9;2\n1;2;9;0.5\n",
    "# made by hand\n\nfrom to weight\n0 1 2e0  # the first\n\n1 2 0.5\n", "% of a kind\n0 1 2\n1 2 .5\n",
    '"from","to","resistance"\n0,1,0.5\n1,2,2\n',
])
@pytest.mark.parametrize("suffix", [".csv", ".txt", ".dat"])
def test_edge_lists_as_others_write_them(tmp_path, text, suffix):
    (tmp_path / f"net{suffix}").write_text(text)
    net, g = files.read_circuit(tmp_path / f"net{suffix}")
    np.testing.assert_array_equal(net.edges, [(0, 1), (1, 2)])
    np.testing.assert_array_equal(g, [2, 0.5])
    assert net.name == "net"


@pytest.mark.parametrize("text", ["0 1\n1 2\n", "from,to,label\n0,1,7\n1,2,x\n", "0,1\n1,2"])
def test_edge_lists_without_conductances(tmp_path, text):
    (tmp_path / "net.csv").write_text(text)
    net, g = files.read_circuit(tmp_path / "net.csv")
    np.testing.assert_array_equal(net.edges, [(0, 1), (1, 2)])
    assert g is None


def test_networkx_reads_our_graphml(tmp_path):
    net = ol.Network.packing(16, seed=0)
    g = np.linspace(1, 2, net.n_edges)
    net.write(tmp_path / "net.graphml", g)
    graph = nx.read_graphml(tmp_path / "net.graphml", node_type=int)
    assert {tuple(sorted(edge)) for edge in graph.edges} == set(map(tuple, net.edges.tolist()))
    assert [graph.edges[a, b]["conductance"] for a, b in net.edges.tolist()] == g.tolist()
    assert graph.nodes[3]["x"] == net.positions[3, 0]


def test_we_read_networkx_graphml(tmp_path):
    graph = nx.Graph([("in", "mid"), ("mid", "out"), ("out", "in")])
    nx.set_node_attributes(graph, {"in": 0.0, "mid": 1.0, "out": 2.0}, "x")
    nx.set_node_attributes(graph, {"in": 5.0, "mid": 6.0, "out": 7.0}, "y")
    nx.set_edge_attributes(graph, {edge: k + 1.5 for k, edge in enumerate(graph.edges)}, "weight")
    nx.write_graphml(graph, tmp_path / "net.graphml")
    net, g = files.read_circuit(tmp_path / "net.graphml")
    direct = ol.Network.from_networkx(graph)
    np.testing.assert_array_equal(net.edges, direct.edges)
    np.testing.assert_array_equal(net.positions, [(0, 5), (1, 6), (2, 7)])
    np.testing.assert_array_equal(direct.positions, net.positions)
    np.testing.assert_array_equal(g, files.networkx_conductances(graph, "weight"))


@pytest.mark.parametrize(("names", "edges"), [("201", [(2, 0), (0, 1)]), ("213", [(0, 1), (1, 2)])])
def test_graphml_nodes_are_numbered_as_named_or_in_order(tmp_path, names, edges):
    nodes = "".join(f'<node id="{name}"/>' for name in names)
    joins = "".join(f'<edge source="{a}" target="{b}"/>' for a, b in pairwise(names))
    (tmp_path / "net.graphml").write_text(GRAPH.format(nodes + joins))
    np.testing.assert_array_equal(ol.Network.read(tmp_path / "net.graphml").edges, edges)


def test_laplacians(tmp_path):
    net = ol.Network.random(12, 4.0, seed=1)
    g = np.linspace(0.5, 3, net.n_edges)
    laplacian = (net.incidence.T @ (net.incidence * g[:, None])).tocoo()
    for symmetry in ("symmetric", "general"):
        scipy.io.mmwrite(tmp_path / "net.mtx", laplacian, symmetry=symmetry, precision=17)
        read, values = files.read_circuit(tmp_path / "net.mtx")
        order = np.lexsort(read.edges.T[::-1])
        np.testing.assert_array_equal(read.edges[order], net.edges)
        np.testing.assert_allclose(values[order], g, rtol=1e-15)


@pytest.mark.parametrize(("name", "text", "words"), [
    ("e.csv", "", "is empty"),
    ("e.csv", "# nothing\n", "is empty"),
    ("e.csv", "a,b\n", "has no edges"),
    ("e.csv", "0,1\n1,x\n", r"line 2: 'x' is not a node number.*GraphML"),
    ("e.csv", "# top\nfrom,to\n0,1\n\n1,2.5\n", r"line 5: '2.5' is not a node number"),
    ("e.csv", "0,1,1\n1,2,much\n", "line 2, column 3: 'much' is not a number"),
    ("e.csv", "0,1,1\n1,2\n", "line 2: expected 3 columns, got '1,2'"),
    ("e.csv", "0,1,1,1\n", "line 1: expected two node numbers .* name the columns"),
    ("e.csv", "0 1 1\n1 2\n", "line 2: expected 3 columns, got '1 2'"),
    ("e.csv", "0\n1\n", "line 1: expected two nodes"),
    ("e.csv", "a,b\n0,1\n2,2\n", "line 3: node 2 is joined to itself"),
    ("e.csv", "0,1\n1,-2\n", "line 2: an edge between nodes 1 and -2.*renumber"),
    ("e.csv", "# nodes: 2\n0,1\n1,2\n", "line 3: an edge between nodes 1 and 2, but nodes run from 0 to 1"),
    ("e.csv", "1,2\n2,3\n", "node 0 has no edge.*number nodes from 0"),
    ("e.csv", "0,1\n1,99999999999\n", "nodes go up to 99999999999 in only 2 edges"),
    ("e.csv", "0,1,1\n1,2,-3\n", "line 2, column 3: -3 is no conductance"),
    ("e.csv", "0,1,1\n1,2,nan\n", "line 2, column 3: 'nan' is not a number"),
    ("e.csv", "a,b,resistance\n0,1,1\n1,2,0\n", "line 3: 0 is no resistance"),
    ("p.txt", "2 1 3.0\n0 0\n1 1\n", "promises 2 nodes and 1 edges, so 4 lines, but there are 3.*cut off"),
    ("p.txt", "2 1 0.0\n0 0\n1 1\n0 1\n", "line 1: .*box > 0"),
    ("p.txt", "2 1.5 3.0\n0 0\n1 1\n0 1\n", "line 1: expected numbers of nodes and edges and the box length"),
    ("p.txt", "2 1 3.0\n0 0\n1 y\n0 1\n", "line 3: expected x and y of a node, finite numbers, got '1 y'"),
    ("p.txt", "2 1 3.0\n0 0\n1 1\n0 1.5\n", "line 4: expected two node numbers, got '0 1.5'"),
    ("p.txt", "2 1 3.0\n0 0\n1 1\n0 2\n", "line 4: an edge between nodes 0 and 2, but nodes run from 0 to 1"),
    ("p.txt", "2 1 3.0\n0 0\n1 nan\n0 1\n",
     "line 3: expected x and y of a node, finite numbers"),
    ("m.mtx", "0 1\n", "line 1: expected '%%MatrixMarket"),
    ("m.mtx", BANNER + "2 3 1\n2 1 1\n", "2 × 3 real matrix"),
    ("m.mtx", BANNER + "2 2 1\n1 1 1\n", "no entries off the diagonal"),
    ("m.mtx", BANNER + "2 2 1\n3 1 1\n", "line 3: rows and columns run from 1 to 2"),
    ("m.mtx", BANNER + "3 3 2\n2 1 1\n3 1 -2\n", r"entry \(3, 1\) is -2"),
    ("m.mtx", BANNER.replace("symmetric", "general") + "2 2 1\n2 1 1\n",
     r"line 3: entries \(2, 1\) and \(1, 2\) differ"),
    ("m.mtx", BANNER + "2 2 3\n1 1 3\n2 1 -1\n2 2 1\n", "row 1 sums to 2.*add a node for ground"),
    ("m.mtx", "%%MatrixMarket matrix array real general\n2 2\n0\n1\n1\n0\n", "array format"),
    ("g.graphml", "<graphml><graph>", "line 1: no valid XML"),
    ("g.graphml", "<svg></svg>", "0 graphs"),
    ("g.graphml", GRAPH.format(NODES), "has no edges"),
    ("g.graphml", GRAPH.format(NODES + '<edge source="a" target="d"/>'), '"d", which is no node'),
    ("g.graphml", GRAPH.format(NODES + '<edge source="a" target="a"/>'), "joins a node to itself"),
    ("g.graphml", GRAPH.format(NODES + '<edge source="a" target="b"/>').replace("undi", "di"), "is directed"),
    ("g.graphml", GRAPH.format(NODES + '<edge source="a" target="b"/><edge source="b" target="c">'
                               '<data key="g">1</data></edge>'),
     "nodes \"a\" and \"b\": there is no value for the conductance"),
    ("g.graphml", GRAPH.format(NODES + '<edge source="a" target="b"><data key="g">-1</data></edge>'),
     "nodes \"a\" and \"b\": -1 is no conductance"),
])
def test_broken_files(tmp_path, name, text, words):
    (tmp_path / name).write_text(text)
    with pytest.raises(ValueError, match=words) as caught:
        files.read_circuit(tmp_path / name)
    assert name in str(caught.value)


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.csv"):
        ol.Network.read(tmp_path / "none.csv")
    with pytest.raises(OSError, match=str(tmp_path)):
        ol.Network.read(tmp_path)
    (tmp_path / "net.npz").write_bytes(b"PK\x03\x04\xff\xfe\x00\x01" * 9)
    with pytest.raises(ValueError, match="not a text file"):
        ol.Network.read(tmp_path / "net.npz")


def test_what_a_format_cannot_hold(tmp_path):
    doubled = ol.Network.from_edges([(0, 1), (1, 0)])
    packing = ol.Network.packing(12, seed=0)
    for net, name, g, words in [
        (doubled, "net.mtx", None, "parallel edges"), (doubled, "net.txt", None, "write .csv"),
        (packing, "net.txt", 1.0, "no conductances"), (packing, "net.xls", None, "use the suffix .txt, .csv"),
        (packing, "net.csv", [1, 2], "one per edge"), (ol.Network.grid(3, 4, periodic=True), "net.txt", None, "square"),
    ]:
        with pytest.raises(ValueError, match=words):
            net.write(tmp_path / name, g)
    assert list(tmp_path.iterdir()) == []


def test_an_old_file_stays_until_the_new_one_is_whole(tmp_path, monkeypatch):
    path = tmp_path / "net.csv"
    ol.Network.grid(3).write(path)
    before = path.read_text()

    def full(file, network, values):
        file.write("0,")
        raise OSError(28, "No space left on device")

    monkeypatch.setitem(files.WRITERS, ".csv", full)
    with pytest.raises(OSError, match=r"No space left on device.*has room.*net\.csv") as caught:
        ol.Network.grid(4).write(path)
    assert caught.value.errno == 28
    assert path.read_text() == before
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(OSError, match=r"folder that exists.*net\.mtx"):
        ol.Network.grid(4).write(tmp_path / "nowhere" / "net.mtx")


@pytest.mark.parametrize(("graph", "words"), [
    (nx.DiGraph([(0, 1)]), "directed.*to_undirected"), (nx.Graph([("a", "a"), ("a", "b")]), "to itself"),
    (nx.empty_graph(3), "one row at least")])
def test_graphs_that_are_no_networks(graph, words):
    with pytest.raises(ValueError, match=words):
        ol.Network.from_networkx(graph)


def test_networkx_conductances_must_be_there():
    graph = nx.path_graph(3)
    graph.edges[0, 1]["conductance"] = 1.0
    with pytest.raises(ValueError, match=r"nodes 1 and 2 has no attribute 'conductance' \(1 such"):
        files.networkx_conductances(graph)


@pytest.mark.parametrize("suffix", [".csv", ".graphml"])
@pytest.mark.parametrize("name", ["a #b", "# a", "#", "a#", "%a", 'say "a" # b', 'a,"b" #', "1# nodes: 3 # nodes: 3",
                                  "a b"])
def test_a_name_with_marks_of_comments_comes_back(tmp_path, name, suffix):
    net = ol.Network.from_edges([(0, 1), (1, 2)], node_names=["in", name, "out"], edge_names=[name, "other"])
    net.write(tmp_path / f"net{suffix}")
    again = ol.Network.read(tmp_path / f"net{suffix}")
    assert (again.node_names, again.edge_names) == (net.node_names, net.edge_names)
    np.testing.assert_array_equal(again.edges, net.edges)
