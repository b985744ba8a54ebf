"""Stores that were cut off, mixed up, changed, or made to do harm: what happened is noticed and nothing is run."""
import fcntl
import json
import os
import pickle
import shutil
import sqlite3
import subprocess
import threading
import time

import numpy as np
import ohmlearn as ol
import pytest
import typer
import xarray
from ohmlearn.drivers.commands import sweep
from ohmlearn.drivers.store import consolidate, part_file, part_writer, record, store
from ohmlearn.drivers.store.errors import StoreError
from ohmlearn.drivers.store.part_writer import PartWriter
from ohmlearn.drivers.store.repair import check
from ohmlearn.drivers.store.store import Store
from ohmlearn.parallel.file_locks import Lock
from ohmlearn.parallel.timeline import Timeline
from rank_jobs import run_here
from sweeps import TOML, run, same_bits, small

PART = "part-1of1-rank0000.sqlite"


def unfolded(path, **values):
    """A store whose members are all in parts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(consolidate, "fold", lambda store: None)
        small(**values).run(path, progress=False)
    return path


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    unfolded(folder / "parts")
    shutil.copytree(folder / "parts", folder / "folded")
    small().run(folder / "folded", progress=False)
    return folder


@pytest.fixture
def parts(made, tmp_path):
    return shutil.copytree(made / "parts", tmp_path / "parts")


@pytest.fixture
def folded(made, tmp_path):
    return shutil.copytree(made / "folded", tmp_path / "folded")


@pytest.mark.parametrize("left", ["nothing in it", "no tables", "a temporary file"])
def test_a_part_that_was_cut_off_while_it_was_made_is_taken_for_empty(folded, made, left, tmp_path):
    path = tmp_path / "new"
    shutil.copytree(folded, path, ignore=shutil.ignore_patterns("results.zarr"))
    if left == "no tables":
        with sqlite3.connect(path / PART) as connection:
            connection.execute("PRAGMA application_id=1")
    else:
        (path / (PART if left == "nothing in it" else f"{PART}.tmp77")).touch()
    assert ol.open_results(path).attrs["members_to_do"] == 15
    assert small().run(path, progress=False).computed == 15
    same_bits(ol.open_results(path), ol.open_results(made / "folded"))
    assert not list(path.glob("*.tmp*"))


def test_another_sweeps_part_is_refused_and_stays(parts, tmp_path):
    other = unfolded(tmp_path / "other", sweep__until=1e-3)
    shutil.copy(other / PART, parts / "part-1of1-rank0007.sqlite")
    for act in (lambda: small().run(parts), lambda: ol.open_results(parts)):
        with pytest.raises(StoreError, match=r"rank0007.sqlite belongs to another sweep; move it out.*ohmlearn merge"):
            act()
    assert (parts / "part-1of1-rank0007.sqlite").exists()


def test_members_copied_between_parts_of_two_sweeps_do_not_pass(parts, tmp_path):
    """The digest of the sweep is in every checksum, so that a row is not taken for one of another sweep."""
    other = unfolded(tmp_path / "other", sweep__until=1e-3)
    with sqlite3.connect(parts / PART) as connection:
        connection.execute("ATTACH ? AS other", (str(other / PART),))
        connection.execute("DELETE FROM member WHERE task = 1")
        connection.execute("INSERT INTO member SELECT * FROM other.member WHERE task = 1")
    with pytest.raises(StoreError, match=r"task 1 at R = 0.3 is damaged; `ohmlearn check"):
        ol.open_results(parts)
    assert check(parts).damaged == 3


def test_stores_of_one_sweep_are_merged(tmp_path, done):
    small(tasks__allosteric__count=3).run(tmp_path / "a", progress=False)
    small(sweep__rates=[1.0, 10.0]).run(tmp_path / "b", progress=False)
    unfolded(tmp_path / "c")
    told = run_here("merge", tmp_path / "a", tmp_path / "b", tmp_path / "c")
    assert told.returncode == 0, told.stderr
    assert "6 members are new" in told.stdout
    found = ol.open_results(tmp_path / "a").sel(rate=done.rate)
    same_bits(found, done)
    assert check(tmp_path / "a").lines == []
    small(sweep__until=1e-3).run(tmp_path / "other", progress=False)
    with pytest.raises(StoreError, match=r"belongs to another sweep.*until was 0.0001 and is 0.001"):
        ol.stores.merge(tmp_path / "a", tmp_path / "other")
    with pytest.raises(StoreError, match="named twice"):
        ol.stores.merge(tmp_path / "a", tmp_path / "a")


def flipped(path, place):
    data = bytearray(path.read_bytes())
    data[place % len(data)] ^= 0x10
    path.write_bytes(data)


def noticed(path):
    """Whether a store that was changed says so: when it is read, or by `check`."""
    try:
        results = ol.open_results(path).load()
        found = check(path, repair=False)
    except ValueError:
        return True, None
    return bool(found.lines), results


def test_what_changes_in_folded_results_is_noticed_when_it_is_read(folded, made):
    """A byte of every file in turn, then every file gone; no value comes through."""
    files = sorted(path for path in folded.rglob("*") if path.is_file() and "lock" not in path.name)
    assert len(files) > 40
    for number, file in enumerate(files):
        whole = file.read_bytes()
        for damage in (lambda file=file, place=7919 * number + 30: flipped(file, place), file.unlink,
                       lambda file=file, whole=whole: file.write_bytes(whole[:-5])):
            damage()
            with pytest.raises(ValueError, match=r"damaged|changed|not that of the sweep|not match|is not the store"):
                ol.open_results(folded).load()
            file.write_bytes(whole)
    same_bits(ol.open_results(folded), ol.open_results(made / "folded"))


def test_what_changes_in_parts_is_noticed_or_changes_nothing(parts, made):
    """Within members always; SQLite's pages have room besides in which nothing is stored."""
    rng = np.random.default_rng(0)
    expected, whole = ol.open_results(parts).load(), (parts / PART).read_bytes()
    with sqlite3.connect(parts / PART) as connection:
        members = [(whole.index(data), len(data)) for data, in connection.execute("SELECT data FROM member")]
    within = [begin + int(rng.integers(length)) for begin, length in members]
    for place in [*within, *rng.integers(len(whole), size=20).tolist()]:
        flipped(parts / PART, place)
        told, results = noticed(parts)
        assert told or place not in within
        if not told:
            same_bits(results, expected)
        (parts / PART).write_bytes(whole)


