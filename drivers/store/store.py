"""The store of a sweep: a folder with what the sweep is, the parts that ranks write, and the folded results."""
from __future__ import annotations

import hashlib
import io
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
from ohmlearn.checks.file_text import brief, read_arrays
from ohmlearn.drivers.checks.earlier_runs import same_task
from ohmlearn.drivers.sweeps.member_status import ALL_STATUSES, MISSING
from ohmlearn.io.replacing import replacing
from ohmlearn.network import Network
from ohmlearn.task import Task, as_tasks

from . import part_file, results_group
from .errors import StoreError
from .record import FORMAT, READABLE, Layout

if TYPE_CHECKING:
    from ohmlearn.drivers.sweeps.sweep import Sweep

HEADER, INPUTS, RESULTS = "sweep.json", "inputs.npz", "results.zarr"
OURS = re.compile(r"^lock$|\.lock$|\.token$|\.tmp[\w-]*$")      # what an earlier start may have left


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
        except (ValueError, RecursionError) as error:
            raise StoreError(f"{path / HEADER} is damaged ({error}); run the sweep's own command again with a new "
                             "store, or restore the file") from None
        form = header.get("format") if isinstance(header, dict) else None
        if form is not None and form not in READABLE:
            raise StoreError(f"{path} has results format {form}, written by ohmlearn {header.get('version')}; this is "
                             f"{__version__} with format {FORMAT}: use that version to read it, or run the sweep into "
                             "a new store")
        if form is None or not {"digest", "tables"} <= set(header) or (form > 1 and header.get("seal") != seal(header)):
            raise StoreError(f"{path / HEADER} was changed or is damaged; restore it, or run the sweep into a new "
                             "store")
        return cls(path, header)

    @classmethod
    def prepare(cls, path: Path, sweep: Sweep) -> Store:
        """The store of a sweep: made, or opened and extended when the sweep has grown. Call it alone."""
        if not (path / HEADER).exists():
            return cls._write(path, sweep)
        store = cls.open(path)
        if store.sweep.digest != sweep.digest:
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
        grown = len(sweep) != len(old) or not np.array_equal(old.rates, sweep.rates)
        store.status()      # what cannot be read is said before anything is written
        if store.header["format"] != FORMAT:
            if not grown and not (store.status() == MISSING).any() and not store.parts():
                return store
            store.must_go_on()
        elif not grown:
            return store
        return cls._write(path, sweep, store.header)

    @classmethod
    def _write(cls, path: Path, sweep: Sweep, before: dict[str, Any] | None = None) -> Store:
        """Write down what the sweep is. before : header of the store that grows, whose digest stays: it is in all of
        its parts and checksums, and says nothing of fields that a later version added."""
        tables = sweep.said()
        digest = sweep.digest
        if before is not None:
            digest, tasks = before["digest"], tables["tasks"]
            if "allosteric" in tasks:
                drawn = before["tables"]["tasks"]["allosteric"]
                tasks = {"allosteric": {**drawn, "count": tasks["allosteric"]["count"]}}
            tables = {**before["tables"], "tasks": tasks, "sweep": dict(before["tables"]["sweep"])}
        tables["sweep"]["rates"] = sweep.rates.tolist()
        header = {"format": FORMAT, "version": __version__, "digest": digest, "tables": tables}
        header["seal"] = seal(header)
        with replacing(path / INPUTS, "wb") as file:
            file.write(sealed_file(inputs(sweep)))
        with replacing(path / HEADER) as file:
            json.dump(header, file, indent=1)
        return cls(path, header)

    def must_go_on(self) -> None:
        """Raise StoreError where members computed now would not go with those that are there."""
        record = self.sweep.tables.record
        if self.header["format"] < FORMAT and record is not None and record.per_decade is not None:
            raise StoreError(f"{self.path} was written by an earlier version, which recorded traces at times that "
                             "depend on the processor in their last bit: it can be read, but not go on; run the "
                             "sweep into a new store, or let that version finish it")

    @cached_property
    def sweep(self) -> Sweep:
        """The sweep as the store knows it: from its own files, not from generators."""
        from ohmlearn.drivers.sweeps.sweep import Sweep, make_tasks
        from ohmlearn.drivers.sweeps.sweep_file import parse

        tables = parse(self.header["tables"], str(self.path / HEADER))
        given = self.arrays()
        try:
            box = float(given["box"]) if "box" in given else None
            network = Network(given["edges"], int(given["n_nodes"]), given.get("positions"), box,
                              initial_conductances=given.get("initial_conductances"))
            if tables.tasks.tables is not None:
                return Sweep(tables, network, make_tasks(tables.tasks, network))
            drawn = tables.tasks.allosteric
            assert drawn is not None        # files became tables when the sweep was read
            columns = [given[name][:drawn.count] for name in TASK_ARRAYS]
            tasks: list[Task | tuple[Task, ...]] = []
            for values in zip(*columns, strict=True):
                tasks.append(tuple(map(Task, *values)) if drawn.samples > 1 else Task(*values))
            if len(tasks) != drawn.count:
                raise ValueError(f"it has {len(tasks)} of {drawn.count} tasks")
        except Exception as error:      # whatever arrays that were changed lead to
            raise self.spoilt(error) from error
        return Sweep(tables, network, tasks)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Network and tasks as arrays, verified. Raises StoreError."""
        path = self.path / INPUTS
        try:
            data = path.read_bytes()
            if self.header["format"] > 1 and hashlib.sha256(data[:-SEALED]).hexdigest().encode() != data[-SEALED:]:
                raise ValueError("it was changed")
            return read_arrays(data)
        except (OSError, ValueError) as error:
            raise self.spoilt(error) from error

    def spoilt(self, error: BaseException) -> StoreError:
        """That the inputs cannot be read."""
        return StoreError(f"{self.path / INPUTS} is damaged ({brief(error)}); restore it, or run "
                          "the sweep into a new store")

    def is_as_written(self) -> bool:
        """Whether network and parameters are those that the members belong to."""
        from ohmlearn.drivers.sweeps.sweep import digest_of_tables

        return digest_of_tables(self.header["tables"], self.sweep.network) == self.header["digest"]

    def difference(self, sweep: Sweep) -> str:
        """Where the store's sweep and another one differ, in words."""
        mine = self.header["tables"]
        other = sweep.said()
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

    @property
    def results(self) -> Path:
        """The folder of the folded results; its former name while folding was cut off between two names."""
        place, old = self.path / RESULTS, self.path / f"{RESULTS}.old"
        return place if place.exists() or not old.exists() else old

    @cached_property
    def layout(self) -> Layout:
        return Layout.of(self.sweep, self.header["digest"])

    def folded(self) -> tuple[NDArray[np.float64], NDArray[np.int8]] | None:
        """Rates and status codes (tasks, rates) of what is folded already, which may be less than the sweep now."""
        if not self.results.exists():
            return None
        group = results_group.open_group(self.results)
        try:
            rates, codes = group["rate"][:], group["status_code"][:]
            if codes.shape[1:] != rates.shape or len(codes) > len(self.sweep.tasks) or codes.dtype != np.int8 or \
                    not np.isin(rates, self.sweep.rates).all() or not np.isin(codes, ALL_CODES).all():
                raise ValueError("it has other tasks or rates than the store")
        except Exception as error:
            raise StoreError(f"{self.results} is damaged ({error}); `ohmlearn check {self.path}` keeps what is "
                             "sound") from error
        return rates, codes

    def status(self) -> NDArray[np.int8]:
        """(n_members,) how each member ended: its place in ALL_STATUSES, MISSING for those still to do."""
        sweep = self.sweep
        codes = np.full((len(sweep.tasks), sweep.rates.size), MISSING, dtype=np.int8)
        column = {rate: j for j, rate in enumerate(sweep.rates.tolist())}
        if (folded := self.folded()) is not None:
            rates, found = folded
            codes[:len(found), [column[rate] for rate in rates.tolist()]] = found
        for part in self.parts():
            for task, rate, status in part_file.read_keys(part, self.header["digest"]):
                if status not in ALL_STATUSES:
                    raise StoreError(f"{part} is damaged; `ohmlearn check {self.path}` keeps what is sound")
                if 0 <= task < len(codes) and rate in column:
                    codes[task, column[rate]] = ALL_STATUSES.index(status)
        return codes.ravel()

    def checkpoints(self) -> dict[int, tuple[Path, int]]:
        """Where the newest state of every member that was set aside is, and its progress."""
        rates = {rate: j for j, rate in enumerate(self.sweep.rates.tolist())}
        found: dict[int, tuple[Path, int]] = {}
        for part in self.parts():
            for task, rate, progress in part_file.read_progress(part, self.header["digest"]):
                if rate in rates and progress > found.get(task * len(rates) + rates[rate], (part, -1))[1]:
                    found[task * len(rates) + rates[rate]] = part, progress
        return found


