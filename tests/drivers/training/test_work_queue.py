"""The order in which members are given out: each once, bands of rates, tasks side by side, long ones first."""
import threading

import numpy as np
import pytest
from ohmlearn.drivers.training.work_queue import BAND, LongestFirst, bands, expected_log_steps

RATES = np.logspace(-3, 12, 31)


def a_queue(n_tasks=6, rates=RATES):
    numbers = np.arange(n_tasks * rates.size)
    return LongestFirst(numbers, np.repeat(np.arange(n_tasks), rates.size), np.tile(rates, n_tasks)), numbers


@pytest.mark.parametrize("rates", [RATES, RATES[::-1], np.array([1.0]), np.array([0.0, 3.0, 0.0, 3.0]), np.array([])])
def test_a_band_is_eight_neighbouring_rates_at_most(rates):
    turn = bands(rates)
    assert sorted(set(turn.tolist())) == list(range(-(-len(set(rates.tolist())) // BAND)))
    for band in set(turn.tolist()):
        inside = rates[turn == band]
        assert len(set(inside.tolist())) <= BAND
        others = rates[turn != band]
        assert not ((others > inside.min()) & (others < inside.max())).any()


def test_slow_rates_come_first_and_then_the_longest_expected():
    turn = bands(RATES)
    assert (turn[RATES < 0.1] == 0).all()
    longest = [expected_log_steps(RATES[turn == band]).max() for band in range(1, 4)]
    assert longest == sorted(longest, reverse=True)


def test_members_of_a_task_in_a_band_follow_one_another():
    queue, numbers = a_queue()
    given = [queue.take() for _ in numbers]
    assert queue.take() is None
    assert sorted(given) == numbers.tolist()
    task, band = np.array(given) // RATES.size, bands(RATES)[np.array(given) % RATES.size]
    assert (np.diff(band) >= 0).all()
    assert np.count_nonzero(np.diff(task) | np.diff(band)) == 4 * 6 - 1     # groups, each in one piece


def test_a_task_that_took_long_is_first_in_the_next_band():
    queue, _ = a_queue()
    first = int((bands(RATES) == 0).sum()) * 6
    for number in [queue.take() for _ in range(first)]:
        queue.finished(number, 10**6 if number // RATES.size == 4 else 10)
    assert queue.take() // RATES.size == 4


def test_threads_get_tasks_of_their_own_and_then_what_is_left_to_others():
    queue, numbers = a_queue(n_tasks=2, rates=RATES[:8])
    got, both = [], threading.Barrier(2)

    def take_three():
        both.wait()
        got.append([queue.take() for _ in range(3)])
        both.wait()         # both are alive until both have taken

    threads = [threading.Thread(target=take_three) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {tuple({number // 8 for number in taken}) for taken in got} == {(0,), (1,)}
    rest = [queue.take() for _ in range(10)]
    assert queue.take() is None
    assert sorted(sum(got, rest)) == numbers.tolist()
