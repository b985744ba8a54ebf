"""The figures of the papers, with their data and a table beside the published values."""
from ohmlearn.drivers.figures.catalogue import Entry, Settings, entries

__all__ = ["Entry", "Settings", "entries"]
