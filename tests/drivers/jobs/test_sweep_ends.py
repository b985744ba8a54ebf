"""However a sweep ends, the same command goes on, and the end is the same bits."""
import os
import re
import shutil
import signal
import subprocess
from unittest.mock import patch

import ohmlearn as ol
import pytest
from ohmlearn import Sweep
from ohmlearn.drivers.store.locks import running
from ohmlearn.drivers.store.repair import check
from ohmlearn.drivers.store.store import Store
from rank_jobs import ended as end_of
from rank_jobs import on_ranks, run_here
from sweeps import SLOW, children, command, needs_mpi, run, same_bits, stored, toml, wait_until


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    path = tmp_path_factory.mktemp("undisturbed") / "store"
    Sweep.from_tables(SLOW).run(path, progress=False)
    return ol.open_results(path).load()


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "slow.toml"
    path.write_text(toml(SLOW))
    return path


def start(file, ranks=None):
    """Start a sweep that stores running members often; returns once it has stored some."""
    words = command("sweep", file, "--checkpoint-every", "0.05", ranks=ranks)
    before = stored(file.with_suffix("")), stored(file.with_suffix(""), "checkpoint")
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               stdin=subprocess.DEVNULL)
    wait_until(lambda: process.poll() is not None or before != (
        stored(file.with_suffix("")), stored(file.with_suffix(""), "checkpoint")))
    return process


def end(file, process, number, target):
    """Send a signal to the process or to the last of its ranks; returns its exit code and output."""
    os.kill(process.pid if target == "all" else children(process.pid)[-1], number)
    out, errors = process.communicate(timeout=60)
    wait_until(lambda: not running(file.with_suffix("")))      # ranks outlive a killed launcher for a moment
    return process.returncode, out, errors


@pytest.mark.parametrize(("ranks", "number", "target"), [
    pytest.param(None, signal.SIGTERM, "all", marks=pytest.mark.slow),
    pytest.param(None, signal.SIGINT, "all", marks=pytest.mark.slow),
    pytest.param(2, signal.SIGUSR1, "all", marks=[needs_mpi, pytest.mark.slow]),
    pytest.param(2, signal.SIGTERM, "rank", marks=needs_mpi),
])
def test_a_signal_stops_in_good_order(file, undisturbed, ranks, number, target):
    code, out, errors = end(file, start(file, ranks), number, target)
    assert code == 75, errors
    assert f"stopped by {signal.Signals(number).name}; repeat the command to resume" in out
    assert "Traceback" not in errors
    store = Store.open(file.with_suffix(""))
    aside = set(store.checkpoints()) - {number for number, code in enumerate(store.status()) if code >= 0}
    assert aside
    Sweep.read(file).run(file.with_suffix(""), progress=False)
    same_bits(ol.open_results(file.with_suffix("")), undisturbed)


@pytest.mark.parametrize(("ranks", "targets"), [
    pytest.param(None, ["all"], marks=pytest.mark.slow),
    pytest.param(2, ["rank", "all"], marks=needs_mpi),
])
def test_a_killed_sweep_goes_on(file, undisturbed, ranks, targets):
    for target in targets:
        code, _, _ = end(file, start(file, ranks), signal.SIGKILL, target)
        assert code not in (0, 2, 3, 75)
    assert check(file.with_suffix(""), repair=False).damaged == 0
    Sweep.read(file).run(file.with_suffix(""), progress=False)
    same_bits(ol.open_results(file.with_suffix("")), undisturbed)


