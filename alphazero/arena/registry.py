"""Players by name, from a YAML file: `--players FILE`.

players:
  gnugo-10:
    spec: gtp:gnugo --mode gtp --level 10 --chinese-rules --positional-superko --capture-all-dead
  weak-fish:
    spec: uci:stockfish
    options: {Skill Level: 0}
    limits: {nodes: 100, patience: 60}
  varied:                     # a checkpoint that draws its first ten plies
    spec: runs/chess-small    # relative to where the command is called
    search: puct
    simulations: 200
    temperature: 1.0
    temperature_plies: 10
    policy_temperature: 1.2   # how much flatter than the network's its priors are
    set: {c_init: 1.6}        # other settings of the search, as --set names them
  by-time:
    spec: runs/chess-small
    limits: {movetime: 100}   # milliseconds a move
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from alphazero import checkpoint
from alphazero.config import read_yaml_file
from alphazero.errors import UserError
from alphazero.files import is_there
from alphazero.game import Game
from alphazero.player import rollouts
from alphazero.protocols.client import LIMITS, PROTOCOLS, EngineSpec
from alphazero.search_settings import FIELDS, MOST_SIMULATIONS, SettingValue, check
from alphazero.text import LONGEST_NAME, clean, is_clean, listed

KEYS = (
    "spec",
    "options",
    "limits",
    "simulations",
    "search",
    "temperature",
    "temperature_plies",
    "policy_temperature",
    "set",
)
# What `set` takes: noise is self-play's, and the first two have keys of their own.
SETTABLE = tuple(name for name, row in FIELDS.items() if name not in ("kind", "simulations") and not row.noise)
MOST = MOST_SIMULATIONS  # of whatever is counted
ENGINE_GAMES = {
    "uci": ("chess", "gardner"),
    "usi": ("shogi", "minishogi"),
    "xboard": ("chess", "shogi", "minishogi"),
    "gtp": ("go",),
}
Search = dict[
    str, SettingValue
]  # settings by name, from files and options; the player that searches by them checks them
ALL_PLIES = 1_000_000  # a temperature without temperature_plies holds for the whole game


@dataclass(frozen=True)
class Registered:
    """One player of the file. search: what a player of this process searches with."""

    spec: str
    options: dict[str, str] = field(default_factory=dict)
    limits: dict[str, int] = field(default_factory=dict)
    search: Search = field(default_factory=dict)

    def engine(self) -> EngineSpec:
        """The spec of an engine, with the options and limits of its own braces and of the file."""
        spec = EngineSpec.parse(self.spec)
        return replace(spec, options={**spec.options, **self.options}, limits={**spec.limits, **self.limits})


Players = Mapping[str, Registered]


def spec_of(name: str, players: Players) -> str:
    """What a name stands for: itself, where the file does not have it. UserError where nothing else would know it either."""
    if name in players:
        return players[name].spec
    if players and not (name in ("random", "uniform") or ":" in name or is_there(name)):
        raise UserError(f"{name}: neither in the players file ({listed(players)}) nor a checkpoint")
    return name


def check_player(spec: str, game: Game | None = None) -> None:
    """UserError where this text names no player. With a game, the player must also be on this machine and play it.

    Nothing is started or loaded, so that a configuration can be checked when it is read.
    """
    if spec.partition(":")[0] in PROTOCOLS:
        command = EngineSpec.parse(spec).command
        if game is not None:
            require_engine_plays(spec, game)
            if shutil.which(command[0]) is None:
                raise UserError(f"{spec}: there is no program {clean(command[0], LONGEST_NAME)} here")
    elif spec.startswith("mcts:"):
        rollouts(spec)
    elif not spec.strip():
        raise UserError(f"{spec}: the name of a player is empty")
    elif game is not None and spec not in ("random", "uniform"):
        own = checkpoint.find(spec)[1]["game"]
        if own != game.name:
            raise UserError(f"{spec}: this checkpoint plays {own}, not {game.name}")


def is_named(spec: str) -> bool:
    """Whether this text means a player: one by its kind, or a checkpoint that is there."""
    kind, colon, _ = spec.partition(":")
    return spec in ("random", "uniform") or (bool(colon) and kind in (*PROTOCOLS, "mcts")) or checkpoint.named(spec)


def require_engine_plays(spec: str, game: Game) -> None:
    """UserError where engines of this text's protocol do not play the game."""
    protocol = spec.partition(":")[0]
    if game.name not in ENGINE_GAMES[protocol]:
        raise UserError(f"{spec}: {protocol.upper()} engines play {', '.join(ENGINE_GAMES[protocol])}, not {game.name}")


