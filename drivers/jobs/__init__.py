"""Carrying out a sweep on one process or on the ranks of a job, and reporting on it."""
