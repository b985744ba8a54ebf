"""Every law of an edge, and its divided differences, against the same formulas in extended precision."""
import mpmath as mp
import numpy as np
import pytest
from numba import njit
from ohmlearn.kernels.law import edge_laws  # noqa: F401  fills the table of laws
from ohmlearn.kernels.law.divided_differences import nudges
from ohmlearn.kernels.law.law_type import LAWS, EdgeLaw, LawName, pair, tangent
from ohmlearn.kernels.simd import elementary
from ohmlearn.kernels.simd.vectors import aligned, load, store

LANES, DIGITS = 8, 50
PARAMETERS = {
    "linear": [0.0], "cubic": [0.7], "sinh": [0.4], "offset": [0.3], "ideal_diode": [3.0, 1e-3, -1.0],
    "diode": [1e-3, 0.05, 1e-6, 1.0], "series_diode": [1e-6, 0.026, 1e-9, 2.0, float(np.log(2e-6 / 0.026)), 1.0],
    "square": [1.3, 0.7, 1e-6], "mean": [1.3, 0.7, 1e-6, 0.01], "ekv": [1.3, 0.7, 1e-6, 0.04],
    "level1": [1.1e-3, 0.75, 1e-9, 1.09, 0.95, 0.2],
    "series_level1": [1.1e-3, 0.75, 1e-9, 1.09, 0.95, 0.2, 22.0, 73.0]}
NAMES = list(PARAMETERS)


def positive(x):
    return x if x > 0 else mp.mpf(0)


def channel(p, u, a, b):
    low, high, rest = min(a, b), max(a, b), mp.sqrt(p[4])
    body = mp.sqrt(p[4] + low) if low >= 0 else positive(rest + low / (2 * rest))
    x = positive(u - p[1] - p[3] * (body - rest) - low)
    y = positive(x - (high - low))
    current = p[0] / 2 * (x * x - y * y) * (1 + p[5] * (high - low))
    return current if a > b else -current


def series(p, u, a, b):
    i = channel(p, u, a, b)
    h = mp.mpf(10) ** -20
    for _ in range(50):
        off = i - channel(p, u, a - p[6] * i, b + p[7] * i)
        further = i + h - channel(p, u, a - p[6] * (i + h), b + p[7] * (i + h))
        step = off * h / (further - off)
        i -= step
        if abs(step) < mp.mpf(10) ** -40:
            return i
    raise AssertionError("the twin did not converge")


def softplus_squared(x):
    return mp.log1p(mp.exp(x)) ** 2


TWINS = {
    "linear": lambda p, u, a, b: u * (a - b),
    "cubic": lambda p, u, a, b: u * (a - b) + p[0] * (a - b) ** 3,
    "sinh": lambda p, u, a, b: u * p[0] * mp.sinh((a - b) / p[0]),
    "offset": lambda p, u, a, b: u * (a - b - p[0]),
    "ideal_diode": lambda p, u, a, b: p[2] * (p[0] * positive(p[2] * (a - b)) + p[1] * p[2] * (a - b)),
    "diode": lambda p, u, a, b: p[0] * mp.expm1((a - b) / p[1]) + p[2] * (a - b),
    "series_diode": lambda p, u, a, b: (p[1] / p[3] * mp.lambertw(mp.exp(p[4] + (a - b + p[0] * p[3]) / p[1])).real
                                        - p[0] + p[2] * (a - b)),
    "square": lambda p, u, a, b: (p[0] / 2 * (positive(u - p[1] - b) ** 2 - positive(u - p[1] - a) ** 2)
                                  + p[2] * (a - b)),
    "mean": lambda p, u, a, b: p[0] * max(u - p[1] - (a + b) / 2, p[3]) * (a - b) + p[2] * (a - b),
    "ekv": lambda p, u, a, b: (2 * p[0] * p[3] ** 2 * (softplus_squared((u - p[1] - b) / (2 * p[3]))
                                                       - softplus_squared((u - p[1] - a) / (2 * p[3])))
                               + p[2] * (a - b)),
    "level1": lambda p, u, a, b: channel(p, u, a, b) + p[2] * (a - b),
    "series_level1": lambda p, u, a, b: series(p, u, a, b) + p[2] * (a - b)}


