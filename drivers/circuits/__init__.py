"""Circuits of nonlinear edges that learn samples by updates at equilibrium."""