@pytest.mark.parametrize("name", ["rate", "edges", "sample_time", "sources"])
def test_check_compares_what_surrounds_the_results(folded, made, name):
    """Written anew with sound checksums all the same: not what the sweep says."""
    import zarr
    from ohmlearn.drivers.store import results_group

    group = zarr.open_group(folded / "results.zarr", mode="r+", zarr_format=3)
    group[name][:] = group[name][:] + 1
    results_group.seal(folded / "results.zarr")
    with pytest.raises(StoreError, match=f"{name} is not that of the sweep|other tasks or rates"):
        ol.open_results(folded)
    assert check(folded, repair=False).lines
    assert check(folded).repaired
    small().run(folded, progress=False)
    same_bits(ol.open_results(folded), ol.open_results(made / "folded"))


def test_a_damaged_checkpoint_is_found_and_its_member_starts_anew(tmp_path, done, monkeypatch):
    unfolded(tmp_path)
    layout = Store.open(tmp_path).layout
    with sqlite3.connect(tmp_path / PART) as connection:
        connection.execute("DELETE FROM member WHERE task < 2")
        connection.execute("INSERT INTO checkpoint VALUES (0, 0.3, 3, x'0011223344556677')")
        connection.execute("INSERT INTO checkpoint VALUES (1, 0.3, 3, ?)", (part_file_state(layout, 1, 0.3),))
    found = check(tmp_path, repair=False)
    assert any("1 checkpoints are damaged" in line for line in found.lines)
    report = small().run(tmp_path, threads=1, progress=False)
    assert (report.computed, report.n_failed) == (6, 0)
    same_bits(ol.open_results(tmp_path), done)


def part_file_state(layout, task, rate):
    """A state with a sound checksum that is none of a lane: from a fault of the program, say."""
    from ohmlearn.drivers.jobs.rank_worker import maker
    from ohmlearn.drivers.store.states import encode

    return encode({"x": np.zeros(3)}, f"{maker()} {layout.digest} {task} {rate.hex()}")


def test_states_are_of_their_member_alone(tmp_path):
    layout = record.Layout(3, 2, 0, True, "digest")
    path = tmp_path / "part.sqlite"
    part_file.prepare(path, layout, "1")
    writer = PartWriter(path, Timeline())
    from ohmlearn.drivers.store.states import encode

    writer.checkpoint(4, 0.3, 1, encode({"x": np.zeros(2)}, "task 4"))
    writer.close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE checkpoint SET task = 5")
    assert part_file.read_state(path, "digest", 5, 0.3, "task 5") is None


