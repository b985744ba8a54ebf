"""The asv suite: `make bench`. Each module times one subject; peers and yardsticks are compared in one run."""
