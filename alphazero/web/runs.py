"""A run's directory as it is watched: figures, budget, the newest games. It is only read; no lock is taken, nothing is written.

One `Run` serves all pages. Each look reads what is new since the last one, by whichever page, and what was seen never changes:
pages draw it without waiting for a look that is under way.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from alphazero import checkpoint
from alphazero._core import GameRecord
from alphazero.config import read_yaml
from alphazero.errors import UserError, one_line
from alphazero.files import read_json
from alphazero.game import Game, make
from alphazero.runs import RunDirectory
from alphazero.training.journal import read_entry
from alphazero.training.replay import chunk_paths, read_chunk
from alphazero.web.curves import Log, Rating, Told, number
from alphazero.web.paths import without_path
from alphazero.web.tails import MOST_KEPT, Stamp, Tail, stamp

LONGEST_LINE = 1 << 20  # bytes of a log's line
MOST_GAMES = 40  # newest ones that are shown
STILL_SECONDS = 60.0  # without a line after which a run counts as stopped: it writes one every 15 seconds


@dataclass(frozen=True)
class Seen:
    """What a look has found. Parts that are the same objects as before have not changed."""

    config: Mapping[str, Any] = field(default_factory=dict)
    game: Game | None = None
    told: Told = field(default_factory=Told)
    rated: tuple[Rating, ...] = ()  # of elo.json
    games: tuple[GameRecord, ...] = ()  # the newest first
    alive: bool = False  # whether the log was written lately
    fault: str = ""  # why some of it is not known

    @property
    def ratings(self) -> tuple[Rating, ...]:
        """Of its checkpoints: those of elo.json where the run was rated, else those told while it trained."""
        return self.rated if len(self.rated) > 1 else self.told.ratings

    @property
    def training(self) -> Mapping[str, Any]:
        """The section of the configuration."""
        section = self.config.get("training")
        return section if isinstance(section, dict) else {}

    def fraction(self) -> float:
        """The largest spent share of its budget, in [0, 1]; 0 where none is set, or nothing was told yet."""
        newest = self.told.newest
        used = {
            "budget_minutes": self.told.seconds / 60.0,
            "budget_games": newest.get("replay/games", 0.0),
            "budget_positions": newest.get("replay/positions", 0.0),
            "budget_evaluations": newest.get("selfplay/evaluations", 0.0),
        }
        limits = {key: number(self.training.get(key)) or 0.0 for key in used}
        return min(1.0, max((used[key] / limit for key, limit in limits.items() if limit > 0), default=0.0))


class Run:
    """A run's directory, which several pages look at."""

    def __init__(self, name: str, path: Path):
        self.name = name
        self.path = path
        self.seen = Seen()
        self._lock = threading.Lock()
        self._log = Tail(self.directory.log)
        self._lines = Log()
        self._rest = b""  # of a line that is being written
        self._games = NewestGames(self.directory.replay)
        self._stamps: dict[Path, Stamp] = {}  # of the files that are read whole
        self._faults: dict[str, str] = {}  # by what was read

    @property
    def directory(self) -> RunDirectory:
        return RunDirectory(self.path)

    def look(self) -> Seen:
        """Reads what is new. What is wrong with a file is told in `fault`; all else is still read."""
        parts: dict[str, tuple[Callable[[], bool], Callable[[], dict[str, Any]]]] = {
            "config": (partial(self._changed, self.directory.config), self._read_config),
            "log": (self._log.changed, self._read_log),
            "elo": (partial(self._changed, self.path / "elo.json"), self._read_ratings),
            "games": (self._games.changed, self._games.read),
        }
        with self._lock:
            seen = self.seen
            for part, (changed, read) in parts.items():
                if not changed():
                    continue
                self._faults.pop(part, None)
                try:
                    seen = replace(seen, **read())
                except Exception as error:  # others write these files: whatever they hold, the page goes on
                    told = without_path(str(error), self.path, self.name) or type(error).__name__
                    self._faults[part] = one_line(told)[:300]
            self.seen = replace(seen, alive=self._alive(), fault="; ".join(self._faults.values()))
            return self.seen

    def newest_games(self) -> tuple[GameRecord, ...]:
        """The newest games, newest first."""
        return self.look().games

    def _changed(self, path: Path) -> bool:
        now = stamp(path)
        before = self._stamps.get(path)
        self._stamps[path] = now
        return now != before

    def _alive(self) -> bool:
        try:
            return time.time() - self.directory.log.stat().st_mtime < STILL_SECONDS
        except OSError:
            return False

    def _read_config(self) -> dict[str, Any]:
        config = read_yaml(self.directory.config) if self.directory.config.exists() else {}
        return {"config": config, "game": game_of(config.get("game"))}

    def _read_log(self) -> dict[str, Any]:
        if self._log.begun_anew():
            self._lines, self._rest = Log(), b""
        for piece in self._log.pieces():
            *whole, rest = (self._rest + piece).split(b"\n")
            for text in whole:
                self._lines.add(text)
            self._rest = rest[:LONGEST_LINE]  # of a longer one enough that it is no JSON
        return {"told": self._lines.told()}

    def _read_ratings(self) -> dict[str, Any]:
        path = self.path / "elo.json"
        content = read_json(path) if path.exists() else None
        players = content.get("players") if isinstance(content, dict) else None
        found = []
        for player in players if isinstance(players, list) else []:
            name = str(player.get("name", "")) if isinstance(player, dict) else ""
            if not name.startswith("step-") or not name[5:].isdecimal() or len(name) > 20:
                continue
            try:
                seconds = number(checkpoint.read_meta(self.directory.checkpoint(int(name[5:])))["seconds"])
            except (UserError, OSError, KeyError, TypeError):
                continue
            elo, low, high = (number(player.get(key)) for key in ("elo", "low", "high"))
            if seconds is not None and elo is not None and low is not None and high is not None:
                found.append(Rating(int(name[5:]), seconds, elo, low, high))
        return {"rated": tuple(sorted(found, key=lambda each: each.step))}


