"""Equilibrium voltages, eigenmodes and Hessians of one network."""
