"""The replay store: finished games on disk, the newest of them in memory to draw training batches from.

Games go into chunks (`replay/00000000.azr`, `00000001.azr`, ...), written whole, checksummed and renamed into place, never
changed again. Until a chunk is full its games stand in `replay/journal`, appended one by one, so that a process killed at
any instant loses no finished game. Nothing is drawn before its chunk is whole and checked.

A chunk: the line `alphazero replay 1`, a JSON line (game, options, games, positions, how many came before, numbers), the
records (each a 32-bit length and its bytes) as one zstd frame, and the SHA-256 of all before it.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import re
import struct
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import zstandard
from numpy.typing import NDArray

from alphazero._core import Game, GameRecord, Sampler
from alphazero.errors import UserError
from alphazero.files import write_atomically
from alphazero.training import journal

MAGIC = b"alphazero replay 1\n"
DIGEST_BYTES = 32
WORKER_GAMES = 2**40  # numbers that each worker has for games of its own: a game's number says whose it is
MOST_COUNTED = 2**62  # games, positions: the core counts in 64 bits
MOST_EXPANSION = 250  # a chunk's bytes unpack to; real games unpack to less than 10 times their size
SYNC_SECONDS = 1.0  # a power cut loses at most the games of so long; a killed process none
CHUNK_NAME = re.compile(r"([0-9]{8,})\.azr")


HEADER: dict[str, type] = {  # what a chunk's header must hold
    "game": str,
    "options": dict,
    "games": int,
    "positions": int,
    "games_before": int,
    "positions_before": int,
    "numbers": list,
    "next_number": int,
}


class ChunkError(UserError):
    """A chunk that cannot be read; the text names the file and what is wrong with it."""


@dataclass(frozen=True)
class Chunk:
    """A chunk as read: its header and its records' bytes."""

    header: dict[str, Any]
    records: list[bytes]


def window_size(positions: int, scale: int, exponent: float, growth: float = 0.4) -> int:
    """How many of the newest positions to learn from when `positions` were made so far.

    KataGo's power law (Wu 2019, appendix C): c (1 + b ((N / c)^a - 1) / a), which is N = c at N = c and grows ever slower.
    """
    ratio = max(1.0, positions / scale)
    return int(scale * (1.0 + growth * (ratio**exponent - 1.0) / exponent))


def encode_chunk(header: dict[str, Any], records: list[bytes], level: int = 3) -> bytes:
    """The bytes of a chunk file. level: of zstd."""
    payload = b"".join(struct.pack("<I", len(record)) + record for record in records)
    body = MAGIC + json.dumps(header).encode() + b"\n" + zstandard.ZstdCompressor(level=level).compress(payload)
    return body + hashlib.sha256(body).digest()


