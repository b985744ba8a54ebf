"""Spreading blocks of work over threads and MPI ranks; knows no physics."""
