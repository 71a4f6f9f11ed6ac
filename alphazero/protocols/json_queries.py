"""Queries of the analysis protocol: one JSON object a line, as KataGo's analysis engine takes them (its docs/Analysis_Engine.md).

For Go all documented fields are read. For chess and shogi the same fields hold, with `initialPosition` (a FEN or SFEN) in place of
stones and a board, and moves as UCI and USI write them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from alphazero._core import Game, Position
from alphazero.formats import go_rules
from alphazero.formats.go import rows_of
from alphazero.formats.sgf_values import COLUMNS
from alphazero.game import OptionValue, make
from alphazero.search_settings import FIELDS, SettingValue
from alphazero.text import clean

Json = Any  # what json.loads gives: nothing is known of it
MOST_VISITS = 100_000_000
MOST_NUMBER = 10**15  # beyond it whole numbers are none as fractions
PERSPECTIVES = ("BLACK", "WHITE", "SIDETOMOVE")
# Settings of KataGo's search that mean nothing to ours. GUIs send them with every query.
UNUSED_SETTINGS = frozenset(
    [
        "wideRootNoise",
        "analysisWideRootNoise",
        "rootPolicyTemperature",
        "rootFpuReductionMax",
        "cpuctExploration",
        "cpuctExplorationLog",
        "cpuctUtilityStdevScale",
        "winLossUtilityFactor",
        "staticScoreUtilityFactor",
        "dynamicScoreUtilityFactor",
        "noResultUtilityForWhite",
        "fpuReductionMax",
        "rootSymmetryPruning",
        "conservativePass",
        "preventCleanupPhase",
        "ignorePreRootHistory",
        "antiMirror",
        "playoutDoublingAdvantage",
        "playoutDoublingAdvantagePla",
        "rootNumSymmetriesToSample",
        "rootDesiredPerChildVisitsCoeff",
        "subtreeValueBiasFactor",
        "useGraphSearch",
        "humanSLProfile",
        "humanSLCpuctExploration",
        "humanSLCpuctPermanent",
        "humanSLRootExploreProbWeightless",
        "nnPolicyTemperature",
        "useUncertainty",
        "useNoisePruning",
        "useNonBuggyLcb",
        "maxPlayouts",
        "delayMoveScale",
        "delayMoveMax",
        "chosenMoveTemperature",
        "chosenMoveTemperatureEarly",
        "numSearchThreads",
    ]
)


class QueryError(Exception):
    """A query that cannot be answered: what is wrong, and the field that it is wrong in."""

    def __init__(self, text: str, where: str = ""):
        super().__init__(text)
        self.where = where


@dataclass(frozen=True)
class Turn:
    """A position that a query asks about."""

    number: int
    position: Position
    priority: int
    only: tuple[str, ...]  # root moves; none: all


@dataclass
class Query:
    """What one query asks for."""

    id: str
    turns: list[Turn]
    visits: int | None = None
    seconds: float | None = None
    every: float | None = None  # seconds between two reports during the search
    perspective: str | None = None
    ownership: bool = False
    moves_ownership: bool = False
    policy: bool = False
    pv_visits: bool = False
    settings: dict[str, SettingValue] = field(default_factory=dict)
    warnings: list[tuple[str, str]] = field(default_factory=list)  # (text, field)


class Fields:
    """The fields of a query, each read by name and checked; what nobody has read is warned of."""

    def __init__(self, given: Mapping[str, Json]):
        self._given = given
        self._known: set[str] = set()
        self.warnings: list[tuple[str, str]] = []  # (text, field)

    def get(self, name: str, kind: str, check: Callable[[Json], bool], default: Json = None) -> Json:
        self._known.add(name)
        value = self._given.get(name)
        if value is None:
            return default
        if not check(value):
            raise QueryError(f"{name}: expected {kind}, got {clean(repr(value), 60)}", name)
        return value

    def flag(self, name: str) -> bool:
        return bool(self.get(name, "true or false", lambda v: isinstance(v, bool), False))

    def whole(self, name: str, low: int, high: int, default: int | None = None) -> int | None:
        kind = f"a whole number from {low} to {high}"
        value: int | None = self.get(name, kind, lambda v: type(v) is int and low <= v <= high, default)
        return value

    def number(self, name: str, low: float, high: float, default: float | None = None) -> float | None:
        kind = f"a number from {low:g} to {high:g}"
        value = self.get(name, kind, lambda v: is_number(v) and low <= v <= high, default)
        return None if value is None else float(value)

    def unknown(self) -> list[str]:
        return sorted(self._given.keys() - self._known)


def is_number(value: Json) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) < MOST_NUMBER if isinstance(value, int) else math.isfinite(value)


def is_list(value: Json) -> bool:
    return isinstance(value, list)


def read(given: Mapping[str, Json], identity: str, game: Game) -> Query:
    """A query; QueryError names the field that is wrong. game: the engine's own, whose options hold where none are given."""
    fields = Fields(given)
    fields.get("id", "a text", lambda v: True)
    reader = _read_go if game.name == "go" else _read_other
    positions = reader(fields, game)
    turns = _turns(fields, positions)
    query = Query(
        identity,
        turns,
        visits=fields.whole("maxVisits", 1, MOST_VISITS),
        every=fields.number("reportDuringSearchEvery", 0.001, 1e6),
        ownership=fields.flag("includeOwnership"),
        moves_ownership=fields.flag("includeMovesOwnership"),
        policy=fields.flag("includePolicy"),
        pv_visits=fields.flag("includePVVisits"),
    )
    for unused in ("includeOwnershipStdev", "includeMovesOwnershipStdev", "includeNoResultValue"):
        fields.flag(unused)
    fields.number("firstReportDuringSearchAfter", 0.001, 1e6)
    for ignored in ("rootPolicyTemperature", "rootFpuReductionMax"):
        fields.number(ignored, 0.0, 1e6)
    _override(query, fields)
    query.warnings += fields.warnings
    for name in fields.unknown():
        query.warnings.append(("this field is not known and was not used", name))
    return query