def read_chunk(path: Path) -> Chunk:
    """Reads and checks a chunk file. ChunkError says what is wrong with it."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ChunkError(f"{path}: cannot read: {error.strerror}") from error
    body, digest = data[:-DIGEST_BYTES], data[-DIGEST_BYTES:]
    if not data.startswith(MAGIC):
        raise ChunkError(f"{path}: not a replay chunk (it should begin with '{MAGIC.decode().strip()}')")
    if hashlib.sha256(body).digest() != digest:
        raise ChunkError(f"{path}: the chunk is cut short or damaged (its checksum does not fit its {len(data)} bytes)")
    line, _, frame = body[len(MAGIC) :].partition(b"\n")
    try:
        header = json.loads(line)
        most = 2**20 + MOST_EXPANSION * len(frame)
        if zstandard.frame_content_size(frame) > most:
            raise ChunkError(f"{path}: its {len(frame)} bytes would unpack to more than {most}: no games do")
        payload = zstandard.ZstdDecompressor().decompress(frame, max_output_size=most)
    except (ValueError, RecursionError, zstandard.ZstdError) as error:
        if isinstance(error, ChunkError):
            raise
        raise ChunkError(f"{path}: not a replay chunk: {' '.join(str(error).split())}") from error
    if not isinstance(header, dict) or not all(isinstance(header.get(key), kind) for key, kind in HEADER.items()):
        raise ChunkError(f"{path}: its header lacks one of: {', '.join(HEADER)}")
    others = header.get("next_numbers", {})
    if not isinstance(others, dict) or not all(name.isascii() and name.isdigit() for name in others):
        raise ChunkError(f"{path}: its header's next_numbers are not by worker")
    numbers = [value for value in header.values() if isinstance(value, int)] + header["numbers"] + [*others.values()]
    if not all(type(number) is int and 0 <= number < MOST_COUNTED for number in numbers):
        raise ChunkError(f"{path}: its header counts with numbers that are no counts")
    records: list[bytes] = []
    at = 0
    while at < len(payload):
        length = struct.unpack_from("<I", payload, at)[0] if at + 4 <= len(payload) else 0
        if not 0 < length <= len(payload) - at - 4:
            raise ChunkError(f"{path}: record {len(records)} says it has {length} bytes, which are not there")
        records.append(payload[at + 4 : at + 4 + length])
        at += 4 + length
    if len(records) != header["games"]:
        raise ChunkError(f"{path}: its header says {header['games']} games, and it holds {len(records)}")
    return Chunk(header, records)


def chunk_number(path: Path) -> int | None:
    """The number of a chunk file; None for a file that is none."""
    match = CHUNK_NAME.fullmatch(path.name)
    return int(match[1]) if match else None


def chunk_paths(directory: Path) -> list[Path]:
    """The chunk files of a replay directory, oldest first."""
    return sorted(path for path in directory.glob("*.azr") if chunk_number(path) is not None)


class Replay:
    """The replay store of a run: add games, draw batches."""

    def __init__(self, directory: Path, game: Game, *, chunk_games: int, window_scale: int, window_exponent: float):
        """Opens (or makes) the store and loads the newest window of positions; window_scale 0: none, games are only stored.

        What cannot be read, chunk or journal, is set aside as `NAME.broken`, with a line in `warnings`. A store has one writer:
        UserError where another process has it open.
        """
        self.directory = directory
        self.game = game
        self.chunk_games = chunk_games
        self.window_scale = window_scale
        self.window_exponent = window_exponent
        self.games = 0  # in whole chunks, since the run began
        self.positions = 0  # that can be drawn, likewise
        self._next: dict[int, int] = {}  # by worker: the first number never used
        self.evaluations = 0  # of the network, for all games so far: whoever adds games keeps it, chunks hold it
        self.warnings: list[str] = []
        self._sampler = Sampler(game)
        self._drawing = threading.Lock()
        self._pending: list[GameRecord] = []
        self._versions: deque[tuple[int, int]] = deque()  # (version, positions) of the games that can be drawn
        self._next_chunk = 0
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"{directory}: cannot make this directory: {error.strerror}") from error
        self._lock()
        self._load()
        try:
            self._journal = (directory / "journal").open("ab", buffering=0)
        except OSError as error:
            raise UserError(f"{directory / 'journal'}: cannot write: {error.strerror}") from error
        self._synced = 0.0  # when the journal last went to the disk, on the monotonic clock

    def _lock(self) -> None:
        try:
            self._lock_file = (self.directory / "lock").open("ab")
        except OSError as error:
            raise UserError(f"{self.directory / 'lock'}: cannot write: {error.strerror}") from error
        try:
            # Of the process, not of the file handle: it is gone with the process, whatever ended it.
            fcntl.lockf(self._lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._lock_file.close()
            raise UserError(
                f"{self.directory}: another process writes games into this store; stop it first, or give another directory"
            ) from error

    @property
    def next_number(self) -> int:
        """The first game number never used, of worker 0: the process that holds the store."""
        return self.next_number_of(0)

    def next_number_of(self, worker: int) -> int:
        """The first game number that this worker has never used. Its numbers begin at worker * WORKER_GAMES."""
        return self._next.get(worker, worker * WORKER_GAMES)

    # --- adding ---

    def add(self, record: GameRecord) -> None:
        """Takes a finished game: safe on disk when this returns."""
        self.add_all([record])
        self.flush_due()

    def add_all(self, records: Sequence[GameRecord]) -> None:
        """Takes finished games, all of them or, where this raises UserError, none; flush_due() later makes chunks of them."""
        entries = b"".join(journal.entry(record) for record in records)
        before = os.fstat(self._journal.fileno()).st_size
        try:
            if self._journal.write(entries) != len(entries):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            if (now := time.monotonic()) - self._synced >= SYNC_SECONDS:
                os.fsync(self._journal.fileno())
                self._synced = now
        except OSError as error:
            with suppress(OSError):  # what a full disk took of them
                os.ftruncate(self._journal.fileno(), before)
            raise UserError(f"{self.directory / 'journal'}: cannot write: {error.strerror}") from error
        for record in records:
            self._append(record)

    def _append(self, record: GameRecord) -> None:
        self._pending.append(record)
        worker = record.number // WORKER_GAMES
        self._next[worker] = max(self.next_number_of(worker), record.number + 1)

    def flush_due(self) -> None:
        """Writes a chunk once there are games enough for one."""
        if len(self._pending) >= self.chunk_games:
            self.flush()

    def flush(self) -> None:
        """Writes the games that wait for a full chunk as a chunk of their own."""
        if not self._pending:
            return
        records = [record.to_bytes() for record in self._pending]
        positions = sum(record.searched_plies for record in self._pending)
        header = {
            "game": self.game.name,
            "options": self.game.options,
            "games": len(records),
            "positions": positions,
            "games_before": self.games,
            "positions_before": self.positions,
            "numbers": [record.number for record in self._pending],
            "next_number": self.next_number,
            "next_numbers": {str(worker): number for worker, number in self._next.items() if worker},
            "evaluations": self.evaluations,
        }
        write_atomically(self.directory / f"{self._next_chunk:08d}.azr", encode_chunk(header, records))
        (self.directory / "journal").open("wb").close()  # only now: a crash between the two is seen by the game numbers
        self._next_chunk += 1
        self._pending.clear()
        self.games += len(records)
        self.positions += positions
        with self._drawing:
            for record in records:
                self._add_to_window(record)
            self._sampler.trim(self.window)

    # --- drawing ---

    @property
    def window(self) -> int:
        """How many of the newest positions can be drawn now."""
        return 0 if self.window_scale == 0 else window_size(self.positions, self.window_scale, self.window_exponent)

    @property
    def mean_version(self) -> float:
        """The step of the weights that the window's games began with, a mean over positions; 0 without positions."""
        held = 0
        total = 0
        for version, positions in reversed(self._versions):
            held += positions
            total += version * positions
            if held >= self.drawable:
                break
        return total / max(1, held)

    @property
    def drawable(self) -> int:
        """Positions in memory."""
        return int(self._sampler.positions)

    def sample(
        self,
        n: int,
        seed: int,
        *,
        symmetry: bool,
        value_blend: float,
        surprise: float = 0.0,
        reply: bool = True,
        packed: bool = False,
        threads: int = 1,
    ) -> dict[str, NDArray[np.generic]]:
        """A training batch of n positions of the window; see Sampler.sample."""
        with self._drawing:  # another thread may draw while games come in
            batch: dict[str, NDArray[np.generic]] = self._sampler.sample(
                n, seed, symmetry, value_blend, surprise, reply, packed, threads
            )
        return batch

    def _add_to_window(self, data: bytes) -> None:
        positions = self._sampler.add(data)
        if positions:
            self._versions.append((GameRecord.from_bytes(data).version, positions))
        if len(self._versions) > 2 * self._sampler.games + 1000:
            for _ in range(len(self._versions) - self._sampler.games):
                self._versions.popleft()

    # --- loading ---

    def _load(self) -> None:
        for leftover in self.directory.glob("*.tmp"):
            leftover.unlink()
        chunks: list[Chunk] = []
        held = 0
        seen: set[int] = set()
        for path in reversed(chunk_paths(self.directory)):
            if chunks and held >= self.window:
                break
            try:
                chunk = read_chunk(path)
                if chunk.header["game"] != self.game.name or chunk.header["options"] != self.game.options:
                    raise UserError(
                        f"{path}: games of {chunk.header['game']} {chunk.header['options']}, not of {self.game!r}"
                    )
            except ChunkError as error:
                self._set_aside(path, str(error))
                continue
            if not chunks:
                self.games = chunk.header["games_before"] + chunk.header["games"]
                self.positions = chunk.header["positions_before"] + chunk.header["positions"]
                others = chunk.header.get("next_numbers", {})
                self._next = {0: chunk.header["next_number"], **{int(k): v for k, v in others.items()}}
                self.evaluations = chunk.header.get("evaluations", 0)
                self._next_chunk = (chunk_number(path) or 0) + 1
            seen.update(chunk.header["numbers"])
            held += chunk.header["positions"]
            chunks.append(chunk)
        numbers = [int(match[1]) for path in self.directory.glob("*.azr*") if (match := CHUNK_NAME.match(path.name))]
        self._next_chunk = max([self._next_chunk, *(number + 1 for number in numbers)])
        for chunk in reversed(chunks):
            for data in chunk.records:
                self._add_to_window(data)
        self._sampler.trim(self.window)
        for record in self._read_journal():
            if record.number not in seen:
                self._append(record)
        self.flush_due()  # of all at once: it empties the journal

    def _read_journal(self) -> list[GameRecord]:
        path = self.directory / "journal"
        if not path.exists():
            return []
        if not path.is_file():
            self._set_aside(path, f"{path}: this is no file")
            return []
        data = path.read_bytes()
        records, whole, damaged = journal.read(data)
        if damaged:  # also an append that a power cut tore: from other damage at the end it cannot be told
            self._set_aside(
                path, f"{path}: {damaged} of its {len(data)} bytes are damaged, {len(records)} games are whole"
            )
            write_atomically(path, whole)
        return records

    def _set_aside(self, path: Path, reason: str) -> None:
        """Renames what cannot be read, never over what was set aside before."""
        names = [f"{path.name}.broken", *(f"{path.name}.broken-{n}" for n in range(2, 1000))]
        target = next(path.with_name(name) for name in names if not path.with_name(name).exists())
        path.rename(target)
        self.warnings.append(f"{reason}; set aside as {target.name}")

    def __iter__(self) -> Iterator[GameRecord]:
        """All games of the store in whole chunks, oldest first."""
        for path in chunk_paths(self.directory):
            for record in read_chunk(path).records:
                yield GameRecord.from_bytes(record)
