"""Functions of a test, and commands, run on the ranks of an MPI job, started as a user starts one.

A job of each number of ranks stays, and takes one function after the other: its start, and loading what is compiled,
takes longer than what most functions do. Tests whose subject is a process start one of their own (`sweeps.run`).
"""
import contextlib
import importlib.util
import io
import os
import pickle
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path
from types import SimpleNamespace

from sweeps import mpiexec

PAUSE = 0.005       # seconds between two looks at whether something has come


def serve():
    """What a rank does all its life: one function after the other, as rank 0 reads of them from its input."""
    from mpi4py import MPI

    comm = MPI.COMM_WORLD
    try:
        while folder := _next(comm):
            file, name, working, given = pickle.loads(Path(folder, "given").read_bytes())
            os.chdir(working)
            spec = importlib.util.spec_from_file_location("on_ranks", file)
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            found = comm.gather(getattr(module, name)(comm, *given))
            if found is not None:
                Path(folder, "part").write_bytes(pickle.dumps(found))
                Path(folder, "part").rename(Path(folder, "found"))
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        comm.Abort(1)


def _next(comm):
    """The folder of the next function, "" at the end; ranks wait for it without keeping a core busy."""
    line = sys.stdin.readline().strip() if comm.rank == 0 else None
    arrived = comm.Ibarrier()
    while not arrived.Test():
        time.sleep(PAUSE)
    return comm.bcast(line)


class Job:
    """A job of some ranks, and the folder in which it is handed functions and hands back what they give."""

    def __init__(self, words, env):
        self.folder = tempfile.TemporaryDirectory()
        self.log = Path(self.folder.name, "log")
        with self.log.open("w") as log:
            self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=log, stderr=log, text=True, env=env)

    def call(self, function, given, timeout):
        """What a function gives on every rank; None where the job ended."""
        with tempfile.TemporaryDirectory(dir=self.folder.name) as folder:
            found = Path(folder, "found")
            what = function.__code__.co_filename, function.__name__, os.getcwd(), given
            Path(folder, "given").write_bytes(pickle.dumps(what))
            with contextlib.suppress(BrokenPipeError):
                self.process.stdin.write(f"{folder}\n")
                self.process.stdin.flush()
            end = time.monotonic() + timeout
            while not found.exists() and self.process.poll() is None:
                if time.monotonic() > end:
                    raise subprocess.TimeoutExpired(self.process.args, timeout)
                time.sleep(PAUSE)
            return pickle.loads(found.read_bytes()) if found.exists() else None

    def end(self):
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.folder.cleanup()


JOBS: dict[tuple, Job] = {}


def end_jobs():
    """End all jobs that stay."""
    while JOBS:
        JOBS.popitem()[1].end()


def on_ranks(count, function, *given, timeout=120, launcher=None, env=None):
    """What function(comm, *given) returns on each rank of an MPI job, by rank. The function stands in a file of tests,
    which every rank imports; arguments and results can be pickled. launcher : by default that beside this Python. env :
    variables of the environment to add."""
    program = f"import sys; sys.path[:0] = {sys.path!r}; from rank_jobs import serve; serve()"
    words = (str(launcher or mpiexec()), "-n", str(count), sys.executable, "-c", program)
    key = words, tuple((env or {}).items())
    if key not in JOBS:
        JOBS[key] = Job(words, os.environ | (env or {}))
    try:
        found = JOBS[key].call(function, given, timeout)
        assert found is not None, JOBS[key].log.read_text()
        return found
    except BaseException:       # its ranks may stand anywhere: the next function gets a new job
        JOBS.pop(key).end()
        raise


def ended(comm, words):
    """How a command ends here, or on this rank: its exit code, and what it says."""
    from ohmlearn.drivers.cli import main

    out, errors, code = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
        try:
            main(list(words))
        except SystemExit as end:
            code = end.code or 0
    return code, out.getvalue(), errors.getvalue()


def run_here(*arguments, ranks=None, cwd="."):
    """What `sweeps.run` gives of a command, from this process or, with `ranks`, from a job that stays."""
    words = tuple(map(str, arguments))
    with contextlib.chdir(cwd):
        by_rank = [ended(None, words)] if ranks is None else on_ranks(ranks, ended, words)
    codes, out, errors = zip(*by_rank, strict=True)
    return SimpleNamespace(returncode=max(codes), stdout="".join(out), stderr="".join(errors))
