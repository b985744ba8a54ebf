"""Networks of nonlinear edges, for blocks of lanes: equilibria by Newton, their derivatives, and the RK4 step."""
