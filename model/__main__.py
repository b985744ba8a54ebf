"""`python -m ohmlearn`, the same as the command `ohmlearn`."""


def main() -> None:
    """Run the command line."""
    from ohmlearn.drivers.cli import main

    main()


main()
