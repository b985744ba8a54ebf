"""Files as others write them: each gives what it means, or an error that says what to do."""
import json
import warnings

import networkx as nx
import numpy as np
import ohmlearn as ol
import pytest
from ohmlearn.io import files

TRIANGLE = [[0, 1], [1, 2], [2, 0]]
DOUBLED = [*TRIANGLE, [0, 1]]
BANNER = "%%MatrixMarket matrix coordinate real {}\n"
GRAPHML = ('<graphml><key id="k" for="edge" attr.name="{}">{}</key><graph edgedefault="undirected"><node id="a"/>'
           '<node id="b"/><node id="c"/>{}</graph></graphml>')
EDGES = '<edge source="a" target="b">{}</edge><edge source="b" target="c">{}</edge>'


def read(tmp_path, name, content, **options):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return ol.Network.read(path, **options)


@pytest.mark.parametrize(("content", "edges", "g"), [
    ("\ufeff0,1,1\n1,2,2\n2,0,4\n0,1,8\n", DOUBLED, [1, 2, 4, 8]),                         # byte-order mark
    ("0,1,1,\n1,2,2,\n2,0,4,\n0,1,8,\n", DOUBLED, [1, 2, 4, 8]),                            # trailing delimiter
    ("from,to,g,\n0,1,1,\n1,2,2,\n2,0,4,\n", TRIANGLE, [1, 2, 4]),
    ("0 1 1.0D+00\n1 2 2.0d+00\n2 0 4e0\n", TRIANGLE, [1, 2, 4]),                           # exponents of Fortran
    ("0 1 {}\n1 2 {}\n2 0 {}\n0 3 {}\n", [*TRIANGLE, [0, 3]], None),                        # networkx's default
    ("0 1 {'weight': 3, 'c': 'red'}\n1 2 {'weight': 0.5}\n", [[0, 1], [1, 2]], [3, 0.5]),
    ("a,b,resistance_ohm\n0,1,1000\n1,2,10\n2,0,10\n", TRIANGLE, [1e-3, 0.1, 0.1]),
    ("a;b;R (kOhm)\n0;1;1,5\n1;2;2\n2;0;4\n", TRIANGLE, [1 / 1500, 1 / 2000, 1 / 4000]),    # decimal commas, units
    ("from\tto\tG [mS]\n0\t1\t1\n1\t2\t2\n2\t0\t4\n", TRIANGLE, [1e-3, 2e-3, 4e-3]),
    (",a,b,conductance\n0,2,3,5\n1,3,4,5\n2,4,0,5\n3,0,1,5\n4,1,2,5\n",                     # pandas, with its index
     [[2, 3], [3, 4], [4, 0], [0, 1], [1, 2]], [5] * 5),
    ("id,from,to,r\n7,0,1,2\n8,1,2,4\n9,2,0,5\n", TRIANGLE, [0.5, 0.25, 0.2]),
    ("r,bus2,bus1\n2,1,0\n4,2,1\n5,0,2\n", TRIANGLE, [0.5, 0.25, 0.2]),                     # names, not places
    ("0\t1\n1\t0\n1\t2\n2\t1\n2\t0\n0\t2\n", TRIANGLE, None),                               # both directions
    ("0,1,5\n1,0,5\n2,1,3\n1,2,3\n", [[0, 1], [2, 1]], [5, 3]),
    ("# edges: 2\n0,1,5\n1,0,5\n", [[0, 1], [1, 0]], [5, 5]),                               # the count says which
    ("0,1,5\n0,1,5\n1,2,1\n", [[0, 1], [0, 1], [1, 2]], [5, 5, 1]),                         # truly parallel
    ("4 5\n0 1\n1 2\n2 3\n3 0\n0 2\n", [[0, 1], [1, 2], [2, 3], [3, 0], [0, 2]], None),     # a line of counts
    ('"0","1","2.5"\n"1","2","3"\n', [[0, 1], [1, 2]], [2.5, 3]),
    ("0.0 1.0 2\n1.000e+00 2.0 3\n", [[0, 1], [1, 2]], [2, 3]),                             # np.savetxt
    ("0,1,2\r\n1,2,3\r\n\x1a", [[0, 1], [1, 2]], [2, 3]),
    ("sep=;\nfrom;to;r\n0;1;0,5\n1;2;0,25\n", [[0, 1], [1, 2]], [2, 4]),                      # spreadsheets
])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le"])
def test_edge_lists(tmp_path, content, edges, g, encoding):
    net = read(tmp_path, "net.csv", content.lstrip("\ufeff" if encoding != "utf-8" else "").encode(encoding))
    assert net.edges.tolist() == edges
    if g is None:
        assert net.initial_conductances is None
    else:
        np.testing.assert_allclose(net.initial_conductances, g, rtol=1e-15)
        assert "as conductance" in net.conductance_source or "as resistance" in net.conductance_source


