"""Stores of large networks and training over ranks from the command line."""
import os
import re
import signal
import subprocess
import time

import numpy as np
import ohmlearn as ol
import pytest
from ohmlearn import distributed
from rank_jobs import run_here
from sweeps import children, command, needs_mpi

pytestmark = needs_mpi

TASK = """
[sources]
3 = 4.0
1795 = -4.0
900 = 0.0
[targets]
700 = 0.3
1101 = -0.5
"""


@pytest.fixture
def folder(tmp_path):
    """A store of a grid and a task."""
    distributed.store_grid(tmp_path / "net.zarr", 45, 40, block=200)
    (tmp_path / "task.toml").write_text(TASK)
    return tmp_path


def test_stores_from_the_command_line(tmp_path):
    np.save(tmp_path / "land.npy", np.random.default_rng(0).uniform(1, 2, (20, 30)))
    ol.Network.grid(5, 6).write(tmp_path / "net.mtx", 2.0)
    ol.Network.packing(64, seed=1).write(tmp_path / "net.graphml")
    for number, (source, options, edges) in enumerate((
            ("grid:shape=[7,9]", (), 7 * 8 + 6 * 9), ("delaunay:n_nodes=400,seed=2", (), None),
            ("land.npy", ("--neighbours", 4), 20 * 29 + 19 * 30), ("net.mtx", ("--quantity", "resistance"), 49),
            ("net.graphml", (), ol.Network.packing(64, seed=1).n_edges))):
        done = run_here("store-network", source, "-o", f"{number}.zarr", "--block", 50, *options, ranks=2, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        stored = distributed.open_network(tmp_path / f"{number}.zarr")
        assert done.stdout.strip() == f"{stored!r} in {number}.zarr"
        assert edges in (None, stored.n_edges)
        if source == "net.mtx":
            assert stored.conductances(0)[0] == 0.5
    for source, words in (("packing:n_nodes=64", "neither a file nor a generator that is stored by blocks"),
                          ("grid:shape=[7,0]", "sides of at least 1"), ("nothing.csv", "nothing.csv"),
                          ("grid:side=3", "side")):
        done = run_here("store-network", source, "-o", "new.zarr", ranks=2, cwd=tmp_path)
        assert done.returncode == 2
        assert words in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1
        assert not list(tmp_path.glob("new.zarr*"))


def test_one_process_takes_a_store_as_a_file(folder):
    """Without --distributed: on one machine, with all that one machine can do."""
    done = run_here("train", "net.zarr", "--task", "task.toml", "--rate", 2, "--until", "0.5", "-o", "run.npz",
                    cwd=folder)
    assert done.returncode == 0, done.stderr
    network = distributed.open_network(folder / "net.zarr").network()
    straight = ol.train(network, ol.Task({3: 4.0, 1795: -4.0, 900: 0.0}, {700: 0.3, 1101: -0.5}), 2.0, until=0.5)
    assert ol.load(folder / "run.npz")[0].training_time == pytest.approx(straight.training_time, rel=1e-3)
    said = run_here("info", "net.zarr", cwd=folder)
    assert "1800 nodes" in said.stdout


def test_training_from_the_command_line(folder):
    done = run_here("train", "net.zarr", "--task", "task.toml", "--rate", 2, "--distributed", "--until", "1e-1", "-o",
               "run.zarr", ranks=2, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "on 2 ranks, 3 sources, 2 targets, task task.toml" in done.stdout
    stored = distributed.open_run(folder / "run.zarr")
    assert f"reached: {stored.attributes['reason']}" in done.stdout
    assert stored.times.size > 20
    lines = re.findall(r"^ +2 .*", done.stdout, flags=re.MULTILINE)
    assert len(lines) == 1
    one = run_here("train", "net.zarr", "--task", "task.toml", "--rate", 2, "--distributed", "--until", "1e-1",
                   cwd=folder)
    τ = [float(line.split()[1]) for line in (one.stdout.splitlines()[-1], lines[0])]
    assert τ[0] == pytest.approx(τ[1], rel=1e-3)
    again = run_here("train", "net.zarr", "--distributed", "-o", "run.zarr", ranks=2, cwd=folder)
    assert again.returncode == 2
    assert "run.zarr: it is a folder" in again.stderr
    for options, words in ((("--edges", "NMOS"), "--edges is for a network on one machine"),
                           (("--rate", 1, "--rate", 2), "at one rate"),
                           (("--rule", "floor=2"), "floor")):
        done = run_here("train", "net.zarr", "--task", "task.toml", "--distributed", *options, ranks=2, cwd=folder)
        assert done.returncode == 2
        assert words in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1


def test_a_signal_sets_a_run_aside_and_other_ranks_take_it_up(folder):
    """Here one rank."""
    given = ("train", "net.zarr", "--task", "task.toml", "--rate", 2, "--distributed", "--until", "none", "--t-max",
             300, "--dt", 0.004, "--checkpoint", "state.npz", "-o", "run.zarr")
    process = subprocess.Popen(command(*given, ranks=2), cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True, stdin=subprocess.DEVNULL)
    for line in process.stderr:
        if "steps" in line:
            break
    os.kill(children(process.pid)[-1], signal.SIGUSR1)
    begin = time.monotonic()
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 75, errors
    assert time.monotonic() - begin < 30
    assert "stopped by SIGUSR1; the same call goes on from state.npz" in errors
    assert (folder / "state.npz").exists()
    assert not (folder / "run.zarr").exists()
    other = run_here(*given[:5], 3, *given[6:], ranks=2, cwd=folder)     # another rate
    assert other.returncode == 2
    assert "belongs to another run" in other.stderr
    done = run_here(*given, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "out of time" in done.stdout
    assert distributed.open_run(folder / "run.zarr").attributes["time"] == pytest.approx(300)
    assert not list(folder.glob("state.npz*"))
