"""Tasks in TOML files."""
import ohmlearn as ol
import pytest
from ohmlearn.io.task_toml import read_tasks


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
