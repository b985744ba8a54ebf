"""Estimators with the interface of scikit-learn; they need the extra `ohmlearn[learn]`."""
from .lazy_names import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__, {
    "ohmlearn.drivers.estimators.estimators": ["CoupledClassifier", "CoupledRegressor"],
})
