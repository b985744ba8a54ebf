"""Rasters against closed forms, a small case worked out by hand, and Circuitscape's published verification cases."""
import re

import numpy as np
import pytest
from ohmlearn import Equilibrium, Network
from ohmlearn.drivers.cli import add_commands, app
from ohmlearn.io.raster import Raster, raster_network, read_raster, write_raster
from ohmlearn.solvers.raster.current_map import current_map
from typer.testing import CliRunner

# Circuitscape.jl, test/input/raster and test/output_verify, cases sgVerify7 and sgVerify9 (MIT licence, as facts).
REGIONS = np.array([[0, 3, 3, 3, 2], [0, 0, 0, 0, 0], [0, 0, 6, 0, 0], [0, 0, 5, 0, 0], [0, 0, 5, 0, 2]])
NONE = np.nan
HABITAT_7 = np.array([[1, 1, NONE, 1, 1], [1, NONE, NONE, NONE, NONE], [1, NONE, NONE, 1, 1], [1, NONE, NONE, 1, 1],
                      [1, NONE, NONE, 1, 1]])
POINTS_7 = np.array([[1, 2, 0, 0, 0], [0, 0, 0, 0, 0], [3, 0, 0, 7, 0], [4, 0, 0, 0, 0], [5, 0, 0, 0, 6]])
RESISTANCES_7 = np.array([
    [0, 1, 2, 3, 4, 2, 3.4], [1, 0, 3, 4, 5, 1, 2.4], [2, 3, 0, 1, 2, 4, 5.4], [3, 4, 1, 0, 1, 5, 6.4],
    [4, 5, 2, 1, 0, 6, 7.4], [2, 1, 4, 5, 6, 0, 1.4], [3.4, 2.4, 5.4, 6.4, 7.4, 1.4, 0]])
CURRENTS_7 = np.array([[15, 14, 14, 14, 11], [12, 0, 0, 0, 0], [14, 0, 0, 6, 2.4], [11, 0, 0, 3.6, 3.6],
                       [6, 0, 0, 2.4, 11]])
HABITAT_9 = np.array([[1, 1, 2.002, 1, 1], [1, 2, 2, 3.01, 2], [1, 2, 2, 1, 1], [1, 2, 2, 1, 1], [1, 2, 2, 1, 1]])
POINTS_9 = np.array([[1, 2, 0, 0, 0], [0, 0, 0, 0, 0], [3, 0, 0, 7, 0], [4, 0, 0, 0, 0], [1, 0, 0, 0, 2]])
RESISTANCES_9 = np.array([
    [0, 0.2434768717, 0.3448848592, 0.2990289659, 0.332769972],
    [0.2434768717, 0, 0.3021830397, 0.3534051056, 0.174033215],
    [0.3448848592, 0.3021830397, 0, 0.3377716953, 0.3726459788],
    [0.2990289659, 0.3534051056, 0.3377716953, 0, 0.4000720507],
    [0.332769972, 0.174033215, 0.3726459788, 0.4000720507, 0]])
CURRENTS_9 = np.array([
    [4.230770524, 5.015153391, 5.015153391, 5.015153391, 4.2018188],
    [1.272026369, 2.280230544, 1.662224995, 1.718637698, 0.7024933312],
    [4.651645159, 2.462286145, 1.843831038, 4.373191401, 0.4435719863],
    [4.760349168, 2.539634977, 2.352007535, 0.9199777224, 0.44866272],
    [4.407914389, 1.655366199, 2.352007535, 0.5572336233, 4.2018188]])


def test_published_case_of_four_neighbours_regions_and_cells_without_data():
    found = current_map(HABITAT_7, POINTS_7, 4, regions=REGIONS)
    np.testing.assert_array_equal(found.labels, [1, 2, 3, 4, 5, 6, 7])
    np.testing.assert_allclose(found.resistances, RESISTANCES_7, atol=1e-9)
    np.testing.assert_allclose(np.nan_to_num(found.currents), CURRENTS_7, atol=2e-6)


