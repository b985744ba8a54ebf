"""How kernels are compiled, and the vector values, atomic counters and random numbers they use."""
