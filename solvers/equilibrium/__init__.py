"""Equilibrium voltages and soft modes of one network: preconditioners and solves."""