def test_counted_nodes_and_isolated_ones(tmp_path):
    assert read(tmp_path, "net.txt", "5 2\n0 1\n1 2\n").n_nodes == 5
    with pytest.raises(ValueError, match=r"line 1: 3 3 looks like the numbers of nodes and edges.*from 1"):
        read(tmp_path, "net.txt", "3 3\n1 2\n2 3\n3 1\n")
    net = read(tmp_path, "net.txt", "1 2\n2 3\n3 1\n", nodes="from 1")
    assert net.edges.tolist() == TRIANGLE
    assert read(tmp_path, "net.txt", "10 25\n25 700\n700 10\n", nodes="names").node_names == ("10", "25", "700")


@pytest.mark.parametrize(("content", "names", "edges"), [
    ("in out\nout gnd\ngnd in\n", ("in", "out", "gnd"), TRIANGLE),
    ("a b\nb c\n", ("a", "b", "c"), [[0, 1], [1, 2]]),          # no header, as b comes again
    ("from,to\nin,out\nout,gnd\n", ("in", "out", "gnd"), [[0, 1], [1, 2]]),
    ('source;target;name\n"a; b";c;R7\nc;d;R8\n', ("a; b", "c", "d"), [[0, 1], [1, 2]]),
    (b"S\xfcd,Nord\nNord,West\n", ("S\u00fcd", "Nord", "West"), [[0, 1], [1, 2]]),         # Windows-1252
])
def test_names_as_nodes(tmp_path, content, names, edges):
    net = read(tmp_path, "net.csv", content)
    assert net.node_names == names
    assert net.edges.tolist() == edges
    assert net.edge_names == (("R7", "R8") if "R7" in str(content) else None)


