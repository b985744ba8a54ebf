"""What a sweep file (TOML) may say, checked key by key."""
from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal, localcontext
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Optional

from ohmlearn import generators
from ohmlearn.discrete import Discrete
from ohmlearn.io.task_toml import read_tables
from ohmlearn.rule import Rule
from ohmlearn.run import Record
from ohmlearn.schedule import Schedule
from pydantic import BaseModel, Discriminator, Field, Tag, ValidationError, create_model, model_validator

from .tables import OneWay, Table, table_like

EXAMPLE = Path(__file__).with_name("example.toml")
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1, le=10**7)]      # few words of a file must not ask for endless work


GENERATORS: dict[str, type[BaseModel]] = {name: table_like(getattr(generators, name)) for name in generators.__all__}
_ways: dict[str, Any] = {"file": (str | None, None)} | {
    name: (Optional[table], None) for name, table in GENERATORS.items()}  # noqa: UP045
NetworkTable = create_model("NetworkTable", __base__=OneWay, **_ways)


class Allosteric(Table):
    """As the paper draws its tasks; task number i has seed `seed + i`."""

    sources: Count = 10
    targets: Count = 3
    count: Count = 1
    seed: Annotated[int, Field(ge=0)] = 0
    samples: Count = 1
    feasible: bool = False
    ground: int | Literal["none"] = -1
    source_spread: Positive = 1.0
    target_spread: Positive = 0.2


class TasksTable(OneWay):
    """The tasks: drawn at random, from task files (beside the sweep file), or written down as tables like those."""

    allosteric: Allosteric | None = None
    files: Annotated[list[str], Field(min_length=1)] | None = None
    tables: Annotated[list[dict[str, Any]], Field(min_length=1)] | None = None


class RateRange(Table):
    """Rates spaced evenly in log R, both ends among them."""

    start: Positive = Field(alias="from")
    to: Positive
    per_decade: Count = 1

    def values(self) -> list[float]:
        """The rates, rounded correctly from exact decimals, so that a range that grows keeps the rates it had."""
        with localcontext() as context:
            context.prec = 40
            places = Decimal(repr(self.start)).log10() * self.per_decade
            first = round(places) if abs(places - round(places)) < Decimal("1e-12") else places
            count = int((Decimal(repr(self.to)).log10() * self.per_decade - first) + Decimal("1e-9")) + 1
            return [float(Decimal(10) ** ((Decimal(first) + i) / self.per_decade)) for i in range(count)]

    @model_validator(mode="after")
    def upwards(self) -> RateRange:
        """Refuse a range without a rate."""
        if self.to < self.start:
            raise ValueError(f"to = {self.to:g} is below from = {self.start:g}")
        return self


RateList = Annotated[list[NotNegative], Field(min_length=1)]
Rates = Annotated[Annotated[RateRange, Tag("(range)")] | Annotated[RateList, Tag("(list)")],
                  Discriminator(lambda given: "(range)" if isinstance(given, dict | RateRange) else "(list)")]


class SweepTable(Table):
    """Which rates, and when a member ends. Times are in 1/γp."""

    rates: Rates
    until: Annotated[float, Field(gt=0, lt=1)] | Literal["none"] = 1e-6
    t_max: Positive | None = None
    dt: Positive | Literal["auto"] = "auto"
    tolerance: Annotated[float, Field(ge=1e-8, le=0.1)] = 1e-3
    go_on: bool = False
    method: Literal["auto", "rk4", "slow"] = "auto"
    precision: Literal["double", "single"] = "double"
    conductances: Positive | list[NotNegative] | None = None
    keep_state: bool = True
    solver: Literal["auto", "approximate-cholesky", "amg", "superlu", "dense", "cholmod", "apxchol"] = "auto"

    @model_validator(mode="after")
    def sound(self) -> SweepTable:
        """Refuse one rate twice, and a run without an end."""
        rates = self.rate_values()
        twice = next((rate for rate, times in Counter(rates).items() if times > 1), None)
        if twice is not None:
            raise ValueError(f"rate {twice:g} is listed twice among the rates")
        if self.until == "none" and self.t_max is None:
            raise ValueError("until = \"none\" runs for t_max: give t_max")
        return self

    def rate_values(self) -> list[float]:
        """The rates R = γl/γp, in the order of the file."""
        return self.rates.values() if isinstance(self.rates, RateRange) else [rate + 0.0 for rate in self.rates]


