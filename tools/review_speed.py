"""How much faster is the review of a game than searches of its positions one after another?

    python tools/review_speed.py --game chess --moves 60 --simulations 200 --turns 5

The game is one of the network against itself, by its first look at each position; one move in --slips is drawn at random, so that
there are mistakes, which a review looks at twice. Then in turns, on the same cores and by the same network: `alphazero analyze`'s
review of all moves; a search of each position, each on its own; and the same by a player that keeps its tree and the network's
answers from move to move, as GUIs have it. All look at the score of Go, too. A search has batches of its own leaves alone.

Prints the seconds of each, and how many times as fast the review is, with the median and the least of all turns. A review makes
as many simulations a position as are asked for at most: half of them at all positions, half where it saw mistakes.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time

from alphazero.game import Position, make
from alphazero.machine import cores
from alphazero.player import NetworkPlayer, load
from alphazero.pretrained import default_model
from alphazero.review.judge import review


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--game", default="chess")
    parser.add_argument("--moves", type=int, default=60)
    parser.add_argument("--simulations", type=int, default=200)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--slips", type=int, default=10, help="one move in so many is drawn at random; 0: none")
    args = parser.parse_args()
    player = player_of(args.game)
    positions, moves = played(player, args.moves, args.slips)
    print(f"{args.game}: {len(moves)} moves, {args.simulations} simulations, {cores()} cores")
    ratios: dict[str, list[float]] = {"alone": [], "kept": []}
    for _ in range(args.turns):
        begun = time.perf_counter()
        review(player, positions, moves, simulations=args.simulations, threads=cores())
        reviewed = time.perf_counter() - begun
        told = [f"review {reviewed:.2f} s"]
        for name, found in ratios.items():
            player.forget()
            begun = time.perf_counter()
            for position in positions[: len(moves)]:
                if name == "alone":
                    player.forget()
                player.search(position, args.simulations, heads=player.game.has_ownership)  # of Go, the score, too
            found.append((time.perf_counter() - begun) / reviewed)
            told.append(f"searches, {name}: {found[-1] * reviewed:.2f} s, {found[-1]:.2f} times")
        print("; ".join(told), flush=True)
    for name, found in ratios.items():
        print(f"{name}: median {statistics.median(found):.2f}, least {min(found):.2f}")
    return 0


def player_of(game: str) -> NetworkPlayer:
    """The network that is shipped for a game, ready to search."""
    player = load(default_model(game), game=make(game))
    assert isinstance(player, NetworkPlayer)
    player.set_threads(cores())
    player.warm_up()
    return player


def played(player: NetworkPlayer, most: int, slips: int) -> tuple[list[Position], list[str]]:
    """A game's positions, before each move and after the last, and its moves."""
    draws = random.Random(1)
    position = player.game.position()
    positions: list[Position] = [position.copy()]
    moves: list[str] = []
    while len(moves) < most and position.outcome is None:
        priors = player.evaluate(position).priors
        if len(priors) > 1:
            priors.pop("pass", None)  # or a game of Go ends before it has so many moves
        is_slip = slips and len(moves) % slips == slips - 1
        move = draws.choice(sorted(priors)) if is_slip else max(priors, key=lambda each: priors[each])
        position.play(move)
        moves.append(move)
        positions.append(position.copy())
    return positions, moves


if __name__ == "__main__":
    raise SystemExit(main())
