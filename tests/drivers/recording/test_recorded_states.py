"""What is recorded besides costs: against independent integrations, on every way to train, and what is refused."""
import numpy as np
import ohmlearn as ol
import pytest
import reference as twin
from ohmlearn.drivers.training import large_run, regime
from ohmlearn.drivers.training.ensemble import Ensemble
from queues import OneAfterTheOther

ALL = ("outputs", "voltages", "conductances", "power", "squared_norm")
PACKING = ol.Network.packing(31, seed=2)
NETS = {"packing": PACKING, "grid": ol.Network.grid(4, 4), "delaunay": ol.Network.delaunay(23, seed=4),
        "random": ol.Network.random(17, 3.4, seed=1)}


def expected(network, task, states):
    """What the equations alone say of states (v, w, G): {name: (n_times, ...)}, w and G beside it."""
    v, G = np.array([v[0] for v, *_ in states]), np.array([G for _, _, G, *_ in states])
    power = [x @ twin.laplacian(network.n_nodes, network.edges, g) @ x for x, g in zip(v, G, strict=True)]
    outputs = v @ task.output_matrix(network.n_nodes).toarray().T
    return {"outputs": outputs, "voltages": v, "conductances": G, "power": np.array(power),
            "squared_norm": np.sum(G**2, axis=1)}


def states_of(equations, times, start, rtol=1e-8):
    """(v (n_copies, n_nodes), w, G) at the times; at rate 0 the twin follows G alone, so v is solved for."""
    found = []
    for t, (v, w, G, _, _) in zip(times, equations.integrate(times, start, rtol=rtol), strict=True):
        if equations.rate == 0:
            number = int(t * equations.schedule.switching) if equations.turn else 0
            v = np.array([equations.equilibrium(G, equations.shown(t, copy, number)[0])[0]
                          for copy in range(equations.copies)])
        found.append((v, w, G))
    return found


def agree(run, said, tolerance):
    assert tuple(run.recorded) == ALL
    for name in ALL:
        found = run.recorded[name]
        assert found.shape == said[name].shape, name
        np.testing.assert_allclose(found, said[name], atol=tolerance * np.abs(said[name]).max(), rtol=0, err_msg=name)


CASES = [("packing", 3, 0.0), ("packing", 3, 1.0), ("grid", 1, 0.02), ("grid", 2, 100.0), ("delaunay", 2, 0.05),
         ("delaunay", 1, 30.0), ("random", 3, 5.0), ("random", 1, 0.0)]


QUICK = [(CASES[k], ("lanes", "large")[way]) for k, way in enumerate((1, 1, 0, 1, 1, 0, 0, 0))]    # each case one way


@pytest.mark.parametrize(("name", "targets", "rate", "way"), [
    pytest.param(*case, way, marks=() if (case, way) in QUICK else pytest.mark.slow)
    for case in CASES for way in ("lanes", "large")])
def test_states_are_those_of_the_equations(name, targets, rate, way, monkeypatch):
    if way == "large":
        monkeypatch.setattr(regime, "LANES_UP_TO", 0)
    network = NETS[name]
    task = ol.Task.allosteric(network, 4, targets, seed=targets, feasible=True)
    span = 20.0 / (rate or 1.0) if rate <= 1 else 3.0 / np.sqrt(rate)
    times = span * np.array([0.0, 1e-3, 0.0123, 0.1, 0.34, 0.341, 1.0])
    equations = twin.GeneralTwin(network, (task,), ol.Rule(), ol.Schedule(), rate)
    states = states_of(equations, times, np.ones(network.n_edges), rtol=1e-8 if rate != 0.02 else 1e-7)
    run = ol.train(network, task, rate, until=None, t_max=span, tolerance=1e-5,
                   record=ol.Record(times=times, keep=ALL))
    np.testing.assert_array_equal(run.times, times)
    agree(run, expected(network, task, states), 3e-4 if rate == 0 or (rate < 1 and way == "lanes") else 2e-5)
    np.testing.assert_array_equal(run.recorded["conductances"][-1], run.conductances)
    np.testing.assert_array_equal(run.recorded["voltages"][-1], run.voltages)
    assert np.abs(run.recorded["conductances"][-1] - 1).max() > 0.01
    error = np.sum((task.target_voltages - run.recorded["outputs"]) ** 2, axis=1) / run.initial_cost
    np.testing.assert_allclose(error, run.cost, rtol=2e-3, atol=1e-9)