@pytest.mark.parametrize(("content", "options", "words"), [
    ("0,1,1k\n1,2,2k\n", {}, r"line 1, column 3: '1k' is not a number"),
    ("0,1,\n1,2,2\n", {}, "line 1, column 3: there is no value for the conductance"),
    ("from,to,value\n0,1,1\n1,2,2\n", {}, r"column 'value' may hold the conductances; say conductance=NAME"),
    ("from,to,ohmic\n0,1,1\n1,2,2%\n", {}, r"column 'ohmic' may hold"),
    ("from,to,weight,r_ohm\n0,1,3,1\n1,2,2,4\n", {}, "column 'weight' and 'r_ohm' may hold"),
    ("from,to,r_ohm_per_km\n0,1,3\n1,2,2\n", {}, "column 'r_ohm_per_km' may hold"),
    ("from,to,R_MOHM\n0,1,3\n1,2,2\n", {}, "column 'R_MOHM' may hold"),                     # milli or mega
    ("from,to,g\n0,1,3\n1,2,2\n", {"resistance": "r"}, "no column 'r'; there are 'g'"),
    ("from,to,g\n0,1,3\n", {"resistance": "g", "conductance": "g"}, "exclude each other"),
    ("one,two,three\n0,1,3\n1,2,2\n", {}, "line 1: .* does not say which two columns are the nodes"),
    ("a b\nc d\n", {}, "line 1: 'a b' may name two columns or two nodes"),
    ("0,1,5\n1,0,6\n", {}, r"line 2: the edge between nodes 0 and 1 is listed in both directions.*5 and 6.*# edges: 2"),
    ("4 5\n0 1 2\n1 2 3\n", {}, "line 1: expected 3 columns, got '4 5'"),
    ("0,1\nin,2\n", {}, "line 2: 'in' is not a node number"),
    ("a,b,r\n0,1,1e-320\n", {}, "line 2: 1e-320 is no resistance"),
    ("a,b,r\n0,1,1e999\n", {}, "line 2: 1e999 is no resistance"),
    ("0,1,1e999\n", {}, "line 1, column 3: 1e999 is no conductance"),
    ("0,1,1_000\n", {}, "line 1, column 3: '1_000' is not a number"),
    ("# nodes: 99999999999\n0,1\n", {}, "99999999999 nodes are stated, more than a file of"),
    ("0," + "9" * 5000 + "\n", {}, "is not a node number"),
    ("from,to,g,g\n0,1,1,2\n", {}, "line 1: two columns have the same name"),
    ('0,1,"2\n1,2,3\n', {}, "line 1: .*close the quotes"),
    ("0 1 {'weight': [1]}\n", {}, "line 1"),
    ("1,2\n2,3\n3,1\n", {}, "say nodes='from 1'"),
    ("0,1," + "9" * 200_000 + "x\n", {}, "line 1, column 3: .* is not a number"),
    (",a" * 200_000 + "\n", {}, "line 1: there are more than 500 columns"),
    ("\n".join(f"0 {k + 1} {{'a{k}':1}}" for k in range(5000)), {}, "more than 500 columns or attributes"),
    ("in,out\n0,1\n1,2\n", {}, "line 1: 'in,out' does not say which two columns are the nodes"),
    ("from;to;r\n0;1;1,000\n1;2;2,500\n", {}, "line 2: '1,000' may be a number with decimals or thousands"),
    ("0,1\n", {"nodes": "2"}, "nodes must be 'auto', 'from 1' or 'names'"),
])
def test_refused_in_words(tmp_path, content, options, words):
    with pytest.raises(ValueError, match=words) as caught:
        read(tmp_path, "net.csv", content, **options)
    assert "net.csv" in str(caught.value) or options.get("nodes")


def test_the_caller_names_the_column(tmp_path):
    table = "from,to,weight,r_ohm\n0,1,3,2\n1,2,2,4\n"
    np.testing.assert_allclose(read(tmp_path, "net.csv", table, resistance="r_ohm").initial_conductances, [0.5, 0.25])
    net = read(tmp_path, "net.csv", table, conductance="WEIGHT")
    assert net.initial_conductances.tolist() == [3, 2]
    assert net.conductance_source == "column 'weight' as conductance"
    assert read(tmp_path, "net.csv", table, conductance="").initial_conductances is None
    net = read(tmp_path, "net.csv", "0,1,3,4\n1,2,5,8\n", resistance="4")
    assert net.initial_conductances.tolist() == [0.25, 0.125]


def test_numbers_that_are_not_read_are_said(tmp_path):
    with pytest.warns(UserWarning, match="column 'length': numbers that are not read; .* column 'r'"):
        read(tmp_path, "net.csv", "from,to,length,r\n0,1,3,2\n1,2,2,4\n")
    with pytest.warns(UserWarning, match="1 pairs of nodes are joined in both directions, others in one"):
        read(tmp_path, "net.csv", "0,1\n1,0\n1,2\n")


def test_long_and_short_tables_are_read_alike(tmp_path):
    """More than a thousand rows go through NumPy's reader."""
    rng = np.random.default_rng(0)
    edges = np.stack([np.arange(1500), np.arange(1, 1501)], axis=1)
    r = rng.lognormal(size=1500)
    rows = [f"{x!r},{a},{b}\n" for (a, b), x in zip(edges.tolist(), r.tolist(), strict=True)]
    net = read(tmp_path, "net.csv", "r,from,to\n" + "".join(rows))
    np.testing.assert_array_equal(net.edges, edges)
    np.testing.assert_array_equal(net.initial_conductances, 1 / r)
    for bad, words in [("much,7,8\n", "line 1502: 'much' is not a number"), ("1.5,7,8,9\n", "line 1502: expected 3"),
                       ("1.5,7,x\n", "line 1502: 'x' is not a node number"), ("nan,7,8\n", "line 1502: 'nan'")]:
        with pytest.raises(ValueError, match=words):
            read(tmp_path, "net.csv", "r,from,to\n" + "".join(rows) + bad)


