"""
To SPICE and back
=================

A network and its task as a deck for SPICE, with a capacitor from every node to ground: the relaxation of the voltages
at fixed conductances is then the simulator's. Where ngspice is installed it draws its own points on the curves.
"""
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt
import numpy as np
import ohmlearn as ol
from scipy.linalg import expm

net = ol.Network.grid(4, 4)
task = ol.Task(sources=[0, 15], source_voltages=[1.0, 0.0], targets=[6], target_voltages=[0.7])
trained = ol.descend(net, task)
start = np.zeros(net.n_nodes)
start[0] = 1.0
folder = TemporaryDirectory()
deck = Path(folder.name) / "network.cir"
net.to_spice(task, trained.conductances, capacitors="nodes", start=start, stop=4.0, path=deck)
print(deck.read_text()[:400])

# %%
# The deck holds the same circuit.
read = ol.read_spice(deck)
v = ol.voltages(read.network, read.task(["n6"], [0.7]), read.conductances)
assert abs(v[6] - 0.7) < 1e-5

# %%
# dv/dt = -L v at the free nodes.
laplacian = net.incidence.T @ (trained.conductances[:, None] * net.incidence.toarray())
free = np.setdiff1d(np.arange(16), task.sources)
times = np.linspace(0, 4, 100)
relaxed = np.array([v[free] - expm(-t * laplacian[np.ix_(free, free)]) @ v[free] for t in times])
fig, ax = plt.subplots(layout="constrained")
ax.plot(times, relaxed, color="0.6", lw=1)
ax.plot(times, relaxed[:, free == 6], lw=2, label="target")
ax.axhline(0.7, ls="--", color="0.3", lw=0.8, label="desired")
ax.set(xlabel="time (1/γp, s in SPICE)", ylabel="voltage (V)")

if shutil.which("ngspice"):
    tight = ".options reltol=1e-7 vntol=1e-10\n.end"
    deck.write_text(deck.read_text().replace(".end", tight))
    raw = deck.with_suffix(".raw")
    subprocess.run(["ngspice", "-b", "-r", raw, deck], check=True, capture_output=True)
    head, _, data = raw.read_bytes().partition(b"Binary:\n")
    names = [line.split()[1] for line in head.decode().split("Variables:\n")[1].splitlines()]
    columns = dict(zip(names, np.frombuffer(data).reshape(-1, len(names)).T, strict=True))
    spice = np.interp(times, columns["time"], columns["v(n6)"])
    ax.plot(times[::5], spice[::5], "o", ms=4, label="ngspice")
    assert np.abs(spice - relaxed[:, free == 6].ravel()).max() < 1e-4
ax.legend()