def test_a_full_disk_is_told_and_nothing_is_lost(file, tmp_path):
    """A small file system of its own, in name spaces of its own; then the store moves to where there is room."""
    (tmp_path / "small").mkdir()
    words = ["unshare", "--map-root-user", "--mount", "sh", "-c"]
    mount = "mount -t tmpfs -o size=600k none small"
    if shutil.which("unshare") is None or subprocess.run([*words, mount], cwd=tmp_path, check=False).returncode:
        pytest.skip("needs unshare and the right to mount")
    words += [f'set -e; {mount}; "$@" || code=$?; cp -a small/store kept; exit ${{code:-0}}', "sh"]
    # long enough runs that they do not all fall into the first transaction
    tables = SLOW | {"sweep": SLOW["sweep"] | {"t_max": 0.3}, "tasks": {"allosteric": {
        "sources": 4, "targets": 1, "count": 400}}}
    file.write_text(toml(tables))
    full = run("sweep", file, "--output", "small/store", "--no-progress", cwd=tmp_path, prefix=words)
    assert full.returncode == 2, full.stderr
    assert "free space and run the same command again" in full.stderr
    assert len(full.stderr.splitlines()) == 1
    kept = stored(tmp_path / "kept")
    assert 0 < kept < 800
    assert (check(tmp_path / "kept").members, check(tmp_path / "kept").damaged) == (kept, 0)
    assert Sweep.from_tables(tables).run(tmp_path / "kept", progress=False).computed == 800 - kept
    Sweep.from_tables(tables).run(tmp_path / "other", progress=False)
    same_bits(ol.open_results(tmp_path / "kept"), ol.open_results(tmp_path / "other"))


def test_a_store_that_cannot_be_made_leaves_nothing(file, tmp_path):
    (tmp_path / "a_file").write_text("")
    ended = run_here("sweep", file, "--output", tmp_path / "a_file" / "store")
    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1
    assert "a_file" in ended.stderr


@pytest.mark.skipif(os.geteuid() == 0 and shutil.which("setpriv") is None, reason="root may write everywhere")
def test_a_store_that_cannot_be_written_is_told(file, tmp_path):
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o555)
    prefix = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all"]
    ended = run("sweep", file, "--output", folder / "store", prefix=prefix if os.geteuid() == 0 else [])
    assert ended.returncode == 2, ended.stderr
    # the folder is tried before anything is made: its name, what is wrong and what to do
    assert ended.stderr == f"ohmlearn: {folder}: it cannot be written; choose another folder\n"


@needs_mpi
def test_trouble_on_one_rank_is_told_once(file, tmp_path):
    """Rank 1's file cannot be opened: one line, and no rank waits for ever."""
    (tmp_path / "slow").mkdir()
    Store.prepare(tmp_path / "slow", Sweep.from_tables(SLOW))
    (tmp_path / "slow" / "part-1of1-rank0001.sqlite-journal").mkdir()
    (tmp_path / "slow" / "part-1of1-rank0001.sqlite").mkdir()
    ended = run_here("sweep", file, ranks=3)
    assert ended.returncode == 2
    assert ended.stderr.count("rank0001.sqlite") == 1
    assert "Traceback" not in ended.stderr


def with_a_bug(comm, file, environment):
    """How a sweep ends here that has a bug on every rank."""
    from ohmlearn.drivers.jobs.rank_worker import Rank

    def broken(self):
        raise KeyError(f"a bug on {comm.rank}")

    with patch.object(Rank, "queue", broken), patch.dict(os.environ, environment):
        return end_of(comm, ("sweep", str(file), "--no-progress"))


@needs_mpi
def test_a_bug_on_one_rank_is_told_once(file):
    (code, _, said), (_, _, other) = on_ranks(2, with_a_bug, file, {})
    assert (code, other) == (1, "")
    assert re.fullmatch(r"ohmlearn: on rank \d: KeyError: 'a bug on \d'; OHMLEARN_TRACEBACK=1 in the environment shows "
                        r"where it happened\n", said)
    (code, _, said), (_, _, other) = on_ranks(2, with_a_bug, file, {"OHMLEARN_TRACEBACK": "1"})
    assert (code, other) == (1, "")
    assert said.count("Traceback") == 1
    assert "KeyError: 'a bug on " in said


@pytest.mark.slow      # compiles everything anew
def test_without_the_cache_results_are_the_same(file, undisturbed, tmp_path):
    ended = run("sweep", file, "--no-cache", env={"OHMLEARN_CACHE": str(tmp_path / "cache")})
    assert ended.returncode == 0
    assert not (tmp_path / "cache").exists()
    same_bits(ol.open_results(file.with_suffix("")), undisturbed)
