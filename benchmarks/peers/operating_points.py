"""Operating points of transistor circuits in lanes against ngspice, as a process and in this process.

    python benchmarks/peers/operating_points.py [ROUNDS]

prints, per circuit, microseconds an operating point: medians of interleaved rounds, with the smallest and the largest,
and how many times as long ngspice takes. Every point of ours has gates of its own, some per cent off, and begins at the
point of the middle gates (warm) or at zero (cold), in a compiled loop over blocks of eight circuits, as in training;
ngspice solves the circuit of the middle gates again and again at its default tolerances. Processor time, so that a busy
machine spoils less; that of the process is its own. ngspice in this process needs its library (Debian: apt-get install
libngspice0). On one core: taskset -c 0.
"""
import ctypes
import ctypes.util
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import ohmlearn as ol
from ohmlearn.kernels.nonlinear.newton import newton
from ohmlearn.kernels.simd.jit import kernel
from ohmlearn.kernels.simd.vectors import aligned
from ohmlearn.solvers.nonlinear.equilibrium import NonlinearEquilibrium

LANES, BLOCKS, POINTS = 8, 200, 20
XOR = [(0, 1), (0, 4), (0, 3), (0, 12), (1, 2), (1, 5), (1, 13), (2, 3), (2, 6), (2, 14), (3, 7), (3, 15), (4, 5),
       (4, 8), (4, 7), (5, 6), (5, 9), (6, 7), (6, 10), (7, 11), (8, 9), (8, 12), (8, 11), (9, 10), (9, 13), (10, 11),
       (10, 14), (11, 15), (12, 13), (12, 15), (13, 14), (14, 15)]     # the published circuit of 4 x 4 nodes


@kernel
def solve_blocks(blocks, graph, pattern, law, leak, toward, inject, free, u, v, eta, work, gates, start, factors):
    """Operating points of blocks of eight circuits, one after the other; the sum of their iterations."""
    total = 0
    for block in range(blocks):
        for j in range(u.shape[0]):
            for lane in range(u.shape[1]):
                u[j, lane] = gates[j, lane] * factors[(j * 7 + block * 13) % factors.size]
        for a in range(v.shape[0]):
            for lane in range(v.shape[1]):
                v[a, lane] = start[a, lane]
        failed, iterations = newton(graph, pattern, law, leak, toward, inject, free, u, v, None, eta, 255, work)
        total += iterations if failed == 0 else 1_000_000_000
    return total


class Ours:
    """Eight circuits of one network in lanes."""

    def __init__(self, network: ol.Network, held: np.ndarray, held_voltages: np.ndarray, gates: np.ndarray) -> None:
        self.solver = NonlinearEquilibrium(network, held, ol.edges.NMOS.ald1106())
        self.gates = np.ascontiguousarray(np.repeat(gates[:, None], LANES, axis=1))
        order, self.graph, self.pattern, self.law, self.work = self.solver._prepared()
        n, m, place = network.n_nodes, network.n_edges, np.argsort(order)
        self.u, self.v, self.leak, self.toward, self.inject = (aligned(rows, LANES) for rows in (m, n, n, n, n))
        self.leak[:] = self.solver.leak[order, None]
        self.free, self.eta = np.full(n, 255, dtype=np.uint16), aligned(1, LANES)
        self.free[place[held]] = 0
        zero = np.zeros((n, LANES))
        zero[place[held]] = held_voltages[:, None]
        middle = self.solver.solve(gates, held_voltages)[order]
        self.starts = {"warm": np.repeat(middle[:, None], LANES, axis=1), "cold": zero}
        self.factors = 1 + 0.01 * np.random.default_rng(1).normal(size=1001)

    def microseconds(self, start: str) -> float:
        begin = time.process_time()
        total = solve_blocks(BLOCKS, self.graph, self.pattern, self.law, self.leak, self.toward, self.inject, self.free,
                             self.u, self.v, self.eta, self.work, self.gates, self.starts[start], self.factors)
        seconds = time.process_time() - begin
        assert total < 1_000_000_000, "a point was not found"
        return seconds / BLOCKS / LANES * 1e6


class Vector(ctypes.Structure):
    """A vector of ngspice's."""

    _fields_ = [("name", ctypes.c_char_p), ("type", ctypes.c_int), ("flags", ctypes.c_short),
                ("values", ctypes.POINTER(ctypes.c_double)), ("complex", ctypes.c_void_p), ("length", ctypes.c_int)]


