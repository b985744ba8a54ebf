"""Equilibrium voltages as a function that PyTorch differentiates backwards; needs the extra `ohmlearn[torch]`."""
from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

from numpy.typing import ArrayLike
from ohmlearn.network import Network

from .differentiable import Rows


def torch_voltages(network: Network, held: ArrayLike, *, edges: Any = None) -> Callable[..., Any]:
    """Equilibrium voltages as a function for PyTorch, with derivatives backwards and of first order.

    held : (n_held,) nodes. edges : law of the edges (`ohmlearn.edges`), by default resistors.

    Returns a function f(values=None, held_voltages=None, currents=None) of tensors: (..., n_edges) conductances in G₀
    or gate voltages in V, by default the start of the law; (..., n_held) in V, by default 0; (..., n_nodes) currents
    that enter, in G₀ V, by default none. Axes in front are broadcast; it returns (..., n_nodes) voltages in V, eight
    solved at a time. Solves are in float64 on the CPU; results have the type and the device of what is given, so give
    tensors of `dtype=torch.float64` for more than float32.
    Raises ImportError where PyTorch is not installed.

    >>> import ohmlearn as ol
    >>> import torch                                                                        # doctest: +SKIP
    >>> f = ol.edges.torch_voltages(ol.Network.grid(3, 3), [0, 8])                          # doctest: +SKIP
    >>> g = torch.ones(12, dtype=torch.float64, requires_grad=True)                         # doctest: +SKIP
    >>> f(g, torch.tensor([1.0, 0.0]))[4].backward()                                        # doctest: +SKIP
    >>> g.grad.shape                                                                        # doctest: +SKIP
    torch.Size([12])
    """
    try:
        import torch
    except ImportError as error:
        raise ImportError("torch_voltages needs the package torch: pip install 'ohmlearn[torch]'") from error
    rows = Rows(network, held, edges)

    class Gradient(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *given: Any) -> Any:
            found = rows.pull(*(part.detach().cpu().numpy() for part in given))
            return tuple(torch.as_tensor(part).to(given[0]) for part in found)

        @staticmethod
        def backward(ctx: Any, *_: Any) -> Any:
            raise NotImplementedError("torch_voltages has first derivatives only; take differences of gradients")

    class Voltages(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *given: Any) -> Any:
            found = rows.solve(*(part.detach().cpu().numpy() for part in given))
            voltages = torch.as_tensor(found).to(given[0])
            ctx.save_for_backward(given[0], voltages)
            return voltages

        @staticmethod
        def backward(ctx: Any, *weights: Any) -> Any:
            return Gradient.apply(*ctx.saved_tensors, *weights)

    def voltages(values: Any = None, held_voltages: Any = None, currents: Any = None) -> Any:
        tensors = [part for part in (values, held_voltages, currents) if torch.is_tensor(part)]
        like = tensors[0] if tensors else torch.zeros((), dtype=torch.float64)
        kind = reduce(torch.promote_types, (part.dtype for part in tensors or [like]), torch.float32)
        defaults = rows.start, [0.0] * rows.sizes[1], [0.0] * rows.sizes[2]
        given = [torch.as_tensor(default if part is None else part).to(like.device, kind)
                 for part, default in zip((values, held_voltages, currents), defaults, strict=True)]
        rows.check(*given)
        front = torch.broadcast_shapes(*(part.shape[:-1] for part in given))
        return Voltages.apply(*(part.expand(*front, part.shape[-1]) for part in given))

    return voltages
