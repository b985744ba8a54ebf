"""Training of a wired network on the mean cost over samples: at a rate, by gradient flow, or a quasi-Newton method."""
from __future__ import annotations

from typing import Any

import numpy as np
from ohmlearn.rule import GradientFlow, Rule

from .quasi_newton import minimise
from .wiring import Array, Wiring, condense

MOST_NODES = 1000       # of a network up to which its Laplacian is dense in the quasi-Newton method


def learn(wiring: Wiring, features: Array, desired: Array, conductances: Array | None, *, rate: float | None = None,
          rule: Any = None, max_steps: int = 1000, weights: Array | None = None) -> Any:
    """The Run, Descent or Minimum of a training on the mean cost over samples, from given (n_edges,) conductances.

    features (n, n_features + 1), desired (n, n_outputs). rate : R of coupled learning, all samples side by side, for
        `max_steps` training steps or until the cost no longer falls; None for as many steps of a gradient flow, or
        where there is no rule of a quasi-Newton method within the bounds of a gradient flow.
    rule : a Rule, or for rate None a GradientFlow. weights : (n,) of the samples in the mean, by default 1/n.
    """
    few = condense(features, desired, weights)
    held = np.abs(few[0] @ wiring.drive.T).max(axis=1, initial=0.0)
    # The others are what no linear map can meet. At a rate they would add a pull downwards of the order of the nudge.
    driven = held > 1e-12 * held.max(initial=0.0)
    if not driven.any():
        raise ValueError("all features are 0, and there is no bias: the network is not driven")
    wanted = GradientFlow if rate is None else Rule
    if rule is not None and not isinstance(rule, wanted):
        raise TypeError(f"at rate={rate} the rule is an ohmlearn.{wanted.__name__} or None, not {rule!r}")
    if rate is None and rule is None and wiring.network.n_nodes <= MOST_NODES:
        flow = GradientFlow()
        return minimise(wiring, *few, wiring.network.conductances(conductances), flow.floor, flow.ceiling, max_steps)
    if rate is None:
        from ohmlearn.drivers.descent.descend import descend

        flow = rule if isinstance(rule, GradientFlow) else GradientFlow()
        tasks = wiring.tasks(few[0][driven], few[1][driven])
        return descend(wiring.network, tasks, rule=flow, conductances=conductances, max_steps=max_steps)
    from ohmlearn.drivers.training.train import train

    unit = np.sqrt(driven.sum())            # what was a sum over samples becomes their mean again
    tasks = wiring.tasks(unit * few[0][driven], unit * few[1][driven])
    return train(wiring.network, tasks, rate, rule=rule, conductances=conductances, t_max=max_steps / (rate or 1.0))
