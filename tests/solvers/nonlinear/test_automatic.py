"""Equilibrium voltages in JAX and PyTorch: derivatives against differences, batches, types, refusals."""
import doctest
import inspect
import sys

import numpy as np
import ohmlearn as ol
import pytest
from ohmlearn.edges import NMOS, Diode, IdealDiode, Linear, PerEdge, jax_voltages, torch_voltages, voltages_vjp

NET = ol.Network.grid(3, 4)
HELD = [0, 5, 11]
KINDS = np.arange(NET.n_edges) % 3
LAWS = {"linear": None, "nmos": NMOS(gain=0.5, leak=1e-3, node_leak=1e-3),
        "ideal diodes": PerEdge([Linear(), IdealDiode(on=3.0, off=0.1)], KINDS % 2),
        "mixed": PerEdge([Linear(), Diode(saturation=1e-3, thermal_voltage=0.2, series=0.5, leak=1e-2),
                          NMOS(gain=0.7, leak=1e-3)], KINDS)}
each_law = pytest.mark.parametrize("edges", LAWS.values(), ids=LAWS)


@pytest.fixture(scope="module")
def jax():
    module = pytest.importorskip("jax", reason="needs JAX: pip install 'ohmlearn[jax]'")
    module.config.update("jax_enable_x64", True)
    return module


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch", reason="needs PyTorch: pip install 'ohmlearn[torch]'")


def given(batch=()):
    rng = np.random.default_rng(3)
    return [rng.uniform(1.0, 2.0, (*batch, NET.n_edges)), rng.uniform(-0.5, 1.0, (*batch, 3)),
            0.05 * rng.normal(size=(*batch, 12))]


@each_law
def test_gradients_of_jax_are_those_of_differences(jax, edges):
    from jax.test_util import check_grads

    check_grads(jax_voltages(NET, HELD, edges=edges), tuple(map(jax.numpy.asarray, given())), order=1, modes=["rev"],
                eps=1e-6, atol=1e-6, rtol=1e-6)


@each_law
def test_gradients_of_torch_are_those_of_differences(torch, edges):
    parts = [torch.tensor(part, requires_grad=True) for part in given((2,))]
    assert torch.autograd.gradcheck(torch_voltages(NET, HELD, edges=edges), parts)


@each_law
@pytest.mark.parametrize("name", ["jax", "torch"])
def test_a_batch_is_what_its_rows_are(name, edges, request):
    """Values of all rows alike, held voltages of each its own: gradients add up over the rows."""
    library = request.getfixturevalue(name)
    (values, _, _), (_, held, _), weights = given(), given((4, 3)), np.random.default_rng(1).normal(size=(4, 3, 12))
    single = [[voltages_vjp(NET, HELD, values, row, edges=edges) for row in rows] for rows in held]
    expected = np.array([[v for v, _ in row] for row in single])
    pulled = [[pull(w) for (_, pull), w in zip(row, some, strict=True)]
              for row, some in zip(single, weights, strict=True)]
    by_values = sum(each.values for row in pulled for each in row)
    by_held = np.array([[each.held_voltages for each in row] for row in pulled])
    if name == "jax":
        v, pull = library.vjp(jax_voltages(NET, HELD, edges=edges), values, held)
        slopes = pull(library.numpy.asarray(weights))
    else:
        parts = [library.tensor(part, requires_grad=True) for part in (values, held)]
        v = torch_voltages(NET, HELD, edges=edges)(*parts)
        v.backward(library.tensor(weights))
        v, slopes = v.detach(), [part.grad for part in parts]
    np.testing.assert_allclose(v, expected, rtol=0, atol=1e-12)
    for found, wanted in zip(slopes, (by_values, by_held), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-10, atol=1e-12)


