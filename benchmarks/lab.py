"""The lab circuit: training steps of circuits per second."""
import numpy as np
from ohmlearn.drivers.lab.train import train
from ohmlearn.lab.circuit import lab_network, lab_task
from ohmlearn.network import Network

CIRCUITS, STEPS = 32, 1000


class Lab:
    """The paper's board, whose loops are unrolled, and a 4×4 grid, whose loops are not."""

    params = (["board", "grid"], [0.01, 1.0, 100.0])
    param_names = ("network", "rate")

    def setup(self, network: str, rate: float) -> None:
        self.network = lab_network() if network == "board" else Network.grid(4, 4)
        self.tasks = [lab_task(self.network, seed) for seed in range(CIRCUITS)]
        self.train(rate, 2)

    def train(self, rate: float, steps: int) -> None:
        train(self.network, self.tasks, rate, steps=steps, seed=np.arange(CIRCUITS), traces=False, threads=1)

    def time_steps(self, network: str, rate: float) -> None:
        self.train(rate, STEPS)
