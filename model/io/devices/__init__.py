"""Diodes and transistors of SPICE: model cards as laws of edges, and laws as cards."""