@pytest.mark.parametrize(("attribute", "default", "data", "g"), [
    ("resistance", "", ("2", "4"), [0.5, 0.25]),
    ("r_ohm", "", ("2", "4"), [0.5, 0.25]),
    ("Weight", "", ("2", "4"), [2, 4]),
    ("conductance", "<default>7</default>", ("2", None), [2, 7]),
    ("colour", "", ("red", "blue"), None),
])
def test_graphml_attributes(tmp_path, attribute, default, data, g):
    edges = EDGES.format(*("" if x is None else f'<data key="k">{x}</data>' for x in data))
    net = read(tmp_path, "net.graphml", GRAPHML.format(attribute, default, edges))
    assert net.node_names == ("a", "b", "c")
    assert (None if net.initial_conductances is None else net.initial_conductances.tolist()) == g


@pytest.mark.parametrize(("text", "words"), [
    (GRAPHML.format("length", "", EDGES.format('<data key="k">1</data>', '<data key="k">2</data>')),
     "attribute 'length' may hold"),
    (GRAPHML.format("r", "", EDGES.format("", "")).replace('id="b"', 'id="a"', 1), 'two nodes are called "a"'),
    ('<!DOCTYPE g [<!ENTITY a "b">]>' + GRAPHML.format("r", "", EDGES.format("", "")), "entities are not read"),
    ("<a>" * 5000, "nested more than 100 deep"),
    (GRAPHML.format("r", "", EDGES.format("", "")).replace("undirected", "directed"), "is directed"),
])
def test_graphml_refused(tmp_path, text, words):
    with pytest.raises(ValueError, match=words):
        read(tmp_path, "net.graphml", text)


def test_directed_graphs_with_both_arcs(tmp_path):
    both = EDGES.format("", "") + EDGES.format("", "").replace("source", "x").replace("target", "source").replace(
        'x=', "target=")
    net = read(tmp_path, "net.graphml", GRAPHML.format("r", "", both).replace("undirected", "directed"))
    assert net.edges.tolist() == [[0, 1], [1, 2]]
    graph = nx.DiGraph()
    graph.add_weighted_edges_from([("a", "b", 2), ("b", "a", 2), ("c", "b", 5), ("b", "c", 5)])
    net = ol.Network.from_networkx(graph)
    assert (np.sort(net.edges).tolist(), net.initial_conductances.tolist()) == ([[0, 1], [1, 2]], [2, 5])
    graph.edges["a", "b"]["weight"] = 3
    with pytest.raises(ValueError, match=r"edge between nodes 'b' and 'a'.* (2 and 3|3 and 2)"):
        ol.Network.from_networkx(graph)


@pytest.mark.parametrize(("body", "edges", "g"), [
    (BANNER.format("symmetric") + "3 3 6\n2 1 9\n1 2 9\n3 2 2\n2 3 2\n3 1 4\n1 3 4\n",
     [[0, 1], [1, 2], [0, 2]], [9, 2, 4]),
    (BANNER.format("general") + "2 2 2\n2 1 9\n1 2 9\n", [[0, 1]], [9]),
    (BANNER.format("symmetric").upper() + "% a\n2 2 1\n% b\n2 1 1.5D0", [[0, 1]], [1.5]),
    (BANNER.format("symmetric").replace("real", "pattern") + "3 3 2\n2 1\n3 1\n", [[0, 1], [0, 2]], None),
])
def test_matrices(tmp_path, body, edges, g):
    net = read(tmp_path, "net.mtx", body)
    assert net.edges.tolist() == edges
    assert (None if net.initial_conductances is None else net.initial_conductances.tolist()) == g


@pytest.mark.parametrize(("body", "words"), [
    ("3 3 2\n2 1 1\n3 1 1\n7", "line 2: 2 entries are promised, but 3 lines follow"),
    ("3 3 2\n2 1 1\n3 1 1 junk\n", "line 4: expected 3 finite numbers, got '3 1 1 junk'"),
    ("3 3 1\n2 1 inf\n", "line 3: expected 3 finite numbers"),
    ("3 3 2\n2 1 1\n2 1 1\n", r"line 4: entry \(2, 1\) is there already, on line 3"),
    ("3 3 2\n2 1 1\n1 2 2\n", r"line 3: entries \(2, 1\) and \(1, 2\) differ"),
    ("99999999999 99999999999 1\n2 1 1\n", "rows are promised, more than a file of"),
    ("3 3 1\n2 1 1\x00", "is not a text file"),
])
def test_matrices_refused(tmp_path, body, words):
    with pytest.raises(ValueError, match=words):
        read(tmp_path, "net.mtx", BANNER.format("symmetric") + body)


