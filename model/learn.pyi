"""Learning from data: circuits of any law trained on samples, imperfect devices, and estimators with the interface of
scikit-learn, which need the extra `ohmlearn[learn]`."""
from ohmlearn.drivers.circuits.imperfections import Imperfections as Imperfections
from ohmlearn.drivers.circuits.learned import Learned as Learned
from ohmlearn.drivers.circuits.losses import CrossEntropy as CrossEntropy
from ohmlearn.drivers.circuits.losses import Hinge as Hinge
from ohmlearn.drivers.circuits.losses import Squared as Squared
from ohmlearn.drivers.circuits.on_data import train_on_data as train_on_data
from ohmlearn.drivers.circuits.terminals import Terminals as Terminals
from ohmlearn.drivers.circuits.update import Update as Update
from ohmlearn.drivers.circuits.validation import Validation as Validation
from ohmlearn.drivers.estimators.estimators import CoupledClassifier as CoupledClassifier
from ohmlearn.drivers.estimators.estimators import CoupledRegressor as CoupledRegressor

__all__: list[str]