def test_published_case_of_eight_neighbours_and_focal_regions():
    found = current_map(HABITAT_9, POINTS_9, 8, quantity="conductance", average="conductance", regions=REGIONS)
    np.testing.assert_array_equal(found.labels, [1, 2, 3, 4, 7])
    np.testing.assert_allclose(found.resistances, RESISTANCES_9, rtol=1e-8)
    np.testing.assert_allclose(found.currents, CURRENTS_9, rtol=2e-6)      # iterations to 1e-6, as published


def test_a_strip_and_a_pair_of_ways():
    strip = current_map([[1.0, 2.0, 3.0, 1.0]], [[5, 0, 0, 9]], 4)
    assert strip.resistances[0, 1] == pytest.approx(1.5 + 2.5 + 2.0, rel=1e-12)
    np.testing.assert_allclose(strip.currents, 1.0)
    ring = current_map([[1, 1, 1], [1, NONE, 1], [1, 1, 1]], [[1, 0, 0], [0, 0, 0], [0, 0, 2]], 4)
    assert ring.resistances[0, 1] == pytest.approx(2.0, rel=1e-12)
    np.testing.assert_allclose(ring.currents, [[1, 0.5, 0.5], [0.5, NONE, 0.5], [0.5, 0.5, 1]], atol=1e-9)


