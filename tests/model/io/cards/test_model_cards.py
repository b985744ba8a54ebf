"""Decks of others with diodes and transistors: read as ngspice reads them, or refused in words."""
import numpy as np
import ohmlearn as ol
import pytest
from ngspice import needs_ngspice, simulate
from ohmlearn.edges import NMOS, Diode, PerEdge
from ohmlearn.io.netlist import SpiceError

TOLERANCES = ".options reltol=1e-9 abstol=1e-15 vntol=1e-13 itl1=1000"
DIODES = """\
rectifiers
V1 in 0 3
R1 in a 1k
D1 a 0 fast
D2 in b fast 2.5
R2 b 0 470
Dback 0 b slow m=3 off
.subckt clamp p q
Dx p q fast area=0.5
.model slow d(is=3u n=1.2 rs=1)
Dy q p slow temp=60
.ends
X1 b c clamp
R3 c 0 10k
I1 0 c 1m
.model fast D(Is=2.52n Rs=.568 N=1.752 Eg=1.2 Xti=2 Cjo=4p M=.4 tt=20n mfg=Any type=silicon)
+ tnom=27
.model slow d is=1n rs=10
.end
"""
TRANSISTORS = """\
amplifier
Vdd vdd 0 5
Vg1 g1 0 dc 2.2
Vg2 0 g2 -1.9
Vshift g3 g2 0.5
Mload vdd vdd out 0 n1 w=20u l={2*len} m=2
M1 out g1 s 0 n1 w=138u l=7.8u nrd=0.3 ad=100p pd=40u
M2 s g2 0 0 n2
M3 out g3 0 0 n3 l=5u w=10u
Rs s 0 2k
.param len=1u
.model n1 nmos(level=1 vto=0.75 gamma=1.09 phi=0.95 kp=6.25e-5 lambda=0.2 rsh=73.2 cgso=1n)
.model n2 NMOS vto=0.6 tox=40n uo=550 ld=0.1u gamma=0.4 rd=5 rs=7
.model n3 nmos(vto=-0.3 kp=20u lambda=0.01 rd=1 rsh=10)
.options gmin=1e-9
.end
"""


def point(text, tmp_path):
    (tmp_path / "a.cir").write_text(text)
    return ol.read_spice(tmp_path / "a.cir")


@needs_ngspice
@pytest.mark.parametrize("options", ["", ".options temp=50\n", ".temp -20\n.option tnom=40\n"])
@pytest.mark.parametrize("deck", [DIODES, TRANSISTORS], ids=["diodes", "transistors"])
def test_operating_points(deck, options, tmp_path):
    """Also at other temperatures; what remains is what gmin does at nodes inside of series resistances."""
    text = deck.replace("\n.end\n", f"\n{options}.op\n.end\n")
    ours = point(text, tmp_path).voltages()
    _, spice = simulate(text.replace(" mfg=Any type=silicon", ""), tmp_path, TOLERANCES)
    names = [name for name in ours if name != "0"]
    np.testing.assert_allclose([ours[name] for name in names], [spice[name][0] for name in names], rtol=1e-6)


def test_currents_balance(tmp_path):
    """At every node what elements carry away and what leaks adds up to nothing."""
    circuit = point(TRANSISTORS.replace("gmin=1e-9", "gmin=0"), tmp_path)
    found = circuit.voltages()
    assert found.currents["vdd"] == pytest.approx(-found.currents["mload"], rel=1e-9)
    assert found.currents["m1"] == pytest.approx(found.currents["m2"] + found.currents["rs"], rel=1e-9)
    assert found.currents["mload"] == pytest.approx(found.currents["m1"] + found.currents["m3"], rel=1e-9)
    leaky = point(TRANSISTORS.replace("gmin=1e-9", "gmin=1e-5"), tmp_path).voltages()
    assert leaky.currents["vdd"] == pytest.approx(-leaky.currents["mload"] - 1e-5 * 5, rel=1e-9)


