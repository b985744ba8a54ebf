"""Runs and training times that are made by hand."""
import numpy as np
from ohmlearn.run import Run

NONE = np.empty(0)
RATES = np.logspace(-3, 12, 31)


def made_run(rate: float) -> Run:
    """A run whose C* falls as exp(-training steps) and whose C is half of it; it ends after its last record."""
    times = np.append(0.0, np.logspace(-3, 1, 20)) / (rate or 1.0)
    cost = np.exp(-times * (rate or 1.0))
    return Run(rate=rate, status="reached", reason="", training_time=1.0, sustained_time=1.0, nonequilibrium_time=1.0,
               time=1.1 * float(times[-1]), conductances=NONE, voltages=NONE, difference=NONE, times=times,
               equilibrium_cost=cost, cost=cost / 2, initial_cost=1.0, final_cost=float(cost[-1]) / 2, n_steps=20,
               n_looks=20)


def power_laws(rates: np.ndarray = RATES) -> np.ndarray:
    """τ = 300/R below 1 and 300/√R above, with the factors 1, 2, 3 and 4 for four tasks."""
    return np.arange(1, 5)[:, None] * 300.0 * np.where(rates < 1, 1 / rates, rates**-0.5)
