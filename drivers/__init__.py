"""What a user runs: training, sweeps, their store, figures, the command line."""
