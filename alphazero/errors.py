"""The one error that means: the user asked for something that cannot be. Commands print its line and exit with 2."""

from __future__ import annotations


class UserError(ValueError):
    """One line that names what is wrong and what would be right."""
