"""Compiled loops on bare arrays: no objects, no files, no MPI."""
