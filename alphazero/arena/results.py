"""Results of games in files: JSON lines of ours, PGN, and directories of SGF, as {"first", "second", "result"}."""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alphazero.errors import UserError
from alphazero.protocols import sgf

Result = dict[str, Any]
LONGEST_LINE = 1 << 20  # bytes of a game's line, at most
PGN_TAG = re.compile(r'^\s*\[(\w+)\s+"((?:[^"\\]|\\.)*)"\]\s*$')
PGN_RESULTS = {"1-0": 1.0, "0-1": 0.0, "1/2-1/2": 0.5}


def read_results(paths: list[Path]) -> list[Result]:
    """All games of these files, in order. UserError names the file and line that is wrong."""
    results: list[Result] = []
    for path in paths:
        if not path.exists():
            raise UserError(f"{path}: no such file or directory")
        if path.is_dir():
            results += _read_directory(path)
        elif path.suffix.lower() == ".pgn":
            results += _read_pgn(path)
        elif path.suffix.lower() == ".sgf":
            results += _read_sgf(path)
        else:
            results += _read_lines(path)
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


@contextmanager
def being_played(path: Path | None) -> Iterator[None]:
    """Holds a results file while games are played into it: two processes at once would play every game twice."""
    if path is None:
        yield
        return
    try:
        file = path.open("ab")
    except OSError as error:
        raise UserError(f"{path}: cannot write: {error.strerror}") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise UserError(f"{path}: another process is playing these games; stop it first") from error
        yield


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def _read_lines(path: Path) -> list[Result]:
    results = []
    lines = path.read_text().split("\n")
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        try:
            game = json.loads(line)
        except json.JSONDecodeError as error:
            if number == len(lines):  # no newline yet: the line a crash cut short
                continue
            if number < len(lines) and "game" in line:
                continue  # a torn line of a match, ended when the match went on
            raise UserError(f"{where}: not a JSON object: {error.msg}") from error
        if not isinstance(game, dict) or not {"first", "second", "result"} <= game.keys():
            raise UserError(f'{where}: expected {{"first": NAME, "second": NAME, "result": 1 | 0.5 | 0}}')
        if isinstance(game["result"], bool) or game["result"] not in (0, 0.5, 1):
            raise UserError(
                f"{where}: result must be 1, 0.5 or 0 (the first player's score), got {json.dumps(game['result'])}"
            )
        if game["first"] == game["second"]:
            raise UserError(f"{where}: '{game['first']}' plays itself")
        results.append(game)
    return results


def _read_pgn(path: Path) -> list[Result]:
    results: list[Result] = []
    tags: dict[str, str] = {}
    for line in [*path.read_text(errors="replace").splitlines(), '[Event "end"]']:
        match = PGN_TAG.match(line)
        if not match:
            continue
        if match[1] in tags or match[1] == "Event":
            if tags.get("Result") in PGN_RESULTS and {"White", "Black"} <= tags.keys():
                results.append({"first": tags["White"], "second": tags["Black"], "result": PGN_RESULTS[tags["Result"]]})
            tags = {}
        tags[match[1]] = match[2]
    if not results:
        raise UserError(f"{path}: no finished game with White, Black and Result tags")
    return results


def _read_sgf(path: Path) -> list[Result]:
    games = sgf.collection(path.read_text(errors="replace"))
    if not games:
        raise UserError(f"{path}: no SGF game in this file")
    return [result for line, text in games for result in _sgf_result(f"{path}:{line}", text)]


def _sgf_result(where: str, text: str) -> list[Result]:
    found = {key: re.search(rf"(?<![A-Z]){key}\[((?:[^\]\\]|\\.)*)\]", text) for key in ("PB", "PW", "RE")}
    if not all(found.values()):
        missing = ", ".join(key for key, match in found.items() if match is None)
        raise UserError(f"{where}: the game has no {missing}")
    black, white, result = (re.sub(r"\\(.)", r"\1", match[1]) if match else "" for match in found.values())
    scores = {"B": 1.0, "W": 0.0, "0": 0.5, "D": 0.5}
    if result[:1].upper() not in scores:
        return []  # "?", "Void": no result
    return [{"first": black, "second": white, "result": scores[result[:1].upper()]}]


def _read_directory(path: Path) -> list[Result]:
    files = sorted(path.glob("*.sgf"))
    if not files:
        raise UserError(f"{path}: no SGF files in this directory")
    return [result for file in files for result in _read_sgf(file)]
