"""Estimators with the interface of scikit-learn; they need the extra `ohmlearn[learn]`."""
from ohmlearn.drivers.estimators.estimators import CoupledClassifier, CoupledRegressor

__all__ = ["CoupledClassifier", "CoupledRegressor"]
