"""What no single key can say of a configuration: keys that need one another, the game's rules, players on this machine."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from alphazero.config.entries import find_player
from alphazero.config.keys import UnfitError, in_full
from alphazero.config.models import Config
from alphazero.config.yaml_files import ConfigError
from alphazero.game import Game, make
from alphazero.outside import check_pool


def check_whole(config: Config, where: str) -> None:
    """ConfigError where the keys do not fit together, or name players that are not on this machine."""
    training = config.training
    if not any(getattr(training, f"budget_{unit}") for unit in ("minutes", "games", "positions", "evaluations")):
        raise ConfigError(
            f"{where}: set training.budget_minutes (or _games, _positions, _evaluations): when should the run end?"
        )
    if config.selfplay.full_search_fraction < 1.0 and config.selfplay.fast_simulations < 1:
        raise ConfigError(f"{where}: selfplay.fast_simulations must be >= 1 where full_search_fraction is below 1")
    if config.network.options and not config.network.kind:
        raise ConfigError(f"{where}: network.options are for a class of your own, which network.kind names")
    _check_schedule(config, where)
    try:
        game = make(config.game.name, config.game.options)
        check_pool(game)
    except ValueError as error:
        raise ConfigError(f"{where}: game: {error}") from error
    _check_starts(config, where, [({}, game), *_variants(config, where, game)])
    for number, opponent in enumerate(config.rating.opponents):
        try:
            find_player(opponent, game)
        except UnfitError as error:
            raise ConfigError(f"{where}: rating.opponents[{number}]{error}") from error


def _check_schedule(config: Config, where: str) -> None:
    schedule = config.selfplay.simulations_schedule
    for number, (before, step) in enumerate(pairwise(schedule), 1):
        if step.fraction <= before.fraction:
            raise ConfigError(
                f"{where}: selfplay.simulations_schedule[{number}] must begin after the entry before it: fractions ascend, "
                f"got {before.fraction:g} and then {step.fraction:g}"
            )


def _variants(config: Config, where: str, game: Game) -> list[tuple[dict[str, Any], Game]]:
    """The variants' options and games; ConfigError where one is no game of its own, or they leave too little to the first."""
    games: list[tuple[dict[str, Any], Game]] = []
    seen = [game.options]
    for number, variant in enumerate(config.selfplay.variants):
        name = f"{where}: selfplay.variants[{number}]"
        try:
            games.append((variant.options, make(config.game.name, {**config.game.options, **variant.options})))
        except ValueError as error:
            raise ConfigError(f"{name}: {error}") from error
        if games[-1][1].options in seen:
            raise ConfigError(f"{name}: the same game as another table's; a variant differs in its options")
        seen.append(games[-1][1].options)
    if sum(variant.share for variant in config.selfplay.variants) > 0.99:
        raise ConfigError(f"{where}: the shares of selfplay.variants leave nothing to the game itself")
    return games


def _check_starts(config: Config, where: str, games: list[tuple[dict[str, Any], Game]]) -> None:
    """Every start must be a position of the game and of each variant."""
    for options, game in games:
        for number, text in enumerate(config.selfplay.starts):
            try:
                game.position(text)
            except ValueError as error:
                here = f" (in the variant {in_full(options)})" if options else ""
                raise ConfigError(f"{where}: selfplay.starts[{number}]: {error}{here}") from error
