"""Results of games in files: JSON lines of ours, PGN, SGF, CSA, KIF and directories of them, as {"first", "second", "result"}.

Games without a result, or that cannot be read, are left out and counted: `Counted` tells how many and why.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypedDict, cast

from alphazero.errors import UserError
from alphazero.files import is_there
from alphazero.formats import csa, kif, pgn, sgf_values
from alphazero.formats.game_text import GameText, decode, read_bytes
from alphazero.formats.sgf_tree import collection, parse_nodes
from alphazero.text import MOST_OF_A_NAME, clean

LONGEST_LINE = 1 << 20  # bytes of a game's line, at most


class _Scored(TypedDict):
    first: str
    second: str
    result: float  # the first player's score: 1, 0.5 or 0


class Result(_Scored, total=False):
    """A game's line in results.jsonl. Ratings need who played and the score; lines of others may hold no more."""

    game: int  # its number in the schedule, from 0
    pair: int | str  # the same for the two games of an opening; a number in files of ours
    rules: dict[str, Any]  # the game's name and options, as a configuration has them
    opening: str  # position as text, "" for the game's usual start
    plies: int
    reason: str
    moves: str  # with spaces between
    termination: str  # of games with clocks or engines: clocked.PlayedGame's
    note: str
    score: float  # Go: Black's margin
    record_bytes: int  # of the games file, once this game was in it


def players_of(results: Iterable[Result]) -> set[str]:
    """The names of all who played."""
    return {name for game in results for name in (game["first"], game["second"])}


@dataclass
class Counted:
    """Games that files hold, and those of them that say nothing of who is stronger, by the reason."""

    games: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    example: dict[str, str] = field(default_factory=dict)  # file and line of the first game of each reason

    def leave_out(self, why: str, where: str) -> None:
        self.games += 1
        self.left_out[why] += 1
        self.example.setdefault(why, where)

    def told(self) -> str:
        """One line; "" where every game counts."""
        reasons = [f"{count} {why} ({self.example[why]})" for why, count in self.left_out.most_common()]
        return f"{self.left_out.total()} of {self.games} games are left out: {', '.join(reasons)}" if reasons else ""


NO_RESULT, UNFINISHED, NO_NAME, UNREAD = "have no result", "are unfinished", "name no player", "cannot be read"
TORN = "are torn lines"
SELF = "have one name for both players"


def read_results(paths: list[Path], counted: Counted | None = None) -> list[Result]:
    """All games of these files with a result, in order; `counted` gets what is left out. Directories are read with theirs.

    UserError names the file and line that is wrong, or a file without any game.
    """
    counted = Counted() if counted is None else counted
    return [result for path in paths for result in _read(path, counted)]


def _read(path: Path, counted: Counted) -> list[Result]:
    if not is_there(path):
        raise UserError(f"{path}: no such file or directory")
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.suffix.lower() in READERS and file.is_file())
        if not files:
            raise UserError(f"{path}: no SGF files in this directory, nor PGN, CSA or KIF")
        return [result for file in files for result in _read_games(file, counted, alone=False)]
    if path.suffix.lower() in READERS:
        return _read_games(path, counted, alone=True)
    return _read_lines(path, counted)


def _read_games(path: Path, counted: Counted, alone: bool) -> list[Result]:
    """A file of games in one of the formats. alone: named by the user, who hears of it if it holds no game."""
    data = read_bytes(path, "the results")
    results: list[Result] = []
    found = 0
    try:
        for line, first, second, result in READERS[path.suffix.lower()](data, str(path)):
            found += 1
            where = f"{path}:{line}"
            first, second = clean(first, MOST_OF_A_NAME), clean(second, MOST_OF_A_NAME)
            if not isinstance(result, float):
                counted.leave_out(result, where)
            elif not first.strip("?") or not second.strip("?"):  # PGN's "?": nobody knows who, and not always the same
                counted.leave_out(NO_NAME, where)
            elif first == second:
                counted.leave_out(SELF, where)
            else:
                counted.games += 1
                results.append({"first": first, "second": second, "result": result})
    except UserError:
        if alone:
            raise
    if not found:
        if alone:
            raise UserError(f"{path}: no game in this file")
        counted.leave_out(UNREAD, str(path))
    return results