def test_a_diagonal_is_left_out_with_a_word(tmp_path):
    with pytest.warns(UserWarning, match="1 entries on the diagonal are left out"):
        net = read(tmp_path, "net.mtx", BANNER.format("symmetric") + "2 2 2\n1 1 5\n2 1 1\n")
    assert net.initial_conductances.tolist() == [1]


def test_three_columns_then_two_are_no_packing(tmp_path):
    with pytest.raises(ValueError, match="line 2: expected 3 columns, got '1 2'"):
        read(tmp_path, "net.txt", "0 1 2.5\n1 2\n")
    with pytest.raises(ValueError, match="or it is an edge list whose second line lacks a conductance"):
        read(tmp_path, "net.txt", "3 4 2.5\n1 2\n")


def test_formats_of_networkx(tmp_path):
    graph = nx.Graph(name="bridge")
    for a, b, r in [("in", "mid", 2.0), ("mid", "out", 4.0), ("out", "in", 5.0)]:
        graph.add_edge(a, b, resistance=r)
    nx.write_gexf(graph, tmp_path / "net.gexf")
    nx.write_gml(graph, tmp_path / "net.gml")
    (tmp_path / "net.json").write_text(json.dumps(nx.node_link_data(graph, edges="links")))
    nx.write_pajek(nx.Graph([(str(a), str(b), {"weight": 1 / d["resistance"]}) for a, b, d in graph.edges(data=True)]),
                   tmp_path / "net.net")
    for suffix in ("gexf", "gml", "json", "net"):
        net = ol.Network.read(tmp_path / f"net.{suffix}")
        found = {frozenset((net.label(a), net.label(b))): g
                 for (a, b), g in zip(net.edges.tolist(), net.initial_conductances.tolist(), strict=True)}
        assert found == {frozenset(("in", "mid")): 0.5, frozenset(("mid", "out")): 0.25, frozenset(("out", "in")): 0.2}
    gexf = ('<?xml version="1.0"?><gexf xmlns="http://www.gexf.net/1.2draft" version="1.2"><graph '
            'defaultedgetype="undirected"><nodes><node id="0"/><node id="1"/></nodes><edges><edge id="0" source="0" '
            'target="1" weight="2"/></edges></graph></gexf>')
    net = read(tmp_path, "net.gexf", gexf)
    assert (net.edges.tolist(), net.initial_conductances.tolist()) == ([[0, 1]], [2])
    for name, text in [("net.gml", "graph [" * 500), ("net.json", "[" * 100_000), ("net.gexf", gexf[:-30]),
                       ("net.json", '{"nodes": 1, "nodes": 2}'), ("net.gml", "graph [ node [ id 0 ]"),
                       ("net.net", "*vertices x\n*edges")]:
        with pytest.raises(ValueError, match=name):
            read(tmp_path, name, text)


def test_numpy_labels_keep_their_numbers():
    graph = nx.Graph()
    graph.add_edges_from(np.array([[2, 0], [0, 1], [1, 3]]))
    net = ol.Network.from_networkx(graph)
    assert net.edges.tolist() == [[2, 0], [0, 1], [1, 3]]
    assert net.node_names is None


def test_karate_club_has_its_names_and_weights():
    graph = nx.karate_club_graph()
    net = ol.Network.from_networkx(graph)
    np.testing.assert_array_equal(net.initial_conductances, [d["weight"] for *_, d in graph.edges(data=True)])
    named = nx.relabel_nodes(graph, {k: f"member {k}" for k in graph})
    assert ol.Network.from_networkx(named).node_names[33] == "member 33"


