"""Which game the moves of a results.jsonl are of. Its lines say so; older ones do not, but what lies beside them does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alphazero.arena.records import games_file
from alphazero.config import read_yaml
from alphazero.errors import UserError, one_line
from alphazero.formats import sgf
from alphazero.formats.go_rules import by_sgf
from alphazero.formats.results import Result
from alphazero.formats.sgf_values import COLUMNS
from alphazero.game import Game, games, make
from alphazero.runs import RunDirectory
from alphazero.web.paths import without_path
from alphazero.web.runs import made
from alphazero.web.session import replay

LOOKED_AT = 20  # games that must be games of it
MOST_RECORD = 1 << 20  # bytes of a games file that are read: its first game
CHESS960 = {"chess960": True}


@dataclass(frozen=True)
class Played:
    """The game; why there is none, where there is none."""

    game: Game | None
    why: str = ""


def played(results: Sequence[Result], path: Path, run: Path) -> Played:
    """The game that these results, read from `path`, are of. run: the directory they are in, perhaps a run's."""
    some = [each for each in results if each.get("moves")][:LOOKED_AT]
    if not some:
        return Played(None, "The moves of these games were not kept.")
    config = RunDirectory(run).config
    try:
        section: Any = some[0].get("rules") or (read_yaml(config).get("game") if config.exists() else None)
        if isinstance(section, dict):
            return Played(made(str(section["name"]), section.get("options") or {}))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        told = one_line(without_path(str(error), run, run.resolve().name))[:300]
        return Played(None, f"The game of these moves cannot be played here: {told}")
    found = next((game for game in _candidates(results, path) if all(_fits(game, each) for each in some)), None)
    return Played(found, "" if found else "No game that is installed has these moves: nothing tells which one it is.")


def _candidates(results: Sequence[Result], path: Path) -> Iterator[Game]:
    """Games that the moves may be of, the likeliest first."""
    recorded = _of_record(path)
    if recorded is not None:
        yield recorded
    size = least_board(results)
    if size:  # rules that allow every move of the others
        yield make("go", {"board_size": size, "ko": "simple", "suicide": True})
    yield make("chess")
    yield make("chess", CHESS960)
    for name in games():
        if name not in ("go", "chess"):
            try:
                yield make(name)
            except UserError:  # an installed package whose game cannot be loaded
                continue


def _of_record(path: Path) -> Game | None:
    """Go as the games file beside the results has it: its size, komi and rules."""
    file = games_file(path, make("go"))
    if file is None:
        return None
    try:
        with file.open("rb") as opened:
            first = sgf.parse(opened.read(MOST_RECORD))
        return make("go", {**by_sgf(first.rules)[0], "board_size": first.size, "komi": first.komi})
    except (OSError, ValueError):
        return None


def least_board(results: Sequence[Result]) -> int:
    """The smallest Go board that has all points of these games; 0 where they are no points."""
    least = 0
    for each in results:
        for word in f"{each.get('opening', '')} {each.get('moves', '')}".split():
            if word[:1] in COLUMNS and word[1:].isdecimal() and len(word) <= 3:
                least = max(least, int(word[1:]), COLUMNS.index(word[0]) + 1)
    return least


def _fits(game: Game, result: Result) -> bool:
    try:
        replay(game, str(result.get("opening", "")), str(result["moves"]).split())
    except ValueError:
        return False
    return True
