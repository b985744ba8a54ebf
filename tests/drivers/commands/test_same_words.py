"""One word for one thing: Python, sweep files and the command line have the same options under the same names."""
import inspect
from dataclasses import fields

import numpy as np
import ohmlearn as ol
import pytest
import typer
from ohmlearn.drivers import cli
from ohmlearn.drivers.commands import sweep as sweep_command
from ohmlearn.drivers.commands import train as train_command
from ohmlearn.drivers.sweeps import sweep_file

# What differs, with the reason. A sweep trains every task at every rate, so that it names them in the plural and has no
# `grid`; how a process works is said where it is started, not in the file.
PLURAL = {"task": "tasks", "rate": "rates"}
OF_THE_PROCESS = {"threads", "checkpoint", "progress"}
NOT_IN_FILE = OF_THE_PROCESS | {"grid"}
NOT_ON_COMMAND_LINE = {"grid"}                      # one task with several rates
FILE_ONLY = {"keep_state"}                          # what the store keeps
COMMAND_LINE_ONLY = {"distributed",                                 # the kind of network says it in Python
                     "sources", "targets", "seed", "feasible",      # the random task, [tasks] allosteric in a file
                     "nudge", "floor_mode",                         # two fields of the rule
                     "conductance", "resistance", "nodes",          # how the network file is read
                     "output", "plot"}


def python() -> set[str]:
    return set(inspect.signature(ol.train).parameters)


def file() -> set[str]:
    singular = {plural: name for name, plural in PLURAL.items()}
    names = {*sweep_file.SweepFile.model_fields, *sweep_file.SweepTable.model_fields} - {"sweep"}
    return {singular.get(name, name) for name in names}


def command_line(command=train_command.train) -> set[str]:
    return set(inspect.signature(command).parameters)


def test_the_three_have_the_same_options():
    assert file() - FILE_ONLY == python() - NOT_IN_FILE
    assert command_line() - COMMAND_LINE_ONLY == python() - NOT_ON_COMMAND_LINE
    assert {"threads", "progress"} <= command_line(sweep_command.sweep) & set(
        inspect.signature(ol.stores.run_sweep).parameters)
    assert not FILE_ONLY & python()
    assert not COMMAND_LINE_ONLY & python()


@pytest.mark.parametrize(("table", "noun"), [("RuleTable", ol.Rule), ("ScheduleTable", ol.Schedule),
                                             ("UpdatesTable", ol.rules.Discrete), ("RecordTable", ol.Record)])
def test_tables_have_the_fields_of_the_nouns(table, noun):
    assert set(getattr(sweep_file, table).model_fields) == {field.name for field in fields(noun)} - {"keep"}


def test_defaults_are_the_same():
    given = inspect.signature(ol.train).parameters
    for name, field in sweep_file.SweepTable.model_fields.items():
        if name in given and name != "conductances":
            assert field.default == given[name].default, name
    said = inspect.signature(train_command.train).parameters
    for name in ("t_max", "dt", "tolerance", "method", "precision", "go_on", "threads", "checkpoint"):
        assert said[name].default == given[name].default, name
    assert float(said["until"].default) == given["until"].default


def test_every_command_takes_and_writes_alike():
    """A network comes first and in every form, a task by --task, results go where -o says."""
    cli.add_commands()
    app = typer.main.get_command(cli.app)
    found = {name: {option: parameter for parameter in command.params for option in parameter.opts}
             for name, command in app.commands.items() if name != "figure"}
    # `warm` writes to the cache of compiled code alone, and `merge` to the store that it names first, which must be
    # there: neither makes a file whose place the user chooses
    writing = set(found) - {"info", "status", "check", "warm", "merge"}
    assert next(parameter.name for parameter in app.commands["merge"].params) == "into"
    assert writing == {name for name, options in found.items() if "-o" in options and "--output" in options}
    networks = {"train", "solve", "modes", "hessian", "show", "info", "lab", "resistances"}
    for name in networks:
        first = next(parameter for parameter in app.commands[name].params if parameter.param_type_name == "argument")
        assert (first.name, first.metavar) == ("network", "NETWORK"), name
    assert {name for name, options in found.items() if "--task" in options} == networks - {"info", "resistances"}


