"""`alphazero play`: a person against the engine, in the terminal."""

from __future__ import annotations

import argparse

from alphazero.commands import arguments
from alphazero.devices import DEVICE_HELP, DEVICES


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model",
        help="a checkpoint or run directory, or mcts:N, uniform, random (default: pretrained:GAME, else mcts:1000)",
    )
    parser.add_argument("--game", help="the game, where the model is no checkpoint (default connect4)")
    parser.add_argument(
        "--option", action="append", default=[], metavar="KEY=VALUE", help="an option of the game, e.g. board_size=7"
    )
    parser.add_argument("--colour", choices=["first", "second"], default="first", help="yours (default first)")
    parser.add_argument(
        "--simulations", type=arguments.simulations, default=200, help="the engine's, a move (default 200)"
    )
    parser.add_argument("--device", default="auto", choices=DEVICES, help=DEVICE_HELP)


HELP = "a move, or: moves (all legal ones), hint, undo, resign, quit"


def run(args: argparse.Namespace) -> int:
    from alphazero.errors import UserError
    from alphazero.options import game_from, parse_options
    from alphazero.player import load
    from alphazero.pretrained import default_model

    if args.simulations < 1:
        raise UserError(f"play: --simulations must be >= 1, got {args.simulations}")
    model = args.model or default_model(args.game or "connect4", "mcts:1000")
    if model in ("uniform", "random") or model.startswith("mcts:"):
        player = load(model, args.device, game=game_from(args.game or "connect4", args.option))
    else:  # a checkpoint knows its game and board; options given here change them where the network can play it
        player = load(model, args.device)
        if args.game and args.game != player.game.name:
            raise UserError(f"{model}: this checkpoint plays {player.game.name}, not {args.game}")
        if args.option:
            player = player.with_options(**parse_options(args.option))
    simulations = None if model.startswith("mcts:") else args.simulations
    position = player.game.position()
    mine = 0 if args.colour == "first" else 1
    print(f"You play {args.colour} against {player.name}. Type {HELP}.\n")
    shown = -1  # the ply of the board on the screen: a mistyped move does not draw it again
    while position.outcome is None:
        if shown != position.ply:
            print(position.diagram)
            shown = position.ply
        if position.turn != mine:
            result = player.search(position, simulations)
            print(
                f"\n> {result.best_move}   ({100 * (result.value + 1) / 2:.0f} % for the engine; expects {' '.join(result.pv[:6])})\n"
            )
            position.play(result.best_move)
            continue
        try:
            word = input("your move: ").strip()
        except (EOFError, KeyboardInterrupt):
            print("\nbye")
            return 0
        lower = word.lower()
        if lower in ("quit", "exit", "q"):
            print("bye")
            return 0
        if lower == "resign":
            print(f"You resign: {player.name} wins.")
            return 0
        if lower == "moves":
            print(" ".join(position.legal_moves()))
        elif lower == "hint":
            result = player.search(position, simulations)
            print(f"{result.best_move}   ({100 * (result.value + 1) / 2:.0f} % for you; {' '.join(result.pv[:6])})")
        elif lower == "undo":
            if position.ply < 2:
                print("nothing to take back")
            else:
                position.undo()
                position.undo()
        elif lower in ("", "help", "?"):
            print(HELP)
        else:
            try:
                position.play(word)
            except ValueError as error:
                print(f"{error}; type `moves` to see what is legal")
    print(position.diagram)
    outcome = position.outcome
    who = "draw" if outcome.value == 0 else "you win" if (outcome.value > 0) == (mine == 0) else f"{player.name} wins"
    score = f", by {abs(outcome.score):g}" if outcome.score is not None and outcome.value else ""
    print(f"\n{who} ({outcome.reason.replace('_', ' ')}{score})")
    return 0
