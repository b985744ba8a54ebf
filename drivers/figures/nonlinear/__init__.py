"""Figures of networks of nonlinear edges."""
