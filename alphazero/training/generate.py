"""Self-play of one player outside a run: its games go into a replay store. Training has a loop of its own (loop.py)."""

from __future__ import annotations

from collections.abc import Callable

from alphazero import machine
from alphazero._core import UNIFORM, Pool
from alphazero.feeding import Feed, batch_layout, lanes_for
from alphazero.player import NetworkPlayer, Player
from alphazero.search_settings import SettingValue
from alphazero.training.replay import Replay


def generate(
    player: Player,
    replay: Replay,
    games: int,
    search: dict[str, SettingValue],
    *,
    in_flight: int,
    opening_plies: int,
    seed: int,
    on_step: Callable[[int, int], None],
) -> None:
    """Plays `games` games of the player against itself and adds them to the store.

    search: as a player's settings in a pool. in_flight: games at a time; 0: as many as suit this machine. on_step(games that are over, evaluations) is called
    after every batch. After a Ctrl-C, too, all finished games are in the store.
    """
    evaluators = [player.evaluator] if isinstance(player, NetworkPlayer) else []
    layout = batch_layout(evaluators)
    simulations = int(search["simulations"])
    plan = machine.plan_selfplay(
        player.game, gpu=layout == "packed", simulations=simulations, games_in_flight=in_flight
    )
    lanes = lanes_for(evaluators, min(plan.lanes, games))
    settings = {
        "games_in_flight": min(plan.games_in_flight, games),
        "batch_size": plan.batch_size,
        "threads": plan.threads if evaluators else machine.cores(),
        "games": games,
        "first_game": replay.next_number,
        "seed": seed,
        "opening_plies": opening_plies,
        "symmetry": True,
        "cache_megabytes": 64,
        "layout": layout,
    }
    pool = Pool(player.game, settings, [{**search, "evaluator": 0 if evaluators else UNIFORM, "noise": True}])
    feed = Feed(pool, evaluators, layout, lanes=lanes, names=[player.name])
    count = 0
    try:
        while True:
            answered = feed.step()
            for record in pool.take_finished():
                replay.add(record)
                count += 1
            on_step(count, pool.counts["evaluations"])
            if not answered and pool.done and count == games:
                break
    finally:
        feed.abandon()
        pool.close()
        replay.flush()