def game_of(section: object) -> Game | None:
    """The game that {"name": ..., "options": {...}} names; None where it cannot be played here."""
    if not isinstance(section, dict) or not isinstance(section.get("name"), str):
        return None
    options = section.get("options") or {}
    try:
        return made(section["name"], options) if isinstance(options, dict) else None
    except (ValueError, TypeError):
        return None


def made(name: str, options: Mapping[str, Any]) -> Game:
    """The game that a file names. UserError where to make it would import a module or read a file that the text names."""
    text = str(options.get("game", "")).lower() if name == "open_spiel" else ""
    if name == "python" or "file" in text:  # filename=, instances_file=, boards_file= of OpenSpiel's games
        raise UserError("a game that is not shown here: it would run or read a file that this one names")
    return make(name, options)


class NewestGames:
    """The newest games of a replay directory: those of the journal, then those of the newest chunk."""

    def __init__(self, replay: Path):
        self._replay = replay
        self._journal = Tail(replay / "journal")
        self._rest = b""  # of an entry that is being written
        self._damaged = False  # nothing after this place can be read until the journal begins anew
        self._of_journal: deque[GameRecord] = deque(maxlen=MOST_GAMES)
        self._folder: Stamp = None
        self._chunk: Path | None = None
        self._of_chunk: list[GameRecord] = []
        self._folder_changed = self._journal_changed = False

    def changed(self) -> bool:
        """Whether there may be news since the last call."""
        now = stamp(self._replay)
        self._folder_changed = now != self._folder
        self._folder = now
        self._journal_changed = self._journal.changed()
        return self._folder_changed or self._journal_changed

    def read(self) -> dict[str, Any]:
        """The newest games, the newest first."""
        if self._journal_changed:
            self._read_journal()
        if self._folder_changed:
            self._read_chunk()
        found = {record.number: record for record in (*self._of_chunk, *self._of_journal)}
        return {"games": tuple(found.values())[::-1][:MOST_GAMES]}

    def _read_journal(self) -> None:
        if self._journal.begun_anew():
            self._rest, self._damaged = b"", False
            self._of_journal.clear()
        for piece in self._journal.pieces():
            if self._damaged:
                continue
            data, at = self._rest + piece, 0
            while (entry := read_entry(data, at)) is not None:  # a torn end is a game that is being written
                self._of_journal.append(entry[0])
                at = entry[1]
            self._rest = data[at:]
            if len(self._rest) > MOST_KEPT:
                self._rest, self._damaged = b"", True

    def _read_chunk(self) -> None:
        newest = next(iter(chunk_paths(self._replay)[::-1]), None)
        if newest == self._chunk:
            return
        self._chunk, self._of_chunk = newest, []
        try:
            texts = read_chunk(newest).records[-MOST_GAMES:] if newest is not None else []
            self._of_chunk = [GameRecord.from_bytes(data) for data in texts]
        except ValueError:  # damaged: the run's own business
            return
