"""What a circuit is trained to make small: losses of its outputs, as data."""
from __future__ import annotations

from dataclasses import dataclass

from ohmlearn.checks.kinds import check_fields, check_sign


@dataclass(frozen=True)
class Squared:
    """Squared error, ½ Σ (wanted - output)², of numbers or classes. Every output is clamped by its error.

    swing : V at which the output of the right class should be, and the others at 0. Not used where numbers are learned.
    over : over-clamping, V by which outputs are clamped farther in the direction of the error, however small that is.

    >>> import ohmlearn as ol
    >>> ol.learn.Squared(swing=0.2)
    Squared(swing=0.2, over=0.0)
    """

    swing: float = 0.1
    over: float = 0.0

    def __post_init__(self) -> None:
        check_fields(self)
        check_sign("swing", self.swing, unit=" V")
        check_sign("over", self.over, ">= 0", " V")


@dataclass(frozen=True)
class Hinge:
    """Hinge loss of classes: margin - lead where the output of the right class leads its largest rival by less than the
    margin. These two outputs are clamped, as by errors of 1 and -1 V, and a sample with enough lead changes nothing.

    margin : V, > 0.
    over : over-clamping, V by which the two outputs are clamped farther apart.

    >>> import ohmlearn as ol
    >>> ol.learn.Hinge(margin=0.05)
    Hinge(margin=0.05, over=0.0)
    """

    margin: float = 0.02
    over: float = 0.0

    def __post_init__(self) -> None:
        check_fields(self)
        check_sign("margin", self.margin, unit=" V")
        check_sign("over", self.over, ">= 0", " V")


@dataclass(frozen=True)
class CrossEntropy:
    """Cross entropy of classes, -T ln p of the right one with p = softmax(output / T). Every output is clamped, as by
    errors of 1 - p (the right class) and -p (others) volts.

    temperature : T in V, > 0.
    over : over-clamping, V by which outputs are clamped farther in the direction of the error.

    >>> import ohmlearn as ol
    >>> ol.learn.CrossEntropy(temperature=0.05)
    CrossEntropy(temperature=0.05, over=0.0)
    """

    temperature: float = 0.02
    over: float = 0.0

    def __post_init__(self) -> None:
        check_fields(self)
        check_sign("temperature", self.temperature, unit=" V")
        check_sign("over", self.over, ">= 0", " V")


Loss = Squared | Hinge | CrossEntropy


def check_loss(loss: object) -> None:
    """Raise TypeError unless it is a loss."""
    if not isinstance(loss, Squared | Hinge | CrossEntropy):
        raise TypeError(f"loss must be an ohmlearn.learn.Squared, Hinge or CrossEntropy, not {loss!r}")
