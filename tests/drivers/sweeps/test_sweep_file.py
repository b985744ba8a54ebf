"""What a sweep file may say: everything wrong is named with its place."""
import tomllib

import numpy as np
import ohmlearn as ol
import pytest
from ohmlearn.drivers.sweeps.sweep_file import EXAMPLE, RateRange, parse
from ohmlearn.io.task_toml import tasks_of
from sweeps import TABLES, TOML, changed, small


@pytest.mark.parametrize(("values", "message"), [
    ({"sweep__ratez": [1.0]}, r"\[sweep\] ratez: unknown key"),
    ({"swep": {}}, r"\[swep\]: unknown key"),
    ({"network__delaunay__n_nodez": 3}, r"\[network\] delaunay.n_nodez: unknown key"),
    ({"network__delaunay__n_nodes": 16.5}, r"\[network\] delaunay.n_nodes: input should be a valid integer, got 16.5"),
    ({"network__grid": {"shape": [3, 3]}}, r"\[network\]: name one of .* got delaunay, grid"),
    ({"network__delaunay": None}, r"\[network\]: name one of .* got none"),
    ({"tasks__allosteric__count": 0}, r"\[tasks\] allosteric.count: .* greater than or equal to 1, got 0"),
    ({"sweep__rates": [1.0, -2.0]}, r"\[sweep\] rates.1: .* got -2"),
    ({"sweep__rates": []}, r"\[sweep\] rates: .* at least 1 item"),
    ({"sweep__rates": [1.0, 1]}, r"\[sweep\]: rate 1 is listed twice"),
    ({"sweep__rates": {"from": 10.0, "to": 1.0}}, r"\[sweep\] rates: to = 1 is below from = 10"),
    ({"sweep__rates": {"from": 1.0}}, r"\[sweep\] rates.to: Field required"),
    ({"sweep__until": 2.0}, r"\[sweep\] until: .*less than 1, got 2.0"),
    ({"sweep__until": "none"}, r"give t_max"),
    ({"sweep__dt": "fast"}, r"\[sweep\] dt: .* got 'fast'"),
    ({"rule__floor_mode": "soft"}, r"\[rule\] floor_mode: .*'relax' or 'clip', got 'soft'"),
    ({"rule__nudge": "small"}, r"\[rule\] nudge: .* got 'small'"),
])
def test_what_is_wrong_is_named_with_its_place(values, message):
    with pytest.raises(ValueError, match=message) as caught:
        parse(changed(**values))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("values", "message"), [
    ({"rule__floor": -1.0}, "floor must be"),
    ({"rule__frozen": [999]}, "frozen: edge 999"),
    ({"tasks__allosteric__sources": 40}, "cannot draw 40 sources"),
    ({"network": {"file": "nowhere.csv"}}, "nowhere.csv"),
    ({"sweep__conductances": 1e-9}, "below the floor"),
])
def test_what_the_nouns_refuse_is_told(values, message):
    with pytest.raises((ValueError, OSError), match=message):
        small(**values)


def test_broken_toml_names_the_file_and_line(tmp_path):
    path = tmp_path / "bad.toml"
    path.write_text("[network\n")
    with pytest.raises(ValueError, match=r"bad\.toml is no TOML: .*line 1"):
        ol.Sweep.read(path)


def test_a_sweep_file_goes_through_the_one_door(tmp_path):
    path = tmp_path / "small.toml"
    path.write_bytes(b"\xef\xbb\xbf" + TOML.encode())
    assert ol.Sweep.read(path).digest == small().digest
    for text, words in (("x = " + "9" * 5000, "4300 digits"), ("x = " + "[" * 5000, "nested too deeply"),
                        ("x = 1\x00", "not a text file"), ("x = 1\nx = 2", "Cannot overwrite a value")):
        path.write_text(text)
        with pytest.raises(ValueError, match=words) as error:
            ol.Sweep.read(path)
        assert str(path) in str(error.value)


def test_file_and_tables_describe_the_same_sweep(tmp_path):
    (tmp_path / "small.toml").write_text(TOML)
    assert tomllib.loads(TOML) == TABLES
    one, two = ol.Sweep.read(tmp_path / "small.toml"), small()
    assert one.digest == two.digest
    assert len(one) == 15
    np.testing.assert_array_equal(one.ensemble.rates, [0.3, 1.0, 10.0] * 5)
    np.testing.assert_array_equal(one.ensemble.task_of, np.repeat(np.arange(5), 3))


def test_a_network_file_lies_beside_the_sweep_file(tmp_path):
    network = ol.Network.grid(4, 4)
    (tmp_path / "net.csv").write_text("\n".join(f"{a},{b}" for a, b in network.edges) + "\n")
    (tmp_path / "s.toml").write_text(TOML.replace("delaunay = { n_nodes = 16, seed = 2 }", 'file = "net.csv"'))
    np.testing.assert_array_equal(ol.Sweep.read(tmp_path / "s.toml").network.edges, network.edges)


def test_task_i_has_the_seed_i_further():
    sweep = small()
    for i, task in enumerate(sweep.tasks):
        alone = ol.Task.allosteric(sweep.network, 4, 1, seed=i)
        np.testing.assert_array_equal(task.sources, alone.sources)
        np.testing.assert_array_equal(task.target_voltages, alone.target_voltages)


def test_the_example_is_a_sweep():
    tables = tomllib.loads(EXAMPLE.read_text())
    sweep = parse(tables).sweep
    assert sweep.rate_values()[0] == 0.01
    assert sweep.rate_values()[-1] == 1e4


def places(text):
    """A line of a written task is one that a task file may have."""
    [(key, given)] = tomllib.loads(text).items()
    whole = {"sources": {"0": 1.0, "63": 0.0}, "targets": {"1": 0.5}} | {key: given}
    assert len(tasks_of(whole)) == 1


def test_commented_lines_of_the_example_are_true():
    """Every line that is commented out may be put to use: it is a known key with a value of the right kind."""
    table = ""
    checked = 0
    for line in EXAMPLE.read_text().splitlines():
        text = line.removeprefix("# ")
        if text.startswith("[["):
            table = "[[tasks.tables]]"
        elif text.startswith("["):
            table = text.split("]")[0] + "]"
        elif table == "[[tasks.tables]]" and " = " in text:
            places(text)
        elif (line.startswith("# ") and " = " in text and not text.startswith("also")
              and table not in ("[network]", "[tasks]")):
            tables = tomllib.loads(f"{table}\n{text}")
            name = table.strip("[]")
            parse(changed(**{f"{name}__{key}": value for key, value in tables[name].items()}))
            checked += 1
    assert checked >= 8


def test_rates_of_a_range_are_exact_and_stay_when_it_grows():
    def rates(begin, end, per_decade):
        return RateRange.model_validate({"from": begin, "to": end, "per_decade": per_decade}).values()

    assert rates(1e-3, 1e12, 1) == [float(f"1e{k}") for k in range(-3, 13)]
    assert set(rates(1e-1, 1e4, 2)) < set(rates(1e-3, 1e5, 2)) < set(rates(1e-3, 1e5, 6))
    assert rates(1.0, 10.0, 2)[1] == 10**0.5
    assert rates(0.3, 3.0, 1) == [0.3, 3.0]
    assert len(rates(1e-3, 1e12, 2)) == 31
