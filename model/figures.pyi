"""The figures of the papers, with their data and a table beside the published values."""
from ohmlearn.drivers.figures.catalogue import Entry as Entry
from ohmlearn.drivers.figures.catalogue import Settings as Settings
from ohmlearn.drivers.figures.catalogue import entries as entries

__all__: list[str]