GENERAL = {
    "drops and currents": ((ol.Task([0], [0.4], [(4, 9), {5: 1.0, 6: 0.5}], [0.05, 0.1], drops={(1, 7): 0.3},
                                    currents={12: 0.6}),), {"nudge": 0.1}, {}),
    "floating": ((ol.Task(currents={0: 1.0, 13: -1.0}, targets=[(4, 9), 6], target_voltages=[0.1, -0.05]),), {}, {}),
    "side by side": ((ol.Task([0, 5, 13], [1.0, -0.4, 0.0], [4, 9], [0.25, 0.1]),
                      ol.Task([0, 5, 13], [-0.2, 0.7, 0.0], [4, 9], [0.05, 0.15])), {}, {}),
    "in turn": ((ol.Task([0, 5, 13], [1.0, -0.4, 0.0], [4, 9], [0.25, 0.1]),
                 ol.Task([0, 5, 13], [-0.2, 0.7, 0.0], [4, 9], [0.05, 0.15])), {}, {"switching": 1.3}),
    "pulled": ((ol.Task([0, 5, 13], [1.0, -0.4, 0.0], [4, 9], [0.25, 0.1]),),
               {"clamp": "pulled", "clamp_rate": 3.0, "clamp_share": 0.2}, {}),
}


@pytest.mark.parametrize("rate", [0.0, 1.5])
@pytest.mark.parametrize("name", GENERAL)
def test_other_tasks_and_rules(name, rate):
    network, times = ol.Network.delaunay(14, seed=2, mean_degree=None, spacing=0.5), np.array([0.0, 0.3, 1.7, 3.0])
    samples, rule, schedule = GENERAL[name]
    start = np.random.default_rng(0).uniform(0.7, 1.3, network.n_edges)
    equations = twin.GeneralTwin(network, samples, ol.Rule(**rule), ol.Schedule(**schedule), rate)
    states = states_of(equations, times, start)
    run = ol.train(network, samples if len(samples) > 1 else samples[0], rate, rule=ol.Rule(**rule), until=None,
                   schedule=ol.Schedule(**schedule), t_max=3.0, conductances=start, tolerance=1e-6,
                   record=ol.Record(times=times, keep=ALL))
    said = expected(network, samples[0], states)
    if equations.copies == 2:
        parts = [said, expected(network, samples[0], [(v[1:], w, G) for v, w, G in states])]
        said = {key: np.stack([part[key] for part in parts], axis=1) for key in ("outputs", "voltages", "power")}
        said |= {key: parts[0][key] for key in ("conductances", "squared_norm")}
    agree(run, said, 1e-4)


@pytest.mark.parametrize("rate", [0.0, 0.05, 3.0, 1e4])
@pytest.mark.parametrize("targets", [1, 3])
def test_a_run_stays_what_it_is(rate, targets):
    """Steps that end at records change a run within its tolerance only."""
    task = ol.Task.allosteric(PACKING, 5, targets, seed=3, feasible=True)
    record = ol.Record(per_decade=15)
    plain = ol.train(PACKING, task, rate, record=record, tolerance=1e-4)
    kept = ol.train(PACKING, task, rate, record=ol.Record(per_decade=15, keep="conductances"), tolerance=1e-4)
    assert kept.status == plain.status == "reached"
    assert kept.training_time == pytest.approx(plain.training_time, rel=2e-4)
    assert kept.final_cost == pytest.approx(plain.final_cost, rel=1e-3)
    assert kept.n_steps < 2 * plain.n_steps + 60 * len(kept.times)
    both = min(len(kept.times), len(plain.times))
    assert len(kept.recorded["conductances"]) == len(kept.times)
    np.testing.assert_allclose(kept.equilibrium_cost[:both], plain.equilibrium_cost[:both], rtol=5e-3, atol=1e-9)


