"""What is raised by solves that do not get to their tolerance."""


class NotConverged(RuntimeError):
    """A solve whose voltages, by estimate, are further off than the tolerance, or that found no equilibrium.

    >>> import ohmlearn as ol
    >>> from ohmlearn.solvers.equilibrium.equilibrium import NotConverged
    >>> issubclass(NotConverged, RuntimeError)
    True
    """
