"""Tasks in TOML files."""
import ohmlearn as ol
import pytest
from ohmlearn.drivers import cli
from ohmlearn.drivers.store.store import Store
from ohmlearn.io.task_toml import read_tasks
from typer.testing import CliRunner


def written(tmp_path, text):
    path = tmp_path / "task.toml"
    path.write_text(text)
    return path


def test_every_kind_of_drive_and_output(tmp_path):
    task = ol.Task.read(written(tmp_path, """
        ground = 0
        sources = { 4 = 1, 7 = -0.5 }
        currents = { 3 = 1.0, 17 = -1.0 }
        drops = { "5-6" = 0.25 }
        targets = { 9 = 0.2, "8-1" = 0.4 }
    """))
    assert task.sources.tolist() == [4, 7, 0]
    assert task.source_voltages.tolist() == [1.0, -0.5, 0.0]
    assert task.currents == {3: 1.0, 17: -1.0}
    assert task.drops == {(5, 6): 0.25}
    assert task.targets == (9, (8, 1))
    assert task.target_voltages.tolist() == [0.2, 0.4]


def test_samples_take_the_rest_from_the_top(tmp_path):
    path = written(tmp_path, """
        targets = { 9 = 0.2 }
        ground = 0
        [[samples]]
        sources = { 4 = 1.0 }
        [[samples]]
        sources = { 4 = -1.0 }
        targets = { 9 = -0.2 }
    """)
    tasks = read_tasks(path)
    assert [t.source_voltages[0] for t in tasks] == [1.0, -1.0]
    assert [t.target_voltages[0] for t in tasks] == [0.2, -0.2]
    with pytest.raises(ValueError, match="holds 2 samples"):
        ol.Task.read(path)


@pytest.mark.parametrize(("text", "words"), [
    ("source = { 1 = 1.0 }", "unknown key 'source'"),
    ("sources = { one = 1.0 }", "one = 1.0 is not NODE = NUMBER"),
    ("sources = { 1 = true }", "1 = True is not NODE = NUMBER"),
    ("sources = [1]", "must be a table"),
    ('currents = { "1-2" = 1.0 }', "currents are NODE = NUMBER each, not 1-2"),
    ("drops = { 1 = 1.0 }", 'drops are "NODE-NODE" = NUMBER each, not 1'),
    ("samples = 3", r"tables \[\[samples\]\]"),
    ("sources = {", "task.toml"),
    ("sources = { 1 = 1.0, 01 = 2.0 }", "sources: 01 is there twice, as 1"),
    ("sources = { 1 = inf }", "sources: 1 = inf is not finite"),
    ("targets = { 1 = 1.0 }\nground = 'x'", "task.toml"),
    ("samples = [3]", r"tables \[\[samples\]\]"),
    ("a = " + "[" * 100_000, "task.toml"),
    ("sources = { 1 = 1.0 }\x00", "task.toml is not a text file"),
    ("sources = { 1 = 1.0 }\ntargets = { 1 = 0.5 }", "task.toml: node 1 is both source and target"),
])
def test_bad_files_are_named(tmp_path, text, words):
    with pytest.raises(ValueError, match=words):
        read_tasks(written(tmp_path, text))


NAMED = ol.Network.from_edges([(0, 1), (1, 2), (0, 2), (2, 3)], node_names=["in", "a-b", "out", "ground"])


def test_names_of_nodes_where_the_network_has_some(tmp_path):
    path = tmp_path / "task.toml"
    path.write_text('ground = "ground"\nsources = { in = 1.0 }\ndrops = { "in-a-b" = 0.2 }\n'
                    'targets = { out = 0.5, "a-b-out" = 0.1 }\n[[samples]]\n[[samples]]\nsources = { 0 = 2.0 }\n')
    one, two = ol.tasks.read_tasks(path, NAMED)
    assert set(zip(one.sources.tolist(), one.source_voltages.tolist(), strict=True)) == {(0, 1.0), (3, 0.0)}
    assert (one.targets, one.drops) == ((2, (1, 2)), {(0, 1): 0.2})
    assert sorted(two.source_voltages.tolist()) == [0.0, 2.0]
    with pytest.raises(ValueError, match="names where a network with names is given"):
        ol.tasks.read_tasks(path)
    for text, words in (("sources = { x = 1.0 }", "sources: the node 'x' is not in the network"),
                        ("sources = { in = 1.0, 0 = 2.0 }", "sources: 0 is there twice, as 0"),
                        ('ground = "x"', "ground 'x' is not in the network")):
        path.write_text(text + "\ntargets = { out = 0.5 }\n")
        with pytest.raises(ValueError, match=words) as error:
            ol.tasks.read_tasks(path, NAMED)
        assert str(path) in str(error.value)


def test_names_in_commands_and_sweeps(tmp_path):
    NAMED.write(tmp_path / "net.csv")
    (tmp_path / "task.toml").write_text('ground = "ground"\nsources = { in = 1.0 }\ntargets = { out = 0.5 }\n')
    sweep = ol.Sweep.from_tables({"network": {"file": "net.csv"}, "tasks": {"files": ["task.toml"]},
                                  "sweep": {"rates": [1.0], "t_max": 0.1}}, tmp_path)
    assert sorted(sweep.tasks[0].sources.tolist()) == [0, 3]
    sweep.run(tmp_path / "store", progress=False)
    assert Store.open(tmp_path / "store").sweep.tasks[0].targets.tolist() == [2]
    cli.add_commands()
    done = CliRunner().invoke(cli.app, ["solve", str(tmp_path / "net.csv"), "--task", str(tmp_path / "task.toml")])
    assert done.exit_code == 0, done.output
    assert "ground 0" in done.output
