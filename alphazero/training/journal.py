"""The entries of a store's journal: a record's length and CRC-32, 4 bytes each, little-endian, and its bytes."""

from __future__ import annotations

import struct
import zlib

from alphazero._core import GameRecord


def entry(record: GameRecord) -> bytes:
    """A game as an entry."""
    data = record.to_bytes()
    return struct.pack("<II", len(data), zlib.crc32(data)) + data


def read(data: bytes) -> tuple[list[GameRecord], bytes, int]:
    """The games of a journal, the bytes of their entries, and how many bytes are damaged or belong to no whole entry."""
    records: list[GameRecord] = []
    whole = bytearray()
    at = damaged = 0
    while at < len(data):
        found = read_entry(data, at)
        if found is None:
            damaged += 1
            at += 1
            continue
        records.append(found[0])
        whole += data[at : found[1]]
        at = found[1]
    return records, bytes(whole), damaged


def read_entry(data: bytes, at: int) -> tuple[GameRecord, int] | None:
    """The game whose entry begins at this byte of a journal, and where the next one begins; None: no whole entry does."""
    if at + 8 > len(data):
        return None
    length, checksum = struct.unpack_from("<II", data, at)
    end = at + 8 + length
    if not 0 < length <= len(data) - at - 8 or zlib.crc32(data[at + 8 : end]) != checksum:
        return None
    try:
        return GameRecord.from_bytes(data[at + 8 : end]), end
    except ValueError:
        return None
