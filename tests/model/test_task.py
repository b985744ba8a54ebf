"""Tasks of held nodes and target nodes: the paper's sampler against its closed form, and bad input."""
import numpy as np
import ohmlearn as ol
import pytest
from ohmlearn.task import as_tasks
from scipy.stats import norm

NET = ol.Network.grid(8, 8)


def infeasible_share(sources, grounded, spread=0.2, targets=3):
    """Probability that one of the targets lies outside the range of the sources, by quadrature.

    Over the lowest a and highest b of the targets; the sources must reach below a and above b.
    """
    step = 14 * spread / 1400
    values = (np.arange(1400) + 0.5) * step - 7 * spread
    a, b = values[:, None], values
    within = np.maximum(norm.cdf(b / spread) - norm.cdf(a / spread), 0)
    density = targets * (targets - 1) * norm.pdf(a / spread) * norm.pdf(b / spread) / spread**2
    density = density * within ** (targets - 2)
    none_below, none_above = norm.sf(a) ** sources, norm.cdf(b) ** sources
    neither = np.maximum(norm.cdf(b) - norm.cdf(a), 0) ** sources
    if grounded:
        none_below, none_above, neither = none_below * (a < 0), none_above * (b > 0), neither * ((a < 0) & (b > 0))
    return (density * (none_below + none_above - neither)).sum() * step**2


def test_the_closed_form_gives_the_shares_of_the_paper_tasks():
    shares = [infeasible_share(sources, grounded=False) for sources in (10, 5, 3)]
    np.testing.assert_allclose(shares, [0.011, 0.128, 0.37], atol=1.5e-3)


@pytest.mark.parametrize(("sources", "ground"), [(10, -1), (5, -1), (3, -1), (5, None)])
def test_as_many_tasks_are_infeasible_as_should_be(sources, ground):
    count = 1500
    tasks = [ol.Task.allosteric(NET, sources, 3, seed, ground=ground) for seed in range(count)]
    share = infeasible_share(sources, grounded=ground is not None)
    error = np.sqrt(share * (1 - share) / count)
    assert np.mean([not task.feasible for task in tasks]) == pytest.approx(share, abs=4 * error)


def test_feasible_tasks_are_drawn_anew_and_counted():
    tasks = [ol.Task.allosteric(NET, 3, 3, seed, feasible=True) for seed in range(300)]
    assert all(task.feasible for task in tasks)
    share = infeasible_share(3, grounded=True)
    rejected = [task.rejected for task in tasks]
    assert np.mean(rejected) == pytest.approx(share / (1 - share), abs=0.25)        # geometric
    for seed, task in enumerate(tasks):
        plain = ol.Task.allosteric(NET, 3, 3, seed)
        assert plain.feasible == (task.rejected == 0)
        if plain.feasible:
            np.testing.assert_array_equal(task.source_voltages, plain.source_voltages)


def test_what_the_sampler_draws():
    tasks = [ol.Task.allosteric(NET, 10, 3, seed) for seed in range(1500)]
    for task in tasks:
        assert task.sources[-1] == 63
        assert task.source_voltages[-1] == 0
        assert len(set(task.sources) | set(task.targets)) == 14
    sources = np.concatenate([task.source_voltages[:-1] for task in tasks])
    targets = np.concatenate([task.target_voltages for task in tasks])
    for values, spread in ((sources, 1.0), (targets, 0.2)):
        assert abs(values.mean()) < 4 * spread / np.sqrt(values.size)
        assert values.std() == pytest.approx(spread, rel=4 / np.sqrt(2 * values.size))
    drawn = np.bincount(np.concatenate([np.r_[task.sources[:-1], task.targets] for task in tasks]), minlength=64)
    assert drawn[63] == 0
    assert drawn[:63].min() > 240               # 310 on average, standard deviation 16
    assert drawn[:63].max() < 380


def test_ground():
    assert ol.Task.allosteric(NET, 3, 1, 0, ground=5).sources[-1] == 5
    assert ol.Task.allosteric(NET, 3, 1, 0, ground=-2).sources[-1] == 62
    assert len(ol.Task.allosteric(NET, 3, 1, 0, ground=None).sources) == 3
    for ground in (64, -65):
        with pytest.raises(ValueError, match=f"ground is node {ground}, but nodes run from 0 to 63"):
            ol.Task.allosteric(NET, 3, 1, 0, ground=ground)


def test_same_seed_same_task():
    first, again, other = (ol.Task.allosteric(NET, 10, 3, seed) for seed in (7, 7, 8))
    for key in ("sources", "source_voltages", "targets", "target_voltages"):
        assert getattr(first, key).tobytes() == getattr(again, key).tobytes()
        assert getattr(first, key).tobytes() != getattr(other, key).tobytes()


@pytest.mark.parametrize(("arguments", "words"), [
    ((60, 4), "cannot draw 60 sources and 4 targets from 63 free nodes"), ((0, 3), "cannot draw 0 sources"),
    ((3, 0), "and 0 targets")])
def test_too_many_or_none(arguments, words):
    with pytest.raises(ValueError, match=words):
        ol.Task.allosteric(NET, *arguments)


def test_a_task_that_never_comes_is_an_error():
    with pytest.raises(ValueError, match=r"no feasible task in 10000 draws.*lower target_spread"):
        ol.Task.allosteric(NET, 1, 3, 0, target_spread=1e9, feasible=True)


@pytest.mark.parametrize(("changes", "words"), [
    ({"sources": [0, 3]}, "node 3 is both source and target"),
    ({"source_voltages": [1.0, np.nan]}, r"source_voltages\[1\] is nan; .*finite"),
    ({"target_voltages": [np.inf]}, r"target_voltages\[0\] is inf"),
    ({"source_voltages": [1.0]}, "equally long"),
    ({"sources": [0, 0]}, "node 0 is listed twice among the sources"),
    ({"sources": [0, -1]}, "node -1 among the sources: nodes are numbered from 0"),
    ({"sources": [0.0, 1.0]}, "integer"),
    ({"sources": [], "source_voltages": []}, "needs sources"),
    ({"targets": [], "target_voltages": []}, "needs targets"),
])
def test_bad_tasks(changes, words):
    good = {"sources": [0, 1], "source_voltages": [1.0, 0.0], "targets": [3], "target_voltages": [0.5]}
    ol.Task(**good).check(NET)
    with pytest.raises((ValueError, TypeError), match=words):
        ol.Task(**{**good, **changes})


def test_tasks_that_do_not_fit_the_network():
    task = ol.Task([0, 1], [1.0, 0.0], [3], [0.5])
    for edges, n, words in [
        ([(0, 1), (1, 2)], 3, "target node 3 is not in the network, whose nodes run from 0 to 2"),
        ([(0, 1), (2, 3)], 4, r"node 2 lies in a part of the network that no source touches \(2 such.*largest_comp"),
        ([(0, 1), (1, 3)], 4, r"node 2 lies in a part"),
    ]:
        net = ol.Network.from_edges(edges, n)
        with pytest.raises(ValueError, match=words):
            task.check(net)
    task.check(ol.Network.from_edges([(0, 1), (1, 3), (4, 2), (1, 4)]))


def test_one_task_or_several():
    task = ol.Task([0, 1], [1.0, 0.0], [3], [0.5])
    assert as_tasks(task) == [task]
    assert as_tasks((task, task)) == [task, task]
    with pytest.raises(TypeError, match=r"expected an ohmlearn\.Task .* got 3"):
        as_tasks([task, 3])
