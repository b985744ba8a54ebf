"""Rasters: grids of resistances as networks, and their files (ASCII grids, GeoTIFF)."""
from __future__ import annotations

from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from ohmlearn.checks.file_text import read_text, reading, short
from ohmlearn.checks.kinds import reals
from ohmlearn.io.replacing import replacing
from ohmlearn.io.values import number
from ohmlearn.network import Network

Floats = NDArray[np.float64]
NO_DATA = -9999.0
GEO_TAGS = (33550, 33922, 34264, 34735, 34736, 34737)      # where a GeoTIFF says where it lies


@dataclass(frozen=True, eq=False)
class Raster:
    """Values on a grid of square cells, the first row at the top.

    values : (rows, cols), NaN where there is no data. corner : x and y of the lower left corner. cell_size : side of a
    cell. tags : what a GeoTIFF says about its place, handed on when it is written.
    """

    values: Floats
    corner: tuple[float, float] = (0.0, 0.0)
    cell_size: float = 1.0
    tags: tuple[Any, ...] = field(default=(), repr=False)

    def with_values(self, values: Floats) -> Raster:
        """The same place with other values."""
        return Raster(values, self.corner, self.cell_size, self.tags)


class RasterNetwork(NamedTuple):
    """A raster as a network: its edges' conductances, and the node of every cell (rows, cols), -1 for none."""

    network: Network
    conductances: Floats
    nodes: NDArray[np.int64]


def raster_network(values: ArrayLike | Raster, neighbours: Literal[4, 8] = 8, *,
                   quantity: Literal["resistance", "conductance"] = "resistance",
                   average: Literal["resistance", "conductance"] = "resistance",
                   regions: ArrayLike | None = None) -> RasterNetwork:
    """Network of a raster: a node for every cell with data, edges to the 4 or 8 cells around it.

    values : (rows, cols) resistances (or conductances, see `quantity`) of the cells; NaN, infinite, masked and negative
        ones are cells without a node, and conductances of 0 too. A resistance of 0 is an error: join such cells as a
        region instead.
    neighbours : 4, or 8 with the diagonals, which are √2 longer.
    average : an edge has the mean of its cells' resistances, or of their conductances (McRae et al. 2008).
    regions : (rows, cols) integers; cells of equal positive ones are one node, also where they have no data.

    Nodes are numbered by rows, a region at its first cell.

    >>> network, g, nodes = Network.from_raster([[1.0, 3.0], [np.nan, 1.0]], neighbours=4)
    >>> network.edges.tolist(), g.tolist()
    ([[0, 1], [1, 2]], [0.5, 0.5])
    """
    grid = values.values if isinstance(values, Raster) else np.ma.filled(np.ma.asarray(values, dtype=float), np.nan)
    grid = reals(grid, "values of a raster")
    if grid.ndim != 2:
        raise ValueError(f"a raster must have two dimensions, not shape {grid.shape}")
    check_kinds(neighbours, quantity, average)
    valid = cells_with_data(grid, quantity)
    nodes = _number(valid, regions)
    edges, conductances = edges_of_cells(grid, valid, nodes, neighbours, quantity, average)
    count = int(nodes.max()) + 1
    if not len(edges):
        raise ValueError("no two cells with data lie side by side, so the raster has no edges")
    first = np.argwhere(nodes >= 0)[np.unique(nodes[nodes >= 0], return_index=True)[1]]
    at = np.column_stack([first[:, 1], -first[:, 0]]).astype(np.float64)
    return RasterNetwork(Network(edges, count, at), conductances, nodes)


def check_kinds(neighbours: int, quantity: str, average: str) -> None:
    """Raise ValueError for options of a raster that there are not."""
    if neighbours not in (4, 8):
        raise ValueError(f"neighbours must be 4 or 8, not {neighbours!r}")
    if quantity not in (kinds := ("resistance", "conductance")) or average not in kinds:
        raise ValueError(f"quantity and average must be 'resistance' or 'conductance', not {quantity!r}, {average!r}")