@njit(error_model="numpy")
def evaluate(law, x, out):
    """Rows of x: u, du, a, da, b, db, η of every edge. Rows of out: current, divided difference, current and its three
    derivatives from `tangent`."""
    for j in range(x.shape[0] // 7):
        u, du, a, da, b, db, eta = (load(x, 7 * j), load(x, 7 * j + 1), load(x, 7 * j + 2), load(x, 7 * j + 3),
                                    load(x, 7 * j + 4), load(x, 7 * j + 5), load(x, 7 * j + 6))
        current, difference = pair(law, j, (u, du), (a, da), (b, db), nudges(eta))
        store(out, 6 * j, current)
        store(out, 6 * j + 1, difference)
        found = u, u, u, u, 0.0 * u
        for _ in range(7):
            found = tangent(law, j, u, a, b, found[4])
        for k in range(4):
            store(out, 6 * j + 2 + k, found[k])


def drawn(name, edges, seed):
    """u, du, a, da, b, db, η of edges of one law: near kinks too, drops not tiny, in the reach of floating point."""
    rng = np.random.default_rng(seed)
    shape = edges, LANES
    a, b = rng.uniform(-0.5, 1.5, (2, *shape))
    near = np.abs(a - b) < 0.05
    b = np.where(near, a + 0.1, b)
    eta = 10 ** rng.uniform(-12, 0, shape)
    eta[rng.random(shape) < 0.2] = 1.0
    u, du, da, db = rng.uniform(0.3, 3, shape), 0.3 * rng.normal(size=shape), *rng.normal(size=(2, *shape))
    if name in ("square", "mean", "ekv", "level1"):
        kink = {"square": np.where(rng.random(shape) < 0.5, a, b), "mean": 0.5 * (a + b) + 0.01, "ekv": a,
                "level1": np.minimum(a, b)}[name]
        # within η of the kink the clipped mean jumps: there D is as uncertain as u - p1 - p3 by rounding, over η
        near = (rng.random(shape) < 0.4) & ((eta > 1e-3) | (name != "mean"))
        u = np.where(near, kink + PARAMETERS[name][1] + eta * rng.normal(size=shape), u)
        u = np.where(rng.random(shape) < 0.1, -u, u)
    return np.stack([u, du, a, da, b, db, eta], axis=1).reshape(7 * edges, LANES)


@pytest.fixture(scope="module")
def found():
    """{name: (given, evaluated)} for all laws, in one network whose edges obey one law each."""
    count = {name: 4 if "series" in name else 12 for name in NAMES}
    given = {name: drawn(name, count[name], seed) for seed, name in enumerate(NAMES)}
    sizes = [len(PARAMETERS[name]) for name in NAMES]
    rows = aligned(sum(sizes), LANES)
    rows[:] = np.concatenate([PARAMETERS[name] for name in NAMES])[:, None]
    law = EdgeLaw(LawName(*NAMES), np.repeat(np.arange(len(NAMES)), list(count.values())).astype(np.int32),
                  np.cumsum([0, *sizes[:-1]]), np.zeros(len(NAMES), dtype=np.int64), rows)
    x = aligned(7 * sum(count.values()), LANES)
    x[:] = np.concatenate(list(given.values()))
    out = aligned(6 * sum(count.values()), LANES)
    evaluate(law, x, out)
    ends = np.cumsum(6 * np.array(list(count.values())))[:-1]
    return {name: (given[name].reshape(-1, 7, LANES), part.reshape(-1, 6, LANES))
            for name, part in zip(NAMES, np.split(out, ends), strict=True)}


def test_all_laws_are_tried():
    built_in = {name for name in LAWS if " " not in name}       # those of users have names with their digests
    assert set(NAMES) == built_in == set(TWINS)


@pytest.mark.parametrize("name", NAMES)
def test_currents_and_divided_differences(found, name):
    given, out = found[name]
    p = [mp.mpf(value) for value in PARAMETERS[name]]
    with mp.workdps(DIGITS):
        for x, result in zip(given.transpose(0, 2, 1).reshape(-1, 7), out.transpose(0, 2, 1).reshape(-1, 6),
                             strict=True):
            u, du, a, da, b, db, eta = map(mp.mpf, x.tolist())
            free = TWINS[name](p, u, a, b)
            clamped = TWINS[name](p, u + eta * du, a + eta * da, b + eta * db)
            difference = (clamped - free) / eta
            # rounding of voltages and of their sums with u is felt by the slopes of the law
            slope = max(abs(result[3]), abs(result[4]), abs(result[5]))
            moved = float(abs(du) + abs(da) + abs(db))
            assert abs(result[0] - free) <= 1e-14 * (abs(free) + 8 * slope)
            sums = 1e-15 * moved * float(max(p[0], 0))
            assert abs(result[1] - difference) <= 1e-13 * (abs(difference) + 1e-2 * slope * moved) + sums, (name, x)


@pytest.mark.parametrize("name", NAMES)
def test_derivatives_are_those_of_the_current(found, name):
    given, out = found[name]
    p, h = [mp.mpf(value) for value in PARAMETERS[name]], mp.mpf(10) ** -18
    with mp.workdps(DIGITS):
        for x, result in zip(given.transpose(0, 2, 1).reshape(-1, 7)[::3], out.transpose(0, 2, 1).reshape(-1, 6)[::3],
                             strict=True):
            u, _, a, _, b, _, _ = map(mp.mpf, x.tolist())
            ahead = [TWINS[name](p, u, a + h, b), TWINS[name](p, u, a, b + h), TWINS[name](p, u + h, a, b)]
            behind = [TWINS[name](p, u, a - h, b), TWINS[name](p, u, a, b - h), TWINS[name](p, u - h, a, b)]
            size = max(map(abs, result[3:6].tolist()))
            for k in range(3):
                sides = [(ahead[k] - TWINS[name](p, u, a, b)) / h, (TWINS[name](p, u, a, b) - behind[k]) / h]
                assert min(abs(result[3 + k] - side) for side in sides) <= 1e-11 * size + 1e-15 * p[0], (name, k)
            assert abs(result[2] - TWINS[name](p, u, a, b)) <= 1e-13 * (abs(result[2]) + 8 * size)


@njit(error_model="numpy")
def elementary_of(x, y, out):
    for i in range(x.shape[0]):
        store(out, 4 * i, elementary.exp(load(x, i)))
        store(out, 4 * i + 1, elementary.expm1(load(x, i)))
        store(out, 4 * i + 2, elementary.log(load(y, i)))
        store(out, 4 * i + 3, elementary.log1p(load(y, i)))


def test_exponentials_and_logarithms():
    rng = np.random.default_rng(0)
    x, y, out = aligned(40, LANES), aligned(40, LANES), aligned(160, LANES)
    x[:] = rng.choice([-1, 1], x.shape) * 10 ** rng.uniform(-12, np.log10(700), x.shape)
    y[:] = 10 ** rng.uniform(-14, 14, y.shape)
    elementary_of(x, y, out)
    numbers = np.empty(160)
    for lane in range(LANES):                   # of single numbers the bits are the same
        elementary_of(x[:, lane].copy(), y[:, lane].copy(), numbers)
        assert np.array_equal(numbers, out[:, lane])
    with mp.workdps(30):
        for k, function in enumerate((mp.exp, mp.expm1, mp.log, mp.log1p)):
            for given, result in zip((x if k < 2 else y).ravel().tolist(), out[k::4].ravel().tolist(), strict=True):
                right = function(mp.mpf(given))
                assert abs(result - right) <= 3e-16 * abs(right)
