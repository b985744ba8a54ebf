"""The verdict on two commits: from times that are known to differ, or not."""
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
from compare_commits import verdict


def series(factor, noise, n, seed):
    """Times of two commits, the new one's times factor, on a machine whose speed drifts by a tenth."""
    rng = np.random.default_rng(seed)
    drift = 1 + 0.1 * np.sin(np.linspace(0, 5, n)) + rng.exponential(0.02, n)
    return drift * rng.lognormal(0, noise, n), drift * factor * rng.lognormal(0, noise, n)


@pytest.mark.parametrize(("factor", "said"), [(0.9, "faster"), (0.96, "faster"), (1.05, "slower"), (1.5, "slower")])
@pytest.mark.parametrize("seed", range(5))
def test_differences_are_found(factor, said, seed):
    assert verdict(*series(factor, 0.01, 15, seed))[0] == said


def test_no_difference_is_seen_where_there_is_none():
    assert [verdict(*series(1.0, 0.03, 15, seed))[0] for seed in range(60)].count("no difference") >= 59


def test_what_is_too_small_to_count_or_too_few_to_tell():
    assert verdict([1.0] * 20, [0.995] * 20)[0] == "no difference"
    assert verdict([1.0] * 20, [0.995] * 20, least=0.001)[0] == "faster"
    word, evidence = verdict([1.0, 1.1, 1.0], [0.5, 0.6, 0.4])
    assert word == "no difference"
    assert "less in 3 of 3 pairs, by chance in 0.2" in evidence