def cells_with_data(grid: Floats, quantity: str, first_row: int = 0) -> NDArray[np.bool_]:
    """(rows, cols) whether a cell becomes a node. Raises ValueError for a resistance of 0; first_row : its number."""
    valid = np.isfinite(grid) & (grid >= 0)
    if quantity == "conductance":
        return valid & (grid > 0)
    if (grid[valid] == 0).any():
        row, col = np.argwhere(valid & (grid == 0))[0]
        raise ValueError(f"the resistance of cell ({first_row + row}, {col}) is 0; join cells without resistance as a "
                         "region")
    return valid


def edges_of_cells(grid: Floats, valid: NDArray[np.bool_], nodes: NDArray[np.int64], neighbours: int, quantity: str,
                   average: str) -> tuple[NDArray[np.int64], Floats]:
    """(e, 2) edges between neighbouring cells with data, and their conductances (e,); nodes : (rows, cols)."""
    resistance = np.where(valid, grid, np.nan) if quantity == "resistance" else 1 / np.where(valid, grid, np.nan)
    edges, conductances = [], []
    for down, right in ((0, 1), (1, 0), (1, 1), (1, -1))[:neighbours // 2]:
        here = (slice(0, grid.shape[0] - down), slice(max(-right, 0), grid.shape[1] - max(right, 0)))
        there = (slice(down, None), slice(max(right, 0), grid.shape[1] + min(right, 0)))
        joined = valid[here] & valid[there] & (nodes[here] != nodes[there])
        a, b = resistance[here][joined], resistance[there][joined]
        mean = 2 / (a + b) if average == "resistance" else (1 / a + 1 / b) / 2
        edges.append(np.column_stack([nodes[here][joined], nodes[there][joined]]))
        conductances.append(mean / np.hypot(down, right))
    return np.concatenate(edges), np.concatenate(conductances)


def _number(valid: NDArray[np.bool_], regions: ArrayLike | None) -> NDArray[np.int64]:
    """Node of every cell, -1 for none."""
    label = np.full(valid.shape, -1, dtype=np.int64)
    label[valid] = np.flatnonzero(valid)
    if regions is not None:
        region = labels_of(regions, valid.shape, "regions")
        for value in np.unique(region[region > 0]):
            label[region == value] = np.flatnonzero(region == value)[0]
    used = label >= 0
    label[used] = np.unique(label[used], return_inverse=True)[1]
    return label


def labels_of(values: ArrayLike, shape: tuple[int, ...], what: str) -> NDArray[np.int64]:
    """(rows, cols) integers, 0 where there are none."""
    labels: Floats = np.nan_to_num(np.ma.filled(np.ma.asarray(values, dtype=float), 0.0), nan=0.0)
    if labels.shape != shape:
        raise ValueError(f"{what} must have the shape of the raster, {shape}, not {labels.shape}")
    if (labels != np.floor(labels)).any():
        raise ValueError(f"{what} must be integers")
    return np.maximum(labels, 0).astype(np.int64)


def read_raster(path: str | Path) -> Raster:
    """A raster from an ASCII grid (.asc, .txt) or a GeoTIFF (.tif, with the extra `raster`). Cells that say nan, or the
    grid's own mark, have no data. Raises ValueError that names the file where it is no such raster."""
    path = Path(path)
    with reading(path):
        return _read_tiff(path) if path.suffix.lower() in (".tif", ".tiff") else _read_grid(path)


def _read_grid(path: Path) -> Raster:
    lines = read_text(path).split("\n")
    head = _read_head(lines[:7], path)
    shape, size = (head["nrows"], head["ncols"]), head["cellsize"]
    if not all(side >= 1 and side == int(side) for side in shape) or size <= 0:
        raise ValueError(f"{path}: nrows, ncols and cellsize are {shape[0]:g}, {shape[1]:g} and {size:g}; need whole "
                         "numbers >= 1 and a length > 0")
    body = lines[len(head):]
    try:
        numbers = np.array(" ".join(body).split(), dtype=np.float64)
    except ValueError:
        numbers = np.array([np.inf])
    if not np.isfinite(numbers).all():      # each by itself, to say where it stands
        numbers = np.array([_cell(word, f"{path}, line {len(head) + k + 1}")
                            for k, line in enumerate(body) for word in line.split()])
    if numbers.size != shape[0] * shape[1]:
        raise ValueError(f"{path} says {shape[0]:g} rows of {shape[1]:g} cells and has {numbers.size} numbers")
    values = numbers.reshape(int(shape[0]), int(shape[1]))
    corner = (head.get("xllcorner", head.get("xllcenter", size / 2) - size / 2),
              head.get("yllcorner", head.get("yllcenter", size / 2) - size / 2))
    return Raster(np.where(values == head.get("nodata_value", NO_DATA), np.nan, values), corner, size)


def _read_head(lines: list[str], path: Path) -> dict[str, float]:
    """Names and numbers of the lines before the cells."""
    head: dict[str, float] = {}
    for k, line in enumerate(lines):
        words = line.split()
        if len(words) != 2 or not words[0][0].isalpha():
            break
        name = words[0].lower()
        if name in head:
            raise ValueError(f"{path}, line {k + 1}: {name} stands twice in the head")
        head[name] = _cell(words[1], f"{path}, line {k + 1}") if name == "nodata_value" else \
            _finite(words[1], f"{path}, line {k + 1}")
    missing = [name for name in ("ncols", "nrows", "cellsize") if name not in head]
    if missing:
        raise ValueError(f"{path} is no ASCII grid: its head lacks {' and '.join(missing)}")
    return head


def _finite(word: str, place: str) -> float:
    """The finite number that a word says."""
    found = number(word)
    if found is None or not np.isfinite(found):
        raise ValueError(f"{place}: {short(word)} is no finite number")
    return found


def _cell(word: str, place: str) -> float:
    """The same for a cell, which may have no data."""
    return np.nan if word.lower() == "nan" else _finite(word, place)


def write_raster(raster: Raster, path: str | Path) -> None:
    """Write an ASCII grid, or a GeoTIFF by the ending .tif."""
    path, values = Path(path), np.where(np.isfinite(raster.values), raster.values, NO_DATA)
    if path.suffix.lower() in (".tif", ".tiff"):
        image = BytesIO()
        _tifffile().imwrite(image, values.astype(np.float64), extratags=[
            *raster.tags, (42113, "s", 0, f"{NO_DATA:g}", True)])
        with replacing(path, "wb") as file:
            file.write(image.getvalue())
        return
    head = (f"ncols {values.shape[1]}\nnrows {values.shape[0]}\nxllcorner {raster.corner[0]!r}\n"
            f"yllcorner {raster.corner[1]!r}\ncellsize {raster.cell_size!r}\nNODATA_value {NO_DATA:g}")
    with replacing(path) as file:
        np.savetxt(file, values, fmt="%.10g", header=head, comments="")


def _tifffile() -> Any:
    try:
        import tifffile
    except ImportError:
        raise ValueError("GeoTIFF files need the package tifffile: pip install 'ohmlearn[raster]'; ASCII grids (.asc) "
                         "need none") from None
    return tifffile


def _read_tiff(path: Path) -> Raster:
    with _tifffile().TiffFile(path) as file:
        page = file.pages[0]
        values = page.asarray().astype(np.float64)
        found = {code: page.tags[code] for code in (*GEO_TAGS, 42113) if code in page.tags}
    if values.ndim != 2:
        raise ValueError(f"{path} has {values.ndim} dimensions; a raster of one band is wanted")
    if 42113 in found:
        values[values == float(str(found[42113].value).strip("\0 "))] = np.nan
    size, corner = 1.0, (0.0, 0.0)
    if 33550 in found and 33922 in found:
        size, tie = float(found[33550].value[0]), found[33922].value
        corner = (float(tie[3] - tie[0] * size), float(tie[4] - (values.shape[0] - tie[1]) * size))
    tags = tuple((code, tag.dtype, tag.count, tag.value, True) for code, tag in found.items() if code != 42113)
    return Raster(values, corner, size, tags)
