"""How many threads a process may use."""
import os
import signal
import threading
import time

import pytest
from ohmlearn.parallel import threads
from ohmlearn.parallel.threads import available_threads, cores, in_shares, in_threads, quota


@pytest.mark.parametrize(("asked", "share", "environment", "expected"), [
    (None, 8, {}, 8),
    (3, 8, {"OMP_NUM_THREADS": "5"}, 3),
    (64, 8, {}, 8),                                                 # never more than the cores given
    (None, 8, {"OMP_NUM_THREADS": "5"}, 5),
    (None, 8, {"OMP_NUM_THREADS": "5,2"}, 5),
    (None, 8, {"SLURM_CPUS_PER_TASK": "4", "OMP_NUM_THREADS": "1"}, 4),
    (None, 8, {"SLURM_CPUS_PER_TASK": "64"}, 8),
    (None, 8, {"OMP_NUM_THREADS": "many"}, 8),
    (None, 1, {"SLURM_CPUS_PER_TASK": "4"}, 1),
])
def test_threads_of_one_process(asked, share, environment, expected):
    assert available_threads(asked, share, environment) == expected


def test_no_thread_is_an_error():
    with pytest.raises(ValueError, match="at least 1, not 0"):
        available_threads(0)


@pytest.mark.parametrize(("text", "expected"), [("max 100000", 1 << 20), ("250000 100000", 2), ("50000 100000", 1)])
def test_the_quota_of_a_container(tmp_path, text, expected):
    (tmp_path / "cpu.max").write_text(text)
    assert quota(str(tmp_path / "cpu.max")) == expected
    assert quota(str(tmp_path / "missing")) == 1 << 20


def test_cores_are_cut_by_the_quota(monkeypatch):
    monkeypatch.setattr(threads, "quota", lambda: 1)
    assert cores() == 1


def test_training_honours_what_the_environment_says(monkeypatch):
    """Of the pool that trains the members of an ensemble."""
    import ohmlearn as ol
    from ohmlearn.drivers.training import worker

    net = ol.Network.grid(4, 4)
    task = ol.Task([0, 15], [1.0, 0.0], [6], [0.7])
    asked = []
    real = worker.workers_for
    monkeypatch.setattr(worker, "workers_for", lambda ensemble, threads, *rest: asked.append(threads)
                        or real(ensemble, threads, *rest))
    monkeypatch.setattr(threads, "cores", lambda: 8)
    for variable in threads.VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    for said in ("3", "1"):
        monkeypatch.setenv("OHMLEARN_THREADS", said)
        ol.train(net, [task] * 16, 0.0, t_max=0.1)
    assert asked == [3, 1]
    with pytest.raises(ValueError, match="threads must be at least 1, not 0"):
        ol.train(net, task, 0.0, threads=0)


def test_results_of_threads_come_in_order():
    assert in_threads(lambda x: x * x, iter(range(50)), 4) == [x * x for x in range(50)]
    assert in_threads(str, [], 3) == []


def test_what_a_thread_raises_is_raised_and_no_more_is_begun():
    begun = []

    def fail(number):
        begun.append(number)
        if number == 3:
            raise ValueError("number 3")

    with pytest.raises(ValueError, match="number 3"):
        in_threads(fail, range(1000), 1)
    assert begun == [0, 1, 2, 3]


def test_a_signal_ends_the_wait_for_threads_at_once():
    """Also where a thread is in LLVM for minutes, of which an event that nobody sets takes the place."""
    never, begin = threading.Event(), time.monotonic()
    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        in_threads(lambda number: never.wait(30), range(2), 2)
    assert time.monotonic() - begin < 20
    never.set()


@pytest.mark.parametrize(("count", "threads"), [(1, 1), (5, 1), (5, 2), (16, 3), (3, 8), (64, 7)])
def test_shares_are_all_numbers_once(count, threads):
    shares, here = [], threading.get_ident()

    def work(begin, end):
        shares.append((begin, end, threading.get_ident() == here))

    in_shares(work, count, threads)
    shares.sort()
    assert [begin for begin, *_ in shares] == [0, *(end for _, end, _ in shares[:-1])]
    assert shares[-1][1] == count
    assert len(shares) == min(count, threads)
    assert max(end - begin for begin, end, _ in shares) - min(end - begin for begin, end, _ in shares) <= 1
    assert [mine for *_, mine in shares] == [True] + [False] * (len(shares) - 1)


@pytest.mark.parametrize("bad", [0, 2])
def test_what_a_share_raises_is_raised(bad):
    def work(begin, end):
        if begin <= bad < end:
            raise ArithmeticError("mine")

    with pytest.raises(ArithmeticError, match="mine"):
        in_shares(work, 3, 3)
