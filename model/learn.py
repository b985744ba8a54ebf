"""Learning from data: circuits of any law trained on samples, imperfect devices, and estimators with the interface of
scikit-learn, which need the extra `ohmlearn[learn]`."""
from .lazy_names import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__, {
    "ohmlearn.drivers.circuits.imperfections": ["Imperfections"],
    "ohmlearn.drivers.circuits.learned": ["Learned"],
    "ohmlearn.drivers.circuits.losses": ["CrossEntropy", "Hinge", "Squared"],
    "ohmlearn.drivers.circuits.on_data": ["train_on_data"],
    "ohmlearn.drivers.circuits.terminals": ["Terminals"],
    "ohmlearn.drivers.circuits.update": ["Update"],
    "ohmlearn.drivers.circuits.validation": ["Validation"],
    "ohmlearn.drivers.estimators.estimators": ["CoupledClassifier", "CoupledRegressor"],
})
