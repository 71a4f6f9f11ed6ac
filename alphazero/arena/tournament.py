"""Tournaments: players, the form, the games, as one typed configuration; what is played, rated and written.

The same configuration comes from the command line or from a YAML file (`alphazero tournament CONFIG.yaml`).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal

from alphazero.arena import ratings, schedule
from alphazero.arena.clocked import TimeControl
from alphazero.arena.match import Entrant, Pairing, played_by_hand
from alphazero.arena.named import NamedPlayer, game_of
from alphazero.arena.openings import random_openings, read_openings
from alphazero.arena.play import Elsewhere, run_schedule
from alphazero.arena.registry import Registered, read_players
from alphazero.arena.report import write_report
from alphazero.arena.standings import standings
from alphazero.config import (
    CLOSED,
    ConfigError,
    GameConfig,
    Int,
    ListOf,
    Section,
    Text,
    build,
    key,
    read_yaml,
)
from alphazero.errors import UserError
from alphazero.files import write_atomically
from alphazero.formats.results import Result
from alphazero.formats.results import players_of as players_in
from alphazero.game import Game, in_words, make
from alphazero.outside import check_pool
from alphazero.progress import Progress
from alphazero.search_settings import MOST_SIMULATIONS
from alphazero.text import clean, listed, player_name, shown
from alphazero.typed import MOST_ELO, MOST_GAMES
from alphazero.typed import elo as read_elo


@dataclass(frozen=True)
class PlayerConfig:
    __pydantic_config__: ClassVar = CLOSED
    player: Text = key(
        "", "The player as on the command line: a checkpoint or run directory, random, uniform, mcts:N or an engine."
    )
    name: Text = key("", "The player's name in results and tables. Empty means one that is made from `player`.")
    simulations: Int | None = key(
        None,
        "Simulations a move. null means the tournament's number, else the one that the checkpoint was trained with.",
        low=1,
        high=MOST_SIMULATIONS,
    )
    search: Literal["puct", "gumbel"] | None = key(
        None, "The search algorithm. null means the tournament's, else the one of the checkpoint's training."
    )


@dataclass(frozen=True)
class TournamentConfig:
    """A tournament's file."""

    __pydantic_config__: ClassVar = CLOSED
    players: ListOf[Any] = key(
        [], "Two or more players, each as text or as a section with the keys `player`, `name`, `simulations`, `search`."
    )
    form: schedule.Form = key(
        "round-robin",
        "Who meets whom. round-robin: everyone meets everyone. gauntlet: the first player meets all others. ladder: pairs "
        "whose next game says most about the ratings.",
    )
    games: Int = key(
        40, "Games of a pairing. Each opening is played twice, with colours swapped.", low=1, high=1_000_000
    )
    rounds: Int = key(8, "Rounds of a ladder. Each round has one pairing for every two players.", low=1, high=10000)
    game: Section[GameConfig] = field(default_factory=lambda: GameConfig(name=""))
    simulations: Int | None = key(
        None,
        "Simulations a move of players that do not say it themselves. null means what each checkpoint was trained with.",
        low=1,
        high=MOST_SIMULATIONS,
    )
    search: Literal["puct", "gumbel"] | None = key(
        None, "The search algorithm of players that do not say it themselves. null means that of their training."
    )
    time_control: Text = key("", "The time control as for `--tc`, such as 10+0.1. Then all players have clocks.")
    openings: Text = key("", "A file of start positions. Empty means random plies.")
    openings_order: Literal["file", "random"] = key(
        "file", "The order in which openings are taken. random: shuffled by the seed."
    )
    openings_start: Int = key(1, "The number of the first opening of the file to use.", low=1)
    registry: Text = key("", "A YAML file of players that `players` may name, as for `--players`.")
    concurrency: Int = key(1, "Games with engines or clocks that are played at the same time.", low=1, high=1024)
    opening_plies: Int = key(2, "Random moves at the start of each pair of games.", low=0, high=100)
    anchors: dict[Text, Any] = key(
        {}, "Players whose ratings are known, as NAME: ELO. Empty means that the weakest player is at 0."
    )
    seed: Int = key(0, "Seed of the openings and of the players' random numbers.", low=0, high=2**31)


MOST_PLAYERS = 256  # pairings and ratings of more take minutes for a round


def load_tournament(path: Path, overrides: list[str]) -> TournamentConfig:
    """Reads and checks a YAML file; ConfigError says what is wrong in one line."""
    config: TournamentConfig = build(TournamentConfig, read_yaml(path, overrides), str(path))
    players_of(config, str(path))
    for name, elo in config.anchors.items():
        if isinstance(elo, bool) or not isinstance(elo, (int, float)) or not abs(elo) <= MOST_ELO:
            raise ConfigError(
                f"{path}: anchors.{clean(str(name))} must be a number from -{MOST_ELO} to {MOST_ELO}, got {shown(str(elo))}"
            )
    return config


