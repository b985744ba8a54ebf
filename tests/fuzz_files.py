"""Mutated and grammar-made files into every reader: an answer or a ValueError in bounded time, and nothing lost.

    python tests/fuzz_files.py [COUNT] [SEED]

Every reader gets whole files of a known circuit, written in many ways: what it reads must be that circuit, in numbers
of edges and in values, or it refuses. It gets the same files damaged at random: it reads them or raises ValueError or
a warning beside it, within SLOWEST seconds; whatever it reads must survive writing and reading. test_fuzz.py runs a
short form.
"""
from __future__ import annotations

import json
import random
import re
import sys
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import networkx as nx
import numpy as np
import ohmlearn as ol
from ohmlearn.checks.file_text import read_text
from ohmlearn.io.task_toml import read_tasks
from ohmlearn.solvers.equilibrium.equilibrium import NotConverged

SLOWEST = 5.0
Edge = tuple[int, int, float]


def edges_of(rng: random.Random) -> tuple[int, list[Edge]]:
    """A connected circuit: number of nodes, edges with conductances."""
    n = rng.randint(2, 8)
    pairs = [(k, rng.randrange(k)) for k in range(1, n)]
    pairs += [(a, b) for a, b in ((rng.randrange(n), rng.randrange(n)) for _ in range(rng.randint(0, 6))) if a != b]
    pairs = list({frozenset(pair): pair for pair in pairs}.values())
    rng.shuffle(pairs)
    return n, [(a, b, rng.choice([1.0, 0.5, 2.0, 10 ** rng.uniform(-6, 6)])) for a, b in pairs]


def edge_list(rng: random.Random, n: int, edges: list[Edge]) -> str:
    """A table in one of many dialects."""
    mark = rng.choice([",", ";", "\t", " "])
    resistance = rng.random() < 0.4
    heads = rng.choice([("from", "to"), ("source", "target"), ("a", "b"), ("node1", "node2"), ("from_bus", "to_bus")])
    value = rng.choice(["resistance_ohm", "R", "r[Ohm]", "Resistance"] if resistance else
                       ["conductance", "G", "weight", "g_S", "Conductance"])
    columns = [heads[0], heads[1], value]
    rows = [[str(a), str(b), repr(1 / g if resistance else g)] for a, b, g in edges]
    if rng.random() < 0.3:
        columns, rows = ["id", *columns], [[str(k), *row] for k, row in enumerate(rows)]
    order = rng.sample(range(len(columns)), len(columns)) if rng.random() < 0.5 else list(range(len(columns)))
    named = resistance or order != list(range(3)) or rng.random() < 0.5
    lines = [mark.join(columns[k] for k in order)] if named else []
    quote = '"' if rng.random() < 0.1 else ""
    lines += [mark.join(f"{quote}{row[k]}{quote}" for k in order) for row in rows]
    if mark != " " and rng.random() < 0.2:
        lines = [line + mark for line in lines]
    if rng.random() < 0.3:
        lines.insert(0, f"# nodes: {n}")
    if named and rng.random() < 0.2 and len(edges) > 1 and columns[order[0]] != "id" and len(columns) == 3:
        swapped = {columns.index(heads[0]): columns.index(heads[1]), columns.index(heads[1]): columns.index(heads[0])}
        lines += [mark.join(row[swapped.get(k, k)] for k in order) for row in rows]        # both directions
    if mark in ";\t" and rng.random() < 0.2:
        lines = [line.replace(".", ",") for line in lines]
    return rng.choice(["\n", "\r\n"]).join(lines) + "\n"


def graphml(rng: random.Random, n: int, edges: list[Edge]) -> str:
    net = ol.Network.from_edges([edge[:2] for edge in edges], n, conductances=[edge[2] for edge in edges])
    with TemporaryDirectory() as folder:
        if rng.random() < 0.5:
            net.write(f"{folder}/x.graphml")
        else:
            nx.write_graphml(net.to_networkx(), f"{folder}/x.graphml")
        return Path(f"{folder}/x.graphml").read_text()


def matrix(rng: random.Random, n: int, edges: list[Edge]) -> str:
    kind = rng.choice(["symmetric", "general"])
    sign = rng.choice([1, -1])
    rows = [f"{max(a, b) + 1} {min(a, b) + 1} {sign * g!r}" for a, b, g in edges]
    if kind == "general" or rng.random() < 0.2:
        rows += [f"{min(a, b) + 1} {max(a, b) + 1} {sign * g!r}" for a, b, g in edges]
    rng.shuffle(rows)
    return f"%%MatrixMarket matrix coordinate real {kind}\n% by hand\n{n} {n} {len(rows)}\n" + "\n".join(rows) + "\n"


