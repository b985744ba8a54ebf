"""Stores of sweeps: how far a sweep is, its results, and whether its files are sound."""
from ohmlearn.drivers.jobs.run_sweep import run_sweep
from ohmlearn.drivers.jobs.sweep_report import write_summary
from ohmlearn.drivers.store.open_results import open_results
from ohmlearn.drivers.store.part_file import StoreError
from ohmlearn.drivers.store.repair import check
from ohmlearn.drivers.store.status import overview
from ohmlearn.drivers.sweeps.report import Report

__all__ = ["Report", "StoreError", "check", "open_results", "overview", "run_sweep", "write_summary"]