@pytest.fixture
def task(tmp_path):
    ol.Task({0: 1.0, 15: 0.0}, {6: 0.7}).write(tmp_path / "task.toml")
    return str(tmp_path / "task.toml")


def run(*arguments):
    with pytest.raises(SystemExit) as ended:
        cli.main([*arguments])
    assert ended.value.code == 0


GRID = "grid:shape=[4,4]"


def test_train_takes_a_task_and_writes_its_runs(task, tmp_path, capsys):
    run("train", GRID, "--task", task, "--rate", "0", "--rate", "2", "--until", "1e-3", "--rule",
        "floor_mode=clip,prefactor=0.5,ceiling=5.0,frozen=[0]", "--record", "per_decade=3",
        "-o", str(tmp_path / "runs.npz"), "--no-progress")
    runs = ol.load(tmp_path / "runs.npz")
    net = ol.Network.grid(4, 4)
    rule = ol.Rule(floor_mode="clip", prefactor=0.5, ceiling=5.0, frozen=np.arange(net.n_edges) == 0)
    same = ol.train(net, ol.Task.read(task), [0.0, 2.0], until=1e-3, rule=rule, record=ol.Record(per_decade=3))
    np.testing.assert_array_equal(runs.conductances, same.conductances)
    np.testing.assert_array_equal(runs[1].cost, same[1].cost)
    assert "2 sources, 1 targets, task task.toml" in capsys.readouterr().out


def test_train_starts_from_the_conductances_in_the_network_file(task, tmp_path):
    net = ol.Network.grid(4, 4)
    g = np.linspace(0.5, 2.0, net.n_edges)
    net.write(tmp_path / "net.graphml", g)
    run("train", str(tmp_path / "net.graphml"), "--task", task, "--until", "none", "--t-max", "3", "-o",
        str(tmp_path / "runs.npz"), "--no-progress")
    same = ol.train(net, ol.Task.read(task), 1.0, until=None, t_max=3.0, conductances=g,
                    record=ol.Record(per_decade=20))
    np.testing.assert_array_equal(ol.load(tmp_path / "runs.npz")[0].conductances, same.conductances)


def test_samples_schedules_and_updates(tmp_path, capsys):
    samples = (ol.Task({0: 1.0, 15: 0.0}, {6: 0.7}), ol.Task({0: 0.0, 15: 1.0}, {6: 0.4}))
    ol.tasks.write_tasks(samples, tmp_path / "two.toml")
    common = ["train", GRID, "--task", str(tmp_path / "two.toml"), "--until", "none", "--t-max", "5", "--no-progress"]
    run(*common, "--schedule", "switching=0.5", "-o", str(tmp_path / "a.npz"))
    same = ol.train(ol.Network.grid(4, 4), samples, 1.0, until=None, t_max=5.0, schedule=ol.Schedule(switching=0.5),
                    record=ol.Record(per_decade=20))
    np.testing.assert_array_equal(ol.load(tmp_path / "a.npz")[0].conductances, same.conductances)
    run(*common, "--updates", "step=0.5,batch=1,order=random", "-o", str(tmp_path / "b.npz"))
    assert ol.load(tmp_path / "b.npz")[0].n_steps == 10
    assert "2 samples, 2 sources" in capsys.readouterr().out


def test_train_and_solve_take_laws_of_edges(task, tmp_path):
    which = [1] * 20 + [0, 2] * 2
    laws = "laws=[{NMOS={gain=0.5,leak=1e-3}},{Linear={}},{Diode={saturation=1e-2,thermal_voltage=0.1}}]"
    law = ol.edges.PerEdge([ol.edges.NMOS(gain=0.5, leak=1e-3), ol.edges.Linear(), ol.edges.Diode(1e-2, 0.1)], which)
    edges = ["--edges", f"PerEdge:{laws},which={which}"]
    common = [GRID, "--task", task, *edges]
    run("train", *common, "--until", "1e-3", "--no-progress", "-o", str(tmp_path / "runs.npz"))
    net, given = ol.Network.grid(4, 4), ol.Task.read(task)
    same = ol.train(net, given, 1.0, until=1e-3, edges=law, record=ol.Record(per_decade=20))
    np.testing.assert_array_equal(ol.load(tmp_path / "runs.npz")[0].conductances, same.conductances)
    run("solve", *common, "-o", str(tmp_path / "v.npy"))
    np.testing.assert_array_equal(np.load(tmp_path / "v.npy")[:, 0], ol.voltages(net, given, edges=law))
    run("solve", GRID, "--hold", "0=1", "--hold", "15=0", *edges, "-o", str(tmp_path / "w.npy"))
    np.testing.assert_array_equal(np.load(tmp_path / "w.npy"), np.load(tmp_path / "v.npy")[:, 0])


