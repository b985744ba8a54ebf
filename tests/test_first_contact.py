"""What a newcomer runs into in the first steps is answered by what to do."""
import subprocess
import sys
import tomllib

import ohmlearn as ol
import pytest
from ohmlearn.parallel import launch

NET = ol.Network.grid(3, 3)
TASK = ol.Task([0, 8], [1.0, 0.0], [4], [0.4])


@pytest.mark.parametrize(("call", "error", "message"), [
    (lambda: ol.train(NET, ol.Task([0, 9], [1.0, 0.0], [4], [0.4]), 1.0), ValueError,
     "source node 9 is not in the network, whose nodes run from 0 to 8"),
    (lambda: ol.train(NET, ol.Task([0, 8], [1.0, 0.0], [8], [0.4]), 1.0), ValueError, "both source and target"),
    (lambda: ol.train(NET, 5, 1.0), TypeError, "task must be an ohmlearn.Task or several, not 5"),
    (lambda: ol.train(NET, TASK, "fast"), TypeError, "rate must be a number R = γl/γp >= 0 or several, not 'fast'"),
    (lambda: ol.train(NET, TASK, -1.0), ValueError, "R must be finite and >= 0"),
    (lambda: ol.Task.allosteric(NET), ValueError, "cannot draw 10 sources and 3 targets from 8 free nodes"),
    (lambda: ol.Network.read("nowhere.csv"), FileNotFoundError, "nowhere.csv"),
])
def test_wrong_calls(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_no_mpi_library(monkeypatch):
    """Under a launcher or with --mpi; what mpi4py raises without a library is a RuntimeError."""
    monkeypatch.setitem(sys.modules, "ohmlearn.parallel.mpi", None)
    with pytest.raises(OSError, match=r"no MPI library was found .*pip install 'ohmlearn\[mpich\]' brings one"):
        launch.join(mpi=True)


def test_a_launcher_of_another_mpi_library(monkeypatch):
    monkeypatch.setenv("PMI_SIZE", "2")
    other = type("World", (), {"size": 1, "library": "another", "rank": 0})
    monkeypatch.setitem(sys.modules, "ohmlearn.parallel.mpi", type("module", (), {"MpiWorld": other}))
    monkeypatch.setattr(launch, "_joined", [])
    with pytest.raises(OSError, match=r"they do not belong together\. Use the mpiexec that comes with the library"):
        launch.join(mpi=True)


def test_old_python_and_no_compiler(root):
    """pip refuses an older Python by name; nothing has to be compiled, mpi4py has wheels from 4.1 on."""
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == ">=3.11"
    assert "mpi4py>=4.1" in project["dependencies"]


@pytest.mark.parametrize(("number", "code", "said"), [
    ("7", 0, "sweep fig2d.toml --output fig2d --no-mpi --shard 7/16"), ("16", 0, "--shard 16/16"),
    ("0", 2, "none of 1-16"), ("17", 2, "none of 1-16")])
def test_jobs_of_an_array_take_their_part(root, tmp_path, number, code, said):
    command = tmp_path / "ohmlearn"
    command.write_text('#!/bin/sh\necho "$@"\n')
    command.chmod(0o755)
    done = subprocess.run(["bash", str(root / "docs" / "batch" / "slurm_array.sh")], capture_output=True, text=True,
                          check=False, env={"PATH": f"{tmp_path}:/usr/bin:/bin", "SLURM_ARRAY_TASK_ID": number})
    assert done.returncode == code
    assert said in done.stdout + done.stderr
