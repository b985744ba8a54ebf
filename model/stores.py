"""Stores of sweeps: how far a sweep is, its results, and whether its files are sound; and stores of resistances."""
from .lazy_names import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__, {
    "ohmlearn.drivers.jobs.run_pairs": ["PairReport", "pair_resistances", "read_resistances"],
    "ohmlearn.drivers.jobs.run_sweep": ["run_sweep"],
    "ohmlearn.drivers.jobs.sweep_report": ["write_summary"],
    "ohmlearn.drivers.store.merge": ["merge"],
    "ohmlearn.drivers.store.open_results": ["open_results"],
    "ohmlearn.drivers.store.errors": ["StoreError"],
    "ohmlearn.drivers.store.repair": ["check"],
    "ohmlearn.drivers.store.status": ["overview"],
    "ohmlearn.drivers.sweeps.report": ["Report"],
})
