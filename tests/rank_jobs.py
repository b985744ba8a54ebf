"""Functions of a test run on the ranks of an MPI job, started as a user starts one."""
import os
import pickle
import subprocess
import sys
import tempfile
from pathlib import Path

from sweeps import mpiexec

PROGRAM = """
import importlib.util, pickle, sys, traceback
from mpi4py import MPI
sys.path[:0] = {path!r}
try:
    spec = importlib.util.spec_from_file_location("on_ranks", {file!r})
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with open({given!r}, "rb") as file:
        given = pickle.load(file)
    found = MPI.COMM_WORLD.gather(getattr(module, {name!r})(MPI.COMM_WORLD, *given))
    if found is not None:
        with open({into!r}, "wb") as file:
            pickle.dump(found, file)
except BaseException:
    traceback.print_exc()
    sys.stderr.flush()
    MPI.COMM_WORLD.Abort(1)
"""


def on_ranks(count, function, *given, timeout=120, launcher=None, env=None):
    """What function(comm, *given) returns on each rank of an MPI job, by rank. The function stands in a file of tests,
    which every rank imports; arguments and results can be pickled. launcher : by default that beside this Python. env :
    variables of the environment to add."""
    with tempfile.TemporaryDirectory() as folder:
        files = [str(Path(folder, name)) for name in ("given", "into")]
        Path(files[0]).write_bytes(pickle.dumps(given))
        program = PROGRAM.format(path=sys.path, file=function.__code__.co_filename, name=function.__name__,
                                 given=files[0], into=files[1])
        words = [str(launcher or mpiexec()), "-n", str(count), sys.executable, "-c", program]
        done = subprocess.run(words, capture_output=True, text=True, timeout=timeout, check=False,
                              env=os.environ | (env or {}))
        assert done.returncode == 0, done.stderr
        return pickle.loads(Path(files[1]).read_bytes())
