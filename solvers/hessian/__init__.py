"""Hessians of the cost and what they say of a network and its task."""
