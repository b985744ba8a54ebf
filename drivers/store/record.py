"""A member's result as one row of bytes, and as a place in the arrays of a sweep. The two are bit for bit the same."""
from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from ohmlearn.drivers.sweeps.member_status import ALL_STATUSES, MISSING
from ohmlearn.run import Run

if TYPE_CHECKING:
    from ohmlearn.drivers.sweeps.sweep import Sweep

FORMAT = 2      # of the rows, the header and the arrays
READABLE = (1, FORMAT)      # 1: checksums without the sweep's digest, files of results without checksums of their own
REASON_BYTES = 240
KINDS = (int, float, str, str, bytes, int)      # of the values of a row

Arrays = dict[str, NDArray[Any]]


class Row(NamedTuple):
    """One finished member. data : little-endian float64, see :class:`Layout`."""

    task: int
    rate: float
    status: str
    reason: str
    data: bytes
    checksum: int


class Quantity(NamedTuple):
    """One variable of the results: what it depends on besides task and rate, its unit, and what it is."""

    dims: tuple[str, ...]
    unit: str
    meaning: str
    kind: str = "<f8"


TIME = "1/γp (training steps at rate 0)"
SCALARS = {
    "training_time": Quantity((), TIME, "τ, first time with C* < until C*(0)"),
    "sustained_time": Quantity((), TIME, "time after which C* stays below until C*(0)"),
    "nonequilibrium_time": Quantity((), TIME, "first time with C < until C*(0)"),
    "time": Quantity((), TIME, "end of the run"),
    "initial_cost": Quantity((), "V²", "C*(0)"),
    "final_cost": Quantity((), "1", "C*/C*(0) at the end"),
    "n_steps": Quantity((), "1", "RK4 steps taken", "<i8"),
    "n_looks": Quantity((), "1", "times that C* was solved for", "<i8"),
}
STATE = {
    "conductances": Quantity(("edge",), "G(0)", "conductances at the end"),
    "voltages": Quantity(("node",), "V", "free voltages v at the end"),
    "difference": Quantity(("node",), "V", "w = (v^C - v^F)/η at the end"),
}
TRACES = {
    "equilibrium_cost": Quantity(("sample",), "1", "C*/C*(0) along the run"),
    "cost": Quantity(("sample",), "1", "C/C*(0) along the run"),
}
MARKS = {
    "status_code": Quantity((), "1", "how the run ended", "|i1"),
    "trace_length": Quantity((), "1", "recorded samples", "<i8"),
    "checksum": Quantity((), "1", "CRC-32 of the member's row", "<u4"),
    "reason_text": Quantity(("character",), "1", "why it ended so, UTF-8", "|u1"),
}


