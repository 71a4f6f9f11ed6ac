"""`alphazero uci`: the chess engine on standard input and output."""

from __future__ import annotations

import argparse

from alphazero.commands import engine


def add_arguments(parser: argparse.ArgumentParser) -> None:
    engine.add_arguments(parser, "uci")


def run(args: argparse.Namespace) -> int:
    from alphazero.protocols.uci import UciEngine

    return engine.run(args, UciEngine)
