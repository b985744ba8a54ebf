"""Record and Run: times asked for, and what an ensemble gathers."""
import numpy as np
import ohmlearn as ol
import pytest


def test_times_by_decades():
    times = ol.Record(per_decade=4, start=1e-3).times_until(50.0)
    assert times[0] == 0
    assert times[-1] == 50
    np.testing.assert_allclose(times[1:], 50 * np.logspace(-3, 0, 13), rtol=1e-14)


def test_times_given():
    record = ol.Record(times=[0, 1, 10, 100])
    np.testing.assert_array_equal(record.times_until(10.0), [0, 1, 10])
    with pytest.raises(ValueError, match="read-only"):
        record.times[0] = 1


@pytest.mark.parametrize(("arguments", "words"), [
    ({}, "either per_decade or times"), ({"per_decade": 3, "times": [1]}, "either per_decade or times"),
    ({"per_decade": 0}, "at least 1"), ({"per_decade": 3, "start": 1.0}, "start must lie between 0 and 1"),
    ({"times": []}, "1-d array"), ({"times": [1, np.nan]}, "finite"), ({"times": [1, 1]}, "increase"),
    ({"times": [-1, 1]}, ">= 0"),
])
def test_bad_records(arguments, words):
    with pytest.raises(ValueError, match=words):
        ol.Record(**arguments)


def run(rate=2.0, status="reached", tau=3.0):
    return ol.Run(rate=rate, status=status, reason="because", training_time=tau, sustained_time=tau,
                  nonequilibrium_time=np.nan, time=4.0, conductances=np.full(3, rate), voltages=np.zeros(4),
                  difference=np.zeros(4), times=np.array([0.0, 1.0]), equilibrium_cost=np.array([1.0, 0.1]),
                  cost=np.array([1.0, 0.2]), initial_cost=0.5, final_cost=1e-6, n_steps=7, n_looks=2)


def test_training_steps():
    np.testing.assert_array_equal(run(rate=2.0).training_steps, [0, 2])
    np.testing.assert_array_equal(run(rate=0.0).training_steps, [0, 1])      # its time is training steps already
    assert "R=2: reached, τ=3" in repr(run())


def test_runs_gather():
    runs = ol.Runs([run(1.0), run(2.0, "stalled", np.nan), run(3.0)])
    assert len(runs) == 3
    np.testing.assert_array_equal(runs.training_time, [3, np.nan, 3])
    np.testing.assert_array_equal(runs.rate, [1, 2, 3])
    np.testing.assert_array_equal(runs.conductances, np.repeat([[1.0], [2.0], [3.0]], 3, axis=1))
    assert runs[1].status == "stalled"
    assert runs[-1].rate == 3
    assert isinstance(runs[1:], ol.Runs)
    np.testing.assert_array_equal(runs[1:].rate, [2, 3])
    assert repr(runs) == "<3 runs: 2 reached, 1 stalled>"
    with pytest.raises(IndexError):
        runs[3]


def test_times_of_records_are_exact_decimals():
    """Powers of NumPy depend in their last bit on the processor's vector instructions."""
    from decimal import Decimal, localcontext

    for per_decade, start, limit in ((3, 1e-6, 12345.678), (20, 1e-4, 1e7 / 3), (7, 2e-5, 60.0)):
        times = ol.Record(per_decade=per_decade, start=start).times_until(limit)
        assert (times[0], times[-1]) == (0.0, limit)
        with localcontext() as context:
            context.prec = 60
            for k, time in enumerate(times[:0:-1].tolist()):
                assert time == float(Decimal(repr(limit)) * Decimal(10) ** (Decimal(-k) / per_decade))
        assert times.size == 2 + int(np.ceil(-np.log10(start) * per_decade - 1e-9))
