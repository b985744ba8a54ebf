"""The store of a sweep: a folder with what the sweep is, the parts that ranks write, and the folded results."""
from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from ohmlearn import __version__
from ohmlearn.drivers.checks.earlier_runs import same_task
from ohmlearn.drivers.sweeps.member_status import ALL_STATUSES, MISSING
from ohmlearn.io.replacing import replacing
from ohmlearn.network import Network
from ohmlearn.task import Task, as_tasks

from . import part_file
from .part_file import StoreError
from .record import FORMAT, Layout

if TYPE_CHECKING:
    from ohmlearn.drivers.sweeps.sweep import Sweep

HEADER, INPUTS, RESULTS = "sweep.json", "inputs.npz", "results.zarr"
OURS = re.compile(r"^lock$|\.lock$|\.tmp\d+$")      # what an earlier start may have left


@dataclass(frozen=True, eq=False)
class Store:
    """A store on the disk. `header` : format, version, digest and tables of the sweep."""

    path: Path
    header: dict[str, Any]

    def __reduce__(self) -> tuple[type[Store], tuple[Path, dict[str, Any]]]:
        return Store, (self.path, self.header)  # other ranks read the rest from the files

    @classmethod
    def open(cls, path: str | Path) -> Store:
        """An existing store. Raises StoreError when the folder is not a store, or has another format."""
        path = Path(path)
        try:
            header = json.loads((path / HEADER).read_text())
        except (FileNotFoundError, NotADirectoryError):
            raise StoreError(f"{path} is not the store of a sweep: it has no {HEADER}; name the folder that "
                             "`ohmlearn sweep FILE --output FOLDER` wrote") from None
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise StoreError(f"{path / HEADER} is damaged ({error}); run the sweep's own command again with a new "
                             "store, or restore the file") from None
        if header.get("format") != FORMAT:
            raise StoreError(f"{path} has results format {header.get('format')}, written by ohmlearn "
                             f"{header.get('version')}; this is {__version__} with format {FORMAT}: use that version "
                             "to read it, or run the sweep into a new store")
        if not (path / RESULTS).exists() and (path / f"{RESULTS}.old").exists():  # folding was cut off between renames
            (path / f"{RESULTS}.old").rename(path / RESULTS)
        return cls(path, header)

    @classmethod
    def prepare(cls, path: Path, sweep: Sweep) -> Store:
        """The store of a sweep: made, or opened and extended when the sweep has grown. Call it alone."""
        if not (path / HEADER).exists():
            return cls._write(path, sweep)
        store = cls.open(path)
        if store.header["digest"] != sweep.digest:
            raise StoreError(f"{path} belongs to another sweep ({store.difference(sweep)}); name another store")
        old = store.sweep
        missing = np.setdiff1d(old.rates, sweep.rates)
        if missing.size or len(sweep.tasks) < len(old.tasks):
            what = f"the rate {missing[0]:g}" if missing.size else f"{len(old.tasks)} tasks"
            raise StoreError(f"{path} has {what}, which this sweep has not: a store can grow, not shrink; "
                             "put it back into the file, or name another store")
        if any(not same_task(a, as_tasks(b)) for a, b in zip(old.tasks, sweep.tasks, strict=False)):
            raise StoreError(f"{path} was made with other tasks (a task file was changed, or another version of NumPy "
                             "draws others); restore them, or name another store")
        if len(sweep) == len(old) and np.array_equal(old.rates, sweep.rates):
            return store
        return cls._write(path, sweep)

    @classmethod
    def _write(cls, path: Path, sweep: Sweep) -> Store:
        tables = sweep.tables.model_dump(mode="json", by_alias=True, exclude_none=True)
        tables["sweep"]["rates"] = sweep.rates.tolist()
        header = {"format": FORMAT, "version": __version__, "digest": sweep.digest, "tables": tables}
        with replacing(path / INPUTS, "wb") as file:
            np.savez(file, **inputs(sweep))
        with replacing(path / HEADER) as file:
            json.dump(header, file, indent=1)
        return cls(path, header)

    @cached_property
    def sweep(self) -> Sweep:
        """The sweep as the store knows it: from its own files, not from generators."""
        from ohmlearn.drivers.sweeps.sweep import Sweep, make_tasks
        from ohmlearn.drivers.sweeps.sweep_file import parse

        tables = parse(self.header["tables"], str(self.path / HEADER))
        with np.load(self.path / INPUTS, allow_pickle=False) as given:
            positions = given.get("positions")
            box = float(given["box"]) if "box" in given else None
            network = Network(given["edges"], int(given["n_nodes"]), positions, box,
                              initial_conductances=given.get("initial_conductances"))
            if tables.tasks.tables is not None:
                return Sweep(tables, network, make_tasks(tables.tasks, network))
            drawn = tables.tasks.allosteric
            assert drawn is not None        # files became tables when the sweep was read
            columns = [given[name][:drawn.count] for name in TASK_ARRAYS]
        samples = drawn.samples
        tasks: list[Task | tuple[Task, ...]] = []
        for values in zip(*columns, strict=True):
            tasks.append(tuple(map(Task, *values)) if samples > 1 else Task(*values))
        return Sweep(tables, network, tasks)

    def difference(self, sweep: Sweep) -> str:
        """Where the store's sweep and another one differ, in words."""
        mine = self.header["tables"]
        other = sweep.tables.model_dump(mode="json", by_alias=True, exclude_none=True)
        for table in sorted({*mine, *other}):
            for key in sorted({*mine.get(table, {}), *other.get(table, {})} - {"rates"}):
                a, b = mine.get(table, {}).get(key), other.get(table, {}).get(key)
                drawn = table == "tasks" and isinstance(a, dict) and isinstance(b, dict)
                if a != b and not (drawn and {**a, "count": 0} == {**b, "count": 0}):
                    return f"[{table}] {key} was {json.dumps(a)} and is {json.dumps(b)}"
        return "its network has other edges or conductances"

    def parts(self) -> list[Path]:
        """The files of the ranks."""
        return sorted(self.path.glob("part-*.sqlite"))

    def part(self, shard: tuple[int, int], rank: int) -> Path:
        """The file of one rank of a job."""
        return self.path / f"part-{shard[0]}of{shard[1]}-rank{rank:04d}.sqlite"

    @cached_property
    def layout(self) -> Layout:
        return Layout.of(self.sweep)

    def folded(self) -> tuple[NDArray[np.float64], NDArray[np.int8]] | None:
        """Rates and status codes (tasks, rates) of what is folded already, which may be less than the sweep now."""
        if not (self.path / RESULTS).exists():
            return None
        import zarr

        try:
            group: Any = zarr.open_group(self.path / RESULTS, mode="r")
            return group["rate"][:], group["status_code"][:]
        except Exception as error:
            raise StoreError(f"{self.path / RESULTS} is damaged ({error}); `ohmlearn check {self.path}` keeps what is "
                             "sound") from error

    def status(self) -> NDArray[np.int8]:
        """(n_members,) how each member ended: its place in ALL_STATUSES, MISSING for those still to do."""
        sweep = self.sweep
        codes = np.full((len(sweep.tasks), sweep.rates.size), MISSING, dtype=np.int8)
        column = {rate: j for j, rate in enumerate(sweep.rates.tolist())}
        if (folded := self.folded()) is not None:
            rates, found = folded
            codes[:len(found), [column[rate] for rate in rates.tolist()]] = found
        for part in self.parts():
            for task, rate, status in part_file.read_keys(part):
                if task < len(codes) and rate in column:
                    codes[task, column[rate]] = ALL_STATUSES.index(status)
        return codes.ravel()

    def checkpoints(self) -> dict[int, tuple[Path, int]]:
        """Where the newest state of every member that was set aside is, and its progress."""
        rates = {rate: j for j, rate in enumerate(self.sweep.rates.tolist())}
        found: dict[int, tuple[Path, int]] = {}
        for part in self.parts():
            for task, rate, progress in part_file.read_progress(part):
                if rate in rates and progress > found.get(task * len(rates) + rates[rate], (part, -1))[1]:
                    found[task * len(rates) + rates[rate]] = part, progress
        return found


