"""The figures of paper 1."""
