"""A fault of ours: its trace is for whoever runs the server, one line for whoever looks at the page."""

from __future__ import annotations

import sys
import traceback

from alphazero.errors import one_line


def fault(error: Exception) -> str:
    """Tells an internal error on standard error; the line for the page."""
    traceback.print_exception(error, file=sys.stderr)
    return one_line(f"internal error: {type(error).__name__}: {str(error)[:200]} (details where the server runs)")
