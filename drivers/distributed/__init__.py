"""One network over many MPI ranks: stores, runs, checkpoints."""
