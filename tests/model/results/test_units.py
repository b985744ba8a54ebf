"""Ohms, volts, farads, seconds and joules against the closed forms of one resistor and one capacitor."""
import numpy as np
import ohmlearn as ol
import pytest
from ngspice import needs_ngspice, simulate

R, C, V = 10e3, 22e-6, 5.0
UNITS = ol.Units(conductance="1/10kohm", capacitance="22uF", voltage="5 V")
PAIR = ol.Network.from_edges([(0, 1)])
STEP = 12.0         # how long each voltage is held, in 1/γp


def charging(times):
    """A capacitor behind a resistor whose source goes from 0 to 1 at t = STEP; nothing learns."""
    samples = tuple(ol.Task({0: held}, {1: 0.5}) for held in (0.0, 1.0))
    return ol.train(PAIR, samples, 1e-3, rule=ol.Rule(frozen=[True]), schedule=ol.Schedule(switching=1 / STEP),
                    until=None, t_max=2 * STEP, tolerance=1e-6,
                    record=ol.Record(times=times, keep=("power", "voltages")))


@pytest.mark.parametrize(("text", "value"), [
    ("1/10kohm", 1e-4), ("1/(10 kΩ)", 1e-4), ("0.1mS", 1e-4), ("100 uS", 1e-4), ("1/2.2MΩ", 1 / 2.2e6),
    ("1e-3 S", 1e-3), (1e-4, 1e-4), ("S", 1.0)])
def test_conductances_as_they_are_written(text, value):
    assert ol.Units(conductance=text).conductance == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize(("field", "text"), [
    ("conductance", "10kohm"), ("conductance", "1/10S"), ("conductance", "1/10"), ("conductance", "22uF"),
    ("capacitance", "22"), ("capacitance", "1/22uF"), ("voltage", "-5 V"), ("voltage", 0.0), ("voltage", float("nan")),
    ("conductance", "1/0ohm"), ("conductance", [1.0]), ("capacitance", "22uF/2"), ("capacitance", "(22uF")])
def test_what_is_no_quantity_is_refused_by_name(field, text):
    with pytest.raises(ValueError, match=field):
        ol.Units(**{field: text})


def test_seconds_of_an_rc_circuit():
    times = STEP + np.array([0.5, 1.0, 2.0, 5.0])
    run = charging(times)
    elapsed = UNITS.seconds(run) - STEP * R * C
    np.testing.assert_allclose(UNITS.voltage * run.recorded["voltages"][:, 1], V * (1 - np.exp(-elapsed / (R * C))),
                               rtol=1e-5)


def test_heat_of_charging_is_half_of_c_v_squared():
    jump = STEP + np.array([-2e-4, 2e-4])       # of the power, which trapezia must not bridge
    heat = UNITS.joules(charging(np.r_[0.0, jump, STEP + np.arange(1, 1200) / 100]))
    assert heat[2] == pytest.approx(0.0, abs=3e-4 * C * V ** 2)
    assert heat[-1] == pytest.approx(0.5 * C * V ** 2, rel=1e-3)
    assert heat[2 + 100] == pytest.approx(0.5 * C * V ** 2 * (1 - np.exp(-2)), rel=1e-3)


def test_heat_of_a_divider():
    net = ol.Network.from_edges([(0, 1), (1, 2)])
    record = ol.Record(times=[0.0, 3.0, 7.0], keep="power")
    run = ol.train(net, ol.Task({0: 1.0, 2: 0.0}, {1: 0.3}), 1.0, until=None, t_max=7.0, record=record,
                   rule=ol.Rule(frozen=[True, True], ceiling=5.0))
    np.testing.assert_allclose(UNITS.joules(run), V ** 2 / (2 * R) * np.array([0.0, 3.0, 7.0]) * R * C, rtol=1e-9)


def test_a_deck_has_ohms_farads_and_volts(tmp_path):
    net = ol.Network.grid(3, 3)
    task = ol.Task({0: 1.0}, {4: 0.2}, currents={3: 0.5}, drops={(5, 6): 0.1}, ground=8)
    run = ol.descend(net, task)
    path = tmp_path / "deck.cir"
    net.to_spice(task, run, units=UNITS, capacitors="nodes", path=path)
    read = ol.read_spice(path)
    np.testing.assert_allclose(1 / read.conductances, UNITS.ohms(run), rtol=1e-12)
    np.testing.assert_allclose(read.capacitances, C)
    ours = V * ol.voltages(net, task, run)
    np.testing.assert_allclose([read.voltages()[f"n{k}"] for k in range(9)], ours, atol=1e-9)


@needs_ngspice
def test_ngspice_charges_in_the_same_seconds(tmp_path):
    deck = PAIR.to_spice(ol.Task({0: 1.0}, {1: 0.5}), units=UNITS, capacitors="nodes", start=[1.0, 0.0], stop=1.0)
    times, found = simulate(deck, tmp_path)
    np.testing.assert_allclose(found["n1"], V * (1 - np.exp(-times / (R * C))), atol=2e-3)


def test_a_run_is_its_own_deck():
    net, task = ol.Network.grid(3, 3), ol.Task({0: 1.0, 8: 0.0}, {4: 0.4})
    run = ol.train(net, task, 1.0, until=1e-2)
    assert run.to_spice(units=UNITS) == net.to_spice(task, run, units=UNITS) != net.to_spice(task, run)
    with pytest.raises(TypeError, match=r"net.to_spice\(task, run\)"):
        net.to_spice(run)
    with pytest.raises(ValueError, match="several samples"):
        ol.train(net, (task, task), 1.0, until=1e-1).to_spice()


def test_no_seconds_in_the_quasistatic_limit_and_no_heat_without_power():
    net, task = ol.Network.grid(3, 3), ol.Task({0: 1.0, 8: 0.0}, {4: 0.4})
    with pytest.raises(ValueError, match="rate 0"):
        UNITS.seconds(ol.train(net, task, 0.0, until=1e-1))
    with pytest.raises(ValueError, match="keep='power'"):
        UNITS.joules(ol.train(net, task, 1.0, until=1e-1))
