"""Resistances of many pairs into a store: right, the same bits on any number of ranks, resumed, and never silently
wrong."""
import shutil

import numpy as np
import ohmlearn as ol
import pytest
from ohmlearn import Equilibrium, Network
from ohmlearn.drivers.jobs import run_pairs
from ohmlearn.drivers.jobs.job_counters import JobCounters
from ohmlearn.drivers.store import pair_store
from ohmlearn.stores import StoreError, pair_resistances, read_resistances
from rank_jobs import run_here
from sweeps import needs_mpi

NET = Network.delaunay(150, seed=1)
G = 10 ** np.random.default_rng(1).uniform(-1, 1, NET.n_edges)
PAIRS = np.random.default_rng(2).integers(0, 150, (700, 2))


@pytest.fixture(scope="module")
def whole():
    a, b = NET.edges.T
    laplacian = np.zeros((150, 150))
    for i, j, g in zip(a, b, G, strict=True):
        laplacian[[i, j, i, j], [i, j, j, i]] += [g, g, -g, -g]
    inverse = np.linalg.pinv(laplacian)
    i, j = PAIRS.T
    return inverse[i, i] + inverse[j, j] - 2 * inverse[i, j]


def test_they_are_those_of_the_inverse_and_of_one_call(tmp_path, whole):
    report = pair_resistances(NET, tmp_path / "store", PAIRS, G)
    np.testing.assert_allclose(report.resistances, whole, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(report.resistances, Equilibrium(NET, [0]).effective_resistance(PAIRS, G))
    assert (report.computed, report.stopped) == (3, None)
    shared = pair_resistances(NET, tmp_path / "shared", PAIRS, G, threads=3)
    np.testing.assert_array_equal(shared.resistances, report.resistances)
    assert sorted(path.name for path in (tmp_path / "store").iterdir() if "lock" not in path.name) == [
        "inputs.npz", "pairs.json", "resistances.zarr"]
    again = pair_resistances(NET, tmp_path / "store", PAIRS, G)
    assert again.computed == 0
    np.testing.assert_array_equal(again.resistances, report.resistances)


def test_a_stopped_job_goes_on(tmp_path, whole, monkeypatch):
    looks = iter([False, True])
    with monkeypatch.context() as patch:
        patch.setattr(JobCounters, "poll", lambda self: next(looks))
        part = pair_resistances(NET, tmp_path, PAIRS, G, threads=1)
    assert part.computed == 1
    there = ~np.isnan(read_resistances(tmp_path)[1])
    assert there.sum() == pair_store.BLOCK
    done = pair_resistances(NET, tmp_path, PAIRS, G)
    assert done.computed == 2
    np.testing.assert_allclose(done.resistances, whole, rtol=1e-9, atol=1e-12)


@needs_mpi
@pytest.mark.parametrize("method", ["auto", "approximate-cholesky"])
def test_ranks_give_the_same_bits(tmp_path, method):
    NET.write(tmp_path / "net.csv", conductances=G)
    np.savetxt(tmp_path / "pairs.txt", PAIRS, fmt="%d")
    words = ["resistances", tmp_path / "net.csv", "--pairs", tmp_path / "pairs.txt", "--method", method, "--output"]
    done = [run_here(*words, tmp_path / f"store{ranks}", ranks=ranks) for ranks in (None, 2)]
    assert [one.returncode for one in done] == [0, 0], done[1].stderr
    assert done[0].stdout == done[1].stdout
    assert len(done[0].stdout.splitlines()) == len(PAIRS)
    one, two = (read_resistances(tmp_path / f"store{ranks}") for ranks in (None, 2))
    np.testing.assert_array_equal(one[0], two[0])
    np.testing.assert_array_equal(one[1], two[1])


@pytest.mark.parametrize("change", ["conductances", "pairs", "network", "held"])
def test_another_store_is_refused(tmp_path, change):
    given = {"network": NET, "pairs": PAIRS, "conductances": G, "held": (0,)}
    pair_resistances(store=tmp_path, **given)
    other = {"conductances": 2 * G, "pairs": PAIRS[::-1], "network": Network.delaunay(150, seed=1),
             "held": (1,)}
    if change == "network":
        other["network"] = Network(np.r_[NET.edges[:-1], [[0, 149]]], 150)
    with pytest.raises(StoreError, match="of another network, other conductances or other pairs"):
        pair_resistances(store=tmp_path, **given | {change: other[change]})


@pytest.mark.parametrize("folded", [True, False])
def test_every_changed_byte_is_noticed_or_changes_nothing(tmp_path, folded, monkeypatch):
    if not folded:
        monkeypatch.setattr(pair_store.PairStore, "fold", lambda self: None)
    right = pair_resistances(NET, tmp_path / "store", PAIRS, G).resistances
    rng, noticed = np.random.default_rng(3), 0
    names = sorted(path for path in (tmp_path / "store").rglob("*") if path.is_file() and path.stat().st_size)
    for trial in range(40):
        shutil.rmtree(tmp_path / "copy", ignore_errors=True)
        shutil.copytree(tmp_path / "store", tmp_path / "copy")
        file = tmp_path / "copy" / names[trial % len(names)].relative_to(tmp_path / "store")
        data = bytearray(file.read_bytes())
        data[rng.integers(len(data))] ^= 1 << rng.integers(8)
        file.write_bytes(data)
        try:
            found = read_resistances(tmp_path / "copy")[1]
        except StoreError:
            noticed += 1
            continue
        np.testing.assert_array_equal(found[~np.isnan(found)], right[~np.isnan(found)])
    assert noticed > 15


def test_what_is_wrong_is_said(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="pairs has no pair"):
        pair_resistances(NET, tmp_path / "a", np.zeros((0, 2), int))
    with pytest.raises(ValueError, match="node of a pair 150 is not in the network"):
        pair_resistances(NET, tmp_path / "a", [(0, 150)])
    with pytest.raises(StoreError, match="not a store of resistances"):
        read_resistances(tmp_path)
    assert not (tmp_path / "a").exists()
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "letter.txt").touch()
    with pytest.raises(StoreError, match=r"holds other files \(letter.txt\)"):
        pair_resistances(NET, tmp_path / "b", PAIRS)

    class Broken(Equilibrium):
        def effective_resistance(self, pairs="edges", *rest, **options):
            if len(pairs) > 8:
                raise ArithmeticError("out of luck")
            return super().effective_resistance(pairs, *rest, **options)

    monkeypatch.setattr(run_pairs, "Equilibrium", Broken)
    with pytest.raises(ArithmeticError, match="out of luck"):
        pair_resistances(NET, tmp_path / "c", PAIRS)
    monkeypatch.undo()
    assert ol.stores.pair_resistances(NET, tmp_path / "c", PAIRS).computed == 3
