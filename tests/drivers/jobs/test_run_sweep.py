"""Running sweeps: what comes out is what training gives, however the work was spread or cut off."""
import multiprocessing
import signal
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import ohmlearn as ol
import pytest
from ohmlearn.drivers.jobs import rank_worker
from ohmlearn.drivers.store.errors import StoreError
from ohmlearn.drivers.store.record import Layout
from ohmlearn.drivers.store.store import Store
from ohmlearn.drivers.sweeps.member_status import ALL_STATUSES
from ohmlearn.parallel.signals import SIGNALS, handled
from sweeps import same_bits, small


def test_results_are_those_of_train(done):
    sweep = small()
    for i, task in enumerate(sweep.tasks):
        for j, rate in enumerate(sweep.rates):
            run = ol.train(sweep.network, task, rate, until=1e-4, record=ol.Record(per_decade=3))
            at = done.isel(task=i, rate=j)
            for name in ("training_time", "sustained_time", "nonequilibrium_time", "time", "initial_cost",
                         "final_cost", "n_steps", "n_looks", "conductances", "voltages", "difference"):
                np.testing.assert_array_equal(at[name], getattr(run, name), err_msg=name)
            assert (at.status, at.reason) == (run.status, run.reason)
            length = run.times.size
            assert at.trace_length == length
            np.testing.assert_array_equal(at.cost[:length], run.cost)
            np.testing.assert_array_equal(at.sample_time[:length], run.times)
            assert np.isnan(at.cost[length:]).all()


def test_the_dataset_names_its_axes_units_and_origin(done):
    assert done.conductances.dims == ("task", "rate", "edge")
    assert done.equilibrium_cost.dims == ("task", "rate", "sample")
    assert done.sample_time.dims == ("rate", "sample")
    assert {"task", "rate", "sample_time", "training_steps"} <= set(done.coords)
    for name, unit in (("training_time", "1/γp (training steps at rate 0)"), ("initial_cost", "V²"),
                       ("conductances", "G(0)"), ("target_voltages", "V"), ("sample_time", done.time.units)):
        assert done[name].attrs["units"] == unit
    np.testing.assert_array_equal(done.training_steps, done.sample_time * done.rate)
    assert done.attrs["ohmlearn_versions"] == ol.__version__
    assert done.attrs["seed"] == 0
    assert '"n_nodes": 16' in done.attrs["sweep"]
    np.testing.assert_array_equal(done.edges, small().network.edges)


def test_a_folded_store_is_one_group_that_xarray_opens(tmp_path, done):
    import xarray

    small().run(tmp_path / "s", progress=False)
    assert not list((tmp_path / "s").glob("part-*"))
    plain = xarray.open_zarr(tmp_path / "s" / "results.zarr", chunks=None, consolidated=False)
    np.testing.assert_array_equal(plain.training_time, done.training_time)
    words = plain.status_code.attrs["flag_meanings"].split()        # one text, by the CF conventions
    assert words == [status.replace(" ", "_") for status in ("to do", *ALL_STATUSES)]
    assert words[1] == "reached"


@pytest.mark.parametrize("keep_state", [True, False])
def test_unfolded_and_folded_results_are_the_same(tmp_path, monkeypatch, keep_state):
    from ohmlearn.drivers.store import consolidate

    sweep = small(sweep__keep_state=keep_state, record=None)
    with monkeypatch.context() as patch:
        patch.setattr(consolidate, "fold", lambda store: None)
        sweep.run(tmp_path, progress=False)
    before = ol.open_results(tmp_path).load()
    consolidate.fold(Store.open(tmp_path))
    after = ol.open_results(tmp_path).load()
    assert set(before.variables) == set(after.variables)
    assert ("conductances" in before) is keep_state
    for name in before.variables:
        np.testing.assert_array_equal(before[name], after[name], err_msg=name)
        assert before[name].attrs == after[name].attrs
    assert before.attrs == after.attrs


def stopping_after(monkeypatch, members):
    """Have a sweep stop as by a signal once this many members are done."""
    store = rank_worker.Rank._store

    def count(self, number, row):
        store(self, number, row)
        self.seen = getattr(self, "seen", 0) + 1
        if self.seen == members:
            self.stopping.asked = "SIGTERM"

    monkeypatch.setattr(rank_worker.Rank, "_store", count)
    # short slices, so that members are cut off in them
    monkeypatch.setattr("ohmlearn.drivers.training.lane_block.STRIDES", 200)


