"""What linear theory says of learning out of equilibrium: when it begins to oscillate, how fast it decays and turns.

Paper 1 (Eqs. 4, 12-14) takes one mode, with H and D² that do not change. Here are all modes of the network at two
states, before learning and when it is trained slowly. Errors of different modes fade one after the other, and L and M
change meanwhile; so the first oscillation that shows belongs to the beginning, where all modes are present with the
weights that the task gives them, or to the end, where the slowest mode alone is left.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from ohmlearn.network import Network
from ohmlearn.rule import GradientFlow, Rule
from ohmlearn.run import Run
from ohmlearn.solvers.hessian.contraction import Array
from ohmlearn.task import Task

from .learning_modes import LearningModes, Modes

RISE = 0.1                          # C above its running minimum by this much oscillates
UNTIL = 1e-6                        # C/C(0) at which one stops looking
WITHIN = 1e-2, 1e5                  # rates searched for an onset
PER_DECADE = 5                      # steps of the search, which then halves its interval HALVINGS times
HALVINGS = 7
SAMPLES = 800                       # times at which a response is looked at


def theory(network: Network, task: Task, run: Run | ArrayLike, *, start: ArrayLike | None = None,
           rule: Rule | None = None) -> Theory:
    """Linear theory of learning a task, from a run that learned it slowly (R about 0.3) or its (n_edges,) conductances.

    start : (n_edges,) conductances before learning, 1 by default.
    rule : by default the run's own.

    Returns a :class:`Theory`, with rates R, times in 1/γp and frequencies in γp.

    >>> import ohmlearn as ol
    >>> net = ol.Network.grid(4, 4)
    >>> task = ol.Task({0: 1.0, 15: 0.0}, {6: 0.7})
    >>> slow = ol.train(net, task, 0.3)
    >>> theory = ol.theory(net, task, slow)
    >>> 0.1 < theory.critical_rate() < 100, theory.decay_times(1.0).size
    (True, 28)
    """
    own = run.rule if isinstance(run, Run) else None
    if isinstance(own, GradientFlow):
        raise ValueError("the theory is of coupled learning, and this run learned by gradient flow; give its "
                         "conductances in place of it")
    rule = rule or own or Rule()
    end = run.conductances if isinstance(run, Run) else network.conductances(run)
    return Theory(LearningModes(network, task, network.conductances(start), rule),
                  LearningModes(network, task, end, rule))


@dataclass(frozen=True, eq=False)
class Theory:
    """Modes of learning before it starts and about the trained state.

    before, trained : see :class:`LearningModes`.

    >>> import ohmlearn as ol
    >>> net = ol.Network.grid(4, 4)
    >>> task = ol.Task({0: 1.0, 15: 0.0}, {6: 0.7})
    >>> trained = ol.train(net, task, 0.0)
    >>> theory = ol.theory(net, task, trained)
    >>> theory.critical_rate() > 0
    True
    """

    before: LearningModes
    trained: LearningModes

    def _repr_html_(self) -> str:
        from ohmlearn.results.run_tables import html_table

        return html_table([("onset of oscillations R_c", f"{self.critical_rate():.4g}"),
                           ("of the slowest mode when trained", f"{self.onset_of_slowest():.4g}"),
                           ("from the start", f"{self.onset_from_start():.4g}")])

    def onset_of_slowest(self, within: tuple[float, float] = WITHIN) -> float:
        """First R at which the slowest mode of the trained state turns complex; NaN if none within the range.

        Returns a rate R, or NaN.

        >>> theory.onset_of_slowest() > 0
        True
        """
        return first_rate(self.trained.oscillates, within)

    def onset_from_start(self, within: tuple[float, float] = WITHIN) -> float:
        """First R at which C(t) of the linear dynamics about the start rises by 10 % over its running minimum; NaN if
        none within the range.

        Returns a rate R, or NaN.

        >>> theory.onset_from_start() > 0
        True
        """
        return first_rate(lambda rate: rise(self.response(rate)[1]) > RISE, within)

    def critical_rate(self, within: tuple[float, float] = WITHIN) -> float:
        """R_c, predicted onset of oscillations: the earlier of the two; NaN if none within the range.

        Returns a rate R, or NaN.

        >>> theory.critical_rate() == min(theory.onset_of_slowest(), theory.onset_from_start())
        True
        """
        return float(np.fmin(self.onset_of_slowest(within), self.onset_from_start(within)))

    def spectrum(self, rate: float) -> Modes:
        """(2 n_free,) ω of the trained state at R, in γp: modes e^(-ωt), the slowest to decay first (Eq. 14).

        >>> theory.spectrum(1.0).shape
        (28,)
        """
        return self.trained.spectrum(rate)

    def decay_times(self, rate: float) -> Array:
        """(2 n_free,) 1/Re ω of the trained state at R in 1/γp, longest first.

        >>> theory.decay_times(1.0).shape
        (28,)
        """
        return self.trained.decay_times(rate)

    def frequencies(self, rate: float) -> Array:
        """(2 n_free,) |Im ω| of the trained state at R in γp, in the order of `decay_times`.

        >>> theory.frequencies(1.0).shape
        (28,)
        """
        return self.trained.frequencies(rate)

    def response(self, rate: float) -> tuple[Array, Array]:
        """Times (n_times,) in 1/γp, and C(t)/C(0) (n_times,) of the linear dynamics about the start at rate R, until C
        is 1e-6 C(0).

        Returns (n_times,) times in 1/γp and (n_times,) C(t)/C(0).

        >>> times, costs = theory.response(1.0)
        >>> times.shape == costs.shape
        True
        """
        end = -np.log(UNTIL) * np.abs(self.before.decay_times(rate)).max()
        times = end * np.geomspace(1e-5, 1.0, SAMPLES)
        errors = self.before.evolve(rate, times)
        cost = np.sum(errors**2, axis=1) / np.sum(self.before.errors**2)
        below = np.flatnonzero(cost < UNTIL)
        return (times, cost) if not below.size else (times[:below[0] + 1], cost[:below[0] + 1])


def rise(cost: ArrayLike) -> float:
    """How far (n_times,) costs rise above their running minimum, relative to it."""
    values = np.asarray(cost, dtype=np.float64)
    return float(np.max(values / np.minimum.accumulate(values), initial=1.0)) - 1.0


def first_rate(holds: Callable[[float], bool], within: tuple[float, float]) -> float:
    """First R within a range at which something holds: coarse steps upwards, then halving. NaN if it never does."""
    low, high = within
    if not 0 < low < high:
        raise ValueError(f"rates to search must be > 0 and increase, not {low:g} to {high:g}")
    rates = np.geomspace(low, high, int(np.ceil(np.log10(high / low) * PER_DECADE)) + 1)
    k = next((k for k, rate in enumerate(rates) if holds(float(rate))), None)
    if k is None:
        return np.nan
    if k == 0:
        return low
    below, above = np.log(rates[k - 1:k + 1])
    for _ in range(HALVINGS):
        middle = 0.5 * (below + above)
        below, above = (below, middle) if holds(float(np.exp(middle))) else (middle, above)
    return float(np.exp(above))
