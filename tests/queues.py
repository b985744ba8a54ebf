"""Queues of members for the tests."""


class OneAfterTheOther:
    """Gives the numbers in their order."""

    def __init__(self, numbers):
        self.numbers = list(numbers)

    def take(self):
        return self.numbers.pop(0) if self.numbers else None

    def finished(self, number, steps):
        pass