def test_jit_and_vmap(jax):
    f, (values, held, _) = jax_voltages(NET, HELD, edges=LAWS["nmos"]), given((5,))

    def cost(values, held):
        return (f(values, held)[..., 7] - 0.2) ** 2
    plain = jax.numpy.stack([jax.grad(cost)(*row) for row in zip(values, held, strict=True)])
    for found in (jax.jit(jax.vmap(jax.grad(cost)))(values, held), jax.vmap(jax.jit(jax.grad(cost)))(values, held),
                  jax.grad(lambda v: cost(v, held).sum())(values)):
        np.testing.assert_allclose(found, plain, rtol=1e-10, atol=1e-14)
    two = jax.jit(lambda a, b: f(a, held[0]) + f(b, held[1]))(values[0], values[1])
    np.testing.assert_array_equal(two, f(values[0], held[0]) + f(values[1], held[1]))


def nearly(found, dtype):
    """Voltages as exact as float32 allows, and no better."""
    values, held, _ = given()
    assert dtype in str(found.dtype)
    assert 0 < np.abs(np.asarray(found, dtype=np.float64) - voltages_vjp(NET, HELD, values, held)[0]).max() < 1e-6


def test_types_of_jax_are_those_of_what_is_given(jax):
    f, array = jax_voltages(NET, HELD), jax.numpy.asarray
    values, held, _ = given()
    nearly(f(array(values, dtype="float32"), array(held, dtype="float32")), "float32")
    assert "float64" in str(f(array(values, dtype="float32"), held).dtype)
    assert f().shape == (12,)
    assert jax.grad(lambda g: f(g, array(held, dtype="float32"))[7])(array(values, dtype="float32")).dtype == "float32"


def test_types_of_torch_are_those_of_what_is_given(torch):
    f = torch_voltages(NET, HELD)
    values, held, _ = map(torch.tensor, given())
    nearly(f(values.float(), held.float()), "float32")
    assert f(values.float(), held).dtype == torch.float64
    assert f(None, [1, 0, 0]).dtype == f().dtype == torch.float64
    assert f(torch.ones(0, NET.n_edges)).shape == (0, 12)
    single = values.float().requires_grad_()
    f(single, held)[7].backward()
    assert single.grad.dtype == torch.float32


def test_jax_has_first_derivatives_backwards_alone(jax):
    values, held, _ = given()
    f = jax_voltages(NET, HELD)
    with pytest.raises(Exception, match=r"JVP|jvp"):
        jax.hessian(lambda g: f(g, held)[7])(values)
    with pytest.raises(TypeError, match="jvp"):
        jax.jvp(lambda g: f(g, held)[7], (values,), (values,))


def test_torch_has_first_derivatives_backwards_alone(torch):
    values, held, _ = given()
    g = torch.tensor(values, requires_grad=True)
    slope, = torch.autograd.grad(torch_voltages(NET, HELD)(g, held)[7], g, create_graph=True)
    with pytest.raises(NotImplementedError, match="first derivatives only"):
        slope.sum().backward()


@pytest.mark.parametrize("name", ["jax", "torch"])
def test_what_is_refused(name, request):
    request.getfixturevalue(name)
    values, held, _ = given()
    f = getattr(ol.edges, f"{name}_voltages")(NET, HELD)
    with pytest.raises(ValueError, match=r"held_voltages must be \(..., 3\), not of shape \(2,\)"):
        f(values, np.ones(2))
    with pytest.raises(Exception, match="conductance of edge 0 is negative"):
        np.asarray(f(-values, held))


@pytest.mark.parametrize("name", ["jax", "torch"])
def test_the_example_runs(name):
    pytest.importorskip(name)
    lines = inspect.getdoc(getattr(ol.edges, f"{name}_voltages"))
    test = doctest.DocTestParser().get_doctest(lines.replace("# doctest: +SKIP", ""), {}, name, None, 0)
    found = doctest.DocTestRunner().run(test)
    assert found.attempted >= 5
    assert found.failed == 0


@pytest.mark.parametrize("name", ["jax", "torch"])
def test_what_is_not_installed_is_named(name, monkeypatch):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=rf"pip install 'ohmlearn\[{name}\]'"):
        getattr(ol.edges, f"{name}_voltages")(NET, HELD)
