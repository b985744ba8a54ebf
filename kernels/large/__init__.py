"""Coupled learning of one large network on many threads."""
