"""Refuses a Python that is too old, where pip would only say that some package has no matching version.

All else is in pyproject.toml.
"""
import sys

from setuptools import setup

if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit("ohmlearn needs Python 3.11, 3.12 or 3.13, and this is {}.{}: make the environment with one of them, "
             "such as python3.12 -m venv env".format(*sys.version_info[:2]))
setup()
