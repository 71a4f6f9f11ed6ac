"""What `alphazero uci` and `alphazero usi` share: an engine loop on standard input and output."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alphazero.commands import arguments

if TYPE_CHECKING:
    from alphazero.game import Game
    from alphazero.player import Player
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
    parser.add_argument("--search", choices=["puct", "gumbel"], default="puct", help="kind of search (default puct)")
    parser.add_argument(
        "--batch-size",
        type=arguments.whole(1, 1024),
        default=8,
        help="maximum number of positions in a network batch (default 8)",
    )
    parser.add_argument("--log", type=Path, metavar="FILE", help="file to which every line in and out is appended")
    arguments.add_device(parser)


def described(model: str) -> dict[str, Any]:
    """A checkpoint's meta.json where it is plain to see, without what it takes to load a network; else nothing."""
    from alphazero import pretrained
    from alphazero.files import read_json

    place = pretrained.path_of(model) or Path(model)
    try:
        if not (place / "meta.json").exists():
            place = place / "checkpoints" / (place / "checkpoints" / "latest").read_text().strip()
        meta = read_json(place / "meta.json")
        if not (place / "model.safetensors").exists():
            return {}
    except (OSError, ValueError):
        return {}
    return meta if isinstance(meta, dict) else {}


def open_player(model: str, device: str, game: Game | None, **settings: Any) -> Player:
    """The player, its network still to be loaded where meta.json says enough of it. UserError as `load` has it."""
    from alphazero.game import make
    from alphazero.player import load
    from alphazero.protocols.engine import Unloaded

    meta = described(model)
    name, options = meta.get("game"), meta.get("options")
    known = name in PROTOCOLS and isinstance(options, dict) and (game is None or game.name == name)
    if not known:
        return load(model, device, game=game, **settings)

    def load_it(player: Unloaded) -> Player:
        return load(model, device, game=player.game, **player.settings)

    return Unloaded(model, game or make(str(name), options), meta, load_it, **settings)


def run(args: argparse.Namespace, engine_class: type[EngineLoop]) -> int:
    import contextlib
    import sys

    from alphazero.errors import UserError
    from alphazero.game import make
    from alphazero.pretrained import default_model

    protocol = engine_class.name
    games = [game for game, spoken in PROTOCOLS.items() if spoken == protocol]
    model = args.model or default_model(args.game or games[0])
    builtin = model in ("uniform", "random") or model.startswith("mcts:")
    game = make(args.game or games[0]) if builtin or args.game else None
    player = open_player(model, args.device, game, kind=args.search, batch_size=args.batch_size)
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
        engine = engine_class(player, device=args.device, simulations=simulations, log=log)
        print(engine.describe(), file=sys.stderr)
        engine.serve(sys.stdin, sys.stdout)
    return 0
