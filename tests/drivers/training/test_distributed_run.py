"""Training over ranks against one machine, and its states, taken up by other numbers of ranks."""
import json
from unittest.mock import patch

import numpy as np
import ohmlearn as ol
import pytest
from ohmlearn import distributed
from ohmlearn.stored import block_arrays
from rank_jobs import on_ranks
from sweeps import needs_mpi

pytestmark = needs_mpi

SHAPE = (45, 40)
OPTIONS = {"until": 1e-2, "rule": ol.Rule(nudge=0.1), "record": ol.Record(
    per_decade=4, keep=("outputs", "power", "squared_norm"))}


def a_store(folder):
    """A store of a grid with conductances of its own, and a task."""
    network = ol.Network.grid(*SHAPE)
    g = np.random.default_rng(1).uniform(0.5, 2.0, network.n_edges)
    distributed.store_network(folder / "net.zarr", network, g, block=190)
    n = network.n_nodes
    return ol.Task({3: 4.0, n - 5: -4.0, n // 2: 0.0}, {700: 0.3, 1101: -0.5})


def whole(comm, run):
    """The run's numbers, and its state gathered on rank 0."""
    nodes, edges = comm.gather((run.nodes, run.voltages, run.difference)), comm.gather(
        (run.edge_numbers, run.conductances))
    found = {name: getattr(run, name) for name in (
        "status", "reason", "training_time", "sustained_time", "nonequilibrium_time", "time", "initial_cost",
        "final_cost", "n_steps", "n_looks", "times", "equilibrium_cost", "cost")} | {"recorded": dict(run.recorded)}
    if comm.rank == 0:
        for name, k in (("voltages", 1), ("difference", 2)):
            found[name] = np.concatenate([rank[k] for rank in nodes])[np.argsort(np.concatenate(
                [rank[0] for rank in nodes]))]
        found["conductances"] = np.concatenate([g for _, g in edges])[np.argsort(np.concatenate(
            [numbers for numbers, _ in edges]))]
    return found


def trained(comm, folder, task, rates):
    stored = distributed.open_network(folder / "net.zarr")
    found = []
    for rate in rates:
        run = ol.train(stored, task, rate, **OPTIONS)
        run.save(folder / f"run-{rate}-{comm.size}.zarr")
        found.append(whole(comm, run))
    return found


@pytest.mark.parametrize("size", [2, *(pytest.param(k, marks=pytest.mark.slow) for k in (1, 3))])
def test_runs_are_those_of_one_machine(tmp_path, size):
    from ohmlearn.drivers.training.ensemble import Ensemble
    from ohmlearn.drivers.training.large_run import train_large

    task, rates = a_store(tmp_path), (2.0, 0.0)
    network = distributed.open_network(tmp_path / "net.zarr").network()
    by_rank = on_ranks(size, trained, tmp_path, task, rates)
    for number, rate in enumerate(rates):
        one = train_large(Ensemble(network, [task], np.array([0]), np.array([rate]), OPTIONS["rule"], until=1e-2,
                                   record=OPTIONS["record"]))
        runs = [rank[number] for rank in by_rank]
        for run in runs:
            assert run["status"] == one.status == "reached"
            for name in ("training_time", "sustained_time", "time", "initial_cost", "final_cost", "times",
                         "equilibrium_cost", "cost"):
                np.testing.assert_allclose(run[name], getattr(one, name), rtol=1e-4, atol=1e-9)
            for name, values in one.recorded.items():
                np.testing.assert_allclose(run["recorded"][name], values, rtol=1e-6, atol=1e-8)
                np.testing.assert_array_equal(run["recorded"][name], runs[0]["recorded"][name])
        for name in ("voltages", "difference", "conductances"):
            np.testing.assert_allclose(runs[0][name], getattr(one, name), rtol=1e-4, atol=1e-6)
        stored = distributed.open_run(tmp_path / f"run-{rate}-{size}.zarr")
        for name in ("voltages", "difference", "conductances"):
            blocks = np.concatenate([getattr(stored, name)(k) for k in range(-(-network.n_nodes // 190))])
            np.testing.assert_array_equal(blocks, runs[0][name])
        assert stored.attributes["status"] == "reached"
        assert stored.attributes["n_steps"] == runs[0]["n_steps"]
        np.testing.assert_array_equal(stored.cost, runs[0]["cost"])


def recorded_often(comm, folder, task):
    stored = distributed.open_network(folder / "plain.zarr")
    run = ol.train(stored, task, 1.0, until=1e-2, record=ol.Record(per_decade=20))
    return run.status, run.training_time, run.equilibrium_cost


def test_solves_that_just_miss_their_tolerance_are_refined(tmp_path):
    """A record of many times asks for many solves of small currents, on a preconditioner that is kept; the run is that
    of the lanes. Corrections that stopped after a step each did not get there."""
    network, task = ol.Network.grid(60, 50), ol.Task({0: 2.0, 2999: -2.0, 1500: 0.0}, {1111: 0.1})
    distributed.store_network(tmp_path / "plain.zarr", network)
    lanes = ol.train(network, task, 1.0, until=1e-2, record=ol.Record(per_decade=20))
    for status, training_time, costs in on_ranks(2, recorded_often, tmp_path, task):
        assert status == lanes.status == "reached"
        assert training_time == pytest.approx(lanes.training_time, rel=1e-3)
        np.testing.assert_allclose(costs, lanes.equilibrium_cost[:costs.size], rtol=2e-3)


def in_turn(comm, folder, task, rate, evaluations):
    """Take a run up from its checkpoint, if there is one, and set it aside after some evaluations, or end it.

    Voltages are solved for on rank 0, by one machine: the same bits on any number of ranks.
    """
    from ohmlearn.drivers.distributed.rank_checkpoint import RankCheckpoint
    from ohmlearn.drivers.distributed.rank_run import RankRun
    from ohmlearn.drivers.distributed.ranks import ranks
    from ohmlearn.drivers.recording.checkpoint_file import CheckpointFile
    from ohmlearn.drivers.training import distributed_run, large_run
    from ohmlearn.solvers.distributed.stored_part import StoredPart

    network = distributed.open_network(folder / "net.zarr").network()

    class OnRankZero:
        def __init__(self, part, held):
            self.part = part
            self.circuit = ol.Equilibrium(network, held) if comm.rank == 0 else None

        def forget(self):
            if self.circuit is not None:
                self.circuit.forget()

        def solve(self, g, held_voltages=None, currents=None, *, start=None):
            def gathered(values, size, own, numbers):
                every = comm.gather((numbers[own], values[own]))
                if every is None:
                    return None
                out = np.empty(size)
                for places, part in every:
                    out[places] = part
                return out

            part = self.part
            edges = gathered(g, part.n_edges, part.own_edges, part.edge_numbers)
            into = None if currents is None else gathered(currents, part.n_nodes, part.own, part.nodes)
            near = None if start is None else gathered(start, part.n_nodes, part.own, part.nodes)
            found = self.circuit.solve(edges, held_voltages, into, start=near) if comm.rank == 0 else None
            return comm.bcast(found)[part.nodes]

    class Machine(distributed_run.RankMachine):
        def circuit(self, held):
            return OnRankZero(self.here.part, held)

    here = StoredPart.of(distributed.open_network(folder / "net.zarr"), comm)
    options = OPTIONS | {"until": 1e-3}
    with patch.object(large_run, "RENEW", 4):
        ensemble = distributed_run.RankEnsemble.of(here, task, rate, **options)
        run = large_run.run_on(ensemble, 0, Machine(ensemble, 1) if rate else distributed_run.RankMachine(ensemble, 1))
        kept = RankCheckpoint(ranks(), CheckpointFile(folder / "state.npz", "the test", "run"), here)
        saved = kept.resume()
        count = iter(range(10**6))
        end = large_run.follow(run, None if saved is None else distributed_run._taken_up(saved, here),
                               lambda run: next(count) == evaluations)
        if isinstance(end, dict):
            kept.suspend(distributed_run._dealt_out(end, here))
            return None
        kept.done()
        return whole(comm, RankRun._of(end, here))


@pytest.mark.parametrize("rate", [pytest.param(2.0, marks=pytest.mark.slow), 0.0])
def test_a_run_set_aside_is_taken_up_by_other_ranks(tmp_path, rate):
    """From two to three ranks to one: of RK4 the same bits, where solves are the same; else the same run."""
    task = a_store(tmp_path)
    straight = on_ranks(1, in_turn, tmp_path, task, rate, 10**6)[0]
    assert straight["status"] == "reached"
    assert on_ranks(2, in_turn, tmp_path, task, rate, 6) == [None] * 2
    first = sorted(path.name for path in tmp_path.iterdir())
    assert on_ranks(3, in_turn, tmp_path, task, rate, 9) == [None] * 3
    second = sorted(path.name for path in tmp_path.iterdir())
    assert len(first) == len(second) == 3       # the network, the file, one folder of blocks
    assert first != second
    resumed = on_ranks(1, in_turn, tmp_path, task, rate, 10**6)[0]
    assert [path.name for path in tmp_path.iterdir()] == ["net.zarr"]
    for name, values in straight.items():
        if name == "reason":
            continue
        if name == "recorded":
            for key in values:
                np.testing.assert_allclose(resumed[name][key], values[key], rtol=0 if rate else 1e-6)
        elif rate or name == "status":
            np.testing.assert_array_equal(resumed[name], values)
        elif name not in ("n_steps", "n_looks"):
            np.testing.assert_allclose(resumed[name], values, rtol=1e-5, atol=1e-8)


def refusals(comm, folder, task):
    stored = distributed.open_network(folder / "net.zarr")
    said = {}
    for name, given in {
            "two rates": {"rate": [1.0, 2.0]}, "slow": {"method": "slow"}, "precision": {"precision": "single"},
            "conductances": {"conductances": np.ones(stored.n_edges)}, "floor": {"conductances": 1e-9},
            "kept": {"record": ol.Record(per_decade=2, keep=("voltages",))}, "solver": {"solver": "amg"},
            "target": {"task": ol.Task({0: 1.0}, {10**6: 0.1})}, "rule": {"rule": ol.rules.GradientFlow()},
            "updates": {"updates": ol.rules.Discrete(step=1.0)}, "edges": {"edges": ol.edges.NMOS()}}.items():
        options = {"task": task, "rate": 1.0} | given
        try:
            ol.train(stored, options.pop("task"), options.pop("rate"), **options)
        except (ValueError, NotImplementedError) as error:
            said[name] = str(error)
    return said


def test_what_ranks_cannot_do_is_refused(tmp_path):
    task = a_store(tmp_path)
    for said in on_ranks(2, refusals, tmp_path, task):
        for name, words in {
                "two rates": "one task at one rate", "slow": "by method 'auto' or 'rk4'", "precision": "double",
                "conductances": "a number for all edges", "floor": "floor", "kept": "not 'voltages'",
                "solver": "not 'amg'", "target": "target node 1000000 is not in the network",
                "rule": "take a Rule", "updates": "plain rule", "edges": "linear edges"}.items():
            assert words in said[name]


@pytest.fixture
def saved(tmp_path):
    """A run of one rank, its place in a store, and what is in the folder besides."""
    stored = distributed.store_grid(tmp_path / "grid.zarr", 4, 4, block=8)
    run = ol.train(stored, ol.Task({0: 1.0, 15: 0.0}, {6: 0.7}), 1.0)
    run.save(tmp_path / "run.zarr")
    return run, tmp_path / "run.zarr", sorted(tmp_path.iterdir())


def test_a_save_that_fails_leaves_nothing(saved, tmp_path, monkeypatch):
    run, _, before = saved

    def full(self, name, block, array):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(block_arrays.BlockArrays, "write", full)
    with pytest.raises(OSError, match="No space left"):
        run.save(tmp_path / "other.zarr")
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(("change", "words"), [
    ({"version": 2}, "has format 2, this version of ohmlearn reads format 1"),
    ({"block": 0}, "says that it holds 16 nodes in blocks of 0"),
    ({"first_edge": [0, 5]}, "says that it holds 16 nodes in blocks of 8"),
    ({"n_times": "many"}, "does not say what it holds"),
    ({"kind": "unfinished"}, "not the ohmlearn run of a large network"),
])
def test_stores_of_runs_that_were_changed_are_refused(saved, change, words):
    _, place, _ = saved
    description = json.loads((place / "zarr.json").read_text())
    description["attributes"] |= change
    (place / "zarr.json").write_text(json.dumps(description))
    with pytest.raises(distributed.DamagedStore, match=words):
        distributed.open_run(place)


def test_blocks_that_a_run_has_not_are_refused(saved):
    found = distributed.open_run(saved[1])
    assert found.voltages(1).size == 8
    for number in (-1, 2):
        with pytest.raises(IndexError, match="blocks run from 0 to 1"):
            found.difference(number)
