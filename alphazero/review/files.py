"""Files of games, read, judged and written back with remarks: what `alphazero analyze` does."""

from __future__ import annotations

import codecs
import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from alphazero._core import Game, Position
from alphazero.errors import UserError
from alphazero.files import write_atomically
from alphazero.formats import annotate, csa, go_rules, kif, pgn, played, sgf, sgf_tree
from alphazero.formats.annotate_sgf import into_sgf
from alphazero.formats.game_text import GameText, decode, listing, parts, read_bytes
from alphazero.formats.kinds import kind_of
from alphazero.formats.remarks import SIGNED, Remark, sides_of
from alphazero.game import make
from alphazero.machine import cores
from alphazero.player import NetworkPlayer, load
from alphazero.pretrained import default_model
from alphazero.protocols.uci import centipawns
from alphazero.review import graph as pictures
from alphazero.review.judge import Judged, review, summary
from alphazero.terminal import Column, Table, show

KINDS = {".sgf": "sgf", ".pgn": "pgn", ".kif": "kif", ".kifu": "kif", ".csa": "csa"}


@dataclass
class _Read:
    """A game of the file: what its players did, and how remarks are written into its text."""

    title: str
    first: str
    second: str
    game: Game
    positions: list[Position]
    moves: list[str]
    warnings: list[str]
    written: Callable[[dict[int, Remark]], str]


@dataclass
class _File:
    """The games of a file, and how their texts become one again."""

    games: list[_Read]
    codec: str = "utf-8"
    between: str = ""
    line_end: str = "\n"

    def joined(self, texts: list[str]) -> bytes:
        return self.between.join(texts).replace("\n", self.line_end).encode(self.codec, "replace")


def analyze_file(
    path: Path,
    *,
    model: str | None,
    simulations: int,
    out: Path | None,
    graph: Path | None,
    as_json: bool,
    device: str = "auto",
) -> None:
    """Judges all games of a file and prints what it found. UserError names what is wrong with the file."""
    if graph is not None:
        pictures.check(graph)
    file = _read(path)
    texts = []
    player: NetworkPlayer | None = None
    for number, game in enumerate(file.games, 1):
        player = _player(player, model, game.game, device)
        judged = _judged(player, game, number, len(file.games), simulations)
        if as_json:
            print(json.dumps(_object(path, number, game, judged)), flush=True)
        else:
            _tell(game, judged)
        if out is not None:
            texts.append(_annotated(game, _remarks(game, judged)))
        if graph is not None and number == 1:
            write_atomically(graph, _picture(graph, game, judged))
    if out is not None:
        write_atomically(out, file.joined(texts))


def _annotated(game: _Read, remarks: dict[int, Remark]) -> str:
    """The game's text with remarks; a line on stderr where some found no place."""
    text = game.written(remarks)
    placed = text.count(f"{SIGNED}: ")
    if placed < len(remarks):
        missing = len(remarks) - placed
        print(f"alphazero analyze: {missing} of {len(remarks)} remarks found no place in the file", file=sys.stderr)
    return text


def _player(known: NetworkPlayer | None, model: str | None, game: Game, device: str) -> NetworkPlayer:
    if known is not None and known.game == game:
        return known
    name = model or default_model(game.name)
    found = known if known is not None and known.game.name == game.name else load(name, device, game=game)
    if not isinstance(found, NetworkPlayer):
        raise UserError(f"analyze: {name} has no network; give a checkpoint, a run or pretrained:GAME")
    if found.game != game:
        fitting = found.with_options(**game.options)
        assert isinstance(fitting, NetworkPlayer)
        return fitting
    return found


def _judged(player: NetworkPlayer, game: _Read, number: int, count: int, simulations: int) -> list[Judged]:
    for warning in game.warnings:
        print(f"alphazero analyze: {warning}", file=sys.stderr)
    shown = sys.stderr.isatty()

    def progress(share: float) -> None:
        if shown:
            end = "\n" if share == 1.0 else ""
            print(f"\rgame {number} of {count}: {share:.0%} ", end=end, file=sys.stderr, flush=True)

    return review(player, game.positions, game.moves, simulations=simulations, threads=cores(), on_progress=progress)


# --- reading ---


def _read(path: Path) -> _File:
    data = read_bytes(path, "the game")
    kind = KINDS.get(path.suffix.lower()) or kind_of(data) or "kif"
    if kind == "sgf":
        found = [_sgf(one, f"{path}: line {line}") for line, one in sgf_tree.collection(data)]
        return _File(found or _none(path))
    text = decode(data, str(path), "latin-1" if kind == "pgn" else "cp932")
    line_end = "\r\n" if b"\r\n" in data else "\n"
    utf8 = (
        "utf-8-sig" if data.startswith(codecs.BOM_UTF8) else "utf-8"
    )  # by the BOM, a reader of .kif knows that it is not cp932
    if kind == "pgn":
        games, texts, between, codec = pgn.read(text, str(path)), annotate.pgn_games(text), "", utf8
    else:
        games = (kif.read if kind == "kif" else csa.read)(text, str(path))
        texts, between = parts(text, [game.line for game in games]), "\n"
        codec = utf8 if _is_utf8(data) else "cp932"
    several = len(games) > 1
    read = [
        _played(game, kind, one, f"{path}: line {game.line}" if several else str(path))
        for game, one in zip(games, texts, strict=True)
    ]
    return _File(read, codec, between, line_end)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _none(path: Path) -> list[_Read]:
    raise UserError(f"{path}: no game in it: '(' is missing")


