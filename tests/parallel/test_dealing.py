"""Dealing items out: each once, long ones first, small tickets at the end."""
import threading
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ohmlearn.parallel.dealing import Dealer, tickets
from ohmlearn.parallel.world import Counters, expected_size, launched


@given(st.lists(st.floats(1e-3, 1e6), max_size=60), st.integers(1, 40))
def test_tickets_hold_every_item_once_and_not_too_much(costs, workers):
    costs = sorted(costs, reverse=True)
    ends = tickets(costs, workers)
    assert ends[0] == 0
    assert ends[-1] == len(costs)
    assert (np.diff(ends) > 0).all()
    for begin, end in pairwise(ends):
        left = sum(costs[begin:])
        assert end - begin == 1 or sum(costs[begin:end]) <= left / (4 * workers) * (1 + 1e-9)


def test_the_last_tickets_are_single_items():
    sizes = np.diff(tickets(np.ones(10_000), 10))
    assert sizes[0] == 250
    assert (sizes[-40:] == 1).all()
    assert (np.diff(sizes) <= 0).all()


@pytest.mark.parametrize("ranks", [1, 2, 7])
def test_every_item_is_dealt_once_to_threads_of_several_ranks(ranks):
    items = np.random.default_rng(0).permutation(500)
    counters, ends = Counters(2), tickets(np.ones(500), 3 * ranks)
    got: list[int] = []

    def work(dealer):
        while (item := dealer.take()) is not None:
            got.append(item)
            dealer.finished(item, 1)

    dealers = [Dealer(items, ends, counters, 1) for _ in range(ranks)]
    threads = [threading.Thread(target=work, args=(dealer,)) for dealer in dealers for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == list(range(500))
    assert counters.read()[0] == 0


def test_nothing_to_deal():
    assert Dealer([], tickets([], 4), Counters(1), 0).take() is None


@pytest.mark.parametrize(("environment", "is_launched", "size"), [
    ({}, False, 1),
    ({"PMI_RANK": "0", "PMI_SIZE": "4"}, True, 4),
    ({"OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_SIZE": "2"}, True, 2),
    ({"SLURM_JOB_ID": "7", "SLURM_PROCID": "0", "SLURM_NTASKS": "8"}, False, 1),    # a batch script without srun
    ({"SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "8"}, True, 8),
    ({"SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "1"}, False, 1),
])
def test_launchers_are_known_by_their_environment(environment, is_launched, size):
    assert launched(environment) is is_launched
    assert expected_size(environment) == size