HARM = {
    "a view": "CREATE VIEW more AS SELECT * FROM member",
    "a trigger": "CREATE TRIGGER more AFTER INSERT ON about BEGIN DELETE FROM member; END",
    "a table": "CREATE TABLE more (x)",
    "another schema": "ALTER TABLE checkpoint ADD COLUMN more",
}


@pytest.mark.parametrize("harm", list(HARM))
def test_a_part_with_more_than_our_tables_is_not_read(parts, harm):
    with sqlite3.connect(parts / PART) as connection:
        connection.execute(HARM[harm])
    for act in (lambda: ol.open_results(parts), lambda: small(tasks__allosteric__count=6).run(parts, progress=False)):
        with pytest.raises(StoreError, match=r"that no part of a store has"):
            act()
    assert check(parts).members == 15       # the members are sound, and saved into a part of our own
    assert ol.open_results(parts).attrs["members_to_do"] == 0


def test_a_view_in_place_of_the_members_is_not_read(parts):
    with sqlite3.connect(parts / PART) as connection:
        connection.execute("ALTER TABLE member RENAME TO other")
        connection.execute("CREATE VIEW member AS SELECT * FROM other")
    with pytest.raises(StoreError, match="that no part of a store has"):
        ol.open_results(parts)
    assert check(parts).members == 0


def test_values_of_other_kinds_are_damage(parts):
    with sqlite3.connect(parts / PART) as connection:
        connection.execute("UPDATE member SET data = 'text' WHERE task = 2 AND rate = 1.0")
        connection.execute("UPDATE member SET task = -3 WHERE task = 3 AND rate = 1.0")
        connection.execute("UPDATE member SET task = 'x' WHERE task = 4 AND rate = 1.0")
    with pytest.raises(StoreError, match="damaged"):
        ol.open_results(parts)
    assert check(parts).damaged == 3
    assert small().run(parts, progress=False).computed == 3


def edit(path, change):
    text = json.loads(path.read_text())
    change(text)
    path.write_text(json.dumps(text))


CODECS = {"a codec that runs code": {"name": "numcodecs.pickle", "configuration": {}},
          "one that we do not use": {"name": "gzip", "configuration": {"level": 1}}}


@pytest.mark.parametrize("codec", list(CODECS))
def test_codecs_that_are_not_ours_are_not_run(folded, codec):
    from ohmlearn.drivers.store import results_group

    group = folded / "results.zarr"
    edit(group / "rate" / "zarr.json", lambda text: text["codecs"].append(CODECS[codec]))
    name = CODECS[codec]["name"]
    with pytest.raises(StoreError, match=f"rate is written by '{name}', which no store of ours uses"):
        ol.open_results(folded)
    with pytest.raises(StoreError, match="so that it is not run"):
        results_group.open_group(group, whole=False)
    assert check(folded).members == 0


def test_a_group_of_zarr_2_is_not_read(folded, tmp_path):
    """Zarr 2 may name the codec pickle, which numcodecs before 0.16.6 runs."""
    group = folded / "results.zarr"
    shutil.rmtree(group)
    (group / "rate").mkdir(parents=True)
    (group / ".zgroup").write_text('{"zarr_format": 2}')
    (group / "rate" / ".zarray").write_text(json.dumps({
        "zarr_format": 2, "shape": [1], "chunks": [1], "dtype": "|O", "compressor": None, "fill_value": None,
        "order": "C", "filters": [{"id": "pickle"}]}))
    (group / "rate" / "0").write_bytes(pickle.dumps(Harm(tmp_path / "harm")))
    with pytest.raises(StoreError, match="damaged"):
        ol.open_results(folded)
    check(folded)
    assert not (tmp_path / "harm").exists()


class Harm:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_pickles_in_inputs_are_not_read(folded, tmp_path):
    given = dict(np.load(folded / "inputs.npz"))
    np.savez(folded / "inputs.npz", **given | {"edges": np.array([Harm(tmp_path / "harm")], dtype=object)})
    with pytest.raises(StoreError, match=r"inputs.npz is damaged.*restore it"):
        ol.open_results(folded)
    assert not (tmp_path / "harm").exists()


