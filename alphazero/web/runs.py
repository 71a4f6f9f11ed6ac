"""A run's directory as it is watched: figures, budget, the newest games. It is only read; no lock is taken, nothing is written.

What was read once is kept: of a log that grows only the new lines are read.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alphazero import checkpoint
from alphazero._core import GameRecord
from alphazero.config import read_yaml
from alphazero.errors import UserError
from alphazero.files import read_json
from alphazero.game import Game, make
from alphazero.runs import RunDirectory
from alphazero.training.journal import read_entry
from alphazero.training.replay import chunk_paths, read_chunk

MOST_BYTES = 256 << 20  # of a log or a journal that is read
MOST_GAMES = 40  # newest ones that are shown
STILL_SECONDS = 60.0  # without a line after which a run counts as stopped: it writes one every 15 seconds
KEPT = (  # figures of log.jsonl that are drawn
    "train/policy_loss",
    "train/value_loss",
    "train/policy_entropy",
    "train/policy_target_entropy",
    "train/learning_rate",
    "speed/evaluations_per_second",
    "selfplay/game_length",
    "selfplay/draws",
    "selfplay/evaluations",
    "replay/games",
    "replay/positions",
    "rating/elo",
    "rating/low",
    "rating/high",
)


@dataclass(frozen=True)
class Line:
    """A line of log.jsonl: seconds and step, and the figures that are drawn."""

    seconds: float
    step: int
    figures: dict[str, float]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rating:
    """A checkpoint's Elo above the run's first, with its 95 % interval."""

    step: int
    seconds: float
    elo: float
    low: float
    high: float


@dataclass
class Run:
    """What is known of a run's directory."""

    name: str
    path: Path
    lines: list[Line] = field(default_factory=list)
    read_to: int = 0  # bytes of the log
    _records: dict[str, list[GameRecord]] = field(default_factory=dict)  # of the newest chunk, by its path
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def directory(self) -> RunDirectory:
        return RunDirectory(self.path)

    def refresh(self) -> None:
        """Reads what the log has gained."""
        with self._lock:
            try:
                size = self.directory.log.stat().st_size
                if size < self.read_to:  # it was begun anew
                    self.lines, self.read_to = [], 0
                with self.directory.log.open("rb") as file:
                    file.seek(self.read_to)
                    data = file.read(min(size - self.read_to, MOST_BYTES))
            except OSError:
                return
            whole = data[: data.rfind(b"\n") + 1]
            self.read_to += len(whole)
            self.lines += [line for text in whole.splitlines() if (line := read_line(text)) is not None]

    def config(self) -> dict[str, Any]:
        """config.yaml as plain values; {} where there is none that can be read."""
        try:
            return read_yaml(self.directory.config)
        except UserError:
            return {}

    def game(self) -> Game | None:
        """The game that the run plays."""
        section = self.config().get("game")
        try:
            return make(section["name"], section.get("options") or {}) if isinstance(section, dict) else None
        except (ValueError, KeyError, TypeError):
            return None

    def ratings(self) -> list[Rating]:
        """Of its checkpoints: those of elo.json where the run was rated, else those told while it trained."""
        told = [
            Rating(line.step, line.seconds, *(line.figures[f"rating/{name}"] for name in ("elo", "low", "high")))
            for line in self.lines
            if all(f"rating/{name}" in line.figures for name in ("elo", "low", "high"))
        ]
        final = []
        for player in self._rated():
            name = str(player.get("name", ""))
            if not name.startswith("step-") or not name[5:].isdecimal():
                continue
            try:
                seconds = float(checkpoint.read_meta(self.directory.checkpoint(int(name[5:])))["seconds"])
                numbers = [float(player[key]) for key in ("elo", "low", "high")]
            except (UserError, OSError, KeyError, TypeError, ValueError):
                continue
            final.append(Rating(int(name[5:]), seconds, *numbers))
        return sorted(final, key=lambda each: each.step) if len(final) > 1 else told

    def _rated(self) -> list[Mapping[str, Any]]:
        try:
            content = read_json(self.path / "elo.json")
        except UserError:
            return []
        players = content.get("players") if isinstance(content, dict) else None
        return [each for each in players if isinstance(each, dict)] if isinstance(players, list) else []

    def alive(self) -> bool:
        """Whether the log was written lately."""
        try:
            return time.time() - self.directory.log.stat().st_mtime < STILL_SECONDS
        except OSError:
            return False

    def fraction(self) -> float:
        """The largest spent share of its budget, in [0, 1]; 0 where none is set, or nothing was told yet."""
        if not self.lines:
            return 0.0
        limits = self.config().get("training")
        limits = limits if isinstance(limits, dict) else {}
        last: dict[str, float] = {}
        for line in self.lines[-20:]:
            last |= line.figures
        used = {
            "budget_minutes": self.lines[-1].seconds / 60.0,
            "budget_games": last.get("replay/games", 0.0),
            "budget_positions": last.get("replay/positions", 0.0),
            "budget_evaluations": last.get("selfplay/evaluations", 0.0),
        }
        parts = []
        for key, value in used.items():
            limit = limits.get(key)
            if isinstance(limit, int | float) and limit > 0:
                parts.append(value / limit)
        return min(1.0, max(parts, default=0.0))

    def newest_games(self) -> list[GameRecord]:
        """The newest games, newest first: those of the journal, then those of the newest chunk."""
        with self._lock:
            found: list[GameRecord] = []
            journal = self.directory.replay / "journal"
            try:
                data = journal.read_bytes() if journal.stat().st_size <= MOST_BYTES else b""
            except OSError:
                data = b""
            at = 0
            while (entry := read_entry(data, at)) is not None:  # a torn end is a game that is being written
                found.append(entry[0])
                at = entry[1]
            for path in chunk_paths(self.directory.replay)[-1:] if len(found) < MOST_GAMES else []:
                found = self._chunk(path) + found
            return found[::-1][:MOST_GAMES]

    def _chunk(self, path: Path) -> list[GameRecord]:
        if str(path) not in self._records:
            try:
                records = [GameRecord.from_bytes(data) for data in read_chunk(path).records[-MOST_GAMES:]]
            except ValueError:  # damaged: the run's own business
                records = []
            self._records = {str(path): records}
        return self._records[str(path)]


def read_line(text: bytes) -> Line | None:
    """A line of log.jsonl; None where it is none."""
    try:
        read = json.loads(text)
        figures = {
            key: float(read[key])
            for key in KEPT
            if isinstance(read.get(key), int | float) and abs(float(read[key])) < 1e15
        }
        warnings = tuple(str(each)[:500] for each in read.get("warnings", ()))
        return Line(float(read["seconds"]), int(read["step"]), figures, warnings)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError):
        return None
