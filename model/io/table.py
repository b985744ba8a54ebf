"""Rows of fields: what edge lists have in common whoever wrote them."""
from __future__ import annotations

import ast
import csv
import re
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from io import StringIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from ohmlearn.checks.file_text import short

from .values import check_count, number, quantity_of

STATED = re.compile(r"[#%]\s*(nodes|edges):\s*(\d{1,18})\s*(?:edges:.*)?$", re.IGNORECASE)
NODE_NAME = re.compile(r"# node (\d{1,18}): (.+)$")
ENDS = [("from", "to"), ("source", "target"), ("src", "dst"), ("start", "end"), ("a", "b"), ("u", "v"), ("i", "j"),
        ("1", "2"), ("0", "1"), ("first", "second"), ("head", "tail"), ("begin", "end"), ("source", "destination"),
        ("plus", "minus"), ("row", "col"), ("row", "column")]
NODE = re.compile(r"node|bus|vertex|terminal|_id|\bid\b")
NAMED = {"name", "label"}      # columns that name edges, also with numbers
CLEAR = {"from", "to", "source", "target", "src", "dst", "node", "start", "end"}       # rarely names of nodes
ATTRIBUTES = re.compile(r"(\S+)\s+(\S+)\s+(\{[^{}\[\]()]{0,10000}\})")      # networkx's edge lists: a b {'weight': 2}
THOUSANDS = re.compile(r"[+-]?\d{1,3},\d{3}", re.ASCII)
DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?", re.ASCII)


Column = Sequence[Any] | NDArray[Any]


@dataclass
class Table:
    """Rows of equally many fields. Columns are lists of texts, or arrays where all are numbers.

    ends : the two columns of nodes, texts or integers. values : the other columns by their names.
    lines : (n_rows,) line numbers from 1. stated : what comments say, "nodes" and "edges".
    node_names : {number: name} that comments give. named : whether a first row named the columns.
    """

    path: str
    ends: tuple[Column, Column]
    values: Mapping[str, Column]
    lines: Sequence[int]
    stated: dict[str, int] = field(default_factory=dict)
    node_names: dict[int, str] = field(default_factory=dict)
    named: bool = False

    def place(self, row: int) -> str:
        """Where a row stands in the file."""
        return f"{self.path}, line {self.lines[row]}"


def read_table(path: str, text: str) -> Table:
    """The table of a text. Raises ValueError that names line and column."""
    stated, names, lines, plain = _data_lines(text)
    if not lines:
        raise ValueError(f"{path} is empty; expected a line with two node numbers for every edge")
    first = lines[0][1]
    if ATTRIBUTES.fullmatch(first):
        ends, values = _attributes(path, lines)
        return Table(path, ends, values, [k for k, _ in lines], stated, names)
    delimiter = stated_mark(text) or next((mark for mark in "\t;," if mark in first), None)
    split = _splitter(path, delimiter)
    head = _stripped(split(*lines[0]))
    check_count(f"{path}, line {lines[0][0]}", head)
    named = _is_header(path, lines, head, split) if not names else bool(_pairs([title.lower() for title in head]))
    titles = head if named else [f"{k + 1}" for k in range(max(len(head), 2))]
    a, b = _end_columns(path, lines[0], titles) if named else (0, 1)
    data = lines[named:]
    fast = plain and len(data) > 1000 and not NAMED & {title.lower() for title in titles}
    columns = _read_fast(delimiter, data, len(head), (a, b)) if fast else None
    columns = columns or _columns(path, data, [split(*line) for line in data], len(head) if named else 0, delimiter)
    titles = titles if named else [f"{k + 1}" for k in range(len(columns))]
    if len(columns) < 2:
        raise ValueError(f"{path} has no edges; expected a line with two node numbers for every edge" if not data else
                         f"{path}, line {lines[0][0]}: expected two nodes and perhaps a conductance, "
                         f"got {short(first)}")
    others = [k for k in range(len(columns)) if k not in (a, b)]
    if len({titles[k] for k in others}) < len(others):
        raise ValueError(f"{path}, line {lines[0][0]}: two columns have the same name in {short(first)}; rename one")
    return Table(path, (columns[a], columns[b]), {titles[k]: columns[k] for k in others}, [k for k, _ in data], stated,
                 names, named)


