"""Laws of edges in sweeps: what a file says is the law that Python has, and members are those of train."""
import pickle

import numpy as np
import ohmlearn as ol
import pytest
from ohmlearn.drivers.sweeps.edges_table import EdgesTable, make_edges
from ohmlearn.edges import NMOS, Diode, IdealDiode, Linear, PerEdge
from ohmlearn.edges.as_table import LAWS, table_of

NET = ol.Network.grid(4, 4)
TABLES = {"network": {"grid": {"shape": [4, 4]}}, "sweep": {"rates": [0.0, 0.5, 30.0], "until": 1e-2},
          "tasks": {"allosteric": {"sources": 3, "targets": 1, "count": 3, "feasible": True, "seed": 2}}}
SQUARE = NMOS(gain=0.5, leak=np.full(24, 1e-3))
WHICH = [0, 1, 0, 2] * 6
MIXED = PerEdge([SQUARE, Linear(), Diode(1e-2, 0.1)], WHICH)       # a combination that test_nonlinear.py compiles too
TOML = """
[network]
grid = { shape = [4, 4] }
[tasks]
allosteric = { sources = 3, targets = 1, count = 3, feasible = true, seed = 2 }
[edges.PerEdge]
laws = [{ NMOS = { gain = 0.5, leak = LEAK } }, { Linear = {} },
        { Diode = { saturation = 1e-2, thermal_voltage = 0.1 } }]
which = WHICH
[sweep]
rates = [0.0, 0.5, 30.0]
until = 1e-2
"""


def test_members_are_those_of_train_and_a_store_keeps_their_law(tmp_path):
    path = tmp_path / "sweep.toml"
    path.write_text(TOML.replace("LEAK", str([1e-3] * 24)).replace("WHICH", str(WHICH)))
    sweep, other = ol.Sweep.read(path), ol.Sweep.from_tables(TABLES, edges=MIXED)
    assert sweep.digest == other.digest != ol.Sweep.from_tables(TABLES).digest
    assert len({ol.Sweep.from_tables(TABLES, edges=NMOS(gain=gain)).digest for gain in (0.5, 0.6)}) == 2
    report = pickle.loads(pickle.dumps(sweep)).run(tmp_path / "store", progress=False)
    assert report.computed == 9
    results = ol.open_results(tmp_path / "store").load()
    runs = ol.train(NET, list(sweep.tasks), sweep.rates, grid=True, until=1e-2, edges=MIXED)
    np.testing.assert_array_equal(results.conductances.values.reshape(9, -1), runs.conductances.reshape(9, -1))
    np.testing.assert_array_equal(results.training_time.values.ravel(), runs.training_time.ravel())
    again = other.run(tmp_path / "store", progress=False)
    assert again.computed == 0
    with pytest.raises(Exception, match="another sweep"):
        ol.Sweep.from_tables(TABLES, edges=NMOS(gain=0.7)).run(tmp_path / "store", progress=False)


def test_start_of_gates(tmp_path):
    tables = {**TABLES, "sweep": {"rates": [1.0], "until": 1e-1, "conductances": 2.5}}
    assert ol.Sweep.from_tables(tables, edges=SQUARE).ensemble.initial_conductances(0)[0] == 2.5
    with pytest.raises(ValueError, match=r"begins at 2\.5, outside of its bounds"):
        ol.Sweep.from_tables(tables, edges=NMOS(gain=0.5, highest=2.4))


@pytest.mark.parametrize("law", [
    *(getattr(ol.edges, name)() for name in LAWS), NMOS.ald1106(), SQUARE, NMOS("mean", lowest=[0.5] * 24, highest=9.0),
    PerEdge([Linear(), IdealDiode(on=5.0), Diode(series=1.0)], np.arange(24) % 3)])
def test_a_table_says_all_of_a_law(law):
    made = make_edges(EdgesTable.model_validate(table_of(law)), NET)
    assert table_of(made) == table_of(law)
    assert type(made) is type(law)
    for one, other in zip(getattr(law, "laws", [law]), getattr(made, "laws", [made]), strict=True):
        assert one.kernel == other.kernel
        assert all(np.array_equal(a, b) for a, b in zip(one.parameters, other.parameters, strict=True))


@pytest.mark.parametrize(("edges", "words"), [
    ({"NMOS": {}, "Linear": {}}, r"\[edges\]: name one of Linear, .*got Linear, NMOS"),
    ({"NMOS": {"gain": -1.0}}, "gain must be > 0, not -1"),
    ({"NMOS": {"gain": [1.0, 2.0]}}, "a parameter of NMOS has 2 entries, but the network has 24 edges"),
    ({"NMOS": {"gian": 1.0}}, r"\[edges\] NMOS\.gian: unknown key"),
    ({"PerEdge": {"laws": [{"Linear": {}}], "which": [0, 1]}}, "which names law 1, but there are 1: from 0 to 0"),
])
def test_wrong_tables_say_what(edges, words):
    with pytest.raises(ValueError, match=words):
        ol.Sweep.from_tables({**TABLES, "edges": edges})


def test_laws_that_no_file_can_name():
    class Own(Linear):
        pass

    with pytest.raises(TypeError, match="a sweep writes down the laws"):
        ol.Sweep.from_tables(TABLES, edges=Own())
