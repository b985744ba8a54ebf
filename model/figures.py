"""The figures of the papers, with their data and a table beside the published values."""
from .lazy_names import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__, {
    "ohmlearn.drivers.figures.catalogue": ["Entry", "Settings", "entries"],
})
