"""The command line: `alphazero COMMAND ...`, also `python -m alphazero`.

Each command is a module with add_arguments(parser) and run(args) -> exit code, imported only when it is called. A user's
mistake is a UserError (or ValueError) anywhere below: one line on standard error, exit 2. Exit 1 means an internal error.
"""

from __future__ import annotations

import argparse
import importlib
import io
import os
import re
import signal
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

from alphazero.errors import UserError, warnings_as_lines
from alphazero.machine import keep_to_cache_folder
from alphazero.text import clean, did_you_mean, shown

# Packages that playing does without, by the extra of ours that has them.
EXTRA_OF = dict.fromkeys(("torch", "zstandard", "tensorboard", "matplotlib"), "train")
# command: (module, what it does, an example)
COMMANDS = {
    "train": (
        "train",
        "train a network by self-play; running it again resumes",
        "alphazero train configs/quickstart.yaml --run runs/mine",
    ),
    "selfplay": (
        "selfplay",
        "play games of one checkpoint against itself",
        "alphazero selfplay runs/quickstart --games 100 --out games/",
    ),
    "replay": ("replay", "inspect a replay store, export games", "alphazero replay runs/quickstart --export games/"),
    "gtp": ("gtp", "Go engine for GUIs (GTP 2)", "alphazero gtp --model runs/quickstart"),
    "uci": ("uci", "chess engine for GUIs (UCI)", "alphazero uci --model runs/chess-small"),
    "usi": ("usi", "shogi engine for GUIs (USI)", "alphazero usi --model runs/minishogi"),
    "analysis": (
        "analysis",
        "analyse many positions at a time (KataGo's JSON protocol, for three games)",
        "alphazero analysis --game go",
    ),
    "analyze": (
        "analyze",
        "judge a game move by move, write its file with remarks",
        "alphazero analyze game.sgf --out judged.sgf",
    ),
    "play": ("play", "play against the engine in the terminal", "alphazero play --model runs/quickstart"),
    "serve": (
        "serve",
        "a page in the browser: play, analyse, watch runs, look through tournaments",
        "alphazero serve --run runs/quickstart --open",
    ),
    "match": ("match", "play games between two players", "alphazero match runs/a runs/b --games 100"),
    "tournament": (
        "tournament",
        "rate the checkpoints of a run, or any players",
        "alphazero tournament runs/quickstart",
    ),
    "scaling": (
        "scaling",
        "measure the Elo gained by each doubling of the search budget",
        "alphazero scaling runs/quickstart --to 256 --games 100 --out scaling/",
    ),
    "elo": (
        "elo",
        "compute ratings with error bars from results",
        "alphazero elo runs/quickstart/rating/results.jsonl",
    ),
    "bench": ("bench", "benchmark this machine", "alphazero bench search --json"),
    "perft": ("perft", "count move sequences (perft)", "alphazero perft go 3"),
    "export": ("export", "write a checkpoint's network as ONNX", "alphazero export runs/quickstart --out go7.onnx"),
    "learn": (
        "learn",
        "begin a run with games of others (PGN, SGF, KIF, CSA)",
        "alphazero learn games.pgn --config configs/chess-small.yaml --run runs/lessons",
    ),
    "grow": (
        "grow",
        "make a larger network with the same outputs",
        "alphazero grow runs/chess --blocks 6 --channels 64 --out big",
    ),
    "info": ("info", "show what a checkpoint or run holds", "alphazero info runs/quickstart"),
    "new-game": (
        "new_game",
        "write a package with a game of your own, to be changed",
        "alphazero new-game othello ./othello",
    ),
    "config": ("config", "show every key of a training configuration", "alphazero config search"),
    "doctor": ("doctor", "show what this machine can do", "alphazero doctor"),
}
SHELLS = ("bash", "zsh", "tcsh")  # that --print-completion writes for
LONGEST_ERROR = 1000  # characters: paths and names of others stand in errors, too
ENDED_BY_SIGTERM = ("match", "tournament", "scaling")  # as by Ctrl-C; training has its own way to stop


class TerminatedError(KeyboardInterrupt):
    """SIGTERM came: unwind as after a Ctrl-C."""


