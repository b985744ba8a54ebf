"""Dealing items out: each once, long ones first, small tickets at the end."""
import threading
import time
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ohmlearn.parallel import self_scheduling
from ohmlearn.parallel.communicator import Shared
from ohmlearn.parallel.launch import expected_size, launched
from ohmlearn.parallel.self_scheduling import Dealer, WorkList, predict, tickets, weights


@given(st.lists(st.floats(1e-3, 1e6), max_size=60), st.integers(1, 40))
def test_tickets_hold_every_item_once_and_not_too_much(costs, workers):
    costs = sorted(costs, reverse=True)
    ends = tickets(costs, workers)
    assert ends[0] == 0
    assert ends[-1] == len(costs)
    assert (np.diff(ends) > 0).all()
    for begin, end in pairwise(ends):
        left = sum(costs[begin:])
        assert end - begin == 1 or sum(costs[begin:end]) <= left / (8 * workers) * (1 + 1e-9)


def test_the_last_tickets_are_single_items():
    sizes = np.diff(tickets(np.ones(10_000), 10))
    assert sizes[0] == 125
    assert (sizes[-80:] == 1).all()
    assert (np.diff(sizes) <= 0).all()


def a_deck(n=600, workers=6, kinds=20, prior=None):
    """A work_list of numbers that are not places, and the time that each takes."""
    rng = np.random.default_rng(1)
    factors = rng.integers(0, kinds, n), rng.integers(0, 3, n)
    seconds = np.exp(rng.normal(0, 1, kinds)[factors[0]] + rng.normal(0, 0.5, 3)[factors[1]] + rng.normal(0, 0.1, n))
    return WorkList(1000 + rng.permutation(n), np.zeros(n) if prior is None else prior, factors, workers), seconds


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 5), st.floats(-5, 5)), max_size=40))
def test_the_order_is_stages_then_batches_by_their_longest_item(items):
    stages, batches = (np.array([item[k] for item in items], dtype=np.int64) for k in (0, 1))
    lengths = np.array([item[2] for item in items], dtype=float)
    wanted = []
    for stage in range(3):
        of = {batch: [k for k, item in enumerate(items) if item[:2] == (stage, batch)] for batch in range(6)}
        for batch in sorted(of, key=lambda b: -max((lengths[k] for k in of[b]), default=-9.0)):
            wanted += of[batch]
    work_list = WorkList(np.arange(len(items)), lengths, (), 1, stages, batches)
    assert work_list.order(lengths).tolist() == wanted
    plain = WorkList(np.arange(len(items)), lengths, (), 1)
    assert plain.order(lengths).tolist() == np.argsort(-lengths, kind="stable").tolist()


