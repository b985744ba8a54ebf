"""Training: one run or an ensemble of them, in lanes or on one large network."""
