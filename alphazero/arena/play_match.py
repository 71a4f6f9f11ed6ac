"""A match of two players, from their names to its report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from alphazero.arena.adjudication import Adjudication
from alphazero.arena.match import colour_balanced, played_by_hand
from alphazero.arena.match_report import MatchReport, report
from alphazero.arena.named import NamedPlayer, entrants_of, game_of
from alphazero.arena.openings import random_openings, read_openings
from alphazero.arena.play import run_schedule
from alphazero.arena.registry import Players
from alphazero.arena.sprt import PairwiseTest, Sprt
from alphazero.arena.time_control import TimeControl
from alphazero.errors import UserError
from alphazero.game import Game, make
from alphazero.outside import check_pool
from alphazero.progress import Progress
from alphazero.search_settings import SettingValue


def play_match(
    a: str,
    b: str,
    *,
    game: Game | None = None,
    games: int = 100,
    simulations: int | None = None,
    kind: str | None = None,
    settings: Mapping[str, SettingValue] = MappingProxyType({}),
    opening_plies: int | None = None,
    openings: Path | None = None,
    seed: int = 0,
    device: str = "auto",
    out: Path | None = None,
    time_control: TimeControl | None = None,
    adjudication: Adjudication | None = None,
    concurrency: int = 1,
    players: Players | None = None,
    sprt: Sprt | None = None,
    openings_order: str = "file",
    openings_start: int = 1,
) -> MatchReport:
    """Plays A against B, every opening with both colours, and reports from A's side.

    settings: further ones of the players' searches, where they search in this process. opening_plies: None for two random plies, or all of what `openings` holds. Games with an engine outside this process, or with
    clocks, are played move by move, `concurrency` at a time, and end by the rules and `adjudication` alone: the game's option
    `max_plies` is lifted. adjudication needs such games. players: those of a registry, which A and B may name.
    sprt: the match ends as soon as this test is decided, `games` at the latest.
    """
    if concurrency < 1:
        raise UserError(f"match: --concurrency must be >= 1, got {concurrency}")
    if games < 1:
        raise UserError(f"match: --games must be >= 1, got {games}")
    named = [NamedPlayer.of(text, players) for text in (a, b)]
    game = game_of(named) if game is None else game
    entrants = entrants_of(named, game, device, simulations, kind, settings=settings)
    game = _lifted(game, played_by_hand(entrants, time_control), adjudication)
    pairs, order, begin = (games + 1) // 2, openings_order, openings_start
    if openings:
        starts = read_openings(openings, game, pairs, opening_plies, order=order, start=begin, seed=seed)
    else:
        starts = random_openings(game, pairs, 2 if opening_plies is None else opening_plies, seed)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
    first, second = (each.name for each in entrants)
    test = PairwiseTest(sprt, first) if sprt is not None else None
    results = run_schedule(
        game,
        entrants,
        colour_balanced(0, 1, starts)[:games],
        None if out is None else out / "results.jsonl",
        seed=seed,
        progress=Progress(),
        time_control=time_control,
        adjudication=adjudication,
        concurrency=concurrency,
        stop=None if test is None else lambda result: test.add(result) != "continue",
    )
    told = report(results, first, second)
    return told if test is None else replace(told, sprt=test.as_json())


def _lifted(game: Game, by_hand: bool, adjudication: Adjudication | None) -> Game:
    """The game as it is played: without `max_plies` where games go move by move. UserError: adjudication has no say."""
    if by_hand and game.options.get("max_plies"):
        return make(game.name, {**game.options, "max_plies": 0})
    if not by_hand:
        check_pool(game)  # before anything is written
    if adjudication is not None and adjudication != Adjudication() and not by_hand:
        raise UserError("match: games are adjudicated where an engine or a clock (--tc) is in them; neither is here")
    return game
