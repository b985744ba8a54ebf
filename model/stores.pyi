"""Stores of sweeps: how far a sweep is, its results, and whether its files are sound; and stores of resistances."""
from ohmlearn.drivers.jobs.run_pairs import PairReport as PairReport
from ohmlearn.drivers.jobs.run_pairs import pair_resistances as pair_resistances
from ohmlearn.drivers.jobs.run_pairs import read_resistances as read_resistances
from ohmlearn.drivers.jobs.run_sweep import run_sweep as run_sweep
from ohmlearn.drivers.jobs.sweep_report import write_summary as write_summary
from ohmlearn.drivers.store.errors import StoreError as StoreError
from ohmlearn.drivers.store.merge import merge as merge
from ohmlearn.drivers.store.open_results import open_results as open_results
from ohmlearn.drivers.store.repair import check as check
from ohmlearn.drivers.store.status import overview as overview
from ohmlearn.drivers.sweeps.report import Report as Report

__all__: list[str]
