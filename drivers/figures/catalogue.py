"""What a figure is to the command line and to the report, so that a new one needs no line anywhere else.

Every module of the folders below that has a `FIGURE = Entry(...)` is a figure: `ohmlearn figure NAME` makes it, and
`ohmlearn figure all` takes it into the report. Its `make` computes, writes into a folder and returns the paths:
one picture or more (.png), one text (.txt), and the data behind them. Lines of the text that begin with pass, open
or FAIL are its verdicts, "pass  what was measured; expected what", made by `judge` and `verdict` of the module
verdicts. Figure modules import at their top nothing heavier than NumPy and the project's own drivers.
"""
from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ohmlearn.network import Network

SECTIONS = ("Paper 1: Physical learning beyond the quasistatic limit", "Beyond the figures of paper 1",
            "Paper 2: Physical networks become what they learn")
PAPER_1, BEYOND, PAPER_2 = SECTIONS
SIZES = ("quick", "usual", "full")
PACKING = {"packing": {"n_nodes": 64, "seed": 1}}
STATUSES = ("pass", "open", "FAIL")


@dataclass(frozen=True)
class Settings:
    """What all figures are told.

    network : as the table [network] of a sweep file; by default the project's own packing of 64 disks.
    threads : None for all cores that the process may use.

    >>> import ohmlearn as ol
    >>> ol.figures.Settings({"grid": {"shape": [4, 4]}}, threads=1).make_network()
    <Network '4×4 grid': 16 nodes, 24 edges>
    """

    network: Mapping[str, Any] = field(default_factory=lambda: PACKING)
    threads: int | None = None

    def make_network(self) -> Network:
        """That network.

        Returns a :class:`Network`.

        >>> import ohmlearn as ol
        >>> ol.figures.Settings(network={"packing": {"n_nodes": 64, "seed": 1}}).make_network().n_nodes
        64
        """
        from ohmlearn.drivers.sweeps.sweep import make_network
        from ohmlearn.drivers.sweeps.sweep_file import parse_network

        return make_network(parse_network(self.network), Path())


@dataclass(frozen=True)
class Entry:
    """One figure.

    name : as on the command line. title : one line. section : one of SECTIONS, where the report shows it.
    panels : letter -> what the panel shows.
    sizes : "quick", "usual" and "full" -> a dataclass that says how much is computed.
    make : (size, folder, settings) -> paths written, see above.
    adjust : field of the size that an option of the same name may set -> how its text is read.
    takes_network : whether the figure can be made on another network.

    >>> import ohmlearn as ol
    >>> figure = ol.figures.entries()["fig2"]
    >>> figure.title, sorted(figure.panels)
    ('Cost and training time from the quasistatic limit to R = 1e12', ['a', 'b', 'c', 'd'])
    """

    name: str
    title: str
    section: str
    panels: Mapping[str, str]
    sizes: Mapping[str, Any]
    make: Callable[[Any, Path, Settings], list[Path]]
    adjust: Mapping[str, Callable[[str], Any]] = field(default_factory=dict)
    takes_network: bool = False

    def __post_init__(self) -> None:
        if self.section not in SECTIONS:
            raise ValueError(f"section must be one of {SECTIONS}, not {self.section!r}")
        if set(self.sizes) != set(SIZES):
            raise ValueError(f"figure {self.name} needs the sizes {', '.join(SIZES)}; it has {', '.join(self.sizes)}")

    def size(self, quick: bool = False, full: bool = False, **adjusted: str | None) -> Any:
        """The size asked for: `quick`, `full`, or the usual one with neither; `adjusted` texts set its fields.

        Returns the size, of the figure's own kind.

        >>> import ohmlearn as ol
        >>> entry = ol.figures.entries()["fig2"]
        >>> entry.size(quick=True).tasks < entry.size(full=True).tasks
        True
        """
        if quick and full:
            raise ValueError("--quick and --full exclude each other")
        size = self.sizes["quick" if quick else "full" if full else "usual"]
        given = {name: text for name, text in adjusted.items() if text is not None}
        for name in given:
            if name not in self.adjust:
                raise ValueError(f"figure {self.name} has no option --{name}")
        return replace(size, **{name: self.adjust[name](text) for name, text in given.items()})

    def produce(self, size: Any, folder: Path, settings: Settings) -> list[Path]:
        """Compute a figure of this `size` with these `settings`, write it into `folder`; returns the paths written.

        One thread in BLAS: the matrices of figures are small, and its threads and ours wait for each other otherwise.

        >>> import ohmlearn as ol
        >>> from pathlib import Path
        >>> mine = ol.figures.Entry("mine", "Mine", "Beyond the figures of paper 1", {},
        ...                         {"quick": None, "usual": None, "full": None},
        ...                         make=lambda size, folder, settings: [folder / "mine.png"])
        >>> [path.name for path in mine.produce(None, Path("results"), ol.figures.Settings())]
        ['mine.png']
        """
        import scipy.linalg  # noqa: F401  limits hold for libraries that are loaded
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1, "blas"):
            return self.make(size, folder, settings)


def entries() -> dict[str, Entry]:
    """All figures by name, in the order of the report.

    Returns {name: :class:`Entry`}; `entry.produce(entry.size(quick=True), folder, Settings())` makes a figure.

    >>> import ohmlearn as ol
    >>> "fig2" in ol.figures.entries()
    True
    """
    from ohmlearn.drivers import figures

    modules = (import_module(module.name) for module in walk_packages(figures.__path__, f"{figures.__name__}."))
    found = [module.FIGURE for module in modules if hasattr(module, "FIGURE")]
    found.sort(key=lambda entry: (SECTIONS.index(entry.section), entry.name))
    return {entry.name: entry for entry in found}


@dataclass(frozen=True)
class Verdict:
    """One line of a figure's table. status : one of STATUSES. measured, expected : in words."""

    status: str
    measured: str
    expected: str


def verdicts(text: str) -> list[Verdict]:
    """The verdicts among the lines of a figure's text."""
    found = []
    for line in text.splitlines():
        status, _, words = line.partition("  ")
        if status in STATUSES:
            measured, _, expected = words.strip().partition("; expected ")
            found.append(Verdict(status, measured, expected))
    return found