def test_many_runs_are_the_single_ones():
    """Bits do not depend on the lanes beside, and each member has its own."""
    tasks = [ol.Task.allosteric(PACKING, 5, 1 + seed % 3, seed=seed, feasible=True) for seed in range(11)]
    rates = np.logspace(-2, 2, 11)
    options = {"record": ol.Record(per_decade=3, keep=ALL), "until": 1e-3}
    runs = ol.train(PACKING, tasks, rates, threads=2, **options)
    for k in (0, 4, 10):
        alone = ol.train(PACKING, tasks[k], rates[k], **options)
        for name in ALL:
            np.testing.assert_array_equal(runs[k].recorded[name], alone.recorded[name])


@pytest.mark.parametrize("rate", [0.0, 0.2, 2.0])
@pytest.mark.parametrize("kind", ["plain", "general"])
def test_set_aside_and_taken_up(rate, kind):
    """What was kept so far travels with the state, and the bits are those of a run that nobody disturbed."""
    from ohmlearn.drivers.training.worker import workers_for

    task = ol.Task.allosteric(PACKING, 5, 2, seed=1, feasible=True)
    rule = ol.Rule() if kind == "plain" else ol.Rule(clamp="pulled", clamp_rate=2.0)
    ensemble = Ensemble(PACKING, [task], np.array([0]), np.array([rate]), rule, until=1e-2, t_max=50.0 / (rate or 1),
                        record=ol.Record(per_decade=4, keep=ALL))

    def finish(every):
        saved, slices = {}, 0
        while True:
            worker, = workers_for(ensemble, 1, OneAfterTheOther([0]), saved.get)
            while worker.refill():
                done, _ = worker.follow()
                slices += 1
                if done:
                    return done[0][1], slices
                if slices % every == 0:
                    break
            saved = worker.states()

    (whole, _), (broken, slices) = finish(10**9), finish(3)
    assert slices > 12
    assert len(whole.times) > 10
    for name in ALL:
        np.testing.assert_array_equal(broken.recorded[name], whole.recorded[name])


@pytest.mark.parametrize("rate", [0.0, 2.0])
def test_a_large_run_set_aside(rate, monkeypatch):
    monkeypatch.setattr(large_run, "RENEW", 4)
    task = ol.Task.allosteric(PACKING, 5, 2, seed=1, feasible=True)
    ensemble = Ensemble(PACKING, [task], np.array([0]), np.array([rate]), ol.Rule(), until=1e-3,
                        record=ol.Record(per_decade=3, keep=ALL))
    whole, evaluations = large_run.train_large(ensemble), iter(range(10**6))
    saved = large_run.train_large(ensemble, observe=lambda run: next(evaluations) == 18)
    assert len(saved["recorded"]) > 3
    later = large_run.train_large(ensemble, saved=saved)
    for name in ALL:
        np.testing.assert_array_equal(later.recorded[name], whole.recorded[name])


