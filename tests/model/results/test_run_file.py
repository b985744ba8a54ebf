"""Runs in files: what is saved comes back bit for bit, and what is no such file is refused."""
import dataclasses
import json
import zipfile

import numpy as np
import ohmlearn as ol
import pytest

NETS = [ol.Network.grid(4, 5), ol.Network.packing(16, seed=2), ol.Network.from_edges([(0, 1), (1, 2), (0, 2), (2, 3)])]
SAMPLES = (ol.Task({0: 1.0, 3: 0.0}, {2: 0.6}), ol.Task({0: 0.0, 3: 1.0}, {2: 0.3}))
OTHERS = [ol.Task(currents={0: 1.0, 3: -1.0}, targets=[(1, 2), 0], target_voltages=[0.4, 0.1]),
          ol.Task({0: 1.0}, targets=[{1: 0.5, 2: 0.5}], target_voltages=[0.4], drops={(3, 1): 0.2}, ground=2)]


def same(one, two):
    """Two runs have the same content."""
    for name in ("rate", "status", "reason", "training_time", "time", "final_cost", "n_steps", "conductances",
                 "voltages", "difference", "times", "equilibrium_cost", "cost"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name), err_msg=name)
        assert type(getattr(one, name)) is type(getattr(two, name)), name
    np.testing.assert_array_equal(one.network.edges, two.network.edges)
    for name, values in one.recorded.items():
        np.testing.assert_array_equal(values, two.recorded[name])
    tasks = [run.task if isinstance(run.task, tuple) else (run.task,) for run in (one, two)]
    for a, b in zip(*tasks, strict=True):
        assert (a.currents, a.drops, repr(a.targets)) == (b.currents, b.drops, repr(b.targets))
        np.testing.assert_array_equal(a.source_voltages, b.source_voltages)


@pytest.mark.parametrize("net", NETS, ids=repr)
@pytest.mark.parametrize("rate", [0.0, 2.0])
def test_a_run_comes_back(tmp_path, net, rate):
    run = ol.train(net, SAMPLES[0], rate, until=1e-3, rule=ol.Rule(frozen=np.arange(net.n_edges) == 1, ceiling=5.0),
                   record=ol.Record(per_decade=3, keep=("outputs", "power")))
    run.save(tmp_path / "run")
    again = ol.load(tmp_path / "run.npz")
    same(run, again)
    assert again.rule.ceiling == 5.0
    assert again.rule.frozen.tolist() == run.rule.frozen.tolist()
    np.testing.assert_array_equal(ol.train(net, run.task, rate, conductances=run, rule=run.rule).conductances,
                                  ol.train(again.network, again.task, rate, conductances=again,
                                           rule=again.rule).conductances)


@pytest.mark.parametrize("task", [*OTHERS, SAMPLES], ids=["currents", "functional", "samples"])
def test_every_linear_task_comes_back(tmp_path, task):
    run = ol.train(NETS[2], task, 0.0, until=None, t_max=1.0)
    run.save(tmp_path / "run.npz")
    same(run, ol.load(tmp_path / "run.npz"))


def test_runs_of_unlike_lengths_and_their_grid_come_back(tmp_path):
    runs = ol.train(NETS[0], {"a": SAMPLES[0], "b": SAMPLES[1]}, [0.0, 1.0, 30.0], until=1e-3, grid=True,
                    record=ol.Record(per_decade=3))
    assert len({run.times.size for run in runs.flat}) > 1
    runs.save(tmp_path / "runs.npz")
    again = ol.load(tmp_path / "runs.npz")
    assert (again.shape, again.dims, again.labels) == (runs.shape, runs.dims, runs.labels)
    for one, two in zip(runs.flat, again.flat, strict=True):
        same(one, two)


def test_gradient_flow_comes_back(tmp_path):
    run = ol.train(NETS[0], SAMPLES[0], 0.0, rule=ol.rules.GradientFlow(ceiling=3.0), until=1e-2)
    run.save(tmp_path / "run.npz")
    again = ol.load(tmp_path / "run.npz")
    same(run, again)
    assert again.rule.ceiling == 3.0


def test_the_file_can_be_read_without_this_package_and_holds_no_pickle(tmp_path):
    run = ol.train(NETS[0], SAMPLES[0], 1.0, until=1e-2)
    run.save(tmp_path / "run.npz")
    with np.load(tmp_path / "run.npz", allow_pickle=False) as data:
        assert data["conductances"].shape == (1, NETS[0].n_edges)
        assert json.loads(str(data["header"]))["format"] == "ohmlearn runs"


