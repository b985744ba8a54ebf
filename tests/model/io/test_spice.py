"""Circuits out to SPICE and in again; ngspice, where it is there, has the last word."""
import dataclasses

import numpy as np
import ohmlearn as ol
import pytest
from ngspice import needs_ngspice, simulate, voltages
from ohmlearn.io.netlist import SpiceError

NET = ol.Network.grid(3, 3)
TASK = ol.Task(sources=[0, 8], source_voltages=[1.5, -0.25], targets=[4], target_voltages=[0.2])


def drawn(seed):
    """A random network, conductances over two decades, and a task: held nodes, and currents or a drop in turn."""
    rng = np.random.default_rng(seed)
    net = ol.Network.random(int(rng.integers(8, 30)), 4.0, seed=seed)
    nodes = rng.permutation(net.n_nodes)
    a, b = nodes[5:7].tolist()
    drive = [{}, {"currents": {a: 0.7, b: -0.2}}, {"drops": {(a, b): 0.4}},
             {"currents": {a: 1.0, b: -1.0}, "sources": [], "source_voltages": []}][seed % 4]
    given = {"sources": nodes[:3], "source_voltages": rng.normal(size=3), "targets": [int(nodes[4])],
             "target_voltages": [0.1]} | drive
    return net, ol.Task(**given), 10 ** rng.uniform(-1, 1, net.n_edges)


def same_up_to_ground(found, expected, task):
    """Voltages of a floating network are compared by their differences."""
    return (found, expected) if len(task.sources) else (found - found[0], expected - expected[0])


@needs_ngspice
@pytest.mark.parametrize("seed", range(20))
def test_operating_points(seed, tmp_path):
    net, task, g = drawn(seed)
    _, found = simulate(net.to_spice(task, g), tmp_path)
    spice, ours = same_up_to_ground(voltages(found, net), ol.voltages(net, task, g), task)
    np.testing.assert_allclose(spice, ours, atol=1e-6 * np.abs(ours).max())


@needs_ngspice
def test_transients_of_the_simulator(tmp_path):
    """A step of the held voltages at fixed G; capacitors of 1 F at the nodes are the overdamped dynamics."""
    for seed in range(8):
        net, _, g = drawn(seed)
        rng = np.random.default_rng(seed)
        nodes = rng.permutation(net.n_nodes)
        before, after = (ol.Task(nodes[:3], rng.normal(size=3), [nodes[4]], [9.0]) for _ in range(2))
        stopped = ol.Rule(frozen=np.ones(net.n_edges, dtype=bool), ceiling=1e6)     # compiled for other tests too
        fixed = {"rule": stopped, "until": None, "method": "rk4", "dt": 0.005}
        run = ol.train(net, before, 1.0, conductances=g, t_max=0.01, **fixed)
        start = run.voltages.copy()
        start[after.sources] = after.source_voltages
        held = dataclasses.replace(run, voltages=start, task=after)
        run = ol.train(net, after, 1.0, conductances=held, t_max=0.5, **fixed)
        deck = net.to_spice(after, g, capacitors="nodes", start=start, stop=0.5, step=0.5 / 2000)
        times, found = simulate(deck, tmp_path)
        assert times[-1] == pytest.approx(0.5)
        np.testing.assert_allclose(voltages(found, net, 0), start, atol=1e-6)
        scale = np.abs(run.voltages).max()
        assert np.abs(run.voltages - start).max() > 0.05 * scale        # something moved
        assert np.abs(run.voltages - ol.voltages(net, after, g)).max() > 1e-3 * scale      # and is still moving
        np.testing.assert_allclose(voltages(found, net), run.voltages, atol=1e-4 * scale)


@needs_ngspice
def test_the_lab_circuit(tmp_path):
    """The free network of the lab circuit, potentiometers turned by our run, relaxed by ngspice in Ω, F and s."""
    net, c, steps = ol.lab_network(), 22e-6, 6
    task = ol.lab_task(net, seed=3)
    circuit = ol.LabCircuit(noise=0.0, step=8)
    runs = [ol.lab(net, task, 2.0, capacitance=c, circuit=circuit, steps=n, seed=0) for n in range(1, steps + 1)]
    taps = [np.full(net.n_edges, circuit.start / circuit.tap), *(run.taps for run in runs)]
    v = ol.voltages(net, task, 1 / (taps[0] * circuit.tap))
    cost = [np.sum((task.target_voltages - v[task.targets]) ** 2)]
    pause = 1 / runs[0].learning_rate
    for turned in taps[:-1]:
        deck = net.to_spice(task, 1 / (turned * circuit.tap), capacitors="edges", capacitance=c, start=v, stop=pause,
                            step=pause / 1000)
        v = voltages(simulate(deck, tmp_path)[1], net)
        cost.append(np.sum((task.target_voltages - v[task.targets]) ** 2))
    ours = runs[-1].cost * runs[-1].initial_cost
    assert np.ptp(ours) > 0.1 * ours[0]
    np.testing.assert_allclose(cost, ours, rtol=1e-4)


