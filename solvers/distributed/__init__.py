"""One network over many MPI ranks: the part that a rank holds, exchanges between neighbours, steps."""
