"""Equilibria of networks of nonlinear edges, and their derivatives."""
