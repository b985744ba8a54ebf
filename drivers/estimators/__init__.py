"""Learning from data with the interface of scikit-learn."""