def test_links_are_not_followed(parts, folded, tmp_path):
    (tmp_path / "elsewhere").write_text("precious")
    (parts / PART).rename(tmp_path / "part")
    (parts / PART).symlink_to(tmp_path / "part")
    with pytest.raises(StoreError, match="not followed elsewhere"):
        ol.open_results(parts)
    with pytest.raises(StoreError, match="not followed elsewhere"):
        small(tasks__allosteric__count=6).run(parts, progress=False)
    chunk = folded / "results.zarr" / "rate" / "c" / "0"
    chunk.unlink()
    chunk.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match="symbolic link, which is not followed"):
        ol.open_results(folded)
    assert (tmp_path / "elsewhere").read_text() == "precious"


def test_stores_of_the_format_before_are_read_and_go_on(tmp_path, monkeypatch):
    """Checksums without the digest, chunks without checksums, a header without a seal."""
    with monkeypatch.context() as patch:
        for module in (record, store, consolidate, part_file):
            patch.setattr(module, "FORMAT", 1)
        patch.setattr(record, "checksum", lambda row, digest, plain=record.checksum: plain(row, ""))
        small(record=None, tasks__allosteric__count=3).run(tmp_path / "plain", progress=False)
        unfolded(tmp_path / "parts", record=None, tasks__allosteric__count=3)
        small().run(tmp_path / "traces", progress=False)
    for name in ("plain", "parts", "traces"):
        header = json.loads((tmp_path / name / "sweep.json").read_text())
        del header["seal"]
        (tmp_path / name / "sweep.json").write_text(json.dumps(header))
        assert header["format"] == 1
        assert check(tmp_path / name).lines == []
    before = ol.open_results(tmp_path / "plain").load()
    for name in ("plain", "parts"):
        assert small(record=None).run(tmp_path / name, progress=False).computed == 6
        found = ol.open_results(tmp_path / name)
        np.testing.assert_array_equal(found.conductances[:3], before.conductances)
        assert found.attrs["results_format"] == 2
        assert check(tmp_path / name).lines == []
    assert ol.open_results(tmp_path / "traces").attrs["members_to_do"] == 0
    with pytest.raises(StoreError, match="it can be read, but not go on; run the sweep into a new store"):
        small(tasks__allosteric__count=6).run(tmp_path / "traces", progress=False)


def test_a_store_of_a_version_without_a_field_goes_on(folded, monkeypatch):
    """A later version adds a field with a default: the store has it not, and is the same sweep."""
    def without(text):
        del text["tables"]["rule"]["noise"], text["tables"]["tasks"]["allosteric"]["samples"]
        text["digest"] = digest_of_tables(text["tables"], small().network)
        text["seal"] = store.seal(text)

    from ohmlearn.drivers.sweeps.sweep import digest_of_tables

    shutil.rmtree(folded / "results.zarr")
    edit(folded / "sweep.json", without)
    assert small().run(folded, progress=False).computed == 15
    assert check(folded).lines == []
    assert small(tasks__allosteric__count=6).run(folded, progress=False).computed == 3
    assert check(folded).lines == []


def test_sweeps_travel(tmp_path):
    sweep = small(sweep__rates={"from": 0.1, "to": 10.0, "per_decade": 2})
    back = pickle.loads(pickle.dumps(sweep))
    assert (back.digest, back.rates.tolist(), len(back)) == (sweep.digest, sweep.rates.tolist(), len(sweep))
    assert back.tasks[0].sources.flags.writeable is False


def test_results_are_written_as_netcdf(folded, parts, tmp_path):
    for path in (folded, parts):
        results = ol.open_results(path).load()
        results.to_netcdf(tmp_path / "results.nc", engine="scipy")
        with xarray.open_dataset(tmp_path / "results.nc", engine="scipy") as back:
            assert all(results[name].equals(back[name]) for name in results.variables)
            assert back.attrs == results.attrs


