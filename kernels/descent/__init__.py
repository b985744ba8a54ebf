"""Gradient flow of the cost on conductances."""