@needs_ngspice
def test_what_is_read_is_what_ngspice_reads(tmp_path):
    (tmp_path / "x.cir").write_text(DECK)
    read = ol.read_spice(tmp_path / "x.cir")
    ours = ol.voltages(read.network, read.task("x2.mid", 0.0), read.conductances)
    _, found = simulate(DECK.replace(".tran 1u 1m\n.control\nrun\n.endc\n", ""), tmp_path)
    spice = [found[name][0] if name != "0" else 0.0 for name in read.names]
    np.testing.assert_allclose(spice, ours, atol=1e-6 * np.abs(ours).max())


DECK = """\
A ladder of R1 and 5 more
* a ladder of two sections
V1 in 0 dc 5         ; five volts
.subckt ladder left right common
Ra left mid 1k
Rb mid
* between a line and its continuation
+ right 2.2kOhm
Rc mid common 1meg
C1 mid common 10uF ic=0.5
.ends ladder
.SUBCKT pair a b
X1 a c 0 ladder
Rl c b 470 $ in the middle
.ends
X2 in out GND ladder
x3 out end pair
R_load end 0 r = 4.7K
I1 0 out 1m
V2 tap end 250mil
Rt tap out 1e3
.tran 1u 1m
.control
run
.endc
.op
.end
"""


def test_subcircuits_suffixes_comments_and_continuations(tmp_path):
    (tmp_path / "x.cir").write_text(DECK + "R9 after the end 1\n")
    read = ol.read_spice(tmp_path / "x.cir")
    r = dict(zip(read.resistors, 1 / read.conductances, strict=True))
    assert r == pytest.approx({"x2.ra": 1e3, "x2.rb": 2200, "x2.rc": 1e6, "x3.x1.ra": 1e3, "x3.x1.rb": 2200,
                               "x3.x1.rc": 1e6, "x3.rl": 470, "r_load": 4700, "rt": 1e3})
    ends = {name: {read.names[k] for k in pair} for name, pair in zip(read.resistors, read.network.edges, strict=True)}
    assert ends["x2.rb"] == {"x2.mid", "out"}
    assert ends["x3.x1.ra"] == {"out", "x3.x1.mid"}
    assert ends["x3.rl"] == {"x3.c", "end"}
    assert read.sources == {read.node("in"): 5.0, read.node("0"): 0.0}
    assert read.drops == {(read.node("tap"), read.node("end")): pytest.approx(250 * 25.4e-6)}
    assert read.currents == {read.node("out"): pytest.approx(1e-3)}
    np.testing.assert_allclose(read.capacitances, [1e-5, 1e-5])
    assert read.capacitors[0].tolist() == [read.node("x2.mid"), read.node("0")]
    assert read.title == "A ladder of R1 and 5 more"


@pytest.mark.parametrize("seed", range(4))
def test_round_trip(seed, tmp_path):
    net, task, g = drawn(seed)
    net.to_spice(task, g, capacitors="edges", capacitance=np.arange(1.0, net.n_edges + 1), path=tmp_path / "a.cir")
    read = ol.read_spice(tmp_path / "a.cir")
    assert read.network.edges.tolist() == net.edges.tolist()
    np.testing.assert_allclose(read.conductances, g, rtol=4e-16)
    assert read.capacitors.tolist() == net.edges.tolist()
    assert read.capacitances.tolist() == list(range(1, net.n_edges + 1))
    again = read.task(task.targets, task.target_voltages)
    if len(task.sources):
        np.testing.assert_array_equal(again.sources, task.sources)
        np.testing.assert_array_equal(again.source_voltages, task.source_voltages)
    else:
        assert again.sources.tolist() == [0]            # a floating network is tied to ground at its first node
    assert again.drops == task.drops
    assert again.currents == {k: i for k, i in task.currents.items() if k not in again.sources}


def test_capacitors_at_nodes_lie_to_a_ground_outside_the_network(tmp_path):
    NET.to_spice(TASK, capacitors="nodes", path=tmp_path / "a.cir")
    read = ol.read_spice(tmp_path / "a.cir")
    assert read.network.n_nodes == 9
    assert read.capacitors.tolist() == [[k, -1] for k in range(9)]


def test_nodes_numbered_with_ground_as_node_0(tmp_path):
    (tmp_path / "a.cir").write_text("bridge\nV1 3 0 1\nR1 3 1 1\nR2 3 2 1\nR3 1 0 1\nR4 2 0 3\nR5 1 2 1\n")
    read = ol.read_spice(tmp_path / "a.cir")
    assert list(read.names) == ["0", "1", "2", "3"]
    v = ol.voltages(read.network, read.task(["1", (1, 2)], [0.5, 0.0]), read.conductances)
    np.testing.assert_allclose(v, [0, 5 / 9, 2 / 3, 1])
    assert read.task(["1", ("1", "2")], [0.5, 0.0]).targets == (1, (1, 2))


