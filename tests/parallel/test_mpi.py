"""Ranks of an MPI job, started as a user starts them; never pytest itself under a launcher."""
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from sweeps import mpiexec, needs_mpi

pytestmark = needs_mpi

PROGRAM = """
import json, sys, threading, time
import numpy as np
from ohmlearn.parallel.launch import join, this_rank
from ohmlearn.parallel.communicator import RankError
world = join()
assert "mpi4py" in sys.modules and this_rank() == world.rank
told = {}

counters = world.share(2)
threads = [threading.Thread(target=lambda: [counters.add(1, 2) for _ in range(200)]) for _ in range(3)]
for thread in threads: thread.start()
for thread in threads: thread.join()
world.wait()
told["counters"] = counters.get(0, 2).tolist()
world.wait()
counters.close()

from ohmlearn.parallel import mpi
mpi.shared_memory_left = lambda: 64      # bytes: the counters are then in memory of rank 0 alone
narrow = world.share(1000)
narrow.add(7, world.rank + 1)
narrow.put(100 * (world.rank + 1), np.array([world.rank]))
world.wait()
told["narrow"] = [narrow.get(7, 1)[0].item(), narrow.get(100, 201)[::100].tolist()]
world.wait()
narrow.close()

told["first"] = world.first(lambda: f"from {world.rank}")
def fail(text, ranks):
    if world.rank in ranks:
        raise ValueError(f"{text} {world.rank}" if "mine" in text else text)
    return world.rank
for name, job in (("first fails", lambda: world.first(lambda: fail("no disk", [0, 1, 2]))),
                  ("all fail alike", lambda: world.together(lambda: fail("no disk", [0, 1, 2]))),
                  ("two fail", lambda: world.together(lambda: fail("mine", [0, 2]))),
                  ("a bug", lambda: world.together(lambda: 1 // (world.rank - 1)))):
    try:
        job()
    except RankError as error:
        told[name] = [str(error), error.plain]
told["together"] = world.together(lambda: world.rank)
order = []
world.once_a_node(lambda: order.append(world.rank))
told["compiled on"] = order
told["share"] = world.share_of_cores(12)
everything = world.gather(told)
world.close()
if world.rank == 0:
    print(json.dumps(everything))
"""


@pytest.fixture(scope="module")
def told():
    words = [str(mpiexec()), "-n", "3", sys.executable, "-c", PROGRAM]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_counters_are_shared_by_ranks_and_threads(told):
    assert [rank["counters"] for rank in told] == [[0, 3 * 3 * 200 * 2]] * 3


def test_counters_without_room_in_shared_memory(told):
    assert [rank["narrow"] for rank in told] == [[6, [0, 1, 2]]] * 3


def test_rank_0_tells_all(told):
    assert [rank["first"] for rank in told] == ["from 0"] * 3
    assert [rank["together"] for rank in told] == [0, 1, 2]


def test_every_rank_raises_what_any_met_and_tells_it_once(told):
    for rank in told:
        assert rank["first fails"] == ["no disk", True]
        assert rank["all fail alike"] == ["no disk", True]
        assert rank["two fail"] == ["mine 0; mine 2", True]
        text, plain = rank["a bug"]
        assert text.startswith("on rank 1:\nTraceback")
        assert text.count("ZeroDivisionError") == 1
        assert not plain


def test_a_job_for_each_node_is_done_once_on_this_one(told):
    assert [rank["compiled on"] for rank in told] == [[0], [], []]


def test_ranks_with_the_same_cores_divide_them(told):
    assert [rank["share"] for rank in told] == [4, 4, 4]


def test_a_launcher_of_another_library_is_noticed():
    """A process that was told of four, whose library finds itself alone."""
    program = "from ohmlearn.parallel.launch import join\ntry:\n    join()\nexcept OSError as e:\n    print(e)"
    environment = {**os.environ, "OMPI_COMM_WORLD_SIZE": "4", "OMPI_COMM_WORLD_RANK": "0"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True,
                          env=environment)
    assert "started 4 processes" in done.stdout
    assert "--no-mpi" in done.stdout


def test_mpi_is_not_loaded_without_a_launcher():
    program = "import sys\nfrom ohmlearn.parallel.launch import join\nprint(join().size, 'mpi4py' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True,
                          cwd=Path(__file__).parent)
    assert done.stdout.split() == ["1", "False"]
