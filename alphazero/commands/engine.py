"""What `alphazero uci` and `alphazero usi` share: an engine loop on standard input and output."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from alphazero.commands import arguments

if TYPE_CHECKING:
    from alphazero.protocols.engine import EngineLoop

PROTOCOLS = {"chess": "uci", "gardner": "uci", "shogi": "usi", "minishogi": "usi", "go": "gtp"}  # by game


def add_arguments(parser: argparse.ArgumentParser, protocol: str) -> None:
    games = [game for game, spoken in PROTOCOLS.items() if spoken == protocol]
    parser.add_argument(
        "--model",
        help=f"a checkpoint or run directory, pretrained:GAME, uniform (no network) or mcts:N (default: pretrained:{games[0]})",
    )
    parser.add_argument(
        "--game", choices=games, help=f"game to play, if the model is no checkpoint (default {games[0]})"
    )
    parser.add_argument(
        "--simulations",
        type=arguments.simulations,
        help="simulations of a `go` without limits (default: until `stop`; with mcts:N, N)",
    )
    arguments.add_search(parser, "puct", "puct")
    arguments.add_level(parser)
    parser.add_argument(
        "--batch-size",
        type=arguments.whole(1, 1024),
        help="most positions in a network batch, which a search asks for where its tree is large (default 64)",
    )
    parser.add_argument("--log", type=Path, metavar="FILE", help="file to which every line in and out is appended")
    arguments.add_device(parser)


def run(args: argparse.Namespace, engine_class: type[EngineLoop]) -> int:
    import contextlib
    import sys

    from alphazero.errors import UserError
    from alphazero.game import make
    from alphazero.machine import cores
    from alphazero.pretrained import default_model
    from alphazero.protocols.unloaded import open_player

    protocol = engine_class.name
    games = [game for game, spoken in PROTOCOLS.items() if spoken == protocol]
    model = args.model or default_model(args.game or games[0])
    builtin = model in ("uniform", "random") or model.startswith("mcts:")
    game = make(args.game or games[0]) if builtin or args.game else None
    batch = {} if args.batch_size is None else {"batch_size": args.batch_size}
    player = open_player(model, args.device, game, kind=args.search, **batch, **dict(args.settings))
    if player.game.name not in games:
        other = PROTOCOLS.get(player.game.name)
        hint = f"; try `alphazero {other}`" if other else ""
        raise UserError(
            f"{protocol}: {model} plays {player.game.name}; this protocol is for {' and '.join(games)}{hint}"
        )
    simulations = args.simulations
    if model.startswith("mcts:"):
        simulations = simulations or int(model.removeprefix("mcts:"))
    with contextlib.ExitStack() as files:
        log = files.enter_context(args.log.open("a", encoding="utf-8")) if args.log else None
        engine = engine_class(player, device=args.device, simulations=simulations, threads=cores(), log=log)
        engine.level = args.level
        print(engine.describe(), file=sys.stderr)
        engine.serve(sys.stdin, sys.stdout)
    return 0
