"""What the training process and its workers say to each other. Plain data: nothing here knows Ray.

A worker collects finished games for some seconds and seals them as a chunk. Chunks are numbered, and a worker keeps each one
until the training process says that it is stored. So a message may be lost or repeated, and every chunk is stored once.
"""

from __future__ import annotations

import hashlib
import struct
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alphazero._core import GameRecord, __version__
from alphazero.config import Config, to_yaml
from alphazero.errors import UserError
from alphazero.runs.meta import Description

DIGEST_BYTES = 16
ENTRY = struct.Struct("<HI")  # of a chunk's payload: the variant, the length of the record


class ChunkRefusedError(UserError):
    """A chunk that the store does not take; the text says which and why."""


@dataclass(frozen=True)
class Identity:
    """What must be equal in all processes of a run: then a record and weights mean the same to each of them.

    version: of the compiled core. code: a digest of the package's Python files. config: a digest of the configuration.
    """

    version: str
    code: str
    config: str


def identity(config: Config) -> Identity:
    """Of this process."""
    return Identity(__version__, code_digest(), _short(to_yaml(config).encode()))


def code_digest() -> str:
    """Of the Python files of this package: two checkouts may have the same version."""
    digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
    folder = Path(__file__).parents[1]
    for path in sorted(folder.rglob("*.py")):
        digest.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


def _short(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=DIGEST_BYTES).hexdigest()[:12]


def mismatch(theirs: Identity, own: Identity) -> str:
    """How a worker differs from the training process, in words; "" where it does not."""
    if theirs.version != own.version:
        return f"it has alphazero {theirs.version}, this run {own.version}; install the same version there"
    if theirs.code != own.code:
        return f"its files of alphazero {own.version} differ (digest {theirs.code}, here {own.code}); install the same files there"
    if theirs.config != own.config:
        return f"it plays by another configuration (digest {theirs.config}, this run's {own.config})"
    return ""


@dataclass(frozen=True)
class Weights:
    """A snapshot as it travels: arrays by name, which several workers of a machine read from one place in memory."""

    step: int
    description: Description
    arrays: Mapping[str, NDArray[np.generic]]


@dataclass(frozen=True)
class Orders:
    """How a worker shall play from now on. resting: not at all, until other orders come."""

    simulations: int
    resignation: float = -1.0
    resting: bool = False


@dataclass(frozen=True)
class Start:
    """What a worker begins with.

    worker: its number, 1 and up. incarnation: how often this number has been given to a process, in this run of the training
    process. cores: on which it may run; empty: all. first_games: by variant, the number of its first game.
    """

    worker: int
    incarnation: int
    config: Config
    expected: Identity
    device: str
    cores: tuple[int, ...]
    first_games: Sequence[int]
    orders: Orders


@dataclass(frozen=True)
class Chunk:
    """Finished games of a worker. payload: each game's variant, length and bytes. digest: of the payload."""

    worker: int
    incarnation: int
    sequence: int  # 0, 1, 2, ... of the incarnation
    config: str  # the digest of the configuration that they were played by
    payload: bytes
    digest: bytes
    sealed: float  # when, in seconds since 1970 by the worker's clock

    def games(self) -> dict[int, list[GameRecord]]:
        """The games by variant. ChunkRefusedError where the bytes are not those that were sent."""
        name = f"chunk {self.sequence} of worker {self.worker}"
        if digest_of(self.payload) != self.digest:
            raise ChunkRefusedError(f"{name}: its checksum does not fit its {len(self.payload)} bytes")
        games: dict[int, list[GameRecord]] = {}
        at = 0
        try:
            while at < len(self.payload):
                variant, length = ENTRY.unpack_from(self.payload, at)
                at += ENTRY.size + length
                if at > len(self.payload):
                    raise ValueError("cut short")
                games.setdefault(variant, []).append(GameRecord.from_bytes(self.payload[at - length : at]))
        except (struct.error, ValueError) as error:
            raise ChunkRefusedError(f"{name}: it holds something else than games: {error}") from error
        return games


def pack(games: Sequence[tuple[int, bytes]]) -> bytes:
    """The payload of a chunk from (variant, record's bytes)."""
    return b"".join(ENTRY.pack(variant, len(data)) + data for variant, data in games)


def digest_of(payload: bytes) -> bytes:
    """A chunk's digest."""
    return hashlib.blake2b(payload, digest_size=DIGEST_BYTES).digest()


@dataclass(frozen=True)
class Hello:
    """What a worker says once it plays. layout: how it uses its cores, in a few words."""

    identity: Identity
    host: str
    pid: int
    layout: str


@dataclass(frozen=True)
class Answer:
    """What a worker has to say.

    chunks: the oldest that are not stored yet. counts: as its pools count. evaluations: by variant. version: the step of
    the weights that play. waiting: chunks that it keeps, these included.
    """

    chunks: Sequence[Chunk] = ()
    counts: Counter[str] = field(default_factory=Counter)
    evaluations: Sequence[int] = ()
    version: int = 0
    waiting: int = 0
