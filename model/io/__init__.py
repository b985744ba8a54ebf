"""Networks, circuits and tasks in and out of files."""
