"""Estimators with the interface of scikit-learn; they need the extra `ohmlearn[learn]`."""
from ohmlearn.drivers.estimators.estimators import CoupledClassifier as CoupledClassifier
from ohmlearn.drivers.estimators.estimators import CoupledRegressor as CoupledRegressor

__all__: list[str]
