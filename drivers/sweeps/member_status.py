"""What became of a member of a sweep, by the codes that stores keep."""
from __future__ import annotations

from ohmlearn.run import STATUSES

ALL_STATUSES = (*STATUSES, "failed")  # failed: an exception, recorded with its text
FAILURES = ("diverged", "failed")
MISSING = -1