def stated_mark(text: str) -> str | None:
    """The delimiter that a first line as of a spreadsheet states: sep=;"""
    found = re.match(r'"?sep=(.)"?\n', text)
    return found[1] if found else None


def _data_lines(text: str) -> tuple[dict[str, int], dict[int, str], list[tuple[int, str]], bool]:
    """What comments state, names of nodes in them, (number, text) of the lines with data; whether none was changed."""
    stated, names, lines, plain = dict[str, int](), dict[int, str](), list[tuple[int, str]](), True
    for k, line in enumerate(text.split("\n"), start=1):
        line = line.strip(" \v\f")
        if not line.strip():
            continue
        if line[0] in "#%" or (k == 1 and stated_mark(text)):
            if found := STATED.match(line):
                stated.setdefault(found[1].lower(), int(found[2]))
            elif found := NODE_NAME.match(line):
                names[int(found[1])] = found[2]
            continue
        if "#" in line and '"' not in line and (cut := re.search(r"\s#", line)):
            line, plain = line[:cut.start()].rstrip(), False
        lines.append((k, line))
    return stated, names, lines, plain


def _splitter(path: str, delimiter: str | None) -> Callable[[int, str], list[str]]:
    """Fields of a line, quotes taken off."""
    def split(k: int, line: str) -> list[str]:
        if '"' in line:
            try:
                return [field.strip() for field in next(csv.reader(
                    [line], delimiter=delimiter or " ", skipinitialspace=True, strict=True))]
            except csv.Error as error:
                raise ValueError(f"{path}, line {k}: {error} in {short(line)}; close the quotes") from None
        return line.split() if delimiter is None else [field.strip() for field in line.split(delimiter)]

    return split


def _stripped(fields: list[str], width: int = 2) -> list[str]:
    """Fields without empty ones at the end, which come from trailing delimiters."""
    end = len(fields)
    while end > width and not fields[end - 1]:
        end -= 1
    return fields[:end]


def _columns(path: str, lines: list[tuple[int, str]], rows: list[list[str]], named: int, delimiter: str | None
             ) -> list[Any]:
    """The fields by columns; named : how many columns have names, 0 where there are no names."""
    width = named or max((len(_stripped(row)) for row in rows), default=0)
    for (k, line), row in zip(lines, rows, strict=True):
        if len(row) < width or any(row[width:]):
            raise ValueError(f"{path}, line {k}: expected {width} columns, got {short(line)}")
    columns: list[Any] = [list(column) for column in zip(*(row[:width] for row in rows), strict=True)]
    return [_with_points(path, column, lines) for column in columns] if delimiter in ("\t", ";") else columns


def _with_points(path: str, column: list[str], lines: list[tuple[int, str]]) -> list[str]:
    """A column whose decimal commas are points."""
    found = [k for k, text in enumerate(column) if DECIMAL_COMMA.fullmatch(text)]
    if found and all(THOUSANDS.fullmatch(column[k]) for k in found) and all("." not in text for text in column):
        raise ValueError(f"{path}, line {lines[found[0]][0]}: {short(column[found[0]])} may be a number with decimals "
                         "or thousands; write a point, or no separator")
    for k in found:
        column[k] = column[k].replace(",", ".")
    return column


def _read_fast(delimiter: str | None, lines: list[tuple[int, str]], width: int, ends: tuple[int, int]
               ) -> list[Any] | None:
    """Two columns of integers and others of finite numbers by NumPy's reader; None where it meets anything else."""
    kinds = [(f"c{k}", np.int64 if k in ends else np.float64) for k in range(width)]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            table = np.loadtxt((line for _, line in lines), dtype=kinds, delimiter=delimiter, comments=None, ndmin=1)
    except (ValueError, Warning):
        return None
    columns = [table[f"c{k}"] for k in range(width)]
    sound = len(table) == len(lines) and all(np.isfinite(column).all() for column in columns)
    return columns if sound and width >= 2 else None


