"""Arithmetic of pairs (x, dx), with which laws of edges are written (:class:`ohmlearn.edges.Own`).

A pair stands for a number in the free network, x, and in the clamped one, x + η dx. Every function gives both of its
result, without the cancellation of a difference: dx is the derivative where η = 0. e is handed from the law to those
that take it.
"""
from ohmlearn.kernels.law.divided_differences import (
    exponential_less_one,
    hyperbolic_sine,
    minus,
    plus,
    positive,
    product,
    root,
    scaled,
    shifted,
    softplus,
    wright,
)
from ohmlearn.kernels.law.edge_laws import parameter

__all__ = ["exponential_less_one", "hyperbolic_sine", "minus", "parameter", "plus", "positive", "product", "root",
           "scaled", "shifted", "softplus", "wright"]
