"""`alphazero replay`: check a replay store, say what is in it, export its games."""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from alphazero.commands import arguments
from alphazero.search_settings import MOST_SIMULATIONS

if TYPE_CHECKING:
    from alphazero._core import Game, GameRecord
    from alphazero.formats.game_text import GameText


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", type=Path, help="a run directory or a replay directory")
    parser.add_argument(
        "--export",
        type=Path,
        metavar="DIR",
        help="directory for the games: SGF for Go, games.pgn for chess, games.csa and KIF files for shogi, else moves as text",
    )
    parser.add_argument(
        "--pack",
        type=Path,
        metavar="DIR",
        help="folder for the newest window in files of at most 14 MB, which are a replay store again: for another machine",
    )
    parser.add_argument(
        "--positions",
        type=arguments.whole(0, MOST_SIMULATIONS),
        metavar="N",
        help="pack games with at least N positions (default: the window that the run learns from; 0: all)",
    )
    parser.add_argument(
        "--last",
        type=arguments.whole(0, MOST_SIMULATIONS),
        default=0,
        metavar="N",
        help="use the newest N games only; 0: all (default)",
    )


def run(args: argparse.Namespace) -> int:
    from alphazero._core import GameRecord
    from alphazero.arena.records import file_name, joined
    from alphazero.errors import UserError
    from alphazero.files import writing
    from alphazero.formats import kif
    from alphazero.game import make
    from alphazero.training.replay import chunk_paths, read_chunk

    directory = args.path / "replay" if (args.path / "replay").is_dir() else args.path
    paths = chunk_paths(directory)
    if not paths:
        raise UserError(f"{args.path}: no replay chunks here (a run directory or its replay folder is expected)")
    chunks = [read_chunk(path) for path in paths]
    header = chunks[-1].header
    game = make(header["game"], header["options"])
    records = [GameRecord.from_bytes(data) for chunk in chunks for data in chunk.records]
    records = records[-args.last :] if args.last else records
    reasons = Counter(record.reason for record in records)
    plies = sorted(record.plies for record in records)
    print(f"{game!r}")
    print(
        f"{len(paths)} chunks, {len(records):,} games, {sum(c.header['positions'] for c in chunks):,} positions, all checksums good"
    )
    print(f"plies: median {plies[len(plies) // 2]}, {plies[0]} to {plies[-1]}")
    print(f"first player's score {sum((r.value + 1) / 2 for r in records) / len(records):.3f}")
    print("ends: " + ", ".join(f"{reason} {count}" for reason, count in reasons.most_common()))
    if args.pack:
        _pack(args.path, directory, args.pack, args.positions)
    if args.export:
        with writing(args.export):
            args.export.mkdir(parents=True, exist_ok=True)
        if game.name != "go" and (name := file_name(game)) is not None:
            with writing(args.export / name):
                text = joined(game, [_text(game, record) for record in records])
                (args.export / name).write_text(text, encoding="utf-8")
            print(f"{args.export / name}: {len(records):,} games")
        if game.name in kif.GAMES:
            for record in records:
                kif.write_file(args.export, _told(game, record))
            print(f"{args.export}: {len(records):,} KIF files")
        if game.name in kif.GAMES or (game.name != "go" and file_name(game) is not None):
            return 0
        for record in records:
            path = args.export / f"{record.number:08d}.{'sgf' if game.name == 'go' else 'txt'}"
            with writing(path):
                path.write_text(_text(game, record), encoding="utf-8")
        print(f"{args.export}: {len(records):,} files")
    return 0


def _pack(path: Path, store: Path, out: Path, positions: int | None) -> None:
    from alphazero.config import load_config
    from alphazero.runs import RunDirectory
    from alphazero.training.packing import pack
    from alphazero.training.replay import chunk_paths, read_chunk, window_size

    if positions is None:
        positions = 0
        run = RunDirectory(path)
        if run.config.exists():
            replay = load_config(run.config, stored=True).replay
            newest = read_chunk(chunk_paths(store)[-1]).header
            made = newest["positions_before"] + newest["positions"]
            positions = window_size(made, replay.window_min, replay.window_exponent)
    parts = pack(store, out, positions)
    size = sum(part.stat().st_size for part in parts)
    print(
        f"{out}: {len(parts)} file{'s' if len(parts) > 1 else ''}, {size / 1e6:.1f} MB; put into RUN/replay, they are its games"
    )


def _told(game: Game, record: GameRecord) -> GameText:
    """What a game's file says."""
    from alphazero.formats.game_text import GameText

    player = f"step {record.version}"
    return GameText(
        first=player,
        second=player,
        start=record.start,
        moves=record.moves(game),
        value=record.value,
        reason=record.reason,
        game=game.name,
        event="self-play",
        number=record.number,
    )


def _text(game: Game, record: GameRecord) -> str:
    from alphazero.arena import records

    if game.name != "go" and records.file_name(game) is not None:
        return records.write(game, _told(game, record))
    if game.name != "go":
        return " ".join(record.moves(game)) + f"\n# {record.reason}, {record.value:+d} for the first player\n"
    from alphazero.formats.sgf import from_record

    return from_record(game, record)