def test_what_is_no_such_file_is_refused(tmp_path):
    run = ol.train(NETS[0], SAMPLES[0], 1.0, until=1e-2)
    path = tmp_path / "run.npz"
    run.save(path)
    whole = path.read_bytes()
    for name, content in (("text.npz", b"hello"), ("cut.npz", whole[:len(whole) // 2])):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match=f"{name} holds no runs, or is damaged"):
            ol.load(tmp_path / name)
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    with pytest.raises(ValueError, match="holds no runs"):
        ol.load(tmp_path / "other.npz")
    with np.load(path) as data:
        arrays = dict(data)
    header = json.loads(str(arrays["header"]))
    np.savez(path, **arrays | {"header": np.array(json.dumps(header | {"version": 99}))})
    with pytest.raises(ValueError, match=r"version 99 of its format .* later ohmlearn"):
        ol.load(path)
    del arrays["network/edges"]
    np.savez(path, **arrays)
    with pytest.raises(ValueError, match="damaged"):
        ol.load(path)
    with pytest.raises(FileNotFoundError):
        ol.load(tmp_path / "missing.npz")


def test_a_changed_byte_is_seen(tmp_path):
    run = ol.train(NETS[0], SAMPLES[0], 1.0, until=1e-2)
    path = tmp_path / "run.npz"
    run.save(path)
    with zipfile.ZipFile(path) as archive:
        place = archive.getinfo("conductances.npy").header_offset + 60
    changed = bytearray(path.read_bytes())
    changed[place + 40] ^= 255
    path.write_bytes(changed)
    with pytest.raises(ValueError, match="damaged"):
        ol.load(path)


def test_what_cannot_be_saved_is_said(tmp_path):
    one, two = (ol.train(net, SAMPLES[0], 0.0, until=1e-2) for net in NETS[:2])
    with pytest.raises(ValueError, match="more than one network; save those of each network"):
        ol.Runs([one, two]).save(tmp_path / "runs.npz")
    with pytest.raises(ValueError, match="no runs to save"):
        ol.Runs([]).save(tmp_path / "runs.npz")
    square = ol.tasks.Constraint(lambda v: v[2] ** 2, lambda v: np.array([0, 0, 2 * v[2], 0]),
                                 lambda v: np.diag([0, 0, 2.0, 0]))
    task = ol.Task({0: 1.0, 3: 0.0}, targets=[square], target_voltages=[0.3])
    run = ol.train(NETS[2], task, 0.0, rule=ol.rules.GradientFlow(), until=1e-1)
    with pytest.raises(ValueError, match="nonlinear constraint is a function, which no file can hold"):
        run.save(tmp_path / "run.npz")
    assert not list(tmp_path.iterdir())


SQUARE = ol.edges.NMOS(gain=0.5, leak=1e-3)
MIXED = [ol.edges.PerEdge([SQUARE, ol.edges.Linear(), ol.edges.Diode(1e-2, scale)], [1] * 27 + [0, 2] * 2)
         for scale in (0.1, 0.2)]
# the quick one is of a combination that test_nonlinear.py has too: its kernels are compiled once
LAWS = [MIXED[0], pytest.param(SQUARE, marks=pytest.mark.slow),
        pytest.param(ol.edges.NMOS(law="level1", gain=np.linspace(0.4, 0.6, 31)), marks=pytest.mark.slow),
        pytest.param(ol.edges.PerEdge([ol.edges.Linear(), ol.edges.Diode(series=0.1)], [0] * 28 + [1] * 3),
                     marks=pytest.mark.slow)]


@pytest.mark.parametrize("law", LAWS, ids=lambda law: type(law).__name__)
def test_a_run_knows_the_law_of_its_edges(tmp_path, law):
    net, task = NETS[0], SAMPLES[0]
    run = ol.train(net, task, 1.0, until=1e-2, edges=law)
    run.save(tmp_path / "run")
    again = ol.load(tmp_path / "run")
    same(run, again)
    v = ol.voltages(net, task, run.conductances, edges=law)
    for known in (run, again):
        np.testing.assert_array_equal(ol.voltages(net, task, known), v)
        np.testing.assert_array_equal(ol.edges.voltages_vjp(net, task.sources, known, task.source_voltages)[0],
                                      ol.edges.voltages_vjp(net, task.sources, run.conductances, task.source_voltages,
                                                            edges=law)[0])
        assert known.to_spice() == net.to_spice(task, run.conductances, edges=law)
        assert type(law).__name__ in known._repr_html_()
        page = known.show(tmp_path / "page.html").read_text()
        assert "stiff mode" not in page.replace("soft and stiff mode", "")
    assert abs(v[2] - 0.6) < 0.1 * abs(ol.voltages(net, task, edges=law)[2] - 0.6) + 1e-9
    on, explicit = (ol.train(net, task, 1.0, until=1e-4, conductances=start, **given)
                    for start, given in ((again, {}), (run, {"edges": law})))
    np.testing.assert_array_equal(on.conductances, explicit.conductances)
    assert on.edges is again.edges
    for refused in (lambda: ol.hessian(net, task, run), lambda: ol.Equilibrium(net, [0, 3]).solve(run, [1.0, 0.0]),
                    lambda: ol.descend(net, task, conductances=run), lambda: ol.soft.soft_mode(net, run)):
        with pytest.raises(ValueError, match="conductances of resistors are needed"):
            refused()


def test_a_law_of_ones_own_is_code_that_no_file_holds(tmp_path):
    one, other = (ol.train(NETS[0], SAMPLES[0], 1.0, until=1e-2, edges=law) for law in MIXED)
    with pytest.raises(ValueError, match="edges of several laws; name the one that is meant"):
        ol.train(NETS[0], [SAMPLES[0]] * 2, 1.0, conductances=[one, other])
    both = ol.Runs([one, other], (2,), ("run",), {})
    with pytest.raises(ValueError, match="more than one law of edges"):
        both.save(tmp_path / "runs")

    class Mine(ol.edges.Linear):
        pass

    strange = dataclasses.replace(one, edges=Mine())
    with pytest.raises(ValueError, match=r"numpy\.save"):
        strange.save(tmp_path / "run")
    assert not list(tmp_path.iterdir())
