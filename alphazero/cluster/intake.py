"""Where workers' chunks go into the run's store: each exactly once, whatever is sent twice, late or damaged."""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from alphazero._core import GameRecord
from alphazero.cluster.messages import Chunk, ChunkRefusedError
from alphazero.errors import UserError
from alphazero.training.replay import WORKER_GAMES
from alphazero.training.store import ReplayStore

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def is_full_disk(error: UserError) -> bool:
    """Whether a write failed for want of space, which may end."""
    return isinstance(error.__cause__, OSError) and error.__cause__.errno in FULL


@dataclass
class _Expected:
    """Of a worker that plays: its incarnation, the number of its next chunk, its first game by variant."""

    incarnation: int
    first_games: Sequence[int]
    sequence: int = 0


@dataclass
class _UnderWay:
    """A chunk of which some variants may be stored, and others not: the disk became full in between."""

    chunk: Chunk
    games: dict[int, list[GameRecord]]
    taken: list[tuple[int, GameRecord]] = field(default_factory=list)


class Intake:
    """Takes chunks into a store. config: the digest of the run's configuration."""

    def __init__(self, store: ReplayStore, config: str, on_game: Callable[[int, GameRecord], None]):
        """on_game: is told each game that was stored, with its variant."""
        self.store = store
        self.config = config
        self.games: Counter[int] = Counter()  # stored here, by worker
        self.bytes = 0  # of payloads that were stored
        self._on_game = on_game
        self._expected: dict[int, _Expected] = {}
        self._under_way: _UnderWay | None = None

    def begin(self, worker: int, incarnation: int) -> list[int]:
        """A new process has this worker's number: its first game by variant. Whatever an earlier one sends is refused."""
        first = self.store.first_games(worker)
        self._expected[worker] = _Expected(incarnation, first)
        if self._under_way is not None and self._under_way.chunk.worker == worker:
            self._under_way = None
        return first

    def stored(self, worker: int) -> int:
        """The number of the newest chunk that this worker may forget; -1: none."""
        return self._expected[worker].sequence - 1

    def take(self, chunk: Chunk, evaluations: Sequence[int]) -> bool:
        """Stores a chunk's games, safe on disk when this returns; False where that was done before.

        evaluations: of all workers, by variant. ChunkRefusedError: it is none of this run's, or damaged. Another UserError:
        it could not be written; the same call goes on with what is missing.
        """
        expected = self._checked(chunk)
        if chunk.sequence < expected.sequence:
            return False
        under_way = self._under_way
        if under_way is None or under_way.chunk != chunk:
            under_way = _UnderWay(chunk, self._games(chunk, expected))
        self._under_way = under_way
        for variant in list(under_way.games):
            games = under_way.games[variant]
            self.store.add_all(games, variant, evaluations[variant])
            under_way.taken += [(variant, game) for game in under_way.games.pop(variant)]
        self._under_way = None
        expected.sequence += 1
        self.games[chunk.worker] += len(under_way.taken)
        self.bytes += len(chunk.payload)
        for variant, game in under_way.taken:
            self._on_game(variant, game)
        return True

    def settle(self) -> None:
        """Makes chunk files of the games that are enough for one. UserError: it could not be written; to be called again."""
        self.store.flush_due()

    def _checked(self, chunk: Chunk) -> _Expected:
        name = f"chunk {chunk.sequence} of worker {chunk.worker}"
        expected = self._expected.get(chunk.worker)
        if expected is None:
            raise ChunkRefusedError(f"{name}: this run has no such worker")
        if chunk.incarnation != expected.incarnation:
            raise ChunkRefusedError(
                f"{name}: it comes from its process {chunk.incarnation}, which process {expected.incarnation} has replaced"
            )
        if chunk.config != self.config:
            raise ChunkRefusedError(
                f"{name}: played by another configuration (digest {chunk.config}, this run's {self.config})"
            )
        if chunk.sequence > expected.sequence:
            raise ChunkRefusedError(f"{name}: chunk {expected.sequence} has to come first")
        return expected

    def _games(self, chunk: Chunk, expected: _Expected) -> dict[int, list[GameRecord]]:
        games = chunk.games()
        end = (chunk.worker + 1) * WORKER_GAMES
        for variant, records in games.items():
            if variant >= len(expected.first_games):
                raise ChunkRefusedError(
                    f"chunk {chunk.sequence} of worker {chunk.worker}: there is no variant {variant}"
                )
            for record in records:
                if not expected.first_games[variant] <= record.number < end:
                    raise ChunkRefusedError(
                        f"chunk {chunk.sequence} of worker {chunk.worker}: game {record.number} is none of its numbers"
                    )
        return games