def _turns(fields: Fields, positions: list[Position]) -> list[Turn]:
    last = len(positions) - 1
    numbers: list[int] = fields.get(
        "analyzeTurns",
        f"a list of whole numbers from 0 to {last}",
        lambda v: is_list(v) and v and all(type(n) is int and 0 <= n <= last for n in v),
        [last],
    )
    numbers_seen: set[int] = set()
    one = fields.whole("priority", -(2**31), 2**31, 0) or 0
    many: list[int] | None = fields.get(
        "priorities",
        "a list of whole numbers, as many as analyzeTurns has",
        lambda v: is_list(v) and len(v) == len(numbers) and all(type(n) is int for n in v),
    )
    avoid, allow = (_moves_by_player(fields, name) for name in ("avoidMoves", "allowMoves"))
    turns = []
    for i, number in enumerate(numbers):
        if number in numbers_seen:  # once is enough
            continue
        numbers_seen.add(number)
        position = positions[number]
        mover = position.turn
        legal = position.legal_moves() if position.outcome is None else []
        only = [m for m in legal if m not in avoid.get(mover, ()) and (mover not in allow or m in allow[mover])]
        if legal and not only:
            raise QueryError("no legal move is left to search", "avoidMoves" if avoid else "allowMoves")
        turns.append(Turn(number, position, many[i] if many else one, tuple(only) if len(only) < len(legal) else ()))
    return turns


def _moves_by_player(fields: Fields, name: str) -> dict[int, set[str]]:
    """The root moves of each player, 0 and 1, in avoidMoves or allowMoves."""
    entries = fields.get(name, "a list of objects with player, moves and untilDepth", is_list, [])
    found: dict[int, set[str]] = {}
    for entry in entries:
        if not isinstance(entry, dict) or not is_list(entry.get("moves")):
            raise QueryError(f"{name}: expected objects with player, moves and untilDepth", name)
        player = player_of(entry.get("player"), name)
        if type(depth := entry.get("untilDepth", 1)) is not int or depth < 1:
            raise QueryError(f"{name}: untilDepth: expected a whole number from 1", name)
        found.setdefault(player, set()).update(str(move).lower() for move in entry["moves"])
        found[player] |= {move[:1].upper() + move[1:] for move in found[player] if move != "pass"}
    return found


def player_of(word: Json, where: str) -> int:
    """0 for the first player, 1 for the other."""
    players = {"b": 0, "black": 0, "w": 1, "white": 1}
    if not isinstance(word, str) or word.lower() not in players:
        raise QueryError(f'{where}: expected the player "B" or "W", got {clean(repr(word), 40)}', where)
    return players[word.lower()]


def _override(query: Query, fields: Fields) -> None:
    """overrideSettings: the time, the perspective, and settings of our search by their own names."""
    given: Mapping[str, Json] = fields.get("overrideSettings", "an object", lambda v: isinstance(v, dict), {})
    for name, value in given.items():
        if name == "maxTime":
            if not is_number(value) or not value > 0:
                raise QueryError("overrideSettings: maxTime: expected seconds above 0", "overrideSettings")
            query.seconds = float(value)
        elif name == "maxVisits":
            if type(value) is not int or not 1 <= value <= MOST_VISITS:
                raise QueryError("overrideSettings: maxVisits: expected a whole number from 1", "overrideSettings")
            query.visits = query.visits or value
        elif name == "reportAnalysisWinratesAs":
            if value not in PERSPECTIVES:
                raise QueryError(f"overrideSettings: {name}: expected {', '.join(PERSPECTIVES)}", "overrideSettings")
            query.perspective = value
        elif name in FIELDS and name != "simulations":
            query.settings[name] = value
        elif name not in UNUSED_SETTINGS:
            query.warnings.append(
                (f"overrideSettings: {clean(name, 40)} is not known and was not used", "overrideSettings")
            )


# --- Go ---


