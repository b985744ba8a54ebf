"""Measurements on training runs, and the published numbers beside them."""