def test_a_stopped_sweep_goes_on_and_ends_with_the_same_bits(tmp_path, monkeypatch, done):
    sweep, seen = small(), []
    with monkeypatch.context() as patch, handled(SIGNALS, signal.SIG_IGN):      # one may come after the last member
        stopping_after(patch, 3)
        while not seen or seen[-1].stopped:
            seen.append(sweep.run(tmp_path, threads=1, progress=False))
            if seen[-1].stopped:
                assert seen[-1].n_missing > 0
                assert ol.open_results(tmp_path).attrs["members_to_do"] == seen[-1].n_missing
                assert Store.open(tmp_path).checkpoints()
    assert len(seen) > 2
    assert sum(report.computed for report in seen) == 15
    same_bits(ol.open_results(tmp_path), done)


def test_members_that_were_set_aside_go_on_where_they_were(tmp_path, monkeypatch):
    resumed = []
    resume = rank_worker.Rank._resume

    def watched(self, number):
        state = resume(self, number)
        if state is not None:
            resumed.append(number)
        return state

    monkeypatch.setattr(rank_worker.Rank, "_resume", watched)
    with monkeypatch.context() as patch:
        stopping_after(patch, 3)
        small().run(tmp_path, threads=1, progress=False)
    aside = set(Store.open(tmp_path).checkpoints())
    assert aside
    small().run(tmp_path, threads=1, progress=False)
    assert set(resumed) == aside


def test_a_sweep_that_grows_keeps_what_it_has(tmp_path, done):
    small(tasks__allosteric__count=2, sweep__rates=[0.3, 10.0]).run(tmp_path, progress=False)
    report = small().run(tmp_path, progress=False)
    assert report.computed == 15 - 4
    same_bits(ol.open_results(tmp_path), done)
    assert small().run(tmp_path, progress=False).computed == 0


def test_shards_fill_one_store(tmp_path, done):
    reports = [small().run(tmp_path, shard=(i, 3), progress=False) for i in (1, 2, 3)]
    assert [report.computed for report in reports] == [5, 5, 5]
    assert [report.n_missing for report in reports] == [10, 5, 0]
    same_bits(ol.open_results(tmp_path), done)
    with pytest.raises(ValueError, match="shard 4/3"):
        small().run(tmp_path, shard=(4, 3))


@pytest.mark.slow       # two processes that start from nothing; the documentation's example runs items in this one
def test_work_items_for_process_pools(tmp_path, done):
    """In processes of their own, side by side, and one of them twice."""
    items = small().members(tmp_path / "store", 3)
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        reports = [future.result() for future in [pool.submit(item) for item in items]]
        assert pool.submit(items[1]).result().computed == 0
    assert sum(report.computed for report in reports) == 15
    same_bits(ol.open_results(tmp_path / "store"), done)
    assert not list((tmp_path / "store").glob("part-*"))


def test_a_member_that_raises_is_recorded_and_the_others_go_on(tmp_path, monkeypatch, done):
    pack = Layout.pack

    def spoil(self, task, run):
        if task == 1 and run.rate == 1.0:
            raise ArithmeticError("out of luck")
        return pack(self, task, run)

    with monkeypatch.context() as patch:
        patch.setattr(Layout, "pack", spoil)
        report = small().run(tmp_path, threads=2, progress=False)
    assert (report.n_failed, report.n_missing) == (1, 0)
    assert report.failures == ["task 1 at R = 1 failed: ArithmeticError: out of luck"]
    results = ol.open_results(tmp_path)
    assert results.status.values[1, 1] == "failed"
    assert np.isnan(results.conductances.values[1, 1]).all()
    assert small().run(tmp_path, progress=False).computed == 0      # failed is an outcome, not a gap
    assert small().run(tmp_path, retry_failed=True, progress=False).computed == 1
    same_bits(ol.open_results(tmp_path), done)


def test_a_member_that_diverges_is_told(tmp_path):
    report = small(sweep__dt=5.0).run(tmp_path, progress=False)
    assert report.n_failed == 15
    assert "diverged" in report.failures[0]
    assert "stable bound" in report.failures[0]
    assert report.failures[-1] == "and 10 more failed; `status` and `reason` in the results tell all"


def test_a_store_of_another_sweep_is_refused(tmp_path):
    small().run(tmp_path, progress=False)
    with pytest.raises(StoreError, match=r"another sweep \(\[sweep\] until was 0.0001 and is 0.001\)"):
        small(sweep__until=1e-3).run(tmp_path)
    with pytest.raises(StoreError, match=r"\[network\] delaunay was .*\"seed\": 2.* and is"):
        small(network__delaunay__seed=3).run(tmp_path)
    with pytest.raises(StoreError, match="has the rate 10, which this sweep has not"):
        small(sweep__rates=[0.3, 1.0]).run(tmp_path)
    with pytest.raises(StoreError, match="has 5 tasks, which this sweep has not"):
        small(tasks__allosteric__count=4).run(tmp_path)


