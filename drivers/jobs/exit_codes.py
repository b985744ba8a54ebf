"""Exit codes of the command line."""
from __future__ import annotations

FINE, BROKEN, BAD_INPUT, MEMBERS_FAILED = 0, 1, 2, 3  # exit codes
