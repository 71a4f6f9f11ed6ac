"""A run on disk: what its directory holds, by name."""

from alphazero.runs.directory import RunDirectory

__all__ = ["RunDirectory"]
