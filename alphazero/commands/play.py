"""`alphazero play`: a person against the engine, in the terminal."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from alphazero.commands import arguments

if TYPE_CHECKING:
    from alphazero.player import Player


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model",
        help="a checkpoint or run directory, pretrained:GAME, mcts:N, uniform or random (default: the network shipped for "
        "the game, else mcts:1000)",
    )
    arguments.add_game(parser, "if the model is no checkpoint (default connect4)")
    parser.add_argument("--colour", choices=["first", "second"], default="first", help="your side (default first)")
    parser.add_argument(
        "--simulations", type=arguments.simulations, default=200, help="simulations of each engine move (default 200)"
    )
    arguments.add_level(parser)
    arguments.add_device(parser)


def run(args: argparse.Namespace) -> int:
    from alphazero.pretrained import default_model
    from alphazero.protocols.person import PersonGame

    model = args.model or default_model(args.game or "connect4", "mcts:1000")
    simulations = None if model.startswith("mcts:") else args.simulations
    PersonGame(_open(model, args), 0 if args.colour == "first" else 1, simulations, args.level).play()
    return 0


def _open(model: str, args: argparse.Namespace) -> Player:
    """The player. A checkpoint knows its game and board; --option changes them where its network can play the result."""
    from alphazero.errors import UserError
    from alphazero.options import game_from, parse_options
    from alphazero.player import load

    if model in ("uniform", "random") or model.startswith("mcts:"):
        return load(model, args.device, game=game_from(args.game or "connect4", args.option))
    player = load(model, args.device)
    if args.game and args.game != player.game.name:
        raise UserError(f"{model}: this checkpoint plays {player.game.name}, not {args.game}")
    return player.with_options(**parse_options(args.option)) if args.option else player
