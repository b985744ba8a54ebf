"""The figures of paper 2."""