def make_folder(path: Path) -> None:
    """A folder for a store, unless what is there is something else."""
    if path.is_file():
        raise StoreError(f"{path} is a file; a store is a folder: name a new or empty one")
    path.mkdir(parents=True, exist_ok=True)
    if not (path / HEADER).exists():
        others = [item.name for item in path.iterdir() if item.name != INPUTS and not OURS.search(item.name)]
        if others:
            raise StoreError(f"{path} holds other files ({others[0]}) and is not a store; name a new or empty folder")


TASK_ARRAYS = ("sources", "source_voltages", "targets", "target_voltages")


def inputs(sweep: Sweep) -> dict[str, Any]:
    """Network and tasks as arrays; the header alone has tasks that are not alike, or have more than held nodes and
    target nodes."""
    network = sweep.network
    given: dict[str, Any] = {"edges": network.edges, "n_nodes": network.n_nodes}
    if network.positions is not None:
        given["positions"] = network.positions
    if network.box is not None:
        given["box"] = network.box
    if network.initial_conductances is not None:
        given["initial_conductances"] = network.initial_conductances
    arrays = [[array_of(task, name) for task in sweep.tasks] for name in TASK_ARRAYS]
    nodal = all(sample.is_nodal for task in sweep.tasks for sample in as_tasks(task))
    alike = all(len({array.shape for array in column}) == 1 for column in arrays) if nodal else False
    return given | ({name: np.array(column) for name, column in zip(TASK_ARRAYS, arrays, strict=True)} if alike else {})


def array_of(task: Task | tuple[Task, ...], name: str) -> NDArray[Any]:
    """An array of a task, or those of its samples one below the other."""
    return np.array([getattr(sample, name) for sample in task]) if isinstance(task, tuple) else getattr(task, name)


def remove(path: Path) -> None:
    """Remove a file or folder, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
