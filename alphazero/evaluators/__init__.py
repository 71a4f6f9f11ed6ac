"""Evaluators: planes in, logits and win / draw / loss out. Where a network runs, and how, is decided here.

`make_evaluator` picks one; a backend is one file with one class that satisfies `Evaluator`.
"""

from alphazero.evaluators.base import Evaluator, divergence
from alphazero.evaluators.choose import make_evaluator

__all__ = ["Evaluator", "divergence", "make_evaluator"]
