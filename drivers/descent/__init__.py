"""Gradient flow on conductances, alone and as a rule of training."""
