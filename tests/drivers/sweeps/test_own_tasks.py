"""Sweeps over tasks of one's own: from task files, or written into the sweep file."""
import numpy as np
import ohmlearn as ol
import pytest
from ohmlearn.drivers.store.errors import StoreError
from sweeps import changed

ONE = ol.Task({0: 1.0, 15: 0.0}, {6: 0.7})
DROP = ol.Task({0: 1.0, 3: 0.5, 15: 0.0}, {(6, 9): 0.1})
FIRST, SECOND = ({"sources": {"0": 1.0, "15": 0.0}, "targets": {"6": wanted}} for wanted in (0.7, 0.45))


def tables(tasks, **options):
    return changed(**options) | {"network": {"grid": {"shape": [4, 4]}}, "tasks": tasks}


def test_files_beside_the_sweep_file(tmp_path):
    ONE.write(tmp_path / "one.toml")
    ol.Task({0: 1.0, 3: 0.5, 15: 0.0}, {9: 0.45}).write(tmp_path / "two.toml")
    sweep = ol.Sweep.from_tables(tables({"files": ["one.toml", "two.toml"]}), tmp_path)
    sweep.run(tmp_path / "store", progress=False)
    with ol.open_results(tmp_path / "store") as data:
        for number, task in enumerate(sweep.tasks):
            run = ol.train(sweep.network, task, 1.0, until=1e-4, record=ol.Record(per_decade=3))
            np.testing.assert_array_equal(data["conductances"].sel(task=number, rate=1.0), run.conductances)
        assert "sources" not in data       # the tasks have unlike numbers of them


def test_a_store_does_not_need_the_files_any_more(tmp_path):
    DROP.write(tmp_path / "drop.toml")
    ol.Sweep.from_tables(tables({"files": ["drop.toml"]}), tmp_path).run(tmp_path / "store", progress=False)
    (tmp_path / "drop.toml").unlink()
    from ohmlearn.drivers.store.store import Store

    task = Store.open(tmp_path / "store").sweep.tasks[0]
    assert task.targets.tolist() == [[6, 9]]
    assert task.sources.tolist() == [0, 3, 15]


def test_written_tasks_grow_and_may_not_change(tmp_path):
    place = tmp_path / "store"
    first = ol.Sweep.from_tables(tables({"tables": [FIRST]}))
    assert first.run(place, progress=False).computed == 3
    assert ol.Sweep.from_tables(tables({"tables": [FIRST, SECOND]})).run(place, progress=False).computed == 3
    with ol.open_results(place) as data:
        np.testing.assert_array_equal(data["targets"], [[6], [6]])
    with pytest.raises(StoreError, match="made with other tasks"):
        ol.Sweep.from_tables(tables({"tables": [SECOND, FIRST]})).run(place, progress=False)


def test_samples_of_a_file_are_one_task(tmp_path):
    samples = (ol.Task({0: 1.0, 15: 0.0}, {6: 0.7}), ol.Task({0: 0.0, 15: 1.0}, {6: 0.4}))
    ol.tasks.write_tasks(samples, tmp_path / "both.toml")
    sweep = ol.Sweep.from_tables(tables({"files": ["both.toml"]}, sweep__keep_state=False), tmp_path)
    assert len(sweep.tasks[0]) == 2


@pytest.mark.parametrize(("tasks", "words"), [
    ({}, "name one of allosteric, files, tables; got none"),
    ({"files": ["a.toml"], "allosteric": {}}, "got allosteric, files"),
    ({"files": ["missing.toml"]}, "missing.toml"),
    ({"tables": [{"sources": {"0": 1.0}, "goals": {}}]}, r"\[tasks\] task 0: unknown key 'goals'"),
    ({"tables": [{"sources": {"0": 1.0, "99": 0.0}, "targets": {"6": 0.5}}]}, "node 99 is not in the network"),
])
def test_what_is_wrong_is_named(tmp_path, tasks, words):
    with pytest.raises((ValueError, OSError), match=words):
        ol.Sweep.from_tables(tables(tasks), tmp_path)


def test_method_and_precision_are_those_of_train():
    sweep = ol.Sweep.from_tables(tables({"tables": [FIRST]}, sweep__method="rk4", sweep__precision="single"))
    assert (sweep.ensemble.method, sweep.ensemble.precision) == ("rk4", "single")
    plain, same = (ol.Sweep.from_tables(tables({"tables": [FIRST]}, **said))
                   for said in ({}, {"sweep__method": "auto"}))
    assert plain.digest == same.digest != sweep.digest