def append_results(path: Path, results: list[Result]) -> None:
    """Adds games to a file of JSON lines. A last line without its end is what a crash left: it is ended if it is whole,
    as read_results counts it then, and removed if it is torn."""
    try:
        with path.open("ab+") as file:
            end = file.tell()
            begin = max(0, end - LONGEST_LINE)
            file.seek(begin)
            tail = file.read()
            last = tail[tail.rfind(b"\n") + 1 :]
            if last and _is_json(last):
                file.write(b"\n")
            elif last:
                file.truncate(end - len(last))
            file.write("".join(json.dumps(result) + "\n" for result in results).encode())
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise UserError(f"{path}: cannot write: {error.strerror}") from error


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _read_lines(path: Path, counted: Counted) -> list[Result]:
    results = []
    lines = decode(read_bytes(path, "the results"), str(path), "latin-1").split("\n")
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        if len(line) > LONGEST_LINE:
            raise UserError(f"{where}: a line of {len(line):,} characters is no game's (at most {LONGEST_LINE:,})")
        try:
            game = json.loads(line)
        except (ValueError, RecursionError) as error:
            # No newline yet: a crash cut it short. Else a torn line of a match, ended when the match went on.
            if number == len(lines) or ('"game"' in line and line.lstrip()[:1] == "{"):
                counted.leave_out(TORN, where)
                continue
            raise UserError(f"{where}: not a JSON object: {getattr(error, 'msg', 'nested too deeply')}") from error
        results.append(_checked(game, where))
        counted.games += 1
    return results


def _checked(game: object, where: str) -> Result:
    """A line's game; UserError names the line and what is wrong with it."""
    if not isinstance(game, dict) or not {"first", "second", "result"} <= game.keys():
        raise UserError(f'{where}: expected {{"first": NAME, "second": NAME, "result": 1 | 0.5 | 0}}')
    for side in ("first", "second"):
        name = game[side]
        if not isinstance(name, str) or not name.strip():
            raise UserError(f"{where}: {side} must be a player's name, got {json.dumps(name)[:60]}")
        if len(name) > MOST_OF_A_NAME or not all(c.isprintable() or c == "\u3000" for c in name):
            raise UserError(
                f"{where}: {side} must be a name of at most {MOST_OF_A_NAME} characters, none a control character, "
                f"got {json.dumps(name)[:60]}"
            )
    if isinstance(game["result"], bool) or game["result"] not in (0, 0.5, 1):
        raise UserError(
            f"{where}: result must be 1, 0.5 or 0 (the first player's score), got {json.dumps(game['result'])[:60]}"
        )
    if game["first"] == game["second"]:
        raise UserError(f"{where}: '{game['first']}' plays itself")
    if isinstance(game.get("pair"), list | dict):
        raise UserError(f"{where}: pair must be a number, the same for two games, got {json.dumps(game['pair'])[:60]}")
    return cast(Result, game)


# --- Files of games: each gives (line, first, second, the first player's score or why there is none) ---

Told = tuple[int, str, str, float | str]
SCORES = {1: 1.0, 0: 0.5, -1: 0.0}


def _pgn_results(data: bytes, where: str) -> Iterator[Told]:
    for line, tags in pgn.headers(decode(data, where, "latin-1")):
        said = tags.get("Result", "")
        value = pgn.value_of(said)
        why = UNFINISHED if said.replace(" ", "") == "*" else NO_RESULT
        yield line, tags.get("White", ""), tags.get("Black", ""), why if value is None else SCORES[value]


def _sgf_results(data: bytes, where: str) -> Iterator[Told]:
    for line, text in collection(data):
        try:
            root = dict(reversed(parse_nodes(text, f"{where}:{line}")[0]))
        except UserError:
            yield line, "", "", UNREAD
            continue
        told = ((root.get(key) or [""])[0].replace("\0", "") for key in ("PB", "PW", "RE"))
        black, white, said = (" ".join(text.split()) for text in told)  # a line break in a name is a space
        yield line, black, white, sgf_score(said)


def sgf_score(said: str) -> float | str:
    """Black's score by an SGF's RE; why there is none else."""
    value = sgf_values.value_of(said)
    if value is None:
        return UNFINISHED if sgf_values.folded(said) in ("void", "n/a") else NO_RESULT
    return SCORES[value]


def _csa_results(data: bytes, where: str) -> Iterator[Told]:
    return _shogi(csa.read(data, where))


def _kif_results(data: bytes, where: str) -> Iterator[Told]:
    return _shogi(kif.read(data, where))


def _shogi(games: list[GameText]) -> Iterator[Told]:
    for game in games:
        why = UNFINISHED if game.reason == "unfinished" else NO_RESULT
        yield game.line, game.first, game.second, why if game.value is None else SCORES[game.value]


READERS: dict[str, Callable[[bytes, str], Iterator[Told]]] = {
    ".pgn": _pgn_results,
    ".sgf": _sgf_results,
    ".csa": _csa_results,
    ".kif": _kif_results,
    ".kifu": _kif_results,
}