@pytest.mark.parametrize("ranks", [1, 2, 7])
def test_every_item_is_dealt_once_to_threads_of_several_ranks(ranks, monkeypatch):
    """While rank 0 deals anew as often as it can; the others begin when it has done so once."""
    monkeypatch.setattr(self_scheduling, "LOOK", 0.0)
    work_list, _ = a_deck(workers=3 * ranks)
    shared = Shared(5 + work_list.size)
    dealers = [Dealer(work_list, shared, 5, rank == 0) for rank in range(ranks)]
    got: list[int] = []
    anew, dealt = [], threading.Event()

    def work(rank, dealer):
        if rank > 0:
            dealt.wait()
        while (item := dealer.take()) is not None:
            time.sleep(1e-4)
            dealer.finished(item, 1)
            got.append(item)
            if rank == 0:
                anew.append(dealer.deal_anew())
                if anew[-1]:
                    dealt.set()
        dealt.set()

    threads = [threading.Thread(target=work, args=pair) for pair in enumerate(dealers) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == sorted(work_list.items.tolist())
    assert any(anew)
    assert not shared.get(0, 5).any()


def test_what_has_ended_tells_how_long_the_rest_takes():
    work_list, seconds = a_deck(n=3000)
    known = np.where(np.arange(3000) < 300, seconds, 0.0)
    expected = predict(work_list.prior, known, work_list.factors)
    rest = slice(300, None)
    assert np.corrcoef(expected[rest], np.log(seconds[rest]))[0, 1] > 0.97
    assert abs(np.mean(expected - np.log(seconds))) < 0.1
    np.testing.assert_array_equal(predict(work_list.prior, np.zeros(3000), work_list.factors), work_list.prior)


def test_kinds_that_may_take_long_come_before_those_that_surely_take_a_little_longer():
    rng = np.random.default_rng(0)
    risky = np.arange(400) % 2
    seconds = np.exp(np.where(risky, rng.normal(0.0, 1.5, 400), 0.5))
    factors = np.arange(400), risky
    known = np.where(np.arange(400) < 200, seconds, 0.0)
    assert predict(np.zeros(400), known, factors)[-2] > predict(np.zeros(400), known, factors)[-1]
    assert weights(np.zeros(400), known, factors)[-2] < weights(np.zeros(400), known, factors)[-1]
    np.testing.assert_array_equal(weights(np.ones(400), np.zeros(400), factors), np.ones(400))


def test_after_dealing_anew_long_items_come_first(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(self_scheduling, "LOOK", -1.0)
    monkeypatch.setattr(self_scheduling, "time", SimpleNamespace(monotonic=lambda: clock[0], sleep=time.sleep))
    work_list, seconds = a_deck(workers=1)
    took = dict(zip(work_list.items.tolist(), seconds, strict=True))
    dealer = Dealer(work_list, Shared(work_list.size), 0, True)
    order = []
    while (item := dealer.take()) is not None:
        clock[0] += took[item]
        dealer.finished(item, 0)
        order.append(took[item])
        dealer.deal_anew()
    rest = np.log(order[len(order) // 2:])
    assert np.corrcoef(rest, -np.arange(rest.size))[0, 1] > 0.9


def test_a_deal_that_ends_while_rank_0_deals_anew_leaves_nobody_waiting(monkeypatch):
    monkeypatch.setattr(self_scheduling, "LOOK", -1.0)
    work_list, _ = a_deck(n=40, workers=1)
    shared = Shared(work_list.size)
    first, other = Dealer(work_list, shared, 0, True), Dealer(work_list, shared, 0, False)
    while (item := first.take()) is not None:
        first.finished(item, 1)
    assert first.deal_anew()
    assert other.take() is None


def test_nothing_to_deal():
    work_list = WorkList(np.zeros(0, dtype=np.int64), np.zeros(0), (), 4)
    dealer = Dealer(work_list, Shared(work_list.size), 0, True)
    assert dealer.take() is None


@pytest.mark.parametrize(("environment", "is_launched", "size"), [
    ({}, False, 1),
    ({"PMI_RANK": "0", "PMI_SIZE": "4"}, True, 4),
    ({"OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_SIZE": "2"}, True, 2),
    ({"SLURM_JOB_ID": "7", "SLURM_PROCID": "0", "SLURM_NTASKS": "8"}, False, 1),    # a batch script without srun
    ({"SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "8"}, True, 8),
    ({"SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "1"}, False, 1),
    ({"SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "1", "PMI_RANK": "0", "PMI_SIZE": "1"}, False, 1),   # srun --pty
    ({"SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "1", "PMIX_RANK": "0"}, False, 1),
    ({"SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "1", "PMI_RANK": "0", "PMI_SIZE": "4"}, True, 4),    # mpiexec in it
    ({"SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "1", "OMPI_COMM_WORLD_RANK": "0", "OMPI_COMM_WORLD_SIZE": "2"},
     True, 2),
])
def test_launchers_are_known_by_their_environment(environment, is_launched, size):
    assert launched(environment) is is_launched
    assert expected_size(environment) == size