def by_networkx(suffix: str) -> Callable[[random.Random, int, list[Edge]], str]:
    def make(rng: random.Random, n: int, edges: list[Edge]) -> str:
        graph = nx.Graph()
        graph.add_nodes_from(range(n))
        graph.add_weighted_edges_from(edges, weight="conductance" if suffix != ".gexf" else "weight")
        if suffix == ".json":
            return json.dumps(nx.node_link_data(graph, edges=rng.choice(["links", "edges"])))
        return "\n".join(nx.generate_gml(graph) if suffix == ".gml" else nx.generate_gexf(graph))

    return make


def deck(rng: random.Random, n: int, edges: list[Edge]) -> str:
    names = [f"n{k}" for k in range(n)]
    lines, cell = ["* title", ".param two=2"], rng.random() < 0.3
    for j, (a, b, g) in enumerate(edges):
        r = rng.choice([repr(1 / g), f"{{{1 / g!r}*1}}", f"r={1 / g!r}", f"{{two*{0.5 / g!r}}}", f"RM {1 / g!r}"])
        lines.append(f"X{j} {names[a]} {names[b]} cell r={1 / g!r}" if cell else f"R{j} {names[a]} {names[b]} {r}")
    lines += [".subckt cell p q r=1", "Rin p q {r}", ".ends", ".model RM R", "V1 n0 0 1", f"I1 0 n{n - 1} 1m AC 1",
              "C1 n0 0 1u", ".tran 1m 2m", rng.choice([".end", ".backanno\n.end", ""])]
    return "\n".join(lines) + "\n"


def packing(rng: random.Random, n: int, edges: list[Edge]) -> str:
    rows = [f"{n} {len(edges)} 2.5", *(f"{rng.random()} {rng.random()}" for _ in range(n))]
    return "\n".join(rows + [f"{a} {b}" for a, b, _ in edges]) + "\n"


def task(rng: random.Random, n: int, edges: list[Edge]) -> str:
    parts = ["ground = 0", f"sources = {{ {n - 1} = 1.5 }}", f"currents = {{ {n + 1} = 1.0, {n + 2} = -1 }}",
             f'drops = {{ "{n + 3}-{n + 4}" = 0.5 }}', f'targets = {{ {n} = 0.2, "{n + 5}-{n + 6}" = 0.4 }}']
    return "\n".join(parts) + rng.choice(["", "\n[[samples]]\n", f"\n[[samples]]\nground = {n + 9}\n"])


MAKERS: dict[str, Callable[[random.Random, int, list[Edge]], str]] = {
    ".csv": edge_list, ".dat": edge_list, ".graphml": graphml, ".mtx": matrix, ".gexf": by_networkx(".gexf"),
    ".gml": by_networkx(".gml"), ".json": by_networkx(".json"), ".cir": deck, ".txt": packing, ".toml": task}
PIECES = ["\n", ",", ";", "\t", " ", "#", "%", '"', "'", "{", "}", "(", ")", "=", "+", "-", "*", "/", "0", "1",
          "9" * 400, "e999", "1e-320", "nan", "inf", "-1", "1k", "1.0D+00", "\x00", "\ufeff", "µ", "\u2028", "<", ">",
          "&", "<a>", "[", "]",
          "# nodes: 99999999999\n", "# edges: 3\n", "# node 0: x\n", "R9 a b 1\n", ".include x\n", ".subckt cell a\n",
          "X9 a cell\n", ".ends\n", ".param p={p}\n", "<!ENTITY a 'b'>", "99999999999 99999999999 1\n", "0 0\n",
          "1,1\n"]


def damaged(rng: random.Random, data: bytes) -> bytes:
    """A few random changes: pieces put in, bytes flipped, parts dropped, doubled or moved, another encoding."""
    for _ in range(rng.randint(1, 4)):
        at, end = sorted((rng.randrange(len(data) + 1), rng.randrange(len(data) + 1)))
        end = min(end, at + rng.choice([1, 3, 20, 400]))
        change = rng.randrange(7)
        if change <= 1:
            data = data[:at] + rng.choice(PIECES).encode() * rng.choice([1, 1, 1, 3, 60]) + data[at:]
        elif change == 2:
            data = data[:at] + bytes(rng.randrange(256) for _ in range(rng.randint(1, 3))) + data[end:]
        elif change == 3:
            data = data[:at] + data[end:]
        elif change == 4:
            data = data[:end] + data[at:end] * rng.choice([1, 2, 30]) + data[end:]
        elif change == 5:
            data = data[:at]
        else:
            lines = data.split(b"\n")
            j, k = rng.randrange(len(lines)), rng.randrange(len(lines))
            lines[j], lines[k] = lines[k], lines[j]
            data = b"\n".join(lines)
    return data


