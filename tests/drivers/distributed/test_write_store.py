"""Stores of large networks: written by any number of ranks alike, whole or not at all, and read with care."""
import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import ohmlearn as ol
import pytest
from ohmlearn import distributed
from rank_jobs import on_ranks
from sweeps import needs_mpi

SIDE = 40


def cells():
    values = np.random.default_rng(1).uniform(1, 5, (SIDE, 31))
    values[10:20, 5:9] = np.nan
    return values


def write_all(comm, folder):
    """Every kind of store, written by all ranks."""
    kinds = {"grid": lambda path: distributed.store_grid(path, SIDE, 30, conductances=0.5, block=100),
             "delaunay": lambda path: distributed.store_delaunay(path, 3000, 2, block=128),
             "raster": lambda path: distributed.store_raster(path, cells(), 8, block=90),
             "mapped": lambda path: distributed.store_raster(path, folder / "cells.npy", 4, block=90),
             "matrix": lambda path: distributed.store_matrix(path, folder / "net.mtx", block=64),
             "laplacian": lambda path: distributed.store_matrix(path, folder / "laplacian.mtx", block=64),
             "network": lambda path: distributed.store_network(path, ol.Network.delaunay(500, seed=3), block=77)}
    return {name: repr(write(folder / f"{name}{comm.size}.zarr")) for name, write in kinds.items()}


def a_matrix(folder):
    """Files of one network: its adjacency matrix, lower triangle, and its Laplacian, both triangles."""
    network = ol.Network.delaunay(300, seed=1)
    g = np.random.default_rng(0).uniform(0.5, 2, network.n_edges)
    network.write(folder / "net.mtx", g)
    a, b = network.edges.T
    rows, columns = np.r_[a, b, np.arange(300)], np.r_[b, a, np.arange(300)]
    entries = np.r_[-g, -g, np.bincount(a, g, 300) + np.bincount(b, g, 300)]
    lines = "".join(f"{i + 1} {j + 1} {x!r}\n" for i, j, x in zip(rows, columns, entries.tolist(), strict=True))
    folder.joinpath("laplacian.mtx").write_text(
        f"%%MatrixMarket matrix coordinate real general\n% by hand\n300 300 {len(rows)}\n{lines}")
    np.save(folder / "cells.npy", cells())


def digest(path):
    said = hashlib.sha256()
    for file in sorted(file for file in Path(path).rglob("*") if file.is_file()):
        said.update(str(file.relative_to(path)).encode() + file.read_bytes())
    return said.hexdigest()


@needs_mpi
def test_stores_do_not_depend_on_the_ranks(tmp_path):
    a_matrix(tmp_path)
    said = on_ranks(3, write_all, tmp_path) + on_ranks(1, write_all, tmp_path)
    for words in said[1:]:
        assert words == said[0]
    for name in said[0]:
        assert digest(tmp_path / f"{name}3.zarr") == digest(tmp_path / f"{name}1.zarr")
    raster = ol.Network.from_raster(cells(), 8)
    for name, network, g in (
            ("grid", ol.Network.grid(SIDE, 30), 0.5), ("network", ol.Network.delaunay(500, seed=3), None),
            ("raster", raster[0], raster[1]), ("matrix", net := ol.Network.read(tmp_path / "net.mtx"), None),
            ("laplacian", net, None)):
        stored = distributed.open_network(tmp_path / f"{name}3.zarr")
        again, g = stored.network(), network.conductances(g)
        ends = np.sort(network.edges, axis=1)
        order = np.lexsort((ends[:, 1], ends[:, 0]))
        np.testing.assert_array_equal(again.edges, ends[order])
        np.testing.assert_array_equal(again.conductances(), g[order])
        assert (again.positions is None) == (network.positions is None)
        assert stored.has_conductances == (name != "network")
    assert not list(tmp_path.glob("*.tmp*"))


