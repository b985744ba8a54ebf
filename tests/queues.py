"""Queues of members for the tests, and members that are set aside and taken up again."""
from ohmlearn.drivers.training.thread_pool import run_members


class OneAfterTheOther:
    """Gives the numbers in their order."""

    def __init__(self, numbers):
        self.numbers = list(numbers)

    def take(self):
        return self.numbers.pop(0) if self.numbers else None

    def finished(self, number, steps):
        pass


def whole_and_in_slices(ensemble, count, least):
    """The first `count` members of an ensemble, in one go and set aside after every slice of work, of which there must
    be at least `least`: two dictionaries by number."""
    whole, parts, states = {}, {}, {}
    run_members(ensemble, OneAfterTheOther(range(count)), whole.__setitem__, threads=1)
    slices = 0
    while len(parts) < count and slices < 1000:
        queue = OneAfterTheOther(k for k in range(count) if k not in parts)
        run_members(ensemble, queue, parts.__setitem__, threads=1, suspend=states.__setitem__, stop=lambda: True,
                    resume=states.get)
        slices += 1
    assert slices >= least
    return whole, parts