@dataclass(frozen=True)
class Layout:
    """Where the numbers of a row are: the scalars, the state when it is kept, then the traces.

    digest : of the sweep; it enters every checksum, so that a member of another sweep is not taken for one of this.
    """

    n_edges: int
    n_nodes: int
    n_samples: int
    keep_state: bool
    digest: str

    @classmethod
    def of(cls, sweep: Sweep, digest: str) -> Layout:
        return cls(sweep.network.n_edges, sweep.network.n_nodes, sweep.n_samples, sweep.tables.sweep.keep_state, digest)

    @property
    def quantities(self) -> dict[str, Quantity]:
        """All variables of the results."""
        state = STATE if self.keep_state else {}
        return {**SCALARS, **state, **(TRACES if self.n_samples else {}), **MARKS}

    @property
    def sizes(self) -> dict[str, int]:
        return {"edge": self.n_edges, "node": self.n_nodes, "sample": self.n_samples, "character": REASON_BYTES}

    def pack(self, task: int, run: Run) -> Row:
        """The row of a run."""
        parts = [np.array([getattr(run, name) for name in SCALARS], dtype="<f8")]
        parts += [np.asarray(getattr(run, name), dtype="<f8") for name in STATE if self.keep_state]
        parts += [np.asarray(getattr(run, name), dtype="<f8") for name in TRACES if self.n_samples]
        data = np.concatenate(parts).tobytes()
        reason = shortened(run.reason)
        return self.sealed(Row(task, run.rate, run.status, reason, data, 0))

    def failed(self, task: int, rate: float, reason: str) -> Row:
        """The row of a member that raised."""
        state = self.n_edges + 2 * self.n_nodes if self.keep_state else 0
        numbers = np.full(len(SCALARS) + state, np.nan)
        numbers[-state - 2:len(SCALARS)] = 0
        return self.sealed(Row(task, rate, "failed", shortened(reason), numbers.astype("<f8").tobytes(), 0))

    def sealed(self, row: Row) -> Row:
        """The row with the checksum that it has to have."""
        return row._replace(checksum=checksum(row, self.digest))

    def verified(self, given: tuple[Any, ...], form: int = FORMAT) -> Row | None:
        """The row of values read from a file of this format, None unless it is one as it was written.

        The row returned has the checksum of the present format.
        """
        if tuple(map(type, given)) != KINDS:
            return None
        row = Row(*given)
        fits = row.task >= 0 and row.status in ALL_STATUSES and len(row.reason.encode()) <= REASON_BYTES
        if not fits or not self.has_room(row.data) or row.checksum != checksum(row, self.digest if form > 1 else ""):
            return None
        return row if form == FORMAT else self.sealed(row)

    def has_room(self, data: bytes) -> bool:
        """Whether the bytes are as many as a member of this sweep can have."""
        state = self.n_edges + 2 * self.n_nodes if self.keep_state else 0
        numbers, odd = divmod(len(data), 8)
        left = numbers - len(SCALARS) - state
        return odd == 0 and left % len(TRACES) == 0 and 0 <= left <= len(TRACES) * self.n_samples

    def blank(self, *shape: int) -> Arrays:
        """Arrays for members that are not there yet, (*shape, ...) each."""
        made = {}
        for name, quantity in self.quantities.items():
            full = (*shape, *(self.sizes[dim] for dim in quantity.dims))
            made[name] = np.full(full, np.nan if quantity.kind == "<f8" else 0, dtype=quantity.kind)
        made["status_code"][...] = MISSING
        return made

    def place(self, arrays: Arrays, tasks: Sequence[int], rates: Sequence[int], rows: Sequence[Row]) -> None:
        """Write rows into their places in the arrays: the numbers of their tasks and of their rates there."""
        at = np.asarray(tasks, dtype=np.intp), np.asarray(rates, dtype=np.intp)
        state = STATE if self.keep_state else {}
        widths = [1] * len(SCALARS) + [self.sizes[quantity.dims[0]] for quantity in state.values()]
        ends = np.cumsum(widths)
        fixed = np.frombuffer(b"".join(row.data[:8 * ends[-1]] for row in rows), dtype="<f8").reshape(-1, ends[-1])
        for name, values in zip((*SCALARS, *state), np.split(fixed, ends[:-1], axis=1), strict=True):
            arrays[name][at] = values[:, 0] if name in SCALARS else values
        for place, row in zip(zip(*at, strict=True), rows if self.n_samples else (), strict=False):
            traces = np.frombuffer(row.data, dtype="<f8")[ends[-1]:].reshape(len(TRACES), -1)
            for name, values in zip(TRACES, traces, strict=True):
                arrays[name][place][:values.size] = values
            arrays["trace_length"][place] = traces.shape[1]
        arrays["status_code"][at] = [ALL_STATUSES.index(row.status) for row in rows]
        arrays["checksum"][at] = [row.checksum for row in rows]
        text = b"".join(row.reason.encode().ljust(REASON_BYTES, b"\0") for row in rows)
        arrays["reason_text"][at] = np.frombuffer(text, dtype=np.uint8).reshape(-1, REASON_BYTES)

    def lift(self, arrays: Arrays, at: tuple[int, ...], task: int, rate: float) -> Row:
        """The row at a place in the arrays, bit for bit as it was placed."""
        parts = [np.array([arrays[name][at] for name in SCALARS], dtype="<f8")]
        parts += [arrays[name][at] for name in STATE if self.keep_state]
        if self.n_samples:
            length = int(arrays["trace_length"][at])
            parts += [arrays[name][at][:length] for name in TRACES]
        status = ALL_STATUSES[int(arrays["status_code"][at])]
        return Row(task, rate, status, text_of(arrays["reason_text"][at]), np.concatenate(parts).tobytes(),
                   int(arrays["checksum"][at]))


def text_of(codes: NDArray[np.uint8]) -> str:
    """Text from UTF-8 bytes with zeros behind."""
    return codes.tobytes().rstrip(b"\0").decode(errors="replace")


def shortened(reason: str) -> str:
    """A reason that fits its place in the arrays."""
    return reason.encode()[:REASON_BYTES].decode(errors="ignore")


def checksum(row: Row, digest: str) -> int:
    """CRC-32 over all of a row and the digest of its sweep; format 1 had no digest in it."""
    head = f"{digest}{' ' if digest else ''}{row.task} {row.rate.hex()} {row.status} {row.reason}"
    return zlib.crc32(row.data, zlib.crc32(head.encode()))