@pytest.mark.parametrize(("text", "message"), [
    ("%%MatrixMarket matrix array real general\n3 3\n", "line 1: expected"),
    ("%%MatrixMarket matrix coordinate real symmetric\n3 4 2\n2 1 1\n3 1 1\n", "3 × 4 matrix"),
    ("%%MatrixMarket matrix coordinate real symmetric\n3 3 3\n2 1 1\n3 1 1\n", "3 entries are promised, but 2 lines"),
    ("%%MatrixMarket matrix coordinate real symmetric\n3 3 2\n2 1 1\n3 one 1\n", "got '3 one 1'"),
    ("%%MatrixMarket matrix coordinate real symmetric\n3 3 2\n2 1 1\n4 1 1\n", "from 1 to 3, got '4 1 1'"),
    ("%%MatrixMarket matrix coordinate real symmetric\n3 3 2\n2 1 1\n3 1 nan\n", "finite numbers"),
    ("%%MatrixMarket matrix coordinate real symmetric\n3 3 2\n2 1 1\n3 1\n", "expected 3 finite numbers"),
    ("%%MatrixMarket matrix coordinate real symmetric\n3 3 2\n2 1 1\n3 1 -1\n", "both signs"),
    ("%%MatrixMarket matrix coordinate real symmetric\n3 3 2\n2 1 1\n2 1 1\n", r"entry \(2, 1\) stands there twice"),
    ("%%MatrixMarket matrix coordinate real general\n3 3 2\n2 1 1\n1 2 2\n", "make the matrix symmetric"),
    ("%%MatrixMarket matrix coordinate real general\n3 3 1\n2 1 1\n", "make the matrix symmetric"),
    ("%%MatrixMarket matrix coordinate real symmetric\n3 3 2\n2 2 1\n3 3 1\n", "so no edges"),
    ("%%MatrixMarket matrix coordinate real symmetric\n2 2 3\n1 1 1\n2 2 2\n2 1 -1\n", "row 2 sums to 1"),
])
def test_wrong_matrices_are_refused(tmp_path, text, message):
    (tmp_path / "net.mtx").write_text(text)
    with pytest.raises(ValueError, match=message):
        distributed.store_matrix(tmp_path / "net.zarr", tmp_path / "net.mtx")
    assert [path.name for path in tmp_path.iterdir()] == ["net.mtx"]


def test_resistances_of_a_matrix(tmp_path):
    (tmp_path / "net.mtx").write_text("%%MatrixMarket matrix coordinate real symmetric\n3 3 2\n2 1 4\n3 1 2\n")
    stored = distributed.store_matrix(tmp_path / "net.zarr", tmp_path / "net.mtx", quantity="resistance")
    assert stored.conductances(0).tolist() == [0.25, 0.5]
    (tmp_path / "net.mtx").write_text("%%MatrixMarket matrix coordinate real symmetric\n3 3 2\n2 1 4\n3 1 0\n")
    with pytest.raises(ValueError, match=r"\(1, 3\) is 0.0, no resistance"):
        distributed.store_matrix(tmp_path / "other.zarr", tmp_path / "net.mtx", quantity="resistance")


def test_an_existing_store_stays(tmp_path):
    path = tmp_path / "net.zarr"
    distributed.store_grid(path, 4, 4)
    before = digest(path)
    with pytest.raises(FileExistsError, match="exists already"):
        distributed.store_grid(path, 5, 5)
    assert digest(path) == before
    with pytest.raises(OSError, match="cannot make a store there"):
        distributed.store_grid(tmp_path / "no" / "folder" / "net.zarr", 4, 4)
    for block in (0, 2**25, 1.5, True):
        with pytest.raises((ValueError, TypeError), match="block"):
            distributed.store_grid(tmp_path / "other.zarr", 4, 4, block=block)
    assert [path.name for path in tmp_path.iterdir()] == ["net.zarr"]


def description(path, change):
    found = json.loads(path.read_text())
    change(found)
    path.write_text(json.dumps(found))


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