class Library:
    """ngspice in this process; its messages are dropped."""

    def __init__(self, name: str) -> None:
        self.calls = ctypes.CDLL(name)
        self.calls.ngGet_Vec_Info.restype = ctypes.POINTER(Vector)
        text = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_void_p)
        leave = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_bool, ctypes.c_bool, ctypes.c_int,
                                 ctypes.c_void_p)
        self.callbacks = text(lambda *_: 0), text(lambda *_: 0), leave(lambda *_: 0)     # kept alive
        self.calls.ngSpice_Init(*self.callbacks, None, None, None, None)

    def load(self, deck: str) -> None:
        lines = [line.encode() for line in deck.splitlines() if line != ".op"]
        self.calls.ngSpice_Circ((ctypes.c_char_p * (len(lines) + 1))(*lines, None))

    def command(self, text: str) -> None:
        assert self.calls.ngSpice_Command(text.encode()) == 0, text

    def voltages(self, n: int) -> np.ndarray:
        return np.array([self.calls.ngGet_Vec_Info(f"n{k}".encode()).contents.values[0] for k in range(n)])

    def microseconds(self, deck: str) -> float:
        self.load(deck)
        self.command("op")
        begin = time.process_time()
        for _ in range(POINTS):
            self.command("op")
        seconds = time.process_time() - begin
        self.command("destroy all")
        self.command("remcirc")
        return seconds / POINTS * 1e6


def process(deck: str, folder: Path) -> Callable[[], float]:
    """Microseconds of ngspice's process for a deck."""
    path = folder / "deck.cir"

    def once() -> float:
        path.write_text(deck)
        begin = of_children()
        subprocess.run(["ngspice", "-b", "-r", folder / "deck.raw", path], check=True, capture_output=True)
        return (of_children() - begin) * 1e6
    return once


def of_children() -> float:
    """Processor time in s of the processes that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def shown(name: str, times: list[float], ours: list[float]) -> str:
    """A line of the table; the ratio is taken round by round."""
    ratios = np.array(times) / np.array(ours)
    ratio = f"{np.median(ratios):10.0f}  {ratios.min():.0f} to {ratios.max():.0f}" if name[:2] == "ng" else ""
    return f"  {name:22} {np.median(times):10.2f}  {min(times):.2f} to {max(times):.2f} {ratio}"


def main() -> None:
    rounds, rng = int(sys.argv[1]) if len(sys.argv) > 1 else 15, np.random.default_rng(0)
    circuits = [("XOR, 4 x 4", ol.Network(XOR), np.array([5, 7, 15, 13]), np.array([0.11, 0.33, 0.45, 0.0]))]
    for name, network in (("packing of 64", ol.Network.packing(64, seed=1)),
                          ("grid 10 x 10, periodic", ol.Network.grid(10, 10, periodic=True))):
        circuits.append((name, network, rng.choice(network.n_nodes, 5, replace=False), rng.uniform(0, 0.45, 5)))
    digits = ol.Network([(pixel, 64 + rail) for pixel in range(64) for rail in range(20)])
    circuits.append(("digits, 64 x 20", digits, np.arange(64), rng.uniform(0, 1, 64)))
    found = ctypes.util.find_library("ngspice")
    library = Library(found) if found else None
    program = shutil.which("ngspice")
    if not (library and program):
        print(f"without {'the library' if program else 'the program'} of ngspice: not compared with it")
    with tempfile.TemporaryDirectory() as folder:
        for name, network, held, held_voltages in circuits:
            gates = rng.uniform(1, 4, network.n_edges)
            ours = Ours(network, held, held_voltages, gates)
            free = int(np.setdiff1d(np.arange(network.n_nodes), held)[0])
            deck = network.to_spice(ol.Task(held, held_voltages, [free], [0.0]), gates, edges=ol.edges.NMOS.ald1106())
            runs: dict[str, Callable[[], float]] = {
                "warm, in lanes": lambda ours=ours: ours.microseconds("warm"),
                "cold, in lanes": lambda ours=ours: ours.microseconds("cold")}
            if library:
                library.load(deck)
                library.command("op")
                off = np.abs(library.voltages(network.n_nodes) - ours.solver.solve(gates, held_voltages)).max()
                library.command("remcirc")
                runs["ngspice, in process"] = lambda deck=deck: library.microseconds(deck)
            if program:
                runs["ngspice, as a process"] = process(deck, Path(folder))
            times: dict[str, list[float]] = {run: [] for run in runs}
            for _ in range(rounds + 1):
                for run, measure in runs.items():
                    times[run].append(measure())
            print(f"{name}: {network.n_edges} edges, {network.n_nodes} nodes"
                  + (f"; ngspice differs by {off:.1e} V at most" if library else ""))
            for run, measured in times.items():
                print(shown(run, measured[1:], times["warm, in lanes"][1:]), flush=True)


if __name__ == "__main__":
    main()
