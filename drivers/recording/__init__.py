"""What of a run's states is recorded."""
