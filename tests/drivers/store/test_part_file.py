"""States and members on their way to the disk and back."""
from types import SimpleNamespace

import numpy as np
import pytest
from ohmlearn.drivers.jobs import rank_worker
from ohmlearn.drivers.jobs.rank_worker import Plan
from ohmlearn.drivers.store import part_file
from ohmlearn.drivers.store.errors import StoreError
from ohmlearn.drivers.store.locks import leave_token
from ohmlearn.drivers.store.part_writer import PartWriter
from ohmlearn.drivers.store.record import Layout
from ohmlearn.drivers.store.states import decode, encode
from ohmlearn.drivers.store.store import Store
from ohmlearn.drivers.training import work_queue
from ohmlearn.drivers.training.ensemble import Ensemble
from ohmlearn.drivers.training.thread_pool import run_members
from ohmlearn.drivers.training.work_queue import LongestFirst
from ohmlearn.parallel.communicator import World
from ohmlearn.parallel.signals import Stopping
from ohmlearn.parallel.timeline import Timeline
from sweeps import small


def same_state(one, two):
    assert list(one) == list(two)
    for name in one:
        assert one[name].dtype == two[name].dtype, name
        assert one[name].shape == two[name].shape, name
        assert one[name].tobytes() == two[name].tobytes(), name


def test_a_state_comes_back_as_it_was():
    record = np.zeros(2, dtype=[("time", "<f8"), ("status", "<i8"), ("deep", "<f8", (3,))])
    record["time"] = np.nan, -0.0
    state = {"each": record, "x": np.linspace(0, 1, 7)[::2], "none": np.zeros((0, 3)), "flag": np.array([True]),
             "one": np.float64(3.0) * np.ones(())}
    same_state(decode(encode(state)), state)
    damaged = bytearray(encode(state))
    damaged[40] ^= 1
    assert decode(bytes(damaged)) is None
    assert decode(b"") is None
    assert decode(encode(state, "version 1"), "version 2") is None


def test_states_of_the_engine_come_back_as_they_were():
    """Whatever a lane is made of: all of it, with its kinds and shapes."""
    ensemble: Ensemble = small().ensemble
    states = {}
    calls = iter([False, False, True])
    queue = LongestFirst(np.arange(len(ensemble)), ensemble.task_of, ensemble.rates)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ohmlearn.drivers.training.lane_block.STRIDES", 200)
        run_members(ensemble, queue, lambda number, run: None, threads=1, stop=lambda: next(calls),
                    suspend=states.__setitem__)
    assert states
    for state in states.values():
        same_state(decode(encode(state)), state)


def test_storing_that_takes_long_is_done_less_often(monkeypatch):
    clock = SimpleNamespace(monotonic=lambda: 10.0)
    monkeypatch.setattr(work_queue, "time", clock)
    assert work_queue.next_due(9.999, 0.25) == 10.25
    assert work_queue.next_due(9.0, 0.25) == 60.0


def test_ranks_load_compiled_kernels_at_once_and_in_good_order(tmp_path, monkeypatch):
    """While others may be at work a signal must not end a rank that still loads."""
    class Two(World):
        size = 2
        compiled = 0

        def everywhere(self, value):
            return [value, value]

        def once_a_node(self, job):
            self.compiled += 1

    monkeypatch.setenv("OHMLEARN_CACHE", str(tmp_path / "cache"))
    sweep, seen, world, stopping = small(), [], Two(), Stopping()
    store, token = Store.prepare(tmp_path, sweep), leave_token(tmp_path, (1, 1))
    plan = Plan(store, (1, 1), token, np.arange(15), np.zeros(15), {}, 15, (0, 0))
    monkeypatch.setattr(rank_worker, "run_members", lambda *args, **options: seen.append(stopping.ready))
    for _ in range(2):
        rank_worker.Rank(plan, world, stopping, quiet=True).warm()
    assert seen == [True, True]
    assert world.compiled == 1


def test_a_writer_that_cannot_write_says_so_and_takes_no_more(tmp_path):
    writer = PartWriter(tmp_path / "nowhere" / "part.sqlite", Timeline())
    writer.checkpoint(0, 1.0, 1, encode({"x": np.zeros(3)}))
    writer.close()
    assert isinstance(writer.error, StoreError)
    assert "cannot be written" in str(writer.error)
    writer.checkpoint(0, 1.0, 2, b"")     # at once, and without an error


def test_checkpoints_replace_one_another_and_go_with_their_member(tmp_path):
    layout = Layout(3, 2, 0, True, "digest")
    path = tmp_path / "part.sqlite"
    part_file.prepare(path, layout, "1")
    writer = PartWriter(path, Timeline())
    for progress in (1, 2, 3):
        writer.checkpoint(4, 0.3, progress, encode({"x": np.full(2, progress)}))
    writer.checkpoint(5, 0.3, 1, encode({"x": np.zeros(2)}))
    writer.add(layout.failed(5, 0.3, "because"))
    writer.close()
    assert writer.error is None
    assert part_file.read_progress(path, "digest") == [(4, 0.3, 3)]
    np.testing.assert_array_equal(part_file.read_state(path, "digest", 4, 0.3)["x"], [3, 3])
    assert part_file.read_state(path, "digest", 5, 0.3) is None
    stored = list(part_file.read_members(path, layout))
    assert [(row.task, row.status, row.reason) for row in stored] == [(5, "failed", "because")]
    part_file.forget_failures(path, "digest")
    assert part_file.read_keys(path, "digest") == []
