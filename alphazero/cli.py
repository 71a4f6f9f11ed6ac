"""The command line: `alphazero COMMAND ...`, also `python -m alphazero`.

Each command is a module with add_arguments(parser) and run(args) -> exit code, imported only when it is called. A user's
mistake is a UserError (or ValueError) anywhere below: one line on standard error, exit 2. Exit 1 is a fault of ours.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

from alphazero.machine import keep_to_cache_folder

# command: (module, what it does, an example)
COMMANDS = {
    "train": (
        "train",
        "self-play training; the same call resumes",
        "alphazero train configs/quickstart.yaml --run runs/mine",
    ),
    "selfplay": (
        "selfplay",
        "generate games from one checkpoint",
        "alphazero selfplay runs/quickstart --games 100 --out games/",
    ),
    "replay": ("replay", "inspect a replay store, export games", "alphazero replay runs/quickstart --export games/"),
    "gtp": ("gtp", "the Go engine for GUIs (GTP 2)", "alphazero gtp --model runs/quickstart"),
    "uci": ("uci", "the chess engine for GUIs (UCI)", "alphazero uci --model runs/chess-small"),
    "usi": ("usi", "the shogi engine for GUIs (USI)", "alphazero usi --model runs/minishogi"),
    "play": ("play", "play in the terminal", "alphazero play --model runs/quickstart"),
    "match": ("match", "games between two players", "alphazero match runs/a runs/b --games 100"),
    "tournament": (
        "tournament",
        "rate the checkpoints of a run, or any players",
        "alphazero tournament runs/quickstart",
    ),
    "scaling": (
        "scaling",
        "Elo against search budget, of one player",
        "alphazero scaling runs/quickstart --to 256 --games 100 --out scaling/",
    ),
    "elo": ("elo", "ratings with error bars from results", "alphazero elo runs/quickstart/rating/results.jsonl"),
    "bench": ("bench", "measure this machine", "alphazero bench search --json"),
    "perft": ("perft", "count move sequences", "alphazero perft go 3"),
    "export": ("export", "a checkpoint's network as ONNX", "alphazero export runs/quickstart --out go7.onnx"),
    "info": ("info", "what a checkpoint or run holds", "alphazero info runs/quickstart"),
    "doctor": ("doctor", "what this machine can do", "alphazero doctor"),
}


class CommandParser(argparse.ArgumentParser):
    """A command's arguments; options may stand between positional ones: `train CONFIG --run DIR KEY=VALUE ...`."""

    _inside = False

    def parse_known_args(self, args=None, namespace=None):  # type: ignore[no-untyped-def]
        if self._inside:
            return super().parse_known_args(args, namespace)
        self._inside = True
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._inside = False


def build_parser(command: str | None = None) -> argparse.ArgumentParser:
    """The parser; only `command`'s own module is imported for its arguments."""
    parser = argparse.ArgumentParser(
        prog="alphazero",
        description="AlphaZero: self-play training, play, and ratings for Go and other board games.",
        epilog="alphazero COMMAND --help says more, with an example.",
    )
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=CommandParser)
    for name, (module, summary, example) in COMMANDS.items():
        sub = subparsers.add_parser(
            name, help=summary, description=summary[0].upper() + summary[1:] + ".", epilog=f"example: {example}"
        )
        if name == command:
            importlib.import_module(f"alphazero.commands.{module}").add_arguments(sub)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command; returns the exit code."""
    keep_to_cache_folder()
    arguments = list(sys.argv[1:] if argv is None else argv)
    command = next((a for a in arguments if not a.startswith("-")), None)
    try:
        if command in COMMANDS:
            module = importlib.import_module(f"alphazero.commands.{COMMANDS[command][0]}")
            args = build_parser(command).parse_args(arguments)
            return int(module.run(args))
        build_parser().parse_args(arguments)
        return 0
    except BrokenPipeError:  # `alphazero ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130
    except (ValueError, OSError) as error:
        if os.environ.get("ALPHAZERO_TRACEBACK"):  # for developers: where it came from
            raise
        text = str(error).strip().splitlines()
        print(f"alphazero: {text[0] if text else type(error).__name__}", file=sys.stderr)
        return 2