def _sgf(data: bytes, where: str) -> _Read:
    read = sgf.parse(data, where)
    rules, told = go_rules.by_sgf(read.rules)
    game = make("go", {"board_size": read.size, "komi": read.komi if read.has_komi else 7.0, "max_plies": 0, **rules})
    positions = list(sgf.positions(read, game))
    for i, (colour, _) in enumerate(read.moves):
        if "BW"[positions[i].turn] != colour:  # out of turn, nobody passed in between
            positions[i] = game.position(f"{positions[i].text} {colour.lower()}")
    moves = [vertex for _, vertex in read.moves]
    names = [" ".join((read.properties.get(key) or [""])[0].split()) for key in ("PB", "PW")]
    # Moves of before a set-up in the middle are not judged: remarks begin after them.
    earlier = read.length - len(read.moves)

    def written(remarks: dict[int, Remark]) -> str:
        return into_sgf(data, {earlier + n: each for n, each in remarks.items()})

    warnings = [f"{where}: {each}" for each in (*read.warnings, *filter(None, [told]))]
    return _Read(where, names[0], names[1], game, positions, moves, warnings, written)


def _played(text: GameText, kind: str, source: str, where: str) -> _Read:
    game, start = played.begin(text, where)
    positions = [start, *played.positions(text, start, len(text.moves))]
    warnings = [f"{where}: {listing(text.warnings)}"] if text.warnings else []

    def written(remarks: dict[int, Remark]) -> str:
        return {"pgn": annotate.into_pgn, "kif": annotate.into_kif, "csa": annotate.into_csa}[kind](source, remarks)

    moves = text.moves[: len(positions) - 1]
    return _Read(text.title, text.first, text.second, game, positions, moves, warnings, written)


# --- telling ---


def _remarks(game: _Read, judged: list[Judged]) -> dict[int, Remark]:
    found = {}
    for each in judged:
        first = each.win_rate if each.player == 0 else 1.0 - each.win_rate
        lead = each.score if each.score is None or each.player == 0 else -each.score
        found[each.number] = Remark(
            sides_of(game.game)[each.player],
            each.win_rate,
            lead if game.game.name == "go" else None,
            None if game.game.name == "go" else centipawns(2.0 * first - 1.0),
            each.mark,
            each.loss,
            each.line if each.mark else [],
            each.best_win_rate if each.mark else None,
        )
    return found


def _tell(game: _Read, judged: list[Judged]) -> None:
    columns = [
        Column("move", 6),
        Column("", 7, right=False),
        Column("played", 8, right=False),
        Column("win rate", 9),
        Column("lost", 7),
        Column("", 3, right=False),
        Column("better", 34, right=False, drop=1),
    ]
    rows = [
        [
            str(each.number),
            sides_of(game.game)[each.player],
            each.move,
            f"{100 * each.win_rate:.1f} %",
            f"{100 * each.loss:.1f} %" if each.loss >= 0.0005 else "",
            each.mark,
            f"{' '.join(each.line[:4])} ({100 * each.best_win_rate:.1f} %)" if each.mark else "",
        ]
        for each in judged
    ]
    plain = "\n".join("  ".join(cell for cell in row if cell) for row in rows)
    show(Table(columns, rows, plain=plain, header=True))
    for player, name in enumerate((game.first, game.second)):
        told = summary(judged, player)
        who = f"{sides_of(game.game)[player]}{f' ({name})' if name else ''}"
        print(
            f"{who}: {told.moves} moves, {100 * told.mean_loss:.1f} % lost a move,"
            f" {told.inaccuracies} inaccuracies, {told.mistakes} mistakes, {told.blunders} blunders"
        )


def _object(path: Path, number: int, game: _Read, judged: list[Judged]) -> dict[str, object]:
    return {
        "file": str(path),
        "game_number": number,
        "game": game.game.name,
        "first": game.first,
        "second": game.second,
        "moves": [asdict(each) for each in judged],
        "summary": [asdict(summary(judged, player)) for player in (0, 1)],
    }


def _picture(path: Path, game: _Read, judged: list[Judged]) -> bytes:
    sides = sides_of(game.game)
    names = game.first or sides[0], game.second or sides[1]
    return pictures.picture(path, judged, f"{names[0]} against {names[1]}: win rate of {sides[0]}")
