"""What a sweep is: its file, its tasks and rates."""