def test_other_commands_take_a_task_and_a_generator(task, tmp_path, capsys):
    net, given = ol.Network.grid(4, 4), ol.Task.read(task)
    run("solve", GRID, "--task", task, "-o", str(tmp_path / "v.npy"))
    np.testing.assert_allclose(np.load(tmp_path / "v.npy")[:, 0], ol.voltages(net, given, 1.0), atol=1e-9)
    run("modes", GRID, "-k", "2", "--task", task, "-o", str(tmp_path / "m.npz"))
    with np.load(tmp_path / "m.npz") as found:
        np.testing.assert_allclose(found["eigenvalues"], ol.modes(net, 1.0, 2, [0, 15]).eigenvalues)
    run("show", GRID, "--task", task, "-o", str(tmp_path / "page.html"))
    assert "stiff mode" in (tmp_path / "page.html").read_text()
    run("hessian", GRID, "--task", task)
    run("info", GRID)
    run("lab", "grid:shape=[3,3],periodic=true", "--steps", "20")
    assert "16 nodes, 24 edges" in capsys.readouterr().out


@pytest.mark.parametrize(("arguments", "words"), [
    (["train", "packig:n_nodes=12"], "neither a file nor a generator; generators are delaunay, grid, packing, random"),
    (["train", "grid:shape=4"], "network: [grid] shape: input should be a valid list"),
    (["train", GRID, "--rule", "flor=1"], "--rule: [flor]: unknown key"),
    (["train", GRID, "--rule", "nudge"], "write name=value,name=value"),
    (["train", GRID, "--rule", "nudge=1", "--nudge", "2"], "leave one of them out"),
    (["train", GRID, "--edges", "NMOS:law=round"], "--edges: [NMOS] law: input should be 'square', 'mean', 'ekv' or "
     "'level1', got 'round'"),
    (["train", GRID, "--edges", "nmos"], "--edges: [nmos]: unknown key"),
    (["train", GRID, "--until", "soon"], "--until 'soon' is neither a number nor 'none'"),
    (["solve", GRID, "--task", "TASK", "--hold", "0=1"], "leave --hold, --inject and --drop out"),
    (["sweep", "x.toml", "--shard", "3/2"], "invalid shard 3/2: need i/n with 1 <= i <= n"),
])
def test_wrong_options_name_the_remedy(task, capsys, arguments, words):
    with pytest.raises(SystemExit) as ended:
        cli.main([task if argument == "TASK" else argument for argument in arguments])
    assert ended.value.code == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(("old", "new", "told"), [
    (["train", "--save", "a", "--quiet"], ["train", "--output", "a", "--no-progress"], "--save is now --output"),
    (["train", "--step", "0.5"], ["train", "--updates", "step=0.5"], "--step is now --updates"),
    (["sweep", "f", "--store=b"], ["sweep", "f", "--output", "b"], "--store is now --output"),
    (["figure", "fig2", "--out", "c"], ["figure", "fig2", "--output", "c"], "--out is now --output"),
    (["lab", "--network", "n"], ["lab", "n"], "--network is now an argument without a name"),
    (["solve", "--save", "a"], ["solve", "--save", "a"], ""),
    ([], [], ""),
])
def test_old_options_work_with_a_warning(capsys, old, new, told):
    assert cli.with_new_names(old) == new
    assert told in capsys.readouterr().err


def test_shell_completion_is_on():
    app = typer.main.get_command(cli.app)
    assert "--install-completion" in {option for parameter in app.params for option in parameter.opts}
