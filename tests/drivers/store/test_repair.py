"""Stores that went bad: found, told, and brought back to the same bits."""
import shutil
import sqlite3

import ohmlearn as ol
import pytest
from ohmlearn.drivers.store import consolidate, locks
from ohmlearn.drivers.store.errors import StoreError
from ohmlearn.drivers.store.repair import check
from ohmlearn.drivers.store.status import overview
from rank_jobs import run_here
from sweeps import same_bits, small

PART = "part-1of1-rank0000.sqlite"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folded store, and one that is not folded yet."""
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(consolidate, "fold", lambda store: None)
        small().run(folder / "parts", progress=False)
    shutil.copytree(folder / "parts", folder / "folded")
    small().run(folder / "folded", progress=False)
    assert (folder / "parts" / PART).exists()
    assert not (folder / "folded" / PART).exists()
    return folder


@pytest.fixture
def parts(made, tmp_path):
    return shutil.copytree(made / "parts", tmp_path / "parts")


@pytest.fixture
def folded(made, tmp_path):
    return shutil.copytree(made / "folded", tmp_path / "folded")


def computed_again(path, made):
    """Run the sweep's command again; the end is as if nothing had happened. Returns how many members it took."""
    report = small().run(path, progress=False)
    same_bits(ol.open_results(path), ol.open_results(made / "folded"))
    assert check(path).lines == []
    return report.computed


def test_sound_stores_are_sound(parts, folded, made):
    for path in (parts, folded):
        found = check(path)
        assert (found.lines, found.members, found.damaged) == ([], 15, 0)


def test_a_changed_member_is_taken_out(parts, made):
    with sqlite3.connect(parts / PART) as connection:
        connection.execute("UPDATE member SET data = zeroblob(length(data)) WHERE task = 2 AND rate = 1.0")
        connection.execute("UPDATE member SET status = 'lost' WHERE task = 3 AND rate = 10.0")
        connection.execute("UPDATE member SET reason = 'because' WHERE task = 4 AND rate = 10.0")
    found = check(parts, repair=False)
    assert found.damaged == 3
    assert check(parts).damaged == found.damaged
    assert computed_again(parts, made) == found.damaged


def test_a_torn_file_keeps_what_can_be_read(parts, made):
    file = parts / PART
    with sqlite3.connect(file) as connection:
        victim = connection.execute("SELECT data FROM member WHERE task = 2 AND rate = 1.0").fetchone()[0]
    data = bytearray(file.read_bytes())
    page = data.index(victim[:64]) // 4096 * 4096
    data[page:page + 4096] = b"\xa5" * 4096
    file.write_bytes(data)
    found = check(parts)
    assert 0 < found.members < 15
    assert (parts / f"damaged-{PART}").exists()
    assert computed_again(parts, made) == 15 - found.members


def test_a_file_of_rubbish_is_put_aside(parts, made):
    (parts / PART).write_bytes(b"rubbish" * 1000)
    with pytest.raises(StoreError, match="ohmlearn check"):
        small().run(parts)
    assert check(parts).members == 0
    assert computed_again(parts, made) == 15


def test_a_member_that_is_stored_twice_is_kept_once(parts, made):
    shutil.copy(parts / PART, parts / "part-1of1-rank0001.sqlite")
    assert check(parts).members == 15
    assert computed_again(parts, made) == 0


def test_a_file_of_another_sweep_is_put_aside(parts, made, tmp_path):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(consolidate, "fold", lambda store: None)
        small(sweep__until=1e-3).run(tmp_path / "other", progress=False)
    shutil.copy(tmp_path / "other" / PART, parts / "part-1of1-rank0007.sqlite")
    found = check(parts)
    assert "belongs to another sweep" in found.lines[0]
    assert computed_again(parts, made) == 0


@pytest.mark.parametrize("name", ["conductances/c/0/0/0", "training_time/c/0/0", "status_code/zarr.json"])
def test_damaged_results_are_unfolded_and_computed_again(folded, made, name):
    file = folded / "results.zarr" / name
    data = bytearray(file.read_bytes())
    data[:40] = b"\x5a" * 40
    file.write_bytes(data)
    found = check(folded, repair=False)
    assert found.lines
    assert check(folded).repaired
    assert computed_again(folded, made) == 15 - found.members


def test_changed_inputs_are_refused(folded):
    header = folded / "sweep.json"
    header.write_text(header.read_text().replace('"until": 0.0001', '"until": 0.001'))
    with pytest.raises(StoreError, match=r"sweep.json was changed"):
        check(folded)


def test_nothing_is_repaired_under_a_running_job(parts):
    (parts / "sweep.json.tmp123").write_text("{")
    hold = locks.claim(parts, (1, 1))
    with pytest.raises(StoreError, match="when it has ended"):
        check(parts)
    assert any("is at work: process" in line for line in overview(parts))
    hold.give_back()
    assert check(parts).repaired
    assert not (parts / "sweep.json.tmp123").exists()


@pytest.mark.parametrize("stage", ["results.zarr.new", "results.zarr.old"])
def test_folding_that_was_cut_off_is_repeated(parts, folded, made, stage):
    """Killed while the group was written, or between putting the old one away and the new one in its place."""
    (parts / "results.zarr.new").mkdir()
    (parts / "results.zarr.new" / "zarr.json").write_text("{")
    if stage == "results.zarr.old":
        shutil.copytree(folded / "results.zarr", parts / "results.zarr.old")
    assert computed_again(parts, made) == 0
    assert sorted(path.name for path in parts.iterdir() if "lock" not in path.name) == [
        "inputs.npz", "results.zarr", "sweep.json"]


def test_status_and_check_from_the_command_line(parts):
    told = run_here("status", parts).stdout
    assert "15 of 15 members done, 0 to do" in told
    assert "bytes a member" in told
    assert run_here("check", parts).stdout == f"{parts}: sound, 15 members\n"
    (parts / PART).write_bytes(b"rubbish" * 1000)
    looked = run_here("check", parts, "--dry-run")
    assert looked.returncode == 1
    assert "0 members are sound" in looked.stdout
    ended = run_here("status", parts / "nowhere")
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert "is not the store" in ended.stderr