def parse_anchors(texts: list[str]) -> dict[str, float]:
    """["a=0", "b=1500"] as {"a": 0.0, "b": 1500.0}; UserError for what has no rating."""
    anchors = {}
    for text in texts:
        name, _, elo = text.rpartition("=")
        try:
            anchors[player_name(name)] = read_elo(elo)
        except argparse.ArgumentTypeError as error:
            raise UserError(f"--anchor {shown(text)}: expected NAME=ELO, e.g. gnugo=1500; ELO {error}") from None
        if not name:
            raise UserError(f"--anchor {shown(text)}: expected NAME=ELO, e.g. gnugo=1500")
    return anchors


def players_of(config: TournamentConfig, where: str = "tournament") -> list[PlayerConfig]:
    """The players, each typed; ConfigError where there are fewer than two or an entry is no player."""
    players = []
    for number, entry in enumerate(config.players):
        if isinstance(entry, str):
            entry = {"player": entry}
        if not isinstance(entry, dict) or not entry.get("player"):
            raise ConfigError(
                f"{where}: players[{number}] must be a player's text or a section with `player`, got {entry}"
            )
        players.append(build(PlayerConfig, entry, f"{where}: players[{number}]"))
    if len(players) > MOST_PLAYERS:
        raise ConfigError(f"{where}: players must name at most {MOST_PLAYERS}, got {len(players):,}")
    if len(players) < 2:
        raise ConfigError(f"{where}: players must name two and more, got {len(players)}")
    return players


def play_tournament(
    config: TournamentConfig, device: str = "auto", out: Path | None = None, elsewhere: Elsewhere | None = None
) -> ratings.Summary:
    """Plays what is missing, in this process or elsewhere, and rates all; the object of elo.json.

    out: directory for results.jsonl, games.pgn or .csa, elo.json and report.html; the same call goes on after any crash.
    """
    _check_games(config)
    game = _game(config)
    entrants = entrants_of(config, device)
    names = [each.name for each in entrants]
    for name in config.anchors:
        if name not in names:
            raise UserError(f"tournament: the anchor '{name}' is no player; players are: {listed(names)}")
    time_control = TimeControl.parse(config.time_control) if config.time_control else None
    file = None
    if not played_by_hand(entrants, time_control):
        check_pool(game)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        file = out / "results.jsonl"
    progress = Progress()
    away = elsewhere and elsewhere(game, partial(entrants_of, config, device))

    def starts(a: int, b: int, count: int, number: int) -> list[str]:
        if config.openings:
            order, start = config.openings_order, config.openings_start
            wanted = count * (number + 1)
            every = read_openings(Path(config.openings), game, wanted, order=order, start=start, seed=config.seed)
            return every[count * number :]
        return random_openings(game, count, config.opening_plies, config.seed + 100_000 * number + 1000 * a + b)

    def play(games: list[Pairing]) -> list[Result]:
        return run_schedule(
            game,
            entrants,
            games,
            file,
            seed=config.seed,
            progress=progress,
            time_control=time_control,
            concurrency=config.concurrency,
            live=lambda results: standings(rated_with(results, config.anchors)),
            elsewhere=away,
        )

    if config.form == "ladder":
        results = schedule.ladder(names, config.rounds, config.games, starts, play)
    else:
        form = schedule.gauntlet if config.form == "gauntlet" else schedule.round_robin
        results = play(form(len(entrants), config.games, starts))
    rated = rated_with(results, config.anchors)
    summary = rated.to_json()
    if out is not None:
        write_atomically(out / "elo.json", (json.dumps(summary, indent=1) + "\n").encode())
        write_report(out / "report.html", f"{in_words(game)}: {config.form} of {len(names)} players", rated, results)
    return summary


def _check_games(config: TournamentConfig) -> None:
    """UserError where the games would be too many."""
    count = len(players_of(config))
    pairings = {"gauntlet": count - 1, "ladder": config.rounds * (count // 2)}.get(
        config.form, count * (count - 1) // 2
    )
    if pairings * config.games > MOST_GAMES:
        raise UserError(
            f"tournament: {pairings:,} pairings of {config.games:,} games are more than {MOST_GAMES:,} games; take fewer players "
            "or games, or --form ladder"
        )


def rated_with(results: list[Result], anchors: Mapping[str, float]) -> ratings.Ratings:
    """Ratings with these anchors, as far as they have played."""
    seen = players_in(results)
    return ratings.rate(results, fixed={name: float(elo) for name, elo in anchors.items() if name in seen})


def _game(config: TournamentConfig) -> Game:
    if config.game.name:
        return make(config.game.name, config.game.options)
    known = _registry(config)
    return game_of([NamedPlayer.of(each.player, known) for each in players_of(config)])


def _registry(config: TournamentConfig) -> dict[str, Registered]:
    return read_players(Path(config.registry)) if config.registry else {}


def entrants_of(config: TournamentConfig, device: str) -> list[Entrant]:
    """The players, ready to play."""
    game = _game(config)
    entrants = []
    known = _registry(config)
    for each in players_of(config):
        named = NamedPlayer.of(each.player, known)
        simulations, kind = each.simulations or config.simulations, each.search or config.search
        entrants.append(named.entrant(game, device, simulations, kind, name=each.name or None))
    names = [each.name for each in entrants]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UserError(f"tournament: two players are called {shown(twice[0])}; give each a `name`")
    return entrants
