"""Coupled learning of one large network: steps of RK4, and the quasistatic limit."""
