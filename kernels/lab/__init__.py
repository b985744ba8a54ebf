"""The lab circuit of paper 1."""
