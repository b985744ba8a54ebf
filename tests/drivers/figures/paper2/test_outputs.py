"""Several, soft and nonlinear outputs: rank, spans and scaling against closed forms, and the figure, small."""
import numpy as np
import ohmlearn as ol
import pytest
from ohmlearn.drivers.figures.catalogue import verdicts
from ohmlearn.drivers.figures.paper2 import output_spans as spans
from ohmlearn.drivers.figures.paper2 import outputs as figure


@pytest.mark.parametrize("family", spans.FAMILIES)
@pytest.mark.parametrize("outputs", [1, 2, 5])
def test_rank_is_the_number_of_outputs(family, outputs):
    """SI Note 2: as many stiff modes as outputs, the rest of the spectrum falling as √C."""
    found = figure.spectrum(family, figure.problem(family, 3, outputs, n_nodes=36))
    assert found.cost[-1] < 1e-12
    assert found.stiff == outputs
    assert found.rest[-1] < 1e-4
    assert found.slope == pytest.approx(0.5, abs=0.06)


def test_dependent_outputs_add_no_stiff_mode():
    """Three drops around a triangle sum to zero, so they are two independent outputs."""
    given = figure.problem("Delaunay", 1, 1, n_nodes=36)
    g = given.conductances
    task = ol.Task(currents=given.task.currents, targets=[(3, 9), (9, 14), (14, 3)], target_voltages=np.zeros(3))
    met = ol.Task(currents=task.currents, targets=task.targets,
                  target_voltages=ol.hessian(given.network, task, g).errors)
    h = ol.hessian(given.network, met, g)
    values = np.linalg.eigvalsh(h.total())[::-1]
    assert values[1] > 1e-6 * values[0]
    assert abs(values[2]) < 1e-12 * values[0]


def test_one_soft_mode_spans_its_own_square():
    """Two dense halves joined by weak edges: the stiff mode is (Δv₁)² (Eq. 13), random modes hold little of it."""
    rng = np.random.default_rng(0)
    edges = [(a + s, b + s) for s in (0, 8) for a in range(8) for b in range(a)] + [(k, k + 8) for k in range(3)]
    network = ol.Network.from_edges(edges)
    g = np.append(rng.uniform(0.5, 1.5, 56), np.full(3, 1e-5))
    task = ol.Task(currents={4: 1.0, 12: -1.0}, targets=[(5, 13)], target_voltages=[1.0])
    stiff = ol.hessian(network, task, g).satisfied_modes(1)[1]
    values, drops = spans.modes_of(network, g)
    assert values[1] / values[0] > 1e3
    assert spans.held(stiff, spans.products(drops, 1))[0] > 1 - 1e-8
    assert spans.products(drops, 4).shape == (network.n_edges, 10)
    loose = network.incidence @ np.linalg.qr(rng.standard_normal((16, 3)))[0]
    assert spans.held(stiff, spans.products(loose, 1))[0] < 0.5


def test_what_a_span_holds():
    basis = np.eye(7)
    assert spans.held(basis[:, :2], basis[:, 1:5]) == pytest.approx((0.5, 0.0))
    assert spans.held(basis[:, :2], basis[:, :3]) == pytest.approx((1.0, 1.0))
    tilted = np.array([[np.cos(0.3), np.sin(0.3), 0.0]]).T
    assert spans.held(tilted, np.eye(3)[:, :1])[1] == pytest.approx(np.cos(0.3)**2)
    assert spans.held(basis[:, :3], basis[:, :2]) == pytest.approx((2 / 3, 0.0))


@pytest.mark.parametrize("curve", figure.CURVES)
def test_satisfied_part_dominates_for_nonlinear_outputs(curve):
    value, slope, second = figure.CURVES[curve]
    x = np.array([-0.7, 0.2, 1.3])
    step = 1e-5
    np.testing.assert_allclose((value(x + step) - value(x - step)) / 2 / step, slope(x), rtol=1e-8)
    np.testing.assert_allclose((slope(x + step) - slope(x - step)) / 2 / step, second(x) * np.ones(3), rtol=1e-8)
    given = figure.bent(figure.problem("packing", 2, 1, n_nodes=25), curve)
    states = figure.train(given)
    course = ol.analysis.hessian_trajectory(given.network, given.task, states.history)
    found = figure.Bent(curve, course.cost / states.initial_cost, course.ratio)
    assert found.slope == pytest.approx(0.5, abs=0.01)
    assert course.ratio[-1] < 1e-5 < 1e-1 < course.ratio[0]


def test_the_figure_is_drawn(tmp_path):
    written = figure.make(figure.Size(2, (1, 2), 25), tmp_path)
    assert [path.suffix for path in written] == [".png", ".txt", ".csv", ".csv", ".csv"]
    assert written[0].stat().st_size > 40_000
    judged = verdicts(written[1].read_text())
    assert len(judged) == 8
    assert judged[0].status == "pass"
    data = np.genfromtxt(written[2], delimiter=",", names=True)
    assert set(data["outputs"]) == {1, 2}
    assert len(np.genfromtxt(written[3], delimiter=",", names=True)) % (4 * len(spans.SOFT)) == 0
    with pytest.raises(ValueError, match="two networks of each kind at least, not 1"):
        figure.Size(1)