@pytest.mark.parametrize(("line", "message"), [
    ("Q1 a b c npn", r"line 3: only R, V, I, C, D and M cards and subcircuits \(X\) are read.*'q1 a b c npn'"),
    ("R2 a b", "line 3: expected a name, two nodes and a value"),
    ("R2 a b {load}", "line 3: there is no parameter 'load'; set it by .param"),
    ("R2 a b 4k7", "line 3: '4k7' is no number"),
    ("R2 a b -5", "line 3: a resistance must be >= 0, not -5"),
    ("R2 a b 1e-320", "line 3: a resistance of .* is too large or too small"),
    ("R2 a b 1e999", "line 3: a resistance of inf is too large"),
    ("V2 a 0 1e999", "line 3: .1e999. has no|line 3: a voltage of inf is too large"),
    ("C2 a b 0", "line 3: a capacitance must be > 0"),
    ("R2 a b 5 6", "line 3: '6' is not understood"),
    ("R2 a b 5 td=1", "line 3: td= is not understood"),
    ("V2 a a 5", "line 3: both ends are node 'a'"),
    ("V2 a 0 pulse(0 5 1n)", "line 3: 'pulse' is not understood.*sources are constant"),
    ("V2 a 0 1 off", "line 3: 'off' is not understood.*sources are constant"),
    ("X2 a b box", "line 3: there is no subcircuit 'box' in this file"),
    ("X2 a b box k=1", "line 3: there is no subcircuit 'box' in this file"),
    (".param k", "line 3: 'k' is no setting"),
    (".include other.cir", "line 3: other.cir cannot be read"),
    (".include ../other.cir", r"line 3: ../other.cir lies outside the folder .*, from which files may be included"),
    (".include a.cir", "line 3: a.cir includes itself"),
    (".func f(x) {x}", "line 3: cards .func are not read"),
    (".subckt box a\nR9 a 0 1", "line 3: no .ends follows"),
    (".subckt box\n.ends", "line 3: a subcircuit needs a name and one port"),
    (".subckt box a\n.ends\n.subckt box a\n.ends", "line 5: there are two subcircuits 'box'"),
    (".subckt box a\n.ends cage", "line 4: this .ends belongs to no open .subckt"),
    (".subckt box p\nX1 p box\n.ends\nX1 a box", "line 4: subcircuit 'box' contains itself"),
    (".subckt box p\nR1 p 0 1\n.ends\nX1 a b box", "line 6: subcircuit 'box' has 1 ports, not 2"),
    (".control\nrun", "line 3: no .endc follows"),
    ("V2 a 0 1\nV3 0 a 2", "line 4: node 'a' is held at 1 V already"),
    ("V2 a b 1\nV3 a b 2", "line 4: nodes 'a' and 'b' are held 1 V apart already"),
])
def test_what_is_not_understood_names_the_line(line, message, tmp_path):
    (tmp_path / "a.cir").write_text(f"title\nR1 a b 1k\n{line}\n.end\n")
    with pytest.raises(SpiceError, match=message):
        ol.read_spice(tmp_path / "a.cir")


def test_other_wrong_decks(tmp_path):
    path = tmp_path / "a.cir"
    path.write_text("title\n+ 5\n")
    with pytest.raises(SpiceError, match="line 2: nothing stands above that this line could continue"):
        ol.read_spice(path)
    path.write_text("title\nV1 a 0 5\n")
    with pytest.raises(SpiceError, match="has no resistors"):
        ol.read_spice(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="is not a text file"):
        ol.read_spice(path)
    path.write_text("R1 a b 5k\nR2 b c 1k\n")
    with pytest.warns(UserWarning, match="'R1 a b 5k' looks like a card"):
        read = ol.read_spice(path)
    with pytest.raises(ValueError, match="the circuit has no node 'a'; its nodes are b, c"):
        read.node("a")


@pytest.mark.parametrize(("options", "message"), [
    ({"conductances": [0.0] + [1.0] * 11}, "conductance of edge 0 is 0, which no resistor has"),
    ({"capacitors": "node"}, "must be 'nodes', 'edges' or None, not 'node'"),
    ({"capacitors": "nodes", "capacitance": [1.0, 2.0]}, r"capacitance must be finite and of shape \(9,\)"),
    ({"capacitors": "edges", "capacitance": 0.0}, "capacitance must be > 0, not 0"),
    ({"start": np.zeros(3)}, r"start must be finite and of shape \(9,\)"),
    ({"stop": 0.0}, "stop=0.0 must be a time > 0"),
])
def test_wrong_ways_out(options, message):
    with pytest.raises(ValueError, match=message):
        NET.to_spice(TASK, **options)


def test_constraints_are_comments():
    square = ol.Constraint(lambda v: v[4] ** 2, lambda v: 2 * v * (np.arange(9) == 4))
    deck = NET.to_spice(ol.Task([0], [1.0], [square, (3, 4), {5: -0.5, 6: 2}], [0.1, 0.2, 0.3], currents={8: -1.0}))
    assert "* target function of the voltages: 0.1 desired" in deck
    assert "* target 1 v(n3) - 1 v(n4): 0.2 desired" in deck
    assert "* target -0.5 v(n5) + 2 v(n6): 0.3 desired" in deck
    assert "I0 0 n8 -1.0" in deck
