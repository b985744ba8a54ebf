"""Training of one large network: RK4 on all threads, or the quasistatic flow at rate 0."""
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ohmlearn.kernels import state
from ohmlearn.network import Network
from ohmlearn.run import Run
from ohmlearn.solvers.equilibrium import bytes_needed
from ohmlearn.solvers.memory import require

from .ensemble import Ensemble
from .followers import Follower, Gliding, Stepping

Progress = Callable[[float, float, float], None]
RENEW = 16      # looks after which what the solver keeps is dropped, so that a run taken up again has the same bits


def train_large(ensemble: Ensemble, number: int = 0, *, threads: int = 1, progress: Progress | None = None,
                checkpoint: Path | None = None) -> Run:
    """Train one member of an ensemble on a network that is too large for lanes.

    threads : for the RK4 steps. progress(time, limit, cost) is called at every look, C* relative to C*(0).
    checkpoint : file that holds the state of the run, written every RENEW looks and removed at the end; where it is
        there already, the run goes on from it with the same bits.

    Raises MemoryError, before work starts, where the run would not fit.
    """
    network, rate = ensemble.network, float(ensemble.rates[number])
    if ensemble.method == "slow" and rate > 0:
        raise ValueError(f"method 'slow' follows networks small enough for lanes; {network!r} takes 'rk4', or rate 0")
    require(bytes_of_training(network, rate, ensemble.task(number).n_targets), f"training {network!r}",
            "take a smaller network")
    follower: Follower = Stepping(ensemble, number, threads) if rate > 0 else Gliding(ensemble, number)
    if checkpoint is not None and checkpoint.exists():
        follower.restore(checkpoint)
    else:
        follower.begin()
    while follower.me["status"] == state.RUNNING:
        follower.advance()
        if progress is not None:
            progress(float(follower.me["time"]), float(follower.me["limit"]), float(follower.me["cost"]))
        if int(follower.me["looks"]) % RENEW == 0:
            follower.renew()
            if checkpoint is not None:
                follower.save(checkpoint)
    if checkpoint is not None:
        checkpoint.unlink(missing_ok=True)
    return follower.run()


def bytes_of_training(network: Network, rate: float, n_targets: int = 3) -> float:
    """Memory that training a large network takes at its peak, in bytes, solver included."""
    n, m = network.n_nodes, network.n_edges
    if rate > 0:
        own = 2 * (32 * n + 16 * m) + 16 * m      # v, w, G and their registers, a copy at the last look, the layout
    else:
        own = 8 * n * (8 + 8 * n_targets) + 48 * m
    return own + bytes_needed(n, m)