def test_gradient_flow():
    """States of the flow with voltages at equilibrium; outputs of any kind."""
    task = ol.Task.allosteric(PACKING, 5, 3, seed=1, feasible=True)
    times = np.array([0.0, 1.0, 10.0])
    run = ol.train(PACKING, task, 0.0, rule=ol.rules.GradientFlow(), until=None, t_max=10.0,
                   record=ol.Record(times=times, keep=ALL))
    G = run.recorded["conductances"]
    np.testing.assert_array_equal(G[-1], run.conductances)
    said = expected(PACKING, task, [(twin.beginning(PACKING, task, g)[:1], None, g) for g in G])
    agree(run, said, 1e-9)
    several = ol.train(PACKING, (task, task), 0.0, rule=ol.rules.GradientFlow(), until=None, t_max=1.0,
                       record=ol.Record(times=[1.0], keep=ALL))
    assert several.recorded["outputs"].shape == (1, 2, 3)
    assert several.recorded["power"].shape == (1, 2)
    square = ol.tasks.Constraint(lambda v: v[5] ** 2, lambda v: 2 * v[5] * np.eye(v.size)[5],
                                 lambda v: np.diag(2 * np.eye(v.size)[5]))
    task = ol.Task([0, 9], [1.0, 0.0], [square], [0.2])
    bent = ol.train(PACKING, task, 0.0, rule=ol.rules.GradientFlow(), until=None, t_max=5.0,
                    record=ol.Record(times=[0.0, 5.0], keep=("voltages", "outputs")))
    np.testing.assert_allclose(bent.recorded["outputs"][:, 0], bent.recorded["voltages"][:, 5] ** 2, rtol=1e-12)


def test_what_is_refused():
    task = ol.Task.allosteric(PACKING, 5, 1, seed=1)
    with pytest.raises(ValueError, match=r"keep='volts' is not known; give names out of outputs, voltages"):
        ol.Record(per_decade=3, keep=("power", "volts"))
    with pytest.raises(ValueError, match="names 'power' twice"):
        ol.Record(per_decade=3, keep=("power", "power"))
    with pytest.raises(NotImplementedError, match="discrete updates record costs only"):
        ol.train(PACKING, task, 1.0, updates=ol.rules.Discrete(step=1.0), record=ol.Record(per_decade=3, keep="power"))
    with pytest.raises(ValueError, match=r"\[record\] keep: stores of sweeps hold costs"):
        ol.Sweep.from_tables({"network": {"grid": {"shape": [3, 3]}}, "tasks": {"allosteric": {}},
                              "sweep": {"rates": [1.0]}, "record": {"per_decade": 3, "keep": ["power"]}})
    assert ol.train(PACKING, task, 1.0, until=0.5).recorded == {}


def test_no_time_in_reach_gives_empty_arrays():
    task = ol.Task.allosteric(PACKING, 5, 2, seed=1, feasible=True)
    run = ol.train(PACKING, task, 1.0, until=None, t_max=1.0, record=ol.Record(times=[5.0], keep=ALL))
    assert {name: part.shape for name, part in run.recorded.items()} == {
        "outputs": (0, 2), "voltages": (0, 31), "conductances": (0, PACKING.n_edges), "power": (0,),
        "squared_norm": (0,)}


@pytest.mark.parametrize("rule", [ol.Rule(floor_mode="clip", floor=0.3),
                                  ol.Rule(floor=0.9, ceiling=1.1, floor_rate=20.0,
                                          frozen=np.arange(PACKING.n_edges) % 9 == 4)])
def test_states_at_the_bounds(rule):
    """Where conductances meet bounds: against the NumPy twin's own small steps."""
    task, rate, dt = ol.Task.allosteric(PACKING, 5, 2, seed=1, feasible=True), 20.0, 2e-4
    state, states = [*twin.beginning(PACKING, task, np.ones(PACKING.n_edges)), np.ones(PACKING.n_edges)], []
    for step in range(1, 2501):
        state = twin.gill_step(PACKING, task, rule, rate, state, dt)
        if step in (300, 1111, 2500):
            states.append(([state[0]], None, state[2]))
    assert np.sum((state[2] < rule.floor + 1e-3) | (state[2] > (rule.ceiling or np.inf) - 1e-3)) > 1
    run = ol.train(PACKING, task, rate, rule=rule, until=None, t_max=0.5, tolerance=1e-5,
                   record=ol.Record(times=[300 * dt, 1111 * dt, 0.5], keep=ALL))
    agree(run, expected(PACKING, task, states), 1e-4)