def make_folder(path: Path, header: str = HEADER) -> None:
    """A folder for a store, unless what is there is something else. header : the file by which a store is known."""
    if path.is_file():
        raise StoreError(f"{path} is a file; a store is a folder: name a new or empty one")
    path.mkdir(parents=True, exist_ok=True)
    if not (path / header).exists():
        others = [item.name for item in path.iterdir() if item.name != INPUTS and not OURS.search(item.name)]
        if others:
            raise StoreError(f"{path} holds other files ({others[0]}) and is not a store; name a new or empty folder")


SEALED = 64      # letters of a SHA-256
ALL_CODES = [MISSING, *range(len(ALL_STATUSES))]
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


def seal(header: dict[str, Any]) -> str:
    """SHA-256 of a header but the seal itself."""
    text = json.dumps({key: value for key, value in header.items() if key != "seal"}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def sealed_file(arrays: dict[str, Any]) -> bytes:
    """Arrays as an .npz file whose comment is the SHA-256 of all before it."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    data = buffer.getvalue()[:-2] + SEALED.to_bytes(2, "little")      # the length of the comment, which zip has last
    return data + hashlib.sha256(data).hexdigest().encode()


def array_of(task: Task | tuple[Task, ...], name: str) -> NDArray[Any]:
    """An array of a task, or those of its samples one below the other."""
    return np.array([getattr(sample, name) for sample in task]) if isinstance(task, tuple) else getattr(task, name)


def remove(path: Path) -> None:
    """Remove a file or folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
