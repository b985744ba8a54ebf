"""Discrete updates written down once more: dense solves, and scipy's matrix exponential between two updates."""
import numpy as np
import ohmlearn as ol
from reference import GeneralTwin
from scipy.linalg import expm

NET = ol.Network.delaunay(14, seed=2, mean_degree=None, spacing=0.5)
START = np.random.default_rng(0).uniform(0.7, 1.3, NET.n_edges)
BIAS = np.random.default_rng(1).normal(0, 0.02, NET.n_edges)
FROZEN = np.arange(NET.n_edges) % 5 == 0
NODES = ol.Task([0, 5, 13], [1.0, -0.4, 0.0], [4, 9], [0.25, 0.1])
OTHER = ol.Task([0, 5, 13], [-0.2, 0.7, 0.0], [4, 9], [0.05, 0.15])
THIRD = ol.Task([0, 5, 13], [0.5, 0.5, 0.0], [4, 9], [0.1, 0.3])
SAMPLES = (NODES, OTHER, THIRD)
MIXED = ol.Task([0], [0.4], [(4, 9), (9, 2), {5: 1.0, 6: 0.5}], [0.05, -0.1, 0.5], drops={(1, 7): 0.3, (7, 11): 0.1},
                currents={12: 0.6})
FLOATING = ol.Task(currents={0: 1.0, 13: -1.0}, targets=[(4, 9), 6], target_voltages=[0.1, -0.05])


class DiscreteTwin(GeneralTwin):
    """State after state of one run. order : numbers of the samples shown, update after update; None for all each time.
    parts : (n_updates, n_edges) bool, the edges that take part; None for all."""

    def __init__(self, network, samples, rule, rate, step=1.0, order=None, parts=None, ramp=None):
        super().__init__(network, samples, rule, ol.Schedule(), rate)
        self.step, self.order, self.parts, self.ramp = step, order, parts, ramp

    def batch(self, number):
        """Numbers of the samples shown to the copies at an update."""
        return range(len(self.samples)) if self.order is None else np.atleast_1d(self.order[number])

    def propagate(self, k, v, w, G):
        """v and w that see sample k from one update to the next."""
        n = self.net.n_nodes

        def slope(x):
            return np.concatenate(self.voltages_slope(0.0, k, 0, x[:n], x[n:], G)[:2])

        full, zero = np.zeros((2 * n + 1, 2 * n + 1)), np.zeros(2 * n)
        full[:-1, -1] = slope(zero)
        full[:-1, :-1] = np.column_stack([slope(unit) - full[:-1, -1] for unit in np.eye(2 * n)])
        return np.split((expm(full * self.step / self.rate) @ np.r_[v, w, 1.0])[:-1], 2)

    def show(self, k, v, w):
        """What changes at once when sample k is shown."""
        _, held, drops, desired = self.given(k)
        fixed = np.concatenate([self.H, self.D])
        v = self.constrained(v, fixed, np.r_[held, drops])
        if self.rule.clamp == "held":
            w = self.constrained(w, np.concatenate([fixed, self.O]), np.r_[np.zeros(len(fixed)), desired - self.O @ v])
        return v, w

    def update(self, states, G, s, number):
        """G and s after an update."""
        rule, D, taken = self.rule, self.net.incidence, 1.0 if self.parts is None else self.parts[number]
        c = np.mean([(D @ w) * (2 * (D @ v) + rule.nudge * (D @ w)) + rule.aging * (D @ v) ** 2 for v, w in states],
                    axis=0)
        rate = rule.prefactor * self.step
        if self.ramp is not None:
            rate *= np.interp(number * self.step / (self.rate or 1.0), *self.ramp)
        s = s + taken * rate * (c ** 2 - (0.0 if rule.memory is None else s / rule.memory))
        own = 1.0 if rule.edge_scale is None else 1 / np.sqrt(1 + s / rule.edge_scale ** 2)
        change = -rate * own * (c + (0.0 if rule.bias is None else rule.bias))
        if rule.frozen is not None:
            change[rule.frozen] = 0.0
        relaxes = rule.floor_mode == "relax" and self.rate > 0
        fall = 1 - np.exp(-rule.floor_rate * self.step / self.rate) if relaxes else 1.0
        top = np.inf if rule.ceiling is None else rule.ceiling
        change = np.minimum(np.maximum(change, fall * (rule.floor - G)), fall * (top - G))
        return np.clip(G + taken * change, rule.floor, top), s

    def states(self, count, G):
        """(v and w of every copy, G, C*, C) at time 0 and after each of `count` updates."""
        shown = [self.equilibrium(G, self.given(k)) for k in self.batch(0)]
        s, found = np.zeros_like(G), [(shown, G, self.cost(G), self.instant(shown, self.batch(0)))]
        for number in range(count):
            batch = self.batch(number)
            if self.rate == 0:
                shown = [self.equilibrium(G, self.given(k)) for k in batch]
            else:
                shown = [self.propagate(k, *self.show(k, v, w), G) for k, (v, w) in zip(batch, shown, strict=True)]
            G, s = self.update(shown, G, s, number)
            if self.rate == 0:                # what a run hands back is at equilibrium
                shown = [self.equilibrium(G, self.given(k)) for k in batch]
            found.append((shown, G, self.cost(G), self.instant(shown, batch)))
        return found

    def instant(self, shown, batch):
        """C (V²), the mean over what is shown."""
        return np.mean([np.sum((self.given(k)[3] - self.O @ v) ** 2) for k, (v, _) in zip(batch, shown, strict=True)])
