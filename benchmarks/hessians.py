"""Cost Hessians and gradient flow: one matvec without matrices, one dense Hessian, a small ensemble of descents."""
import numpy as np


class Hessians:
    """A Delaunay network with one output; the Hessian as an operator, and dense where it is small."""

    params = (100, 10_000)
    param_names = ("nodes",)
    timeout = 120

    def setup(self, nodes: int) -> None:
        import ohmlearn as ol

        self.network = ol.Network.delaunay(nodes, seed=1)
        self.g = np.random.default_rng(0).uniform(0.5, 1.5, self.network.n_edges)
        self.task = ol.Task(currents={0: 1.0, nodes // 2: -1.0}, targets=[(nodes // 3, nodes - 1)],
                            target_voltages=[0.5])
        self.hessian = ol.hessian(self.network, self.task, self.g)
        self.x = np.random.default_rng(1).standard_normal(self.network.n_edges)
        self.hessian @ self.x

    def time_gradient(self, nodes: int) -> None:
        import ohmlearn as ol

        ol.hessian(self.network, self.task, self.g)

    def time_matvec(self, nodes: int) -> None:
        self.hessian @ self.x

    def time_dense(self, nodes: int) -> None:
        if self.network.n_edges <= 4000:
            self.hessian.total()


class Descents:
    """Eight networks of Fig. S1 of paper 2, trained in one thread, and their soft modes."""

    timeout = 120

    def setup(self) -> None:
        from ohmlearn.drivers.figures.paper2 import fig_s1, landscape

        self.problems = [landscape.problem(k, 100, "current", fig_s1.TARGETS, log=True) for k in range(8)]
        self.time_train_and_analyse()

    def time_train_and_analyse(self) -> None:
        from ohmlearn.drivers.figures.paper2 import fig_s1

        fig_s1.measure(self.problems, fig_s1.RULE, 1)