def _read_go(fields: Fields, game: Game) -> list[Position]:
    """The positions of a game of Go, the first one before its first move."""
    size = fields.whole("boardXSize", 2, 19, int(game.options["board_size"]))
    height = fields.whole("boardYSize", 2, 19, size)
    if height != size or size is None:
        raise QueryError(f"boardYSize: only square boards are played here, got {size}x{height}", "boardYSize")
    rules = fields.get("rules", "a name or an object", lambda v: isinstance(v, str | dict))
    options: dict[str, OptionValue] = {**game.options, "board_size": size, "max_plies": 0}
    try:
        if isinstance(rules, dict):
            options |= go_rules.by_fields({name: each for name, each in rules.items() if name not in go_rules.FIXED})
            for name, fixed in go_rules.FIXED.items():
                if str(rules.get(name, fixed)).upper() != str(fixed).upper():
                    fields.warnings.append((f"{name} is always {fixed} here", "rules"))
        elif rules is not None:
            options |= go_rules.by_text(rules)
            if told := go_rules.warning(rules):
                fields.warnings.append((told, "rules"))
    except ValueError as error:
        raise QueryError(str(error), "rules") from error
    komi = fields.number("komi", -150.0, 150.0, float(game.options["komi"]) if rules is None else 7.5)
    fields.get("whiteHandicapBonus", "0, N or N-1", lambda v: str(v) in ("0", "N", "N-1"))
    own = make("go", {**options, "komi": komi if komi is not None else 7.5})
    stones = [_stone(each, size, "initialStones") for each in fields.get("initialStones", "a list", is_list, [])]
    moves = [_stone(each, size, "moves") for each in fields.get("moves", "a list", is_list, [])]
    first = fields.get("initialPlayer", '"B" or "W"', lambda v: isinstance(v, str))
    # After a handicap, which is black stones alone, White begins.
    handicap = len(stones) > 1 and all(colour == "B" for colour, _ in stones)
    usual = moves[0][0] if moves else "W" if handicap else "B"
    turn = "BW"[player_of(first, "initialPlayer")] if first else usual
    placed: dict[str, str] = {}
    for colour, vertex in stones:
        if vertex == "pass" or vertex in placed:
            raise QueryError(f"initialStones: {vertex} cannot be placed, or is given twice", "initialStones")
        placed[vertex] = colour
    try:
        position = own.position(f"{rows_of(placed, size)} {turn.lower()}") if placed or turn == "W" else own.position()
    except ValueError as error:
        raise QueryError(f"initialStones: {error}", "initialStones") from error
    positions = []
    for number, (colour, vertex) in enumerate(moves):
        if "BW"[position.turn] != colour:  # out of turn, nobody passed in between
            position = own.position(f"{position.text} {colour.lower()}")
        positions.append(position.copy())
        try:
            position.play(vertex)
        except ValueError as error:
            raise QueryError(f"moves: move {number + 1}: {error}", "moves") from error
    return [*positions, position]


def _stone(given: Json, size: int, where: str) -> tuple[str, str]:
    """[player, location] as (colour, vertex)."""
    if not is_list(given) or len(given) != 2 or not isinstance(given[1], str):
        raise QueryError(f"{where}: expected pairs of a player and a location, got {clean(repr(given), 60)}", where)
    colour, word = "BW"[player_of(given[0], where)], given[1].strip()
    if word.lower() == "pass":
        return colour, "pass"
    if word.startswith("(") and word.endswith(")") and len(parts := word[1:-1].split(",")) == 2:
        if all(re.fullmatch(" *[0-9]{1,2} *", part) for part in parts) and all(int(part) < size for part in parts):
            return colour, f"{COLUMNS[int(parts[0])]}{size - int(parts[1])}"
    elif re.fullmatch("[A-Za-z][0-9]{1,2}", word) and word[0].upper() in COLUMNS[:size] and 1 <= int(word[1:]) <= size:
        return colour, f"{word[0].upper()}{int(word[1:])}"
    raise QueryError(f"{where}: '{clean(word, 20)}' is no point of a {size}x{size} board", where)


# --- chess and shogi ---


def _read_other(fields: Fields, game: Game) -> list[Position]:
    text = fields.get("initialPosition", "a text", lambda v: isinstance(v, str), "")
    options: Mapping[str, Json] = fields.get("options", "an object", lambda v: isinstance(v, dict), {})
    for name in ("rules", "komi", "boardXSize", "boardYSize", "initialPlayer"):
        fields.get(name, "anything", lambda v: True)
    try:
        own = make(game.name, {**game.options, **options})
        position = own.position(text) if text else own.position()
    except (ValueError, TypeError) as error:
        raise QueryError(f"{'options' if options else 'initialPosition'}: {error}", "initialPosition") from error
    positions = [position.copy()]
    for number, given in enumerate(fields.get("moves", "a list", is_list, [])):
        move = given[1] if is_list(given) and len(given) == 2 else given
        try:
            position.play(str(move))
        except ValueError as error:
            raise QueryError(f"moves: move {number + 1}: {error}", "moves") from error
        positions.append(position.copy())
    return positions
