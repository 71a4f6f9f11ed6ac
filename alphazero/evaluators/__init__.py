"""Evaluators: planes in, logits and win / draw / loss out. Where a network runs, and how, is decided here.

`make_evaluator` picks one, `load_evaluator` does for a checkpoint; a backend is one file with one class that satisfies `Evaluator`.
"""

from alphazero.evaluators.base import Evaluator, divergence
from alphazero.evaluators.choose import load_evaluator, make_evaluator

__all__ = ["Evaluator", "divergence", "load_evaluator", "make_evaluator"]
