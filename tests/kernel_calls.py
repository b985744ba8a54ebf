"""What kernels choose by the types of their arguments, as Python can call it."""
from ohmlearn.kernels.ensemble import network_physics
from ohmlearn.kernels.simd.jit import kernel

chosen = network_physics.find_equilibria


@kernel
def find_equilibria(block, due):
    chosen(block, due)
