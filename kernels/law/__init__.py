"""The law of an edge, stated once for rows of lanes and for single numbers: current, learning, bounds, RK4 in time."""