def test_laws_of_a_deck(tmp_path):
    circuit = point(DIODES.replace(" rs=1)", ")"), tmp_path)
    assert list(circuit.resistors) == ["r1", "d1", "d2", "r2", "dback", "x1.dx", "x1.dy", "r3"]
    assert isinstance(circuit.edges, PerEdge)
    assert [law.kernel for law in circuit.edges.laws] == ["linear", "diode", "series_diode"]
    assert circuit.edges.which.tolist() == [0, 2, 2, 0, 2, 2, 1, 0]
    fast = circuit.edges.laws[2]
    assert fast.saturation[2] == pytest.approx(2.5 * 2.52e-9)
    assert fast.series[[2, 4, 5]] == pytest.approx([0.568 / 2.5, 10 / 3, 0.568 / 0.5])
    assert fast.leak == 1e-12
    assert "left out of the law, as at rest: cjo of fast, tt of fast" in circuit.notes
    circuit = point(TRANSISTORS, tmp_path)
    assert isinstance(circuit.edges, PerEdge)
    assert circuit.values[:4].tolist() == pytest.approx([5.0, 2.2, 1.9, 2.4])
    assert {circuit.resistors[j]: source.value for j, source in circuit.gates.items()} == {"m1": 2.2, "m2": 1.9}
    law = circuit.edges.laws[1]
    assert law.law == "level1"
    assert law.gain[0] == pytest.approx(2 * 6.25e-5 * 10)
    assert law.terminal_leak == 1e-9
    assert set(circuit.sources) == {circuit.node("vdd"), circuit.node("0")}      # gates are no nodes
    assert "g1" not in circuit.names
    square = point(TRANSISTORS.partition("Mload")[0] + "M1 vdd g1 0 0 n\n.model n nmos(vto=0.7 kp=1m)\n", tmp_path)
    assert isinstance(square.edges, NMOS)
    assert square.edges.law == "square"
    assert square.edges.terminal_leak == 1e-12


@pytest.mark.parametrize(("card", "message"), [
    ("D1 a 0 other", r"line 6: there is no model 'other'; expected a card as in '.model other d\(is=1e-14\)'"),
    ("M1 a g 0 0 other", r"there is no model 'other'; expected a card as in '.model other nmos"),
    ("D1 a 0", "expected a name, two nodes and a model"),
    ("M1 a g 0 nm", "expected a name, drain, gate, source, bulk and a model"),
    ("D1 a 0 nm", "line 4: a model nmos does not fit d1"),
    ("M1 a g 0 0 pm", "line 5: a model pmos does not fit m1; p-channel transistors have no law here"),
    ("M1 a g 0 a nm", "its bulk 'a' is not ground; the law has bulks at ground only, so connect it to 0"),
    ("M1 a a 0 0 nm", "no voltage sources hold its gate 'a' from ground on.*as by a card 'Vm1 a 0 2.5'"),
    ("M1 a g 0 0 nm w=0", "w must be > 0, not 0"),
    ("M1 a g 0 0 nm x=1", "'x=1' is not understood; expected settings dtemp, l, m, nrd, nrs, temp, w"),
    ("M1 a g 0 0 nm\n.model nm nmos", "there is a model 'nm' already, at line 4"),
    ("D1 a 0 d2\n.model d2 d(bv=5)", "bv= is not read: breakdown is not in the law; take bv out if no reverse voltage"),
    ("D1 a 0 d2\n.model d2 d(ikf=5)", "ikf= is not read: the law has no such term; take it out if"),
    ("D1 a 0 d2\n.model d2 d(level=3)", "level 3 is not read; models are of level 1"),
    ("D1 a 0 d2\n.model d2 d(is=0)", "line 7: d1: saturation must be > 0, not 0"),
    ("M1 a g 0 0 n2\n.model n2 nmos(phi=0)", "line 7: m1: surface_potential must be > 0, not 0"),
    ("M1 a g 0 0 nm nrs=-1\n.model n2 nmos(phi=0)", "nrs must be >= 0, not -1"),
    ("D1 a 0 d2\n.model d2 d(is=1p is=2p)", "'is' is set twice"),
    ("D1 a 0 d2\n.model d2 d(5)", "'5' is no setting, as in is=1e-14"),
    ("M1 a g 0 0 n2\n.model n2 nmos(level=8)", "level 8 is not read"),
    ("M1 a g 0 0 n2\n.model n2 nmos(nsub=1e15)", "nsub= is not read: doping would give vto, gamma and phi"),
    ("M1 a g 0 0 n2 l=1u\n.model n2 nmos(ld=1u)", "the channel's length, l - 2 ld, must be > 0, not -1e-06"),
    ("M1 a g 0 0 n2 \n.model n2 nmos(rd=1)\n.options rshunt=1e9", "rshunt= with series resistances at some terminals"),
    ("D1 a 0 d2\n.model d2 d\n.options rshunt=1e9", "rshunt= is not read in a deck without transistors"),
    ("D1 a 0 d2\n.model d2 d\n.options gmin=-1", "gmin must be >= 0, not -1"),
    ("D1 a 0 d2 temp=-300\n.model d2 d", "temperatures must be above absolute zero"),
])
def test_refused_in_words(card, message, tmp_path):
    with pytest.raises(SpiceError, match=message):
        point(f"title\nVg g 0 2\nR1 g a 1k\n.model nm nmos(vto=1)\n.model pm pmos(vto=1)\n{card}\n.end\n", tmp_path)


