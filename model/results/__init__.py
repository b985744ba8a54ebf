"""Results of training: files and tables of runs."""
