"""Learning from data: circuits of any law trained on samples, imperfect devices, and estimators with the interface of
scikit-learn, which need the extra `ohmlearn[learn]`."""
from ohmlearn.drivers.circuits.imperfections import Imperfections as Imperfections
from ohmlearn.drivers.circuits.learned import Learned as Learned
from ohmlearn.drivers.circuits.train_on_data import train_on_data as train_on_data
from ohmlearn.drivers.estimators.estimators import CoupledClassifier as CoupledClassifier
from ohmlearn.drivers.estimators.estimators import CoupledRegressor as CoupledRegressor

from .flow import Flow as Flow
from .losses import CrossEntropy as CrossEntropy
from .losses import Hinge as Hinge
from .losses import Squared as Squared
from .terminals import Terminals as Terminals
from .update import Update as Update
from .validation import Validation as Validation

__all__: list[str]
