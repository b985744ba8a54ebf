"""ngspice as a subprocess: a deck in, the node voltages out."""
import re
import shutil
import subprocess

import numpy as np
import pytest

NGSPICE = shutil.which("ngspice")
needs_ngspice = pytest.mark.skipif(NGSPICE is None, reason="needs ngspice (Debian: apt-get install ngspice)")
TIGHT = ".options reltol=1e-9 abstol=1e-15 vntol=1e-13 chgtol=1e-18 gmin=1e-15"


def simulate(deck, folder, options=TIGHT):
    """Times (n_times,), nothing for an operating point, and {node name: voltages (n_times,)}."""
    assert NGSPICE
    source, answer = folder / "deck.cir", folder / "deck.raw"
    source.write_text(deck.replace("\n.end\n", f"\n{options}\n.end\n"))
    answer.unlink(missing_ok=True)
    done = subprocess.run([NGSPICE, "-b", "-r", answer, source], capture_output=True, text=True, timeout=60, cwd=folder)
    assert answer.exists(), done.stdout + done.stderr
    head, _, data = answer.read_bytes().partition(b"Binary:\n")
    names = re.findall(r"^\t\d+\t(\S+)\t", head.decode(), flags=re.MULTILINE)
    table = np.frombuffer(data).reshape(-1, len(names)).T
    columns = dict(zip(names, table, strict=True))
    return columns.get("time"), {name[2:-1]: values for name, values in columns.items() if name.startswith("v(")}


def voltages(found, network, at=-1):
    """(n_nodes,) of a deck that `to_spice` wrote."""
    return np.array([found[f"n{k}"][at] for k in range(network.n_nodes)])