def read_players(path: Path) -> dict[str, Registered]:
    """The players of a file. UserError names the player and the key that is wrong."""
    content = read_yaml_file(path, "the players")
    entries = content.get("players") if isinstance(content, dict) else None
    if not isinstance(entries, dict) or not entries:
        raise UserError(f"{path}: expected `players:` with a name, and under it `spec:`, for each")
    players: dict[str, Registered] = {}
    for key, entry in entries.items():
        name = str(key)
        if not name or len(name) > LONGEST_NAME or not is_clean(name):
            raise UserError(
                f"{path}: players.{clean(name, LONGEST_NAME)}: a name is one line of 1 to {LONGEST_NAME} characters, "
                "without control characters and without spaces around it"
            )
        players[name] = _registered(f"{path}: players.{name}", entry)
    return players


def _registered(where: str, entry: object) -> Registered:
    if not isinstance(entry, dict) or not isinstance(entry.get("spec"), str):
        raise UserError(f"{where}: spec is missing: a checkpoint, random, mcts:N or an engine, as on the command line")
    if unknown := [key for key in entry if key not in KEYS]:
        raise UserError(f"{where}: unknown key '{_brief(unknown[0])}'; keys are {', '.join(KEYS)}")
    options, limits = _mapping(where, entry, "options"), _mapping(where, entry, "limits")
    is_engine = entry["spec"].partition(":")[0] in PROTOCOLS
    for name, value in limits.items():
        if name not in LIMITS or not _whole(value):
            raise UserError(
                f"{where}: limits are {', '.join(LIMITS)}, whole numbers from 1 to {MOST}; got {clean(str(name), LONGEST_NAME)}: {_brief(value)}"
            )
        if not is_engine and name != "movetime":
            raise UserError(
                f"{where}: {name} is for engines; a player of this process may have movetime or simulations"
            )
    search: Search = {}
    if is_engine:
        if own := [key for key in KEYS[3:] if key in entry]:
            raise UserError(f"{where}: {own[0]} is for players of this process, not for engines")
    elif options:
        raise UserError(f"{where}: options are for engines")
    elif "movetime" in limits:
        search["seconds"] = limits["movetime"] / 1000
    for key in ("simulations", "temperature_plies"):
        if key in entry:
            if not _whole(entry[key]):
                raise UserError(f"{where}: {key} must be a whole number from 1 to {MOST}, got {_brief(entry[key])}")
            search[key] = entry[key]
    if entry["spec"].startswith("mcts:") and search.keys() - {"seconds"}:
        raise UserError(f"{where}: mcts:N says itself how many simulations it plays")
    if "search" in entry:
        if entry["search"] not in ("puct", "gumbel"):
            raise UserError(f"{where}: search must be puct or gumbel, got {_brief(entry['search'])}")
        search["kind"] = entry["search"]
    if "temperature" in entry or "temperature_plies" in entry:
        temperature = _number(where, "temperature", entry.get("temperature", 1.0), 1e-3, 1e3)
        if search.get("kind") != "puct" or entry["spec"].startswith("mcts:") or entry["spec"] == "random":
            raise UserError(f"{where}: a temperature needs a checkpoint and search: puct")
        search["temperature"] = temperature
        search.setdefault("temperature_plies", ALL_PLIES)
    if "policy_temperature" in entry:
        spec = entry["spec"]
        if (":" in spec and not spec.startswith("pretrained:")) or spec in ("random", "uniform"):
            raise UserError(f"{where}: policy_temperature is for players with a network")
        row = FIELDS["policy_temperature"]
        search[row.name] = _number(where, row.name, entry[row.name], row.low, row.high)
    search |= _settings(where, entry)
    texts = {
        str(name): str(value).lower() if isinstance(value, bool) else str(value) for name, value in options.items()
    }
    return Registered(entry["spec"], texts, limits, search)


def _settings(where: str, entry: dict[str, Any]) -> Search:
    """The settings of the search under `set`."""
    own = _mapping(where, entry, "set")
    if own and (entry["spec"].startswith("mcts:") or entry["spec"] == "random"):
        raise UserError(f"{where}: set is for players that search by a network")
    for name, value in own.items():
        if name not in SETTABLE:
            raise UserError(
                f"{where}: set: unknown setting '{clean(str(name), LONGEST_NAME)}'; settings are {listed(SETTABLE)}"
            )
        try:
            check({name: value})
        except (ValueError, TypeError) as error:
            raise UserError(f"{where}: set: {str(error).removeprefix('search: ')}") from error
    return dict(own)


def _number(where: str, name: str, value: object, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise UserError(f"{where}: {name} must be a number from {low:g} to {high:g}, got {_brief(value)}")
    return float(value)


def _brief(value: object) -> str:
    """A value of the file in an error line."""
    text = "a number of many digits" if isinstance(value, int) and abs(value) >= 2**63 else str(value)
    return clean(text, LONGEST_NAME)


def _mapping(where: str, entry: dict[str, Any], key: str) -> dict[str, Any]:
    value = entry.get(key) or {}
    if not isinstance(value, dict):
        raise UserError(f"{where}: {key} must be NAME: VALUE pairs, got {_brief(value)}")
    return value


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MOST
