"""Decks as users have them: read right or refused in words; operating points against nodal analysis and ngspice."""
import numpy as np
import ohmlearn as ol
import pytest
from ngspice import needs_ngspice, simulate, voltages
from ohmlearn.drivers.commands import info, modes, solve, train
from ohmlearn.io.netlist import SpiceError
from typer import Typer
from typer.testing import CliRunner

DIVIDER = "* title\nV1 in 0 5\nR1 in out 1k\nR2 out 0 2k\n"


def deck(tmp_path, text, name="a.cir"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def read(tmp_path, text, **options):
    return ol.read_spice(deck(tmp_path, text), **options)


@pytest.mark.parametrize(("change", "out"), [
    (DIVIDER + "C1 out 0 4.7µ\n.tran 1m\n.backanno\n.end\n", 10 / 3),
    ((DIVIDER + "C1 out 0 4.7µ\n.end\n").encode("cp1252"), 10 / 3),
    (("\ufeff" + DIVIDER).encode("utf-16-le"), 10 / 3),
    (DIVIDER.encode("utf-16-le"), 10 / 3),
    (DIVIDER.replace("\n", "\r\n") + "\x1a", 10 / 3),
    (DIVIDER.replace("0 5", "0 dc=5") + "I1 0 out dc=1m\n", 4),
    (DIVIDER.replace("0 5", "0 DC 5V AC 1V 90"), 10 / 3),
    (DIVIDER.replace("0 5", "0 5 SIN(0 1 1k 0 0)"), 10 / 3),
    (DIVIDER.replace("0 5", "0 5 PULSE(0 1, 1n 1n)"), 10 / 3),
    (DIVIDER + "V2 out x\nR3 x 0 2k\n", 2.5),                                   # a source without value: 0 V
    (DIVIDER + "V2 x 0 AC 1\nR3 x out 2k\n", 2.5),
    (DIVIDER.replace("out 1k", "out RM 1k") + ".model RM R(TNOM=27)\n", 10 / 3),
    (DIVIDER.replace("out 1k", "out 1k TC=0,0 ac=5"), 10 / 3),
    (DIVIDER.replace("out 1k", "out r = 2k m=2"), 10 / 3),
    (DIVIDER.replace("out 1k", "out resistance={500*scale} scale=1 ") + ".param scale=2\n", 10 / 3),
    (DIVIDER.replace("0 5", "0 {vin}").replace("2k", "'rl*2'") + ".param rl=1k vin = { 2*rl/1k + 3 }\n", 10 / 3),
    (DIVIDER + ".param a={b+1} b={sqrt(4)**2}\nR3 out 0 {(a-1)*(-500)+4k}\n", 2.5),
    (DIVIDER + "R3 out out 1\n", 10 / 3),                                       # a resistor from a node to itself
    (DIVIDER.replace("R1 in", "R0 in x 0\nR1 x"), 10 / 3),                      # 0 ohm
    (DIVIDER + "V2 out b 0\nV3 b c 0\nV4 out c 0\nV5 c c 0\n", 10 / 3),         # loops of sources that agree
    (DIVIDER + "V2 a b 1\nV3 b c 1\nV4 a c 2\nR3 a out 1\nR4 c out 1\n", 10 / 3),
    (".title\n.global vdd\nV1 vdd 0 5\n.subckt cell out\nR1 vdd out 1k\nR2 out 0 2k\n.ends\nX1 out cell\n", 10 / 3),
    ("t\nV1 in 0 5\n.subckt div a b c params: r=1k k=1\nR1 a b {r}\nR2 b c {r*k}\n.ends\nX1 in out 0 div k=2\n",
     10 / 3),
    ("t\n.param n=2\nV1 in 0 5\n.subckt div a b c r=1k\nR1 a b {r}\nR2 b c {r*n}\n.ends\nX1 in out 0 div\n", 10 / 3),
    (DIVIDER + ".opt reltol=1e-6\n.step param x 1 2 3\n.meas op y find v(out)\n.probe v(out)\n.save all\n.control\n"
     "let R9 out 0 = 1\n.endc\n.options gmin=1e-15\n", 10 / 3),
    (DIVIDER + "I1 0 0 1\nI2 0 out\n", 10 / 3),
])
def test_read_right(tmp_path, change, out):
    circuit = read(tmp_path, change)
    point = circuit.voltages()
    assert point["out"] == pytest.approx(out, rel=1e-12)
    assert point["OUT"] == point["out"]
    assert circuit.network.node_names == circuit.names


def test_capacitors_alone(tmp_path):
    """A node behind capacitors has the voltage of the divider; one behind nothing has none, by name."""
    circuit = read(tmp_path, DIVIDER + "C1 out mid 1u\nC2 mid 0 3u\nC3 mid far 1n\nR3 far end 1k\n")
    point = circuit.voltages()
    assert [point["mid"], point["far"], point["end"]] == pytest.approx([10 / 12] * 3)
    circuit = read(tmp_path, DIVIDER + "C1 lost alone 1u\nI1 x y 1m\nR3 x y 1k\nC4 y out 1u\nC5 x out 1u\n")
    with pytest.warns(UserWarning, match="2 nodes have no path to ground.*: lost, alone"):
        point = circuit.voltages()
    assert np.isnan([point["lost"], point["alone"]]).all()
    assert point["x"] - point["y"] == pytest.approx(-1)
    assert (point["x"] + point["y"]) / 2 == pytest.approx(10 / 3)
    with pytest.raises(ValueError, match=r"currents into the part of node 'x', .* add up to -0.001 A"):
        read(tmp_path, DIVIDER + "I1 x 0 1m\nR3 x y 1k\n").voltages()


@pytest.mark.parametrize(("text", "words"), [
    (DIVIDER + "R2 out 0 2k\n", "line 5: there is an element r2 already, at line 4"),
    (DIVIDER + "V2 out x 1\nV3 x 0 3\nV4 out 0 5\n", "line 7: node 'out' is held at 4 V already"),
    (DIVIDER + "R3 out 0 {a}\n.param a={b} b={a}\n", "line 5: parameter '[ab]' depends on itself"),
    (DIVIDER + "R3 out 0 {1/0}\n", "line 5: '{1/0}' has no value"),
    (DIVIDER + "R3 out 0 {2**10000}\n", "line 5: '{2..10000}' has no"),
    (DIVIDER + "R3 out 0 " + "9" * 200_000 + "k7\n", "line 5: .* is no number"),
    (DIVIDER + "R3 out 0 '" * 100_000 + "\n", "line 5: .* is not understood"),
    (DIVIDER + "R3 out 0 {" + "(" * 5000 + "}\n", "line 5: an expression of 5000 characters"),
    (DIVIDER + "R3 out 0 {" + "(" * 500 + "}\n", "line 5: an expression with more than 50 brackets"),
    (DIVIDER + "R3 out 0 {__import__}\n", "line 5: there is no parameter '__import__'"),
    (DIVIDER + "R3 out 0 {2^3}\n", "line 5: '{2.3}' is not understood at"),
    (DIVIDER + "L1 out 0 1m\n", "line 5: only R, V, I, C, D and M cards"),
    (DIVIDER + ".subckt x 0 b\n.ends\n", "line 5: ports must be distinct, and none of them 0"),
    (DIVIDER + ".subckt x a\nR1 a 0 1\n.ends\nX1 out x k=1\n", "line 8: subcircuit 'x' has no parameter 'k'"),
    (DIVIDER + "".join(f".subckt s{k} a\nX1 a s{k + 1}\nX2 a s{k + 1}\nX3 a s{k + 1}\n.ends\n" for k in range(45))
     + ".subckt s45 a\n.ends\nX1 out s0\n", "far more than the deck has characters"),
    (DIVIDER + "".join(f".subckt s{k} a\nX1 a s{k + 1}\n.ends\n" for k in range(60))
     + ".subckt s60 a\nR1 a 0 1\n.ends\nX1 out s0\n", "more than 50 subcircuits within each other"),
    (DIVIDER + "R3 out 0 " + "9" * 40_000 + "\n", "too large"),
    (DIVIDER + "I1 0 out 1e999\n", "line 5"),
    (DIVIDER + "V2 x 0 5 Rser=0.1\n", "line 5: rser= is not understood"),
    (DIVIDER + "C1 out 0 1u Rpar=1k\n", "line 5: rpar= is not understood"),
    ("t\nR1 a a 1\n", "has no resistor, diode or transistor between two nodes"),
])
def test_refused_in_words(tmp_path, text, words):
    with pytest.raises(SpiceError, match=words) as caught:
        read(tmp_path, text)
    assert "a.cir" in str(caught.value)


def test_dialects_differ(tmp_path):
    with pytest.warns(UserWarning, match="line 2: '2a' is read as 2 ampere"):
        assert read(tmp_path, "t\nI1 0 out 2A\nR1 out 0 1k\n").voltages()["out"] == pytest.approx(2000)
    with pytest.warns(UserWarning, match="line 1: 'V1 in 0 DC 5' looks like a card"):
        read(tmp_path, "V1 in 0 DC 5\nV2 in2 0 2\nR0 in2 out 1k\nR1 in out 1k\nR2 out 0 2k\n.op\n.end\n")
    with pytest.warns(UserWarning, match="line 4: port 'gnd' of subcircuit 'div' is ground, as in ngspice"):
        circuit = read(tmp_path, "t\nV1 in 0 5\nVref vg 0 1\n.subckt div a b gnd\nR1 a b 1k\nR2 b gnd 2k\n.ends\n"
                                 "X1 in out vg div\nRL out 0 10k\n")
    assert circuit.voltages()["out"] == pytest.approx(3.125)


def test_what_is_passed_over_with_a_warning(tmp_path):
    with pytest.warns(UserWarning, match="line 5: the value is that at the nominal temperature"):
        read(tmp_path, DIVIDER + "R3 out 0 1k tc=0.001,0 temp=50\n")
    with pytest.warns(UserWarning, match=r"line 1: '.param load=2k' looks like a card"):
        read(tmp_path, ".param load=2k\nR1 a 0 1k\n")


def test_included_files(tmp_path):
    deck(tmp_path, "R2 out 0 {load}\n", "loads.inc")
    deck(tmp_path, ".lib tt\nR2 out 0 2k\n.endl tt\n.lib ff\nR2 out 0 1k\n.endl\n", "corners.lib")
    (tmp_path / "sub").mkdir()
    deck(tmp_path, ".include ../loads.inc\n", "sub/more.inc")
    head = "t\nV1 in 0 5\nR1 in out 1k\n.param load=2k\n"
    for line in (".include loads.inc", '.INCLUDE "loads.inc"', ".inc sub/more.inc", ".lib corners.lib tt",
                 f".include {tmp_path}/loads.inc"):
        assert read(tmp_path, f"{head}{line}\n").voltages()["out"] == pytest.approx(10 / 3)
    assert read(tmp_path, head + ".lib 'corners.lib' FF\n").voltages()["out"] == pytest.approx(2.5)
    inner = deck(tmp_path, f"{head}.include ../loads.inc\n", "sub/a.cir")
    with pytest.raises(SpiceError, match=r"line 5: ../loads.inc lies outside the folder"):
        ol.read_spice(inner)
    assert ol.read_spice(inner, folder=tmp_path).voltages()["out"] == pytest.approx(10 / 3)
    (tmp_path / "sub" / "link.inc").symlink_to(tmp_path / "loads.inc")
    deck(tmp_path, f"{head}.include link.inc\n", "sub/a.cir")
    with pytest.raises(SpiceError, match="lies outside the folder"):
        ol.read_spice(inner)
    deck(tmp_path, ".include two.inc\n", "one.inc")
    deck(tmp_path, ".include one.inc\n", "two.inc")
    with pytest.raises(SpiceError, match=r"two.inc, line 1: one.inc includes itself"):
        read(tmp_path, head + ".include one.inc\n")


def drawn(seed):
    """A random circuit over six decades: sources, drops, loops of sources that agree, shorts, currents."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(5, 40))
    potential = rng.normal(size=n)          # of loops of sources
    lines = ["t"]
    pairs = [(k + 1, int(rng.integers(0, k + 1))) for k in range(n - 1)] + rng.integers(0, n, (n, 2)).tolist()
    for r, (a, b) in enumerate(pairs):
        lines.append(f"R{r} n{a} n{b} {float(10 ** rng.uniform(-3, 3))!r}" if rng.random() > 0.1 or a == b else
                     f"V{r} n{a} n{b} {float(potential[a] - potential[b])!r}")
    for k, node in enumerate(rng.choice(n, 3, replace=False).tolist()):
        lines.append([f"Vh n{node} 0 {float(potential[node])!r}", f"I{k} 0 n{node} {rng.normal():.17g}"][min(k, 1)])
    return "\n".join(lines) + "\n"


def nodal_analysis(circuit):
    """Voltages and source currents by dense modified nodal analysis, least squares where loops leave currents open."""
    names = list(circuit.names)
    n, held = len(names), circuit.branches["v"]
    matrix, right = np.zeros((n + len(held), n + len(held))), np.zeros(n + len(held))
    for x in circuit.branches["r"]:
        d = np.zeros(n + len(held))
        d[x.ends[0]] += 1
        d[x.ends[1]] -= 1
        matrix += np.outer(d, d) / x.value
    for j, x in enumerate(held):
        for end, sign in zip(x.ends, (1, -1), strict=True):
            if end >= 0:
                matrix[n + j, end] += sign
                matrix[end, n + j] += sign
        right[n + j] = x.value
    for x in circuit.branches["i"]:
        for end, sign in zip(x.ends, (-1, 1), strict=True):
            if end >= 0:
                right[end] += sign * x.value
    solution = np.linalg.lstsq(matrix, right, rcond=1e-15)[0]
    return solution[:n], dict(zip([x.name for x in held], solution[n:], strict=True))


@pytest.mark.parametrize("seed", range(40))
def test_operating_points(tmp_path, seed):
    circuit = read(tmp_path, drawn(seed))
    point = circuit.voltages()
    expected, currents = nodal_analysis(circuit)
    scale = np.abs(expected).max()
    np.testing.assert_allclose(point.array, expected, atol=1e-9 * scale)
    through = np.zeros(len(point))
    for branches in (circuit.branches[kind] for kind in "rvi"):
        for x in branches:
            for end, sign in zip(x.ends, (1, -1), strict=True):
                through[end] += sign * point.currents[x.name] if end >= 0 else 0
    open_loops = [name for name, current in point.currents.items() if np.isnan(current)]
    size = max(abs(np.nan_to_num(list(point.currents.values()))))
    for name, current in currents.items():
        if name not in open_loops:
            assert point.currents[name] == pytest.approx(current, abs=1e-7 * size)
    assert np.nanmax(np.abs(through)) <= 1e-7 * size                # Kirchhoff's law at every node


@needs_ngspice
@pytest.mark.parametrize("seed", [s for s in range(40) if s % 4 == 0])
def test_operating_points_of_ngspice(tmp_path, seed):
    circuit = read(tmp_path, drawn(seed))
    point = circuit.voltages()
    if any(np.isnan(current) for current in point.currents.values()):
        return          # ngspice takes no loops of sources
    _, found = simulate(drawn(seed) + ".op\n.end\n", tmp_path)
    ours = {name: v for name, v in point.items() if name != "0"}
    scale = max(map(abs, ours.values()))
    for name, v in ours.items():
        assert found[name][0] == pytest.approx(v, abs=1e-6 * scale)


FLOATING = ol.Task(currents={0: 1.0, 1: -1.0}, targets=[(0, 1)], target_voltages=[0.5])


@needs_ngspice
def test_a_floating_network_relaxes_on_its_capacitors(tmp_path):
    """Two nodes, G = 1, C = 1, currents ±1: C d(drop)/dt = 2 - 2 drop."""
    text = ol.Network.from_edges([(0, 1)]).to_spice(FLOATING, capacitors="nodes", start=[0, 0], stop=1.0)
    times, found = simulate(text, tmp_path)
    assert times[-1] == pytest.approx(1)
    assert found["n0"][-1] - found["n1"][-1] == pytest.approx(1 - np.exp(-2), abs=1e-6)
    net = ol.Network.random(10, 4.0, seed=3)
    task = ol.Task(currents={0: 1.0, 5: -0.7, 7: -0.3}, targets=[(2, 3)], target_voltages=[0.5])
    start, g = np.linspace(-1, 1, 10), np.linspace(0.5, 2, net.n_edges)
    laplacian = (net.incidence.T @ (net.incidence * g[:, None])).toarray()
    values, vectors = np.linalg.eigh(laplacian)
    rates = np.maximum(values, 1e-300)
    grown = np.where(values < 1e-12, 0.4, -np.expm1(-0.4 * rates) / rates)
    expected = vectors @ (np.exp(-0.4 * values) * (vectors.T @ start) + grown * (vectors.T @ task.injected(10)))
    _, found = simulate(net.to_spice(task, g, capacitors="nodes", start=start, stop=0.4), tmp_path)
    np.testing.assert_allclose(voltages(found, net), expected, atol=1e-6)


def test_a_floating_transient_needs_a_start():
    net = ol.Network.from_edges([(0, 1)])
    with pytest.raises(ValueError, match="the network floats, so its transient begins at given voltages; give start"):
        net.to_spice(FLOATING, capacitors="nodes", stop=1.0)
    assert "V0 n0 0 0.0" in net.to_spice(FLOATING)      # at rest the tie changes nothing


def test_names_go_out_and_come_back(tmp_path):
    circuit = read(tmp_path, DIVIDER + ".subckt s a\nRload a 0 5k\n.ends\nX1 out s\n")
    net = circuit.network
    task = circuit.task("out", 2.0)
    text = net.to_spice(task, path=tmp_path / "b.cir")
    assert "\nr1 in out 1000.0\n" in text
    assert "\nRx1.rload out 0 5000.0\n" in text
    again = ol.read_spice(tmp_path / "b.cir")
    assert again.names == circuit.names
    assert list(again.resistors) == ["r1", "r2", "rx1.rload"]
    assert dict(again.voltages()) == pytest.approx(dict(circuit.voltages()))
    for names in (["in put", "out"], ["a", "A"], ["0", "x"]):
        odd = ol.Network.from_edges([(0, 1)], node_names=names)
        text = odd.to_spice(ol.Task([1], [1.0], [0], [0.5]))
        assert "R0 n0 n1" in text
        assert f"* n0 is {names[0]}" in text


def test_learned_resistances_go_back_into_the_deck(tmp_path):
    text = ("* title R1\nV1 in 0 5\nR1  in out  R = 1k ; R1 = 1k\nR2 out\n* between\n+ 0 2k tc=0,0 $ load\n"
            "RM out 0 RMOD 4k\nR4 out 0 {2*2k} m=2\nR0 in far 0\n.model RMOD R\n.op\n.end\nnotes\n")
    circuit = read(tmp_path, text)
    g = circuit.conductances * [1, 2, 4, 8]
    circuit.write(tmp_path / "b.cir", g)
    new = (tmp_path / "b.cir").read_text()
    assert new == text.replace("0 2k tc", "0 1000.0 tc").replace("RMOD 4k", "RMOD 1000.0").replace("{2*2k}", "500.0")
    again = ol.read_spice(tmp_path / "b.cir")
    np.testing.assert_allclose(again.conductances, g, rtol=1e-15)
    circuit.write(tmp_path / "b.cir", g * 3)
    np.testing.assert_allclose(ol.read_spice(tmp_path / "b.cir").conductances, 3 * g, rtol=1e-15)
    with pytest.raises(ValueError, match=r"conductance of r2 is 0\.0, which"):
        circuit.write(tmp_path / "b.cir", g * [1, 0, 1, 1])
    nested = read(tmp_path, DIVIDER + ".subckt s a\nR1 a 0 5k\n.ends\nX1 out s\nX2 out s\n")
    with pytest.raises(SpiceError, match=r"line 6: x1.r1 stands in a subcircuit"):
        nested.write(tmp_path / "b.cir", nested.conductances * 2)


app = Typer()
app.callback()(lambda: None)
for command in (solve, info, modes, train):
    command.add_to(app)


def test_commands_take_decks(tmp_path):
    more = "R3 out x 1\nR4 x 0 1\nR5 x 0 1\nR6 in x 1\nR7 x y 1\nR8 y z 2\nR9 z 0 1\n"
    path = deck(tmp_path, f"{DIVIDER}.tran 1m\n{more}")
    call = CliRunner().invoke(app, ["solve", str(path)])
    assert call.exit_code == 0
    printed = dict(line.split() for line in call.stdout.splitlines())
    point = ol.read_spice(path).voltages()
    expected = dict(point) | {"i(v1)": point.currents["v1"]}
    assert {name: float(v) for name, v in printed.items()} == pytest.approx(expected)
    assert "# conductances: resistors of the deck, 1 to 2e+03 ohm" in call.stderr
    assert "# passed over: .tran (1)" in call.stderr
    for words, expected in [(["info"], "resistors of the deck, 1 to 2e+03 ohm"), (["modes", "-k", "1"], "eigenvalue"),
                            (["train", "--sources", "1", "--targets", "1", "--t-max", "1"], "resistors of the deck")]:
        call = CliRunner().invoke(app, [words[0], str(path), *words[1:]])
        assert call.exit_code == 0, call.exception
        assert expected in call.output
    call = CliRunner().invoke(app, ["solve", str(path), "--hold", "in=1"])
    assert "a deck says itself what is held" in str(call.exception)


def test_commands_say_where_conductances_come_from(tmp_path):
    path = deck(tmp_path, "from,to,r_ohm,weight\nin,out,0.5,3\nout,gnd,2,4\n", "net.csv")
    call = CliRunner().invoke(app, ["solve", str(path), "--hold", "in=1", "--hold", "gnd=0"])
    assert "column 'r_ohm' and 'weight' may hold" in str(call.exception)
    call = CliRunner().invoke(app, ["solve", str(path), "--hold", "in=1", "--hold", "gnd=0", "--resistance", "r_ohm"])
    assert "# conductances: column 'r_ohm' as resistance, 0.5 to 2 ohm" in call.stderr
    assert call.stdout.split() == ["in", "1", "out", "0.8", "gnd", "0"]
    call = CliRunner().invoke(app, ["info", str(deck(tmp_path, "0 1\n1 2\n", "net.txt"))])
    assert "none in the file, 1 used" in call.stdout


def test_many_held_drops_take_time_in_proportion(tmp_path):
    """A chain of 20 000 drops and a star of 20 000; quadratic, either took minutes."""
    n = 20_000
    net = ol.Network.from_edges([(k, k + 1) for k in range(n)] + [(n, n + 1)])
    chain = ol.Task([0], [1.0], [n + 1], [0.5], drops={(k, k + 1): 1e-5 for k in range(n)})
    star = ol.Task([0], [1.0], [n + 1], [0.5], drops={(0, k + 1): 1e-5 for k in range(n)})
    assert ol.voltages(net, chain)[n + 1] == pytest.approx(1 - 1e-5 * n)
    assert ol.voltages(net, star)[n + 1] == pytest.approx(1 - 1e-5)
    lines = ["* vias"] + [f"V{k} a{k} b{k} 0\nR{k} a{k} a{k + 1} 1\nS{k} b{k} b{k + 1} 1".replace("S", "RS")
                          for k in range(n // 4)]
    circuit = read(tmp_path, "\n".join([*lines, f"Vin a0 0 1\nRend b{n // 4} a{n // 4} 1e-9\nRl b{n // 4} 0 1\n"]))
    assert circuit.voltages()[f"a{n // 4}"] == pytest.approx(1 / (1 + n / 8), rel=1e-6)
