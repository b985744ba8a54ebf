"""Rows that go to other ranks, and answers that come back to their places."""
import numpy as np
import pytest
from rank_jobs import on_ranks
from sweeps import needs_mpi

pytestmark = needs_mpi


def routed(comm):
    """Rows of several kinds to random ranks, and what comes back."""
    from ohmlearn.parallel.routing import give_back, route

    rng = np.random.default_rng(comm.rank)
    n = 50 * comm.rank          # rank 0 sends nothing
    to = rng.integers(0, comm.size, n)
    numbers, pairs, bare = 1000 * comm.rank + np.arange(n), rng.random((n, 2)), np.empty((n, 0))
    counts, (got, got_pairs, nothing) = route(comm, to, numbers, pairs, bare)
    doubled, texts = give_back(comm, counts, to, 2 * got, got_pairs)
    return to, numbers, pairs, counts, got, got_pairs, nothing.shape, doubled, texts


@pytest.mark.parametrize("size", [1, 3])
def test_rows_arrive_in_the_order_of_their_senders(size):
    by_rank = on_ranks(size, routed)
    for rank, (to, numbers, pairs, counts, got, got_pairs, nothing, doubled, back) in enumerate(by_rank):
        sent = [(other[1][other[0] == rank], other[2][other[0] == rank]) for other in by_rank]
        np.testing.assert_array_equal(got, np.concatenate([a for a, _ in sent]))
        np.testing.assert_array_equal(got_pairs, np.concatenate([b for _, b in sent]))
        np.testing.assert_array_equal(counts, [len(a) for a, _ in sent])
        assert nothing == (len(got), 0)
        np.testing.assert_array_equal(doubled, 2 * numbers)
        np.testing.assert_array_equal(back, pairs)
        assert to.size == numbers.size
