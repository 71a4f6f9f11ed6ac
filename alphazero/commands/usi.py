"""`alphazero usi`: the shogi engine on standard input and output."""

from __future__ import annotations

import argparse

from alphazero.commands import engine


def add_arguments(parser: argparse.ArgumentParser) -> None:
    engine.add_arguments(parser, "usi")


def run(args: argparse.Namespace) -> int:
    from alphazero.protocols.usi import UsiEngine

    return engine.run(args, UsiEngine)