def test_another_results_format_is_refused(tmp_path):
    small().run(tmp_path, progress=False)
    header = tmp_path / "sweep.json"
    header.write_text(header.read_text().replace('"format": 2', '"format": 999'))
    with pytest.raises(StoreError, match=r"results format 999.* run the sweep into a new store"):
        ol.open_results(tmp_path)
    with pytest.raises(StoreError, match="results format 999"):
        small().run(tmp_path)


def test_damage_is_named(tmp_path):
    sweep = small()
    sweep.run(tmp_path, progress=False)
    (tmp_path / "part-1of1-rank0000.sqlite").write_bytes(b"not a database" * 100)
    with pytest.raises(StoreError, match="damaged; `ohmlearn check"):
        sweep.run(tmp_path)
    (tmp_path / "sweep.json").write_text("{")
    with pytest.raises(StoreError, match="damaged"):
        ol.open_results(tmp_path)


def test_a_folder_with_other_things_is_not_taken(tmp_path):
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(StoreError, match=r"holds other files \(thesis.tex\)"):
        small().run(tmp_path)
    assert [item.name for item in tmp_path.iterdir()] == ["thesis.tex"]
    with pytest.raises(StoreError, match="is not the store"):
        ol.open_results(tmp_path)


def test_two_jobs_do_not_write_one_store(tmp_path):
    from ohmlearn.drivers.store.locks import claim

    hold = claim(tmp_path, (2, 3))
    for shard in ((1, 1), (2, 3), (1, 2)):
        with pytest.raises(StoreError, match=r"being written by process .* \(shard 2/3\)"):
            claim(tmp_path, shard)
    other = claim(tmp_path, (1, 3))
    hold.give_back()
    other.give_back()
    small().run(tmp_path, progress=False)


def test_progress_is_told_in_plain_lines_off_a_terminal(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("ohmlearn.drivers.display.progress.LINES", (0.0, 0.0))
    small().run(tmp_path)
    lines = capsys.readouterr().err.splitlines()
    assert lines[-1].startswith("15/15 members done (100 %), 0 running, 0 failed, ")
    assert all("\x1b" not in line for line in lines)
    assert not (tmp_path / "progress.json").exists()


def test_old_names_of_options_work_with_a_warning(tmp_path):
    with pytest.warns(DeprecationWarning, match="quiet is now progress, its opposite"):
        assert small().run(tmp_path / "s", quiet=True).n_missing == 0
    with pytest.warns(DeprecationWarning, match="checkpoint is now checkpoint_every"):
        small().run(tmp_path / "s", checkpoint=1.0, progress=False)
    with pytest.raises(TypeError, match="takes no option 'silent'"):
        small().run(tmp_path / "s", silent=True)
    with pytest.raises(ValueError, match="invalid shard 3/2: need 1 <= i <= n"):
        small().run(tmp_path / "s", shard=(3, 2))


@pytest.mark.parametrize(("options", "words"), [
    ({"shard": (1.5, 2)}, "shard must be a whole number"), ({"shard": (True, 1)}, "shard must be a whole number"),
    ({"shard": "1/2"}, "shard must be a pair"), ({"shard": (2, 1)}, "invalid shard 2/1"),
    ({"checkpoint_every": float("nan")}, "checkpoint_every must be >= 0 s"),
    ({"checkpoint_every": True}, "checkpoint_every must be a number"),
    ({"retry_failed": "yes"}, "retry_failed must be True or False"), ({"threads": True}, "threads must be"),
    ({"threads": 0}, "threads"), ({"progress": 1}, "progress must be True or False"),
])
def test_options_of_other_kinds_are_refused_before_anything_is_made(tmp_path, options, words):
    with pytest.raises((TypeError, ValueError), match=words):
        small().run(tmp_path / "store", **{"progress": False} | options)
    assert not (tmp_path / "store" / "sweep.json").exists()


def test_few_words_do_not_ask_for_endless_work():
    with pytest.raises(ValueError, match=r"count.*10000000"):
        small(tasks__allosteric__count=10**11)
    with pytest.raises(ValueError, match=r"per_decade.*10000000"):
        small(sweep__rates={"from": 1.0, "to": 10.0, "per_decade": 10**11})