def lost_lines(text: str, net: ol.Network) -> str:
    """What an edge list has beyond what was read of it: every line is an edge, one of a pair of directions, a header or
    a line of counts; and numbers with fractions are conductances."""
    lines = [line for line in text.split("\n") if line.strip() and line.strip()[0] not in "#%"]
    if not any(net.n_edges * ways in (len(lines), len(lines) - 1) for ways in (1, 2)):
        return f"{net.n_edges} edges of {len(lines)} lines"
    values = sum(bool(re.search(r"\d\.\d*[1-9]", line.partition(" #")[0])) for line in lines)     # 1.0 may be a node
    if values == len(lines) and net.initial_conductances is None and net.node_names is None:
        return "values are left out"
    return ""


def wrong(folder: Path, suffix: str, data: bytes, expected: list[Edge] | None) -> str:
    """What is wrong with how a file is read; nothing where all is well. expected : its edges, where they are known."""
    path = folder / f"net{suffix}"
    path.write_bytes(data)
    begin = time.process_time()     # of the processor, as other programs may be at work beside this one
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        try:
            if suffix == ".toml":
                return "" if read_tasks(path) else "no tasks"
            net = ol.Network.read(path)
            if suffix == ".cir":
                with suppress(ValueError, NotConverged):
                    ol.read_spice(path).voltages()
        except ValueError as error:
            if len(str(error)) > 1000 or "net" not in str(error):
                return f"odd message: {str(error)[:300]}"
            return "" if expected is None else f"refused: {error}"
        except Exception:
            return traceback.format_exc()
    if time.process_time() - begin > SLOWEST:
        return f"took {time.process_time() - begin:.1f} s"
    g = net.conductances()
    if suffix in (".csv", ".dat") and (lost := lost_lines(read_text(path), net)):
        return lost
    if expected is not None:
        found = sorted((*sorted(pair), value) for pair, value in zip(net.edges.tolist(), g.tolist(), strict=True))
        known = sorted((min(a, b), max(a, b), value if suffix != ".txt" else 1.0) for a, b, value in expected)
        if [x[:2] for x in found] != [x[:2] for x in known]:
            return f"edges {found} in place of {known}"
        if not np.allclose([x[2] for x in found], [x[2] for x in known], rtol=1e-14, atol=0):
            return f"values {found} in place of {known}"
    for other in (".csv", ".graphml"):
        net.write(folder / f"again{other}")
        back = ol.Network.read(folder / f"again{other}")
        if not (np.array_equal(back.edges, net.edges) and back.node_names == net.node_names and
                np.array_equal(back.conductances(), g) and back.n_nodes == net.n_nodes):
            return f"does not come back from {other}"
    return ""


def fuzz(count: int, seed: int = 0) -> Counter[str]:
    """How many files went well, by kind; raises AssertionError with the first that did not."""
    rng, done = random.Random(seed), Counter[str]()
    with TemporaryDirectory() as name:
        folder = Path(name)
        wrong(folder, ".cir", b"* t\nV1 1 0 1\nR1 1 2 1\nR2 2 0 1\n.end\n", None)      # compiles what circuits need
        for k in range(count):
            suffix = rng.choice(list(MAKERS))
            n, edges = edges_of(rng)
            data = MAKERS[suffix](rng, n, edges).encode(rng.choice(["utf-8"] * 6 + ["utf-8-sig", "utf-16"]))
            whole = rng.random() < 0.2
            data = data if whole else damaged(rng, data)
            found = wrong(folder, suffix, data, edges if whole else None)
            assert not found, f"file {k} of seed {seed}, {suffix}: {found}\n{data[:3000]!r}"
            done[f"{suffix} {'whole' if whole else 'damaged'}"] += 1
    return done


if __name__ == "__main__":
    given = [int(text) for text in sys.argv[1:]]
    begin = time.perf_counter()
    for kind, number in sorted(fuzz(*(given or [100_000])).items()):
        print(f"{kind:<20}{number:>8}")
    print(f"{time.perf_counter() - begin:.0f} s")