@pytest.mark.parametrize("neighbours", [4, 8])
def test_edges_of_a_raster(neighbours):
    rng = np.random.default_rng(1)
    values = np.where(rng.random((5, 7)) < 0.2, NONE, rng.uniform(1, 9, (5, 7)))
    network, conductances, nodes = Network.from_raster(values, neighbours)
    assert network.n_nodes == np.isfinite(values).sum()
    wanted = {}
    for (r, c), a in np.ndenumerate(nodes):
        for dr, dc in ((0, 1), (1, 0), (1, 1), (1, -1))[:neighbours // 2]:
            if a >= 0 and r + dr < 5 and 0 <= c + dc < 7 and nodes[r + dr, c + dc] >= 0:
                mean = (values[r, c] + values[r + dr, c + dc]) / 2
                wanted[frozenset((int(a), int(nodes[r + dr, c + dc])))] = 1 / mean / np.hypot(dr, dc)
    found = {frozenset(map(int, e)): g for e, g in zip(network.edges, conductances, strict=True)}
    assert found == pytest.approx(wanted)


def test_cells_of_a_focal_place_are_at_one_voltage_in_its_own_pairs_only():
    """A strip of six: place 1 at both ends, 2 and 3 within. Between 2 and 3 the ends are not joined."""
    found = current_map(np.ones((1, 6)), [[1, 0, 2, 3, 0, 1]], 4)
    np.testing.assert_allclose(found.resistances, [[0, 1 / (1 / 2 + 1 / 3), 1 / (1 / 2 + 1 / 3)],
                                                   [1 / (1 / 2 + 1 / 3), 0, 1], [1 / (1 / 2 + 1 / 3), 1, 0]])
    with pytest.raises(ValueError, match="focal place 1 lies on parts of the raster that no path joins"):
        current_map([[1, 1, NONE, 1, 1]], [[1, 2, 0, 1, 3]])


def test_islands_are_infinitely_far():
    found = current_map([[1, 1, NONE, 1, 1]], [[1, 2, 0, 3, 4]], 4)
    assert found.resistances[0, 1] == found.resistances[2, 3] == pytest.approx(1.0)
    assert np.isinf(found.resistances[:2, 2:]).all()
    np.testing.assert_allclose(found.currents, [[1, 1, NONE, 1, 1]])


def test_resistances_are_those_of_the_network():
    rng = np.random.default_rng(2)
    values, focal = 10 ** rng.uniform(0, 3, (30, 40)), np.zeros((30, 40), int)
    focal[rng.integers(0, 30, 9), rng.integers(0, 40, 9)] = np.arange(1, 10)
    found = current_map(values, focal)
    network, g, nodes = Network.from_raster(values)
    at = [nodes[focal == label][0] for label in found.labels]
    pairs = np.array([(a, b) for a in at for b in at if a != b])
    wanted = Equilibrium(network, [0]).effective_resistance(pairs, g)
    np.testing.assert_allclose(found.resistances[~np.eye(len(at), dtype=bool)], wanted, rtol=1e-8)


@pytest.mark.parametrize("ending", ["asc", "tif"])
def test_files_and_the_command(tmp_path, ending):
    if ending == "tif":
        pytest.importorskip("tifffile")
    raster = Raster(HABITAT_7, (100.0, 105.0), 10.0)
    for name, values in (("habitat", HABITAT_7), ("points", POINTS_7), ("regions", REGIONS)):
        write_raster(raster.with_values(values.astype(float)), tmp_path / f"{name}.{ending}")
    back = read_raster(tmp_path / f"habitat.{ending}")
    np.testing.assert_array_equal(back.values, HABITAT_7)
    if ending == "asc":
        assert (back.corner, back.cell_size) == (raster.corner, 10.0)
    files = [str(tmp_path / f"{name}.{ending}") for name in ("habitat", "points", "regions", "out")]
    options = ["--regions", files[2], "--neighbours", "4", "-o", files[3]]
    add_commands()
    done = CliRunner().invoke(app, ["current-map", *files[:2], *options])
    assert done.exit_code == 0, done.output
    assert "7 3.4 2.4 5.4 6.4 7.4 1.4 0" in done.output
    np.testing.assert_allclose(np.nan_to_num(read_raster(files[3]).values), CURRENTS_7, atol=2e-6)


def test_bad_rasters(tmp_path):
    with pytest.raises(ValueError, match=r"the resistance of cell \(0, 1\) is 0"):
        raster_network([[1.0, 0.0]])
    with pytest.raises(ValueError, match="neighbours must be 4 or 8"):
        raster_network(np.ones((2, 2)), 6)
    with pytest.raises(ValueError, match="two dimensions"):
        raster_network(np.ones(4))
    with pytest.raises(ValueError, match="no two cells with data"):
        raster_network([[1.0, NONE, 1.0]])
    with pytest.raises(ValueError, match="focal names 1 place on cells with data"):
        current_map(np.ones((2, 2)), [[1, 0], [0, 0]])
    with pytest.raises(ValueError, match="focal must have the shape of the raster"):
        current_map(np.ones((2, 2)), [1, 2])
    (tmp_path / "a.asc").write_text("ncols 2\nnrows 2\n1 2 3 4\n")
    with pytest.raises(ValueError, match="its head lacks cellsize"):
        read_raster(tmp_path / "a.asc")
    (tmp_path / "b.asc").write_text("ncols 2\nnrows 2\ncellsize 1\n1 2 3\n")
    with pytest.raises(ValueError, match="2 rows of 2 cells and has 3 numbers"):
        read_raster(tmp_path / "b.asc")


@pytest.mark.parametrize(("text", "words"), [
    ("ncols 2\nnrows 1\nncols 3\ncellsize 1\n1 2\n", "line 3: ncols stands twice"),
    ("ncols 2.5\nnrows 1\ncellsize 1\n1 2\n", "need whole numbers >= 1"),
    ("ncols 99999999999\nnrows 99999999999\ncellsize 1\n1 2\n", "and has 2 numbers"),
    ("ncols 2\nnrows 1\ncellsize 1e999\n1 2\n", "line 3: '1e999' is no finite number"),
    ("ncols 2\nnrows 2\ncellsize 1\n1 2\n3 1e999\n", "line 5: '1e999' is no finite number"),
    ("ncols 2\nnrows 2\ncellsize 1\n1 2\n3 x\n", "line 5: 'x' is no finite number"),
    ("ncols 2\nnrows 1\ncellsize 0\n1 2\n", "a length > 0"),
    ("ncols 2\x00\n", "not a text file"),
])
def test_grids_that_are_none_are_refused_in_words(text, words, tmp_path):
    path = tmp_path / "a.asc"
    path.write_text(text)
    with pytest.raises(ValueError, match=re.escape(words)) as error:
        read_raster(path)
    assert str(path) in str(error.value)


def test_a_grid_with_a_byte_order_mark_and_cells_without_data(tmp_path):
    path = tmp_path / "a.asc"
    path.write_bytes(b"\xef\xbb\xbfNCOLS 3\r\nNROWS 1\r\nCELLSIZE 2\r\nNODATA_value nan\r\n1 nan 1.5D+01\r\n")
    np.testing.assert_array_equal(read_raster(path).values, [[1.0, np.nan, 15.0]])