def _is_header(path: str, lines: list[tuple[int, str]], head: list[str], split: Callable[[int, str], list[str]]
               ) -> bool:
    """Whether a row names columns. None of its fields is a number, and what is below shows that it is no data."""
    if any(number(field) is not None for field in head):
        return False
    said = [field.lower() for field in head]
    pairs, clear = _pairs(said), any(quantity_of(field) for field in head) or bool(CLEAR & set(said))
    if len(lines) == 1:
        return bool(pairs)
    below = split(*lines[1])
    if any(number(field) is not None for field in below):
        return bool(pairs) or all(title or number(field) is None for title, field in zip(head, below, strict=False))
    if set(said) & {field.lower() for line in lines[1:] for field in split(*line)}:
        return False        # "a b" above "b c": names of nodes
    if pairs and not clear:
        raise ValueError(f"{path}, line {lines[0][0]}: {short(lines[0][1])} may name two columns or two nodes; call "
                         "columns from and to, or let a node of the first line appear again below")
    return bool(pairs)


def _pairs(titles: list[str]) -> list[tuple[int, int]]:
    """Pairs of columns whose names are those of two ends: "from" and "to", "node" and "node", "bus1" and "bus2"."""
    words = [re.findall(r"[^\W\d_]+|\d", NODE.sub(" ", title)) for title in titles]
    found = [(j, k) for first, second in ENDS for j, one in enumerate(words) for k, two in enumerate(words)
             if j != k and first in one and second in two
             and [w for w in one if w != first] == [w for w in two if w != second]]
    same = [(j, k) for j, one in enumerate(titles) for k in range(j + 1, len(titles)) if one and one == titles[k]]
    return list(dict.fromkeys(found or same))


def _end_columns(path: str, line: tuple[int, str], titles: list[str]) -> tuple[int, int]:
    """The two columns of nodes by their names."""
    pairs = _pairs([title.lower() for title in titles])
    if len(pairs) == 1:
        return pairs[0]
    raise ValueError(f"{path}, line {line[0]}: {short(line[1])} does not say which two columns are the nodes of an "
                     "edge; call them from and to")


def _attributes(path: str, lines: Iterable[tuple[int, str]]
                ) -> tuple[tuple[list[str], list[str]], dict[str, list[Any]]]:
    """Ends and attributes of an edge list with a dictionary on every line, as networkx writes them."""
    ends: tuple[list[str], list[str]] = ([], [])
    values: dict[str, list[Any]] = {}
    for row, (k, line) in enumerate(lines):
        found = ATTRIBUTES.fullmatch(line)
        try:
            said = ast.literal_eval(found[3]) if found else None
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            said = None
        if found is None or not isinstance(said, dict):
            raise ValueError(f"{path}, line {k}: expected two nodes and a dictionary as in 0 1 {{'weight': 2.0}}, "
                             f"got {short(line)}")
        ends[0].append(found[1])
        ends[1].append(found[2])
        for name, value in said.items():
            if str(name) not in values:
                values[str(name)] = [None] * row
                check_count(path, values)
            values[str(name)].append(value)
        for column in values.values():
            column += [None] * (row + 1 - len(column))
    return ends, values


def write_rows(file: Any, columns: Sequence[Sequence[Any] | NDArray[Any]], separator: str = " ") -> None:
    """Rows of numbers, floats so that they read back the same, and of names, quoted where they must be."""
    for start in range(0, len(columns[0]), 100_000):
        part = [column[start:start + 100_000] for column in columns]
        lists = [column.tolist() if isinstance(column, np.ndarray) else
                 [Quoted.of(name, separator) for name in column] for column in part]
        mixed = [entry for row in zip(*lists, strict=True) for entry in row]
        file.write((separator.join(["%r"] * len(lists)) + "\n") * len(lists[0]) % tuple(mixed))


class Quoted(str):
    """A name that a table shows as it is, or in quotes."""

    def __repr__(self) -> str:
        return str(self)

    @classmethod
    def of(cls, name: str, separator: str) -> Quoted:
        out = StringIO()
        csv.writer(out, delimiter=separator, lineterminator="").writerow([name])
        text = out.getvalue()
        plain = text[:1] == '"' or ("#" not in text and text[:1] != "%")     # what begins with # is a comment
        return cls(text if plain else f'"{text}"')
