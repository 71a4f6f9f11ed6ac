"""OpenSpiel's games through our adapter: the search beside OpenSpiel's own, and self-play."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial

from alphazero.config import NetworkConfig
from alphazero.evaluators import make_evaluator
from alphazero.game import Game, make
from alphazero.network import Network, shape_of
from alphazero_bench import peers as peer
from alphazero_bench.figures import Figure, measure
from alphazero_bench.networks import SelfPlay
from alphazero_bench.search import tree_rate

GAMES = ("hex", "othello", "breakthrough")
SIMULATIONS = 50  # of self-play, with a network of about 41,000 parameters: as OpenSpiel's AlphaZero was measured


def bench(seconds: float, repeat: int, peers: list[str]) -> Iterator[Figure]:
    """One tree of 20,000 simulations with equal priors and value 0; positions a second of Connect Four's self-play."""
    for name in GAMES:
        game = make("open_spiel", {"game": name})
        rate = partial(tree_rate, game, 20_000, seconds)
        yield measure(f"open_spiel.search.tree.{name}", "simulations/s", repeat, rate)
        if "open_spiel" in peers:
            yield from peer.open_spiel_search(name, seconds, repeat)
    game = make("open_spiel", {"game": "connect_four"})
    yield measure("open_spiel.selfplay.connect_four", "positions/s", repeat, partial(positions_rate, game, seconds))


def positions_rate(game: Game, seconds: float) -> float:
    """Positions a second that self-play searches by a small untrained network."""
    network = Network(shape_of(game), NetworkConfig(blocks=2, channels=32))
    play = SelfPlay(game, network, make_evaluator(network, "auto"), SIMULATIONS)
    try:
        before, begin = play.pool.counts["plies"], time.perf_counter()
        while (used := time.perf_counter() - begin) < seconds or play.pool.counts["plies"] == before:
            play.feed.step()
            play.pool.take_finished()
        return float((play.pool.counts["plies"] - before) / used)
    finally:
        play.close()
