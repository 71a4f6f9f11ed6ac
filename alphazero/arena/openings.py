"""Start positions for matches from files: one a line, EPD, PGN or SGF. Random ones are made in arena.match.

Each is played with both colours; errors name the file and the line.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

from alphazero.arena import pgn
from alphazero.errors import UserError
from alphazero.game import Game, Position
from alphazero.protocols import sgf

Opening = tuple[int, Position, str]  # line of the file, position, and the position as text


def read_openings(path: Path, game: Game, count: int, plies: int | None = None) -> list[str]:
    """`count` start positions, as text, from the file's, repeated as often as needed.

    .pgn (chess; needs python-chess) and .sgf (Go): the first `plies` of each game, None for all of it. .epd: chess positions
    with operations. Any other file: a position a line as the game writes it (FEN, SFEN, Go's moves), for shogi with the words
    of USI as well (`startpos moves 7g7f`, `sfen ... moves ...`); # begins a comment.
    """
    try:
        text = path.read_text("utf-8-sig", errors="replace")
    except OSError as error:
        raise UserError(f"{path}: cannot read the openings: {error.strerror}") from error
    kind = path.suffix.lower()
    wanted = {".pgn": "chess", ".epd": "chess", ".sgf": "go"}.get(kind, game.name)
    if game.name != wanted:
        raise UserError(f"{path}: {kind[1:].upper()} holds no positions of {game.name}")
    read = {".pgn": _pgn, ".sgf": _sgf}.get(kind)
    openings = []
    for number, position, opening in read(path, text, game, plies) if read else _lines(path, text, game):
        if position.outcome is not None:
            raise UserError(f"{path}:{number}: the game is over in this position ({position.outcome.reason})")
        openings.append(opening)
    if not openings:
        what = "one position a line is expected" if read is None else "no game"
        raise UserError(f"{path}: no openings in it ({what})")
    return [openings[i % len(openings)] for i in range(count)]


def _lines(path: Path, text: str, game: Game) -> Iterator[Opening]:
    epd = path.suffix.lower() == ".epd"
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split("#")[0].split()
        if not words:
            continue
        try:
            position, opening = _epd(words, game) if epd else _words(words, game)
        except ValueError as error:
            raise UserError(f"{path}:{number}: {error}") from error
        yield number, position, opening


def _epd(words: list[str], game: Game) -> tuple[Position, str]:
    """Four fields of FEN, then operations, of which hmvc and fmvn are the fields that FEN has beyond them."""
    operations = {}
    for operation in " ".join(words[4:]).split(";"):
        name, _, value = operation.strip().partition(" ")
        operations[name] = value.strip()
    position = game.position(" ".join([*words[:4], operations.get("hmvc", "0"), operations.get("fmvn", "1")]))
    return position, position.text


def _words(words: list[str], game: Game) -> tuple[Position, str]:
    """A position as it is written; with USI's words, as the game writes it."""
    written = " ".join(words)
    moves: list[str] = []
    if game.name in ("shogi", "minishogi"):
        words = words[1:] if words[0] == "position" else words
        if "moves" in words:
            moves, words = words[words.index("moves") + 1 :], words[: words.index("moves")]
        words = words[1:] if words[:1] in (["sfen"], ["startpos"]) else words
    plain = " ".join(words)
    position = game.position(plain) if words else game.position()
    for move in moves:
        position.play(move)
    return position, written if written == plain else position.text


def _sgf(path: Path, text: str, game: Game, plies: int | None) -> Iterator[Opening]:
    for number, one in sgf.collection(text):
        record = sgf.parse(one, f"{path}:{number}")
        if record.size != game.options["board_size"]:
            raise UserError(
                f"{path}:{number}: SZ is {record.size}, the match's board_size {game.options['board_size']}"
            )
        record.moves = record.moves[:plies]
        position = sgf.play_out(record, game.position())
        yield number, position, position.text


def _pgn(path: Path, text: str, game: Game, plies: int | None) -> Iterator[Opening]:
    if not pgn.available():
        raise UserError(f"{path}: reading PGN needs python-chess: pip install 'alphazero[chess]'")
    import chess.pgn

    file = io.StringIO(text)
    while True:
        rest = text[file.tell() :]
        number = text.count("\n", 0, len(text) - len(rest.lstrip())) + 1
        record = chess.pgn.read_game(file)
        if record is None:
            return
        if record.errors:
            raise UserError(f"{path}:{number}: {' '.join(str(record.errors[0]).split())}")
        try:
            position = game.position(record.board().fen())
            for move in list(record.mainline_moves())[:plies]:
                position.play(move.uci())
        except ValueError as error:
            raise UserError(f"{path}:{number}: {error}") from error
        yield number, position, position.text