def test_a_reader_that_takes_long_does_not_end_the_writer(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(part_file, "PATIENCE", 0.1)
    monkeypatch.setattr(part_writer, "PATIENCE", 0.1)
    layout = record.Layout(3, 2, 0, True, "digest")
    path = tmp_path / "part.sqlite"
    part_file.prepare(path, layout, "1")
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM about").fetchall()
    writer = PartWriter(path, Timeline())
    writer.add(layout.failed(5, 0.3, "because"))
    time.sleep(0.5)
    reader.close()
    writer.close()
    assert writer.error is None
    assert "held by a reader" in capsys.readouterr().err
    assert len(part_file.read_keys(path, "digest")) == 1


def test_who_waits_for_a_hold_says_for_whom_and_gives_up(tmp_path, monkeypatch, capsys):
    from ohmlearn.drivers.store import locks
    from ohmlearn.parallel import file_locks

    monkeypatch.setattr(file_locks, "SILENT", 0.1)
    monkeypatch.setattr(locks, "PATIENCE", 0.4)
    hold = Lock(tmp_path / "lock")
    assert hold.take()
    with pytest.raises(StoreError, match=rf"held by process {os.getpid()} on .* may be frozen"), locks.alone(tmp_path):
        pass
    assert f"waiting for process {os.getpid()}" in capsys.readouterr().err
    hold.give_back()


def test_ranks_see_one_folder_or_none_goes_on(tmp_path, monkeypatch):
    from ohmlearn.drivers.store import locks

    monkeypatch.setattr(locks, "SEEN", 0.1)
    (tmp_path / "other").mkdir()
    word = locks.leave_token(tmp_path, (1, 1))
    locks.find_token(tmp_path, (1, 1), word)
    locks.leave_token(tmp_path / "other", (1, 1))       # a folder from an earlier job
    for folder in (tmp_path / "other", tmp_path / "none"):
        with pytest.raises(StoreError, match="is not the folder that rank 0 writes"):
            locks.find_token(folder, (1, 1), word)


def test_members_that_did_not_arrive_are_told(tmp_path, monkeypatch):
    """A part that rank 0 does not see: exit code 1, and which they are."""
    from ohmlearn.drivers.jobs import rank_worker
    from ohmlearn.drivers.jobs.exit_codes import BROKEN

    path = rank_worker.Rank.prepare

    def elsewhere(self):
        path(self)
        self.path = tmp_path / "elsewhere.sqlite"
        part_file.prepare(self.path, self.layout, "1")

    monkeypatch.setattr(rank_worker.Rank, "prepare", elsewhere)
    report = small().run(tmp_path / "store", progress=False)
    assert (report.n_missing, report.computed) == (15, 15)
    assert "computed and not in the store: task 0 at R = 0.3" in report.lines()[1]
    assert "and 10 more" in report.lines()[1]
    (tmp_path / "small.toml").write_text(TOML)
    with pytest.raises(typer.Exit) as ended:
        sweep.sweep(tmp_path / "small.toml", progress=False)
    assert ended.value.exit_code == BROKEN


def test_a_hold_on_a_file_that_was_removed_is_none(tmp_path):
    one, two = Lock(tmp_path / "x.lock"), Lock(tmp_path / "x.lock")
    assert one.take()
    found = []
    waiting = threading.Thread(target=lambda: found.append(two.take(5.0)))
    waiting.start()
    time.sleep(0.1)
    (tmp_path / "x.lock").unlink()
    one.give_back()
    waiting.join()
    with open(tmp_path / "x.lock") as file, pytest.raises(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert found == [True]


def test_files_are_as_open_to_a_group_as_the_umask_says(tmp_path):
    before = os.umask(0o002)
    try:
        unfolded(tmp_path)
    finally:
        os.umask(before)
    assert {oct(path.stat().st_mode & 0o777) for path in tmp_path.iterdir()} == {"0o664"}


def test_an_archive_is_checked_without_writing(folded, parts):
    if os.geteuid() == 0 and subprocess.run(["unshare", "--map-root-user", "--mount", "true"], check=False).returncode:
        pytest.skip("needs unshare, or not to be root")
    for path in (folded, parts):
        for lock in (*path.glob("*lock"), *path.glob("*-journal")):
            lock.unlink()
        script = f'mount --bind "{path}" "{path}" && mount -o remount,ro,bind "{path}" && exec "$@"'
        told = run("check", path, prefix=["unshare", "--map-root-user", "--mount", "sh", "-c", script, "sh"])
        assert told.stdout == f"{path}: sound, 15 members\n", told.stderr


def test_a_member_belongs_to_one_shard_however_the_sweep_grows(tmp_path):
    from ohmlearn.drivers.jobs.run_sweep import shards

    def by_key(sweep):
        numbers = shards(sweep, 4).reshape(len(sweep.tasks), -1)
        return {(i, rate): numbers[i, j] for i in range(len(sweep.tasks)) for j, rate in enumerate(sweep.rates)}

    before = by_key(small())
    grown = by_key(small(tasks__allosteric__count=9, sweep__rates=[0.1, 10.0, 0.3, 1.0]))
    assert before == {key: grown[key] for key in before}
    counts = np.bincount(list(by_key(small(tasks__allosteric__count=40)).values()))
    assert counts.tolist() == [30, 30, 30, 30]
