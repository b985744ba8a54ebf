"""Laws of one's own: against the built-in law of the same formula, whichever way edges are seen, and in caches."""
import pickle

import numpy as np
import ohmlearn as ol
import pytest
from ohmlearn.edges import Own, check_law
from ohmlearn.edges.own import digest
from ohmlearn.edges.pairs import minus, parameter, plus, positive, product, scaled

POWER = 2


def one_way(p, u, a, b, e):
    """u Δv forwards, and parameter 0 times Δv both ways."""
    drop = minus(a, b)
    return plus(product(u, positive(drop, e), e), scaled(parameter(p, 0), drop))


def test_an_own_law_is_the_built_in_one_of_its_formula():
    """Edges that lead to nodes with lower numbers among them; one parameter an edge."""
    rng = np.random.default_rng(0)
    grid = ol.Network.grid(4, 4)
    turned = rng.random(24) < 0.5
    network = ol.Network(np.where(turned[:, None], grid.edges[:, ::-1], grid.edges))
    on, off = rng.uniform(1.0, 3.0, 24), rng.uniform(0.01, 0.1, 24)
    task = ol.Task({0: 1.0, 15: 0.0, 5: -0.4}, {6: 0.2})
    own = ol.voltages(network, task, on, edges=Own(one_way, off, learns=None))
    diodes = ol.voltages(network, task, edges=ol.edges.IdealDiode(on + off, off))
    np.testing.assert_allclose(own, diodes, rtol=0, atol=1e-13)
    assert np.abs(own - ol.voltages(network, task, on)).max() > 0.01


def test_check_finds_a_derivative_in_place_of_a_difference():
    def tangent(p, u, a, b, e):
        return u[0] * (a[0] - b[0]) ** POWER, u[0] * POWER * (a[0] - b[0]) * (a[1] - b[1])

    assert check_law(Own(one_way, 0.1)) < 1e-9
    assert check_law(ol.edges.Cubic([0.3, 0.5])) < 1e-9
    with pytest.raises(ValueError, match=r"the divided difference of Own\(tangent\) is off by"):
        check_law(Own(tangent))


def factory(number, helper):
    def law(p, u, a, b, e):
        return scaled(number, helper(u, a))
    return law


def test_the_name_of_a_law_says_all_that_it_does():
    """An edit of what a law calls, or of a number it closes over, is another law to the compile cache."""
    first = digest(factory(1.0, minus))
    assert digest(factory(1.0, minus)) == first
    others = [factory(2.0, minus), factory(1.0, plus), factory(1.0, lambda a, b: minus(b, a)),
              factory(1.0, lambda a, b: minus(a, b)), lambda p, u, a, b, e: scaled(POWER, minus(a, b))]
    assert len({first, *map(digest, others)}) == 6


def test_an_own_law_pickles():
    law = pickle.loads(pickle.dumps(Own(one_way, 0.1, learns=None, start=[2.0] * 24)))
    assert law.kernel == Own(one_way, 0.2).kernel
    assert law.start.tolist() == [2.0] * 24
    assert law.learns is None


@pytest.mark.parametrize(("make", "error", "words"), [
    (lambda: Own(3), TypeError, "function must be a law"),
    (lambda: Own(one_way, np.inf), ValueError, "parameter 0 must be a finite number"),
    (lambda: Own(one_way, 0.1, learns="gate"), ValueError, "learns must be"),
    (lambda: Own(one_way, 0.1, lowest=1.0), ValueError, "give both lowest and highest"),
    (lambda: Own(one_way, 0.1, lowest=1.0, highest=0.5), ValueError, "highest must be above lowest"),
    (lambda: Own(one_way, 0.1, leak=-1.0), ValueError, "leak must be >= 0"),
    (lambda: ol.voltages(ol.Network.grid(3, 3), ol.Task({0: 1.0}, {4: 0.1}), edges=Own(one_way, [0.1, 0.2])),
     ValueError, "a parameter of Own has 2 entries, but the network has 12 edges"),
])
def test_what_is_refused(make, error, words):
    with pytest.raises(error, match=words):
        make()
