"""Sparse linear algebra of graph Laplacians: orders, factors, elimination and vector passes."""
