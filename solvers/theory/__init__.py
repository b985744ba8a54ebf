"""The linear theory of learning out of equilibrium."""