NAMED = ol.Network.from_edges([(0, 1), (1, 2), (2, 0), (1, 0)], positions=[(0, 0.1), (1, 2), (3, 4)],
                              conductances=[0.1, 1 / 3, 5e-324 * 1e300, 7.0], node_names=["in", 'a "b", #c', "0"],
                              edge_names=["R1", "R,2", "R 3", "R4"])


@pytest.mark.parametrize("suffix", [".csv", ".graphml"])
def test_names_conductances_and_positions_come_back(tmp_path, suffix):
    NAMED.write(tmp_path / f"net{suffix}")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        back = ol.Network.read(tmp_path / f"net{suffix}")
    assert (back.node_names, back.edge_names) == (NAMED.node_names, NAMED.edge_names)
    np.testing.assert_array_equal(back.edges, NAMED.edges)
    np.testing.assert_array_equal(back.initial_conductances, NAMED.initial_conductances)
    if suffix == ".graphml":
        np.testing.assert_array_equal(back.positions, NAMED.positions)


def test_networkx_and_back_with_names():
    back = ol.Network.from_networkx(NAMED.to_networkx())
    assert (back.node_names, back.edge_names) == (NAMED.node_names, NAMED.edge_names)
    np.testing.assert_array_equal(back.initial_conductances, NAMED.initial_conductances)
    np.testing.assert_array_equal(back.positions, NAMED.positions)
    np.testing.assert_array_equal(np.sort(back.edges), np.sort(NAMED.edges))


def test_parts_keep_names_and_conductances():
    part = NAMED.subset([2, 1])
    assert (part.node_names, part.edge_names) == (("0", 'a "b", #c'), ("R,2",))
    assert part.initial_conductances.tolist() == [1 / 3]


def test_conductances_of_the_network_are_used(tmp_path):
    """By every function that is given none."""
    net = ol.Network.grid(3, 3)
    g = np.linspace(0.5, 2, net.n_edges)
    with_g = ol.Network.from_edges(net.edges, conductances=g)
    task = ol.Task([0, 8], [1.0, 0.0], [4, 2], [0.3, 0.6])
    np.testing.assert_array_equal(ol.voltages(with_g, task), ol.voltages(net, task, g))
    np.testing.assert_array_equal(ol.Equilibrium(with_g, [0]).solve(currents=np.eye(9)[3]),
                                  ol.Equilibrium(net, [0]).solve(g, currents=np.eye(9)[3]))
    np.testing.assert_array_equal(ol.hessian(with_g, task).gradient, ol.hessian(net, task, g).gradient)
    np.testing.assert_array_equal(ol.modes(with_g, k=2).eigenvalues, ol.modes(net, g, k=2).eigenvalues)
    assert with_g.to_spice(task).split("\n")[1:] == net.to_spice(task, g).split("\n")[1:]
    with_g.write(tmp_path / "net.csv")
    read_back = ol.Network.read(tmp_path / "net.csv")
    for other in (with_g, read_back):
        run, expected = (ol.train(x, task, 1.0, t_max=1.0, until=None, conductances=c)
                         for x, c in ((other, None), (net, g)))
        np.testing.assert_array_equal(run.conductances, expected.conductances)
        assert run.initial_cost == expected.initial_cost != ol.train(net, task, 1.0, t_max=1.0, until=None).initial_cost
    assert files.read_conductances(tmp_path / "net.csv").tolist() == g.tolist()
    assert with_g.conductances(1.0).tolist() == [1.0] * net.n_edges


def test_names_that_are_none():
    for names, words in [(["a"], "2 names, not 1"), (["a", "a"], "'a' is there twice"), (["a", " b"], "blanks around"),
                         (["a", "b\n"], "on one line"), (["a", 3], "texts on one line")]:
        with pytest.raises(ValueError, match=words):
            ol.Network.from_edges([(0, 1)], node_names=names)
    net = ol.Network.from_edges([(0, 1)], node_names=["in", "out"])
    assert [net.node("in"), net.node("OUT"), net.node(1), net.node("1")] == [0, 1, 1, 1]
    with pytest.raises(ValueError, match="node 'mid' is not in the network; its nodes are in, out"):
        net.node("mid")
    with pytest.raises(ValueError, match="node '0' is not in the network"):
        ol.Network.from_edges([(0, 1)], node_names=["1", "2"]).node("0")