# in a file, frozen are the numbers of the edges that do not learn
RuleTable = table_like(Rule, frozen=list[int] | None, bias=list[float] | None)
ScheduleTable = table_like(Schedule, ramp_times=list[float] | None, ramp_factors=list[float] | None)
RecordTable = table_like(Record, times=list[float] | None, keep=None)
UpdatesTable = table_like(Discrete)


class Checked(Table):
    """The whole file. `network` is a NetworkTable, `rule` a RuleTable; `record`, `schedule`, `updates` and `edges`
    are a RecordTable, a ScheduleTable, an UpdatesTable and an EdgesTable, or None."""

    network: Any
    tasks: TasksTable
    rule: Any
    sweep: SweepTable
    record: Any
    schedule: Any
    updates: Any
    edges: Any


_tables: dict[str, Any] = {"network": (NetworkTable, ...), "rule": (RuleTable, Field(default_factory=RuleTable)),
                           "record": (Optional[RecordTable], None),  # noqa: UP045
                           "schedule": (Optional[ScheduleTable], None),  # noqa: UP045
                           "updates": (Optional[UpdatesTable], None),  # noqa: UP045
                           "edges": (None, None)}
SweepFile = create_model("SweepFile", __base__=Checked, **_tables)


@cache
def with_edges() -> type[Checked]:
    """The whole file where it has an [edges] table, whose laws take a while to become tables."""
    from .edges_table import EdgesTable

    return create_model("SweepFile", __base__=SweepFile, edges=(EdgesTable | None, None))


def where(place: tuple[Any, ...]) -> str:
    """`[sweep] rates.from` of a place in the file; names of alternatives that pydantic adds are left out."""
    keys = [str(key) for key in place if isinstance(key, int) or (key.isidentifier() and key not in ("float", "int"))]
    return f"[{keys[0]}] {'.'.join(keys[1:])}".strip() if keys else "file"


def explain(error: ValidationError) -> str:
    """What is wrong and where, in one line."""
    told: dict[str, str] = {}
    for item in error.errors():
        place, message = where(item["loc"]), item["msg"].removeprefix("Value error, ")
        if place == "[record] keep":
            message = ("stores of sweeps hold costs and the state at the end; for states along the way call train with "
                       "Record(keep=...)")
        elif item["type"] == "extra_forbidden":
            message = "unknown key (`ohmlearn sweep --example` shows those that there are)"
        elif item["type"] != "missing" and item["type"] != "value_error" and not isinstance(item["input"], dict):
            message = f"{message[0].lower()}{message[1:]}, got {item['input']!r}"
        told[place] = f"{told[place]}, or {message}" if place in told else message
    return "; ".join(f"{place}: {message}" for place, message in told.items())


def parse(tables: Mapping[str, Any], name: str = "sweep") -> Checked:
    """The checked tables. Raises ValueError that says what is wrong and where."""
    try:
        return (SweepFile if tables.get("edges") is None else with_edges()).model_validate(tables)
    except ValidationError as error:
        raise ValueError(f"{name}: {explain(error)}") from None


def parse_network(table: Mapping[str, Any]) -> OneWay:
    """A [network] table alone."""
    return parse_table(NetworkTable, table, "network")


def parse_table(kind: type[Any], table: Mapping[str, Any], name: str) -> Any:
    """One table of a sweep file alone; `name` is how an error calls it."""
    try:
        return kind.model_validate(table)
    except ValidationError as error:
        raise ValueError(f"{name}: {explain(error)}") from None


def read(path: Path) -> Checked:
    """The checked tables of a TOML file."""
    return parse(read_tables(path), str(path))
