"""Perft; plies a second: random play with legal moves at every ply, and replaying a game that is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from alphazero.game import Game, make
from alphazero_bench import peers as peer
from alphazero_bench.figures import BOARDS, Figure, board, measure, rate

KIWIPETE = "r3k2r/p1ppqpb1/bn2pnp1/3PN3/1p2P3/2N2Q1p/PPPBBPPP/R3K2R w KQkq - 0 1"
PERFTS = [("chess", "", "", 5), ("chess", ".kiwipete", KIWIPETE, 4), ("shogi", "", "", 4)]


def bench(seconds: float, repeat: int, peers: list[str]) -> Iterator[Figure]:
    from alphazero._core import bench_random_plies, bench_replay_plies

    for name, place, text, depth in PERFTS:
        position = make(name).position(text) if text else make(name).position()
        yield measure(
            f"rules.perft.{name}{place}",
            "nodes/s",
            repeat,
            partial(rate, partial(position.perft, depth), seconds),
        )
        if name == "chess" and "stockfish" in peers:
            yield from peer.stockfish_perft(place, text, repeat)
        if name == "shogi" and "cshogi" in peers:
            yield from peer.cshogi_perft(seconds, repeat)
    for label in BOARDS:
        game = board(label)
        for figure, function in (("plies", bench_random_plies), ("replay", bench_replay_plies)):
            yield measure(f"rules.{figure}.{label}", "plies/s", repeat, partial(_plies_rate, function, game, seconds))
        if "open_spiel" in peers:
            yield from peer.open_spiel_plies(label, seconds, repeat)


def _plies_rate(function: Callable[[Game, float], tuple[int, float]], game: Game, seconds: float) -> float:
    plies, used = function(game, seconds)
    return float(plies / used)
