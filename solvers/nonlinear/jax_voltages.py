"""Equilibrium voltages as a function that JAX differentiates backwards; needs the extra `ohmlearn[jax]`."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from ohmlearn.network import Network

from .differentiable import Pulled, Rows


def jax_voltages(network: Network, held: ArrayLike, *, edges: Any = None) -> Callable[..., Any]:
    """Equilibrium voltages as a function for JAX: `grad`, `vjp`, `jit` and `vmap` work, derivatives backwards and of
    first order.

    held : (n_held,) nodes. edges : law of the edges (`ohmlearn.edges`), by default resistors.

    Returns a function f(values=None, held_voltages=None, currents=None) of arrays of JAX: (..., n_edges) conductances
    in G₀ or gate voltages in V, by default the start of the law; (..., n_held) in V, by default 0; (..., n_nodes)
    currents that enter, in G₀ V, by default none. Axes in front are broadcast; it returns (..., n_nodes) voltages in V,
    eight solved at a time. Solves are in float64 on the CPU; results have the type of what is given, so say
    `jax.config.update("jax_enable_x64", True)` at the start of a program for more than float32.
    Raises ImportError where JAX is not installed.

    >>> import ohmlearn as ol
    >>> import jax, jax.numpy as jnp                                                        # doctest: +SKIP
    >>> f = ol.edges.jax_voltages(ol.Network.grid(3, 3), [0, 8])                            # doctest: +SKIP
    >>> middle = lambda g: f(g, jnp.array([1.0, 0.0]))[4]                                   # doctest: +SKIP
    >>> jax.grad(middle)(jnp.ones(12)).shape                                                # doctest: +SKIP
    (12,)
    """
    try:
        import jax
        import jax.numpy as jnp
    except ImportError as error:
        raise ImportError("jax_voltages needs the package jax: pip install 'ohmlearn[jax]'") from error
    rows = Rows(network, held, edges)

    def called(function: Callable[..., Any], sizes: tuple[int, ...], *given: Any) -> Any:
        kinds = tuple(jax.ShapeDtypeStruct((*given[0].shape[:-1], size), given[0].dtype) for size in sizes)

        def numbers(*parts: Any) -> Any:
            found = function(*parts)
            found = found if isinstance(found, Pulled) else (found,)
            return tuple(part.astype(kind.dtype) for part, kind in zip(found, kinds, strict=True))
        return jax.pure_callback(numbers, kinds, *given, vmap_method="broadcast_all")

    def solve(values: Any, held_voltages: Any, currents: Any) -> Any:
        return called(rows.solve, rows.sizes[2:], values, held_voltages, currents)[0]

    def forward(*given: Any) -> Any:
        voltages = solve(*given)
        return voltages, (given[0], voltages)

    differentiable = jax.custom_vjp(solve)
    differentiable.defvjp(forward, lambda kept, weights: called(rows.pull, rows.sizes, *kept, weights))

    def voltages(values: Any = None, held_voltages: Any = None, currents: Any = None) -> Any:
        parts, defaults = (values, held_voltages, currents), (rows.start, *(np.zeros(size) for size in rows.sizes[1:]))
        kind = jnp.result_type(jnp.float32, *(part for part in parts if part is not None))
        given = [jnp.asarray(default if part is None else part, dtype=kind)
                 for part, default in zip(parts, defaults, strict=True)]
        rows.check(*given)
        front = jnp.broadcast_shapes(*(part.shape[:-1] for part in given))
        return differentiable(*(jnp.broadcast_to(part, front + part.shape[-1:]) for part in given))

    return voltages
