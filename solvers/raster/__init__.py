"""Currents on rasters."""
