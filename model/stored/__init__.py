"""Networks too large for one process: stores by blocks of nodes, and what makes the blocks."""
