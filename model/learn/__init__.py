"""Learning from data: circuits of any law trained on samples, imperfect devices, and estimators with the interface of
scikit-learn, which need the extra `ohmlearn[learn]`."""
from ohmlearn.lazy_names import lazy_names

from .flow import Flow
from .losses import CrossEntropy, Hinge, Squared
from .terminals import Terminals
from .update import Update
from .validation import Validation

__getattr__, __dir__, __all__ = lazy_names(__name__, {
    "ohmlearn.drivers.circuits.imperfections": ["Imperfections"],
    "ohmlearn.drivers.circuits.learned": ["Learned"],
    "ohmlearn.drivers.circuits.train_on_data": ["train_on_data"],
    "ohmlearn.drivers.estimators.estimators": ["CoupledClassifier", "CoupledRegressor"],
})
__all__ += ["CrossEntropy", "Flow", "Hinge", "Squared", "Terminals", "Update", "Validation"]