DAMAGES = {
    "no group": (lambda p: (p / "zarr.json").unlink(), "holds no ohmlearn network"),
    "cut description": (lambda p: (p / "zarr.json").write_text("{"), "holds no"),
    "another kind": (lambda p: description(p / "zarr.json", lambda d: d["attributes"].update(kind="song")), "'song'"),
    "unfinished": (lambda p: description(p / "zarr.json", lambda d: d["attributes"].update(kind="unfinished network")),
                   "unfinished"),
    "no attributes": (lambda p: description(p / "zarr.json", lambda d: d["attributes"].pop("n_nodes")), "attributes"),
    "a later format": (lambda p: description(p / "zarr.json", lambda d: d["attributes"].update(version=9)), "format 9"),
    "other counts": (lambda p: description(p / "zarr.json", lambda d: d["attributes"].update(n_edges=7)), "add up"),
    "negative nodes": (lambda p: description(p / "zarr.json", lambda d: d["attributes"].update(n_nodes=-7)),
                       "no network"),
    "more nodes": (lambda p: description(p / "zarr.json", lambda d: d["attributes"].update(n_nodes=10**12)),
                   "first_edge of block 0"),
    "missing block": (lambda p: shutil.rmtree(p / "edges" / "0000001"), "edges of block 1 is damaged or missing"),
    "missing numbers": (lambda p: shutil.rmtree(p / "edges" / "0000001" / "c"), "its numbers are missing"),
    "a changed bit": (lambda p: flip(p / "edges" / "0000001" / "c" / "0" / "0"), "edges of block 1"),
    "another shape": (lambda p: description(p / "edges" / "0000001" / "zarr.json", lambda d: d.update(shape=[3, 2])),
                      "of shape"),
    "a strange codec": (lambda p: description(p / "edges" / "0000001" / "zarr.json", lambda d: d["codecs"].append(
        {"name": "numcodecs.pickle", "configuration": {}})), "codecs .*pickle.* are not read"),
    "a huge chunk": (lambda p: description(p / "edges" / "0000001" / "zarr.json", lambda d: d["chunk_grid"][
        "configuration"].update(chunk_shape=[2**40, 2])), "not one chunk"),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_damaged_and_foreign_stores_are_told(tmp_path, damage):
    change, message = damage
    path = tmp_path / "net.zarr"
    distributed.store_grid(path, 6, 7, conductances=2.0, block=20)
    change(path)
    with pytest.raises(distributed.DamagedStore, match=message):
        distributed.open_network(path).network()


def test_values_of_a_store_are_checked(tmp_path):
    path = tmp_path / "net.zarr"
    stored = distributed.store_grid(path, 6, 7, conductances=2.0, block=20)
    count = len(stored.edges(1))
    good = stored.edges(1)
    for name, array, message in (
            ("conductances", np.full(count, -1.0), "finite and >= 0"), ("edges", good[::-1], "not sorted edges"),
            ("edges", good + 1000, "not sorted edges"), ("edges", good[:, ::-1], "not sorted edges")):
        shutil.rmtree(path / name / "0000001")
        stored.arrays.write(name, 1, array)
        with pytest.raises(distributed.DamagedStore, match=message):
            stored.network()
        shutil.rmtree(path / name / "0000001")
        stored.arrays.write(name, 1, good if name == "edges" else np.full(count, 2.0))
    assert stored.network().n_edges == stored.n_edges
    with pytest.raises(FileNotFoundError, match="no ohmlearn network of that name"):
        distributed.open_network(tmp_path / "none.zarr")
    bare = distributed.store_grid(tmp_path / "cube.zarr", 3, 3, 3)
    with pytest.raises(ValueError, match="no positions"):
        bare.positions(0)
    assert bare.conductances(0).tolist() == [1.0] * 54
    with pytest.raises(ValueError, match="target 27 is not in the network"):
        bare.check_nodes([27], "target")