def test_refused_where_it_matters(tmp_path):
    lifted = point("title\nV1 b a 1\nR1 a 0 1k\nD1 b 0 d\nD2 a 0 d\n.model d d\n", tmp_path)
    with pytest.raises(ValueError, match=r"lifts node '.' above one that is not held.*give it one side at ground"):
        lifted.voltages()
    with pytest.raises(ValueError, match="has diodes or transistors, which have no conductance; take circuit"):
        lifted.conductances  # noqa: B018
    with pytest.raises(ValueError, match=r"a\.cir has diodes or transistors, whose law a network does not hold"):
        ol.Network.read(tmp_path / "a.cir")
    alone = point("title\nR1 a 0 1k\nD1 a 0 d\nI1 0 c 1\n.model d d\n", tmp_path)
    with pytest.raises(ValueError, match="node 'c' has no resistor, diode or transistor, so its voltage is undefined"):
        alone.voltages()
    below = point("title\nVs s 0 -0.5\nVg g 0 2\nM1 d g s 0 n\nR1 d 0 1k\n.model n nmos(vto=1 rd=1)\n", tmp_path)
    with pytest.warns(UserWarning, match="node 's' of m1 is at -0.5 V: below -0.3 V its junction with the bulk"):
        below.voltages()


def test_sources_of_0_volt_join_nodes(tmp_path):
    one = point("title\nV1 in 0 2\nD1 in a d\nVm a b 0\nR1 b 0 1k\nR2 a b 5\nR3 b c 0\nD2 c 0 d\n.model d d rs=1\n",
                tmp_path)
    two = point("title\nV1 in 0 2\nD1 in a d\nR1 a 0 1k\nD2 a 0 d\n.model d d rs=1\n", tmp_path)
    first, second = one.voltages(), two.voltages()
    assert first["a"] == first["b"] == first["c"] == pytest.approx(second["a"], rel=1e-12)
    assert first.currents["vm"] == pytest.approx(second.currents["d1"], rel=1e-9)
    assert first.currents["r3"] == pytest.approx(second.currents["d2"], rel=1e-9)
    assert first.currents["r2"] == 0


def test_learned_gates_go_back_into_the_deck(tmp_path):
    circuit = point(TRANSISTORS.replace("Vshift g3 g2 0.5", "Vg3 g3 0 dc=2.4"), tmp_path)
    values = circuit.values * [1, 1.5, 1.2, 0.5, 2]
    circuit.write(tmp_path / "b.cir", values)
    text = (tmp_path / "b.cir").read_text()
    assert "Vg1 g1 0 dc 3.3000000000000003\n" in text
    assert "Vg2 0 g2 -2.28" in text
    assert "Vg3 g3 0 dc=1.2" in text
    np.testing.assert_allclose(ol.read_spice(tmp_path / "b.cir").values, values, rtol=1e-15)
    with pytest.raises(SpiceError, match="one source from ground to the gate alone could be set"):
        circuit.write(tmp_path / "b.cir", values * [1.1, 1, 1, 1, 1])       # the gate of mload is the supply
    shared = point("title\nVd d 0 1\nVg g 0 2\nM1 d g a 0 n\nM2 a g 0 0 n\nD1 a 0 d\n.model n nmos\n.model d d\n",
                   tmp_path)
    shared.write(tmp_path / "b.cir", [3.0, 3.0, 1.0])
    assert ol.read_spice(tmp_path / "b.cir").values.tolist() == [3.0, 3.0, 1.0]
    with pytest.raises(SpiceError, match="vg would hold this gate at 2 V and another one at 3 V; give every"):
        shared.write(tmp_path / "b.cir", [3.0, 2.0, 1.0])
    with pytest.raises(ValueError, match="nothing of the diode d1 can be set; leave its value at 1"):
        shared.write(tmp_path / "b.cir", [3.0, 3.0, 2.0])


def test_law_of_one_diode(tmp_path):
    circuit = point("title\nV1 a 0 1\nD1 a b d\nD2 b 0 d\n.model d d(is=1p n=2)\n", tmp_path)
    assert isinstance(circuit.edges, Diode)
    assert circuit.edges.thermal_voltage == pytest.approx(2 * 0.02586491, rel=1e-6)