@contextmanager
def sigterm_as_ctrl_c(command: str | None) -> Iterator[None]:
    """SIGTERM (also from `timeout`, systemd, a batch system) raises in these commands; a second one ends them at once."""
    if command not in ENDED_BY_SIGTERM or threading.current_thread() is not threading.main_thread():
        yield
        return

    def terminate(number: int, _: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        raise TerminatedError

    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class CtrlC:
    """What a Ctrl-C does to the program: it raises KeyboardInterrupt, and a second one ends the process at once.

    Before the command runs, and while a module is being imported, the first one does that too. An exception at any point of
    an import comes to nothing good: C++ libraries abort, or they forget it and the program goes on.
    """

    running = False  # whether there is anything to unwind

    def install(self) -> None:
        """Unless the program was started to ignore it, as in the background of a script."""
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._interrupted)

    def _interrupted(self, number: int, frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        if not self.running or _imports(frame):
            os._exit(128 + number)
        raise KeyboardInterrupt


def _imports(frame: FrameType | None) -> bool:
    """Whether this frame is, or was called by, an import."""
    while frame is not None:
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            return True
        frame = frame.f_back
    return False


def prepare_streams() -> None:
    """Makes the standard streams fit for all that is said.

    Those that the program was started without, as by a daemon or with `2>&-`, lead nowhere: print() and input() would fail,
    and the next files to be opened would get their numbers. Letters that the terminal does not have are written as escapes.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):  # in the order of the numbers
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 - for as long as we run
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _flush() -> None:
    """Writes out what was printed. Where that cannot be, it is forgotten, or Python would try again at its end."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise


class Parser(argparse.ArgumentParser):
    """Raises every mistake as a UserError of one line, which main() prints."""

    commands: Mapping[str, Parser]

    def options(self) -> list[str]:
        """The names of all options."""
        return [name for action in self._actions for name in action.option_strings]

    def error(self, message: str) -> NoReturn:
        said = re.sub(
            r"^argument (\S+?)(?:/\S+)?: (must be)?", lambda m: f"{m[1]} {m[2]}" if m[2] else f"{m[1]}: ", message
        )
        name = self.prog.removeprefix("alphazero").strip()
        raise UserError(f"{name}: {said}" if name else said)

    def _check_value(self, action: argparse.Action, value: object) -> None:
        """Refuses what is not among the choices, and suggests the nearest one."""
        choices = [str(choice) for choice in action.choices or ()]
        if action.choices is None or value in action.choices:
            return
        near = did_you_mean(str(value), choices)
        if isinstance(action.choices, dict):  # the commands
            said = near or f"; commands are: {', '.join(choices)}"
            raise UserError(f"unknown command {shown(str(value))}{said}")
        raise argparse.ArgumentError(action, f"must be one of {', '.join(choices)}, got {shown(str(value))}{near}")


class CommandParser(Parser):
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


class PrintVersion(argparse.Action):
    """Prints the versions of what runs here, without loading torch."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib.metadata import PackageNotFoundError, version

        from alphazero._core import __version__ as core

        try:
            package = version("alphazero")
        except PackageNotFoundError:  # run from a folder that nobody installed
            package = core
        print(f"alphazero {package}, core {core}, Python {sys.version.split()[0]}")
        parser.exit()


class PrintCompletion(argparse.Action):
    """Prints the completion script of a shell."""

    def __call__(self, parser: argparse.ArgumentParser, namespace: object, shell: object, _: object = None) -> NoReturn:
        from alphazero.commands.completion import script

        print(script(str(shell)))
        parser.exit()


def build_parser(*commands: str) -> Parser:
    """The parser; only the modules of `commands` are imported for their arguments."""
    parser = Parser(
        prog="alphazero",
        description="AlphaZero: self-play training, play, and ratings for Go and other board games.",
        epilog="`alphazero COMMAND --help` shows a command's arguments and an example.",
    )
    parser.add_argument(
        "--version", action=PrintVersion, nargs=0, help="print the versions of package, core and Python"
    )
    parser.add_argument(
        "--print-completion", action=PrintCompletion, choices=SHELLS, help="print a completion script for this shell"
    )
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=CommandParser)
    for name, (module, summary, example) in COMMANDS.items():
        sub = subparsers.add_parser(
            name, help=summary, description=summary[0].upper() + summary[1:] + ".", epilog=f"example: {example}"
        )
        if name in commands:
            importlib.import_module(f"alphazero.commands.{module}").add_arguments(sub)
    parser.commands = subparsers.choices
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command; returns the exit code. Without arguments of its own it is the program: an engine then ends at once."""
    keep_to_cache_folder()
    if argv is not None:
        return _run(list(argv))
    arguments = sys.argv[1:]
    code = _program(arguments)
    if arguments[:1] in (["uci"], ["usi"], ["gtp"], ["analysis"]):
        _leave(code)
    return code


def _program(arguments: list[str]) -> int:
    """Runs a command as the whole program."""
    prepare_streams()
    ctrl_c = CtrlC()
    ctrl_c.install()
    code = _run(arguments, ctrl_c)
    ctrl_c.running = False
    return code


def uci() -> int:
    """The program alphazero-uci: `alphazero uci` for GUIs that start a file."""
    return _engine("uci")


def usi() -> int:
    """The program alphazero-usi."""
    return _engine("usi")


def gtp() -> int:
    """The program alphazero-gtp."""
    return _engine("gtp")


def _engine(command: str) -> int:
    keep_to_cache_folder()
    code = _program([command, *sys.argv[1:]])
    _leave(code)
    return code


def _leave(code: int) -> None:
    """Ends an engine's process. All is written by now; to take the networks' libraries down in good order costs seconds, and
    GUIs kill engines that take so long to quit.
    """
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def _run(arguments: list[str], ctrl_c: CtrlC | None = None) -> int:
    command = next((a for a in arguments if not a.startswith("-")), None)
    try:
        if command in COMMANDS:
            module = importlib.import_module(f"alphazero.commands.{COMMANDS[command][0]}")
            args = _parse(command, arguments)
            with sigterm_as_ctrl_c(command), warnings_as_lines():
                if ctrl_c is not None:
                    ctrl_c.running = True
                try:
                    return int(module.run(args))
                finally:
                    _flush()
        _parse_without_command(arguments)
        return 0
    except BrokenPipeError:  # `alphazero ... | head`
        return 0
    except TerminatedError:
        return 128 + signal.SIGTERM
    except KeyboardInterrupt:
        return 130
    except ModuleNotFoundError as error:
        extra = EXTRA_OF.get((error.name or "").partition(".")[0])
        if extra is None or os.environ.get("ALPHAZERO_TRACEBACK"):
            raise
        print(
            f"alphazero: {command} needs {error.name}, which comes with training: pip install 'alphazero-engine[{extra}]'",
            file=sys.stderr,
        )
        return 2
    except (ValueError, OSError, OverflowError, MemoryError, RecursionError) as error:
        if os.environ.get("ALPHAZERO_TRACEBACK"):  # for developers: where it came from
            raise
        print(f"alphazero: {_told(error)}", file=sys.stderr)
        return 2


def _parse(command: str, arguments: list[str]) -> argparse.Namespace:
    """The arguments of a command; UserError where one is unknown."""
    parser = build_parser(command)
    args, extra = parser.parse_known_args(arguments)
    if extra:
        option = next((word.partition("=")[0] for word in extra if word.startswith("-")), None)
        if option is None:
            raise UserError(f"{command}: too many arguments: {shown(' '.join(extra))}")
        raise UserError(
            f"{command}: unknown option {shown(option)}{did_you_mean(option, parser.commands[command].options())}"
        )
    return args


def _parse_without_command(arguments: list[str]) -> None:
    """Does what the options of `alphazero` itself ask for; UserError where there is none, or the command is unknown."""
    parser = build_parser()
    if not arguments:
        raise UserError(f"no command given; commands are: {', '.join(COMMANDS)}")
    option = arguments[0].partition("=")[0]
    if option.startswith("-") and not any(name.startswith(option) for name in parser.options()):
        raise UserError(f"unknown option {shown(option)}{did_you_mean(option, parser.options())}")
    parser.parse_args(arguments)


def _told(error: Exception) -> str:
    """A mistake in one line."""
    if isinstance(error, MemoryError):
        return "this needs more memory than the machine has"
    if isinstance(error, RecursionError):
        return "the input is nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return f"the input is not text in {error.encoding}: byte {error.start} is 0x{error.object[error.start]:02x}"
    return clean(str(error), LONGEST_ERROR) or type(error).__name__
