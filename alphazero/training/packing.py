"""The newest games of a replay store in few files, to take a run from one machine to another.

A part is a chunk, only larger: a folder of parts is a replay store. Its journal goes along: the games that wait for a chunk.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from alphazero.errors import UserError
from alphazero.files import write_atomically, writing
from alphazero.training import journal
from alphazero.training.replay import Chunk, chunk_paths, encode_chunk, read_chunk

PART_BYTES = 14_000_000  # what an e-mail or a form mostly takes
LEVEL = 19  # of zstd: slow, and a fifth smaller than chunks are


def pack(store: Path, out: Path, positions: int = 0, part_bytes: int = PART_BYTES) -> list[Path]:
    """Writes the newest games of a store with at least so many positions (0: all) into the new or empty folder `out`, as parts
    of at most `part_bytes` each. Stores of variants lie in folders of their own, and are packed likewise.

    UserError where there is nothing to pack, or a chunk alone is larger than a part may be.
    """
    written = []
    for folder in [store, *sorted(each for each in store.iterdir() if each.is_dir())]:
        target = out / folder.relative_to(store)
        if target.exists() and chunk_paths(target):
            raise UserError(f"{target}: holds a replay store already; choose another folder")
        for number, part in enumerate(_parts(_newest(folder, positions), part_bytes)):
            with writing(target):
                target.mkdir(parents=True, exist_ok=True)
            data = _joined(part)
            if len(data) > part_bytes:
                raise UserError(
                    f"{folder}: {len(part[0].records)} games take {len(data):,} bytes, more than a part may"
                )
            path = target / f"{number:08d}.azr"
            write_atomically(path, data)
            written.append(path)
        if waiting := _whole_entries(folder / "journal"):
            with writing(target):
                target.mkdir(parents=True, exist_ok=True)
            write_atomically(target / "journal", waiting)
            written.append(target / "journal")
    if not written:
        raise UserError(f"{store}: no replay chunks here")
    return written


def _whole_entries(path: Path) -> bytes:
    """What a journal holds, but for what is damaged, or being written just now."""
    if not path.is_file():
        return b""
    return journal.read(path.read_bytes())[1]


def _newest(folder: Path, positions: int) -> list[tuple[Chunk, int]]:
    """The newest chunks with so many positions, the oldest first, each with its file's size."""
    chunks: list[tuple[Chunk, int]] = []
    held = 0
    for path in reversed(chunk_paths(folder)):
        if positions and held >= positions:
            break
        chunks.append((read_chunk(path), path.stat().st_size))
        held += chunks[-1][0].header["positions"]
    return chunks[::-1]


def _parts(chunks: list[tuple[Chunk, int]], most: int) -> Iterator[list[Chunk]]:
    """Runs of chunks whose files, together, are no larger than `most`: packed they are smaller still."""
    part: list[Chunk] = []
    size = 0
    for chunk, bytes_ in chunks:
        if part and size + bytes_ > most:
            yield part
            part, size = [], 0
        part.append(chunk)
        size += bytes_
    if part:
        yield part


def _joined(part: list[Chunk]) -> bytes:
    first, last = part[0].header, part[-1].header
    header = {
        **last,
        "games": sum(chunk.header["games"] for chunk in part),
        "positions": sum(chunk.header["positions"] for chunk in part),
        "games_before": first["games_before"],
        "positions_before": first["positions_before"],
        "numbers": [number for chunk in part for number in chunk.header["numbers"]],
    }
    return encode_chunk(header, [record for chunk in part for record in chunk.records], level=LEVEL)
