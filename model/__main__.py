"""`python -m ohmlearn`, the same as the command `ohmlearn`."""
from ohmlearn.drivers.cli import main

main()
