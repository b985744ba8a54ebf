"""`python -m ohmlearn`, the same as the command `ohmlearn`."""
from importlib import import_module


def main() -> None:
    """Run the command line, which like the face is found by its name."""
    import_module("ohmlearn.drivers.cli").main()


main()
