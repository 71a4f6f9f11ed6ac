"""Games of a player of ours against OpenSpiel's own C++ MCTSBot, UCT with random rollouts, which its state referees.

    python tools/open_spiel_match.py runs/hex --simulations 100 --rollouts 1000 --games 100

MODEL is what `alphazero match` takes: a run, a checkpoint, mcts:N, random; with mcts and random, --game says which game. Each
game begins with a move drawn at random for each pair of games, which the two play from both sides. Prints every game, and at
the end the score with Wilson's 95 % interval.
"""

from __future__ import annotations

import argparse
import math
import random
import sys

import alphazero as az
from alphazero.errors import UserError

UCT_C = 2.0  # of OpenSpiel's own example, algorithms/mcts_test.cc


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("--game", help="text of OpenSpiel's game, where MODEL does not say it")
    parser.add_argument("--simulations", type=int, default=100, help="of ours, a move")
    parser.add_argument("--search", choices=("gumbel", "puct"), default="puct")
    parser.add_argument("--rollouts", type=int, default=1000, help="of the bot, a move: its simulations")
    parser.add_argument("--games", type=int, default=100)
    parser.add_argument("--opening-plies", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    try:
        import pyspiel
    except ImportError:
        raise UserError("open_spiel_match needs OpenSpiel: pip install 'alphazero-engine[open_spiel]'") from None
    game = az.Game("open_spiel", game=args.game) if args.game else None
    player = az.load(args.model, game=game)
    if player.game.name != "open_spiel":
        raise UserError(f"{args.model} plays {player.game.name}, which is not a game of OpenSpiel")
    theirs = pyspiel.load_game(player.game.options["game"])
    won = drawn = 0
    for number in range(args.games):
        side = number % 2
        result = play(player, pyspiel, theirs, side, number, args)
        won += result > 0
        drawn += result == 0
        print(
            f"game {number + 1}: {'first' if side == 0 else 'second'} player, {['lost', 'drawn', 'won'][result + 1]}",
            flush=True,
        )
    score = (won + drawn / 2) / args.games
    low, high = wilson(score, args.games)
    print(
        f"{args.model} with {args.simulations} simulations against MCTSBot with {args.rollouts}: {won} won, {drawn} drawn, "
        f"{args.games - won - drawn} lost; score {score:.3f} [{low:.3f}, {high:.3f}]"
    )
    return 0


def play(player: az.Player, pyspiel, theirs, side: int, number: int, args: argparse.Namespace) -> int:
    """One game, ours moving as `side`: 1 won, 0 drawn, -1 lost."""
    draw = random.Random(f"{args.seed} {number // 2}")  # the two games of a pair begin alike
    seed = args.seed + number
    bot = pyspiel.MCTSBot(
        theirs, pyspiel.RandomRolloutEvaluator(1, seed), UCT_C, args.rollouts, 1000, True, seed, False
    )
    player.forget()
    state, position = theirs.new_initial_state(), player.game.position()
    while not state.is_terminal():
        actions, moves = state.legal_actions(), position.legal_moves()
        if state.move_number() < args.opening_plies:
            action = draw.choice(actions)
        elif state.current_player() == side:
            found = player.search(position, args.simulations, kind=args.search)
            action = actions[moves.index(found.best_move)]
        else:
            action = bot.step(state)
        position.play(moves[actions.index(action)])
        state.apply_action(action)
    assert position.outcome is not None and position.outcome.value == math.copysign(1, state.returns()[0]) * (
        state.returns()[0] != 0
    )
    result = state.returns()[side]
    return (result > 0) - (result < 0)


def wilson(share: float, count: int) -> tuple[float, float]:
    """The 95 % interval of a share among `count`."""
    z = 1.96
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count)) / (1 + z * z / count)
    return middle - half, middle + half


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (ValueError, OSError) as error:
        print(f"open_spiel_match: {error}", file=sys.stderr)
        sys.exit(2)
