"""Coupled learning of a block of lanes: RK4, the slow manifold, step control, the loop."""
