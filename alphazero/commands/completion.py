"""`alphazero --print-completion SHELL`: completion of commands, options, files, games and players, written by shtab."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

GAMES = ("game",)  # arguments that name a game, by their names in the parsed arguments
PLAYERS = ("model", "a", "b", "player", "players")  # ... a player, where their type is not a file's
PLAYERS_FUNCTION = "_alphazero_players"


def script(shell: str) -> str:
    """The completion script for bash, zsh or tcsh."""
    try:
        import shtab
    except ImportError as error:
        from alphazero.errors import UserError

        raise UserError("--print-completion needs shtab: pip install shtab") from error
    from alphazero.cli import COMMANDS, build_parser
    from alphazero.game import games

    parser = build_parser(*COMMANDS)
    players = _players()
    how = {"bash": PLAYERS_FUNCTION, "zsh": PLAYERS_FUNCTION, "tcsh": f"({' '.join(players)})"}
    for command in parser.commands.values():
        for action in command._actions:
            if action.choices is not None:
                continue
            if action.dest in GAMES:
                action.choices = games()
            elif action.type is Path:
                _complete(action, shtab.DIRECTORY if action.metavar == "DIR" else shtab.FILE)
            elif action.dest in PLAYERS:
                _complete(action, how)
    return str(shtab.complete(parser, shell=shell, preamble=_preamble(players).get(shell, "")))


def _complete(action: argparse.Action, how: Mapping[str, object]) -> None:
    action.complete = how  # type: ignore[attr-defined]  # where shtab looks for it


def _players() -> list[str]:
    """Players that have no folder of their own."""
    from alphazero import pretrained

    return ["random", "uniform", "mcts:1000", *(f"pretrained:{game}" for game in pretrained.games())]


def _preamble(players: list[str]) -> dict[str, str]:
    """Each shell's function that completes a player: these words, or a folder (a checkpoint, a run)."""
    words = " ".join(players)
    bash = (
        # A colon ends a word in bash unless it is taken out of this list; `pretrained:chess` is one word.
        "COMP_WORDBREAKS=${COMP_WORDBREAKS//:}\n"
        f'{PLAYERS_FUNCTION}() {{\n  compgen -W "{words}" -- "$1"\n  compgen -d -- "$1"\n}}\n'
    )
    zsh = f"{PLAYERS_FUNCTION}() {{\n  compadd -- {words}\n  _files\n}}\n"
    return {"bash": bash, "zsh": zsh}
