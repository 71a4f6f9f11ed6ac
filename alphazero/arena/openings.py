"""Start positions for matches: random ones, and those of files: one a line, EPD, PGN, SGF, KIF or CSA.

Each is played with both colours; errors name the file and the line. A file is first cut into its entries (lines, games),
which is cheap; only the entries that are played are parsed.
"""

from __future__ import annotations

import io
import random
import sys
from collections.abc import Callable
from pathlib import Path

from alphazero.errors import UserError
from alphazero.formats import csa, kif, pgn, sgf
from alphazero.formats.game_text import GameText, decode, listing, read_bytes
from alphazero.formats.sgf_tree import collection
from alphazero.game import Game, Position

Opened = tuple[Position, str]  # position, and the position as text
Entry = tuple[int, Callable[[], Opened]]  # line of the file where it stands, and what reads it
ORDERS = ("file", "random")


def random_openings(game: Game, count: int, plies: int, seed: int) -> list[str]:
    """`count` positions, as text, after `plies` random moves; all different while the game has enough of them."""
    if plies == 0:
        return [""] * count
    openings: list[str] = []
    seen: set[int] = set()
    attempt = 0
    while len(openings) < count:
        position = game.position()
        for move in position.random_playout(seed * 1_000_003 + attempt)[1][:plies]:
            position.play(move)
        attempt += 1
        fresh = position.key not in seen or attempt > 20 * count
        if position.ply == plies and position.outcome is None and fresh:
            seen.add(position.key)
            openings.append(position.text)
        if attempt > 200 * count + 1000:
            raise UserError(f"{game.name}: no opening of {plies} random plies leaves the game open; use fewer")
    return openings


def read_openings(
    path: Path,
    game: Game,
    count: int,
    plies: int | None = None,
    *,
    order: str = "file",
    start: int = 1,
    seed: int = 0,
) -> list[str]:
    """`count` start positions, as text, from the file's, repeated as often as needed.

    .pgn (chess; needs python-chess), .sgf (Go), .kif, .kifu and .csa (shogi): the first `plies` of each game, None for all of
    it. .epd: chess positions with operations. Any other file: a position a line as the game writes it (FEN, SFEN, Go's
    moves), for shogi with the words of USI as well (`startpos moves 7g7f`, `sfen ... moves ...`); # begins a comment.

    start: the number, from 1, of the first entry to use, after which all others follow. order: "random" shuffles by `seed`
    instead. Entries where the game is over are left out; one line on standard error tells how many.
    """
    if order not in ORDERS:
        raise UserError(f"--openings-order must be file or random, got {order}")
    kind = path.suffix.lower()
    wanted = {".pgn": "chess", ".epd": "chess", ".sgf": "go", ".csa": "shogi"}.get(kind, game.name)
    if game.name != wanted or (kind in (".kif", ".kifu") and game.name not in ("shogi", "minishogi")):
        raise UserError(f"{path}: {kind[1:].upper()} holds no positions of {game.name}")
    read = {".pgn": _pgn, ".kif": _shogi, ".kifu": _shogi, ".csa": _shogi}.get(kind, _lines)
    data = read_bytes(path, "the openings")
    if kind == ".sgf":
        entries = _sgf(path, data, game, plies)
    else:
        entries = read(path, decode(data, str(path), "latin-1" if kind == ".pgn" else "cp932"), game, plies)
    if not entries:
        what = "one position a line is expected" if read is _lines and kind != ".sgf" else "no game"
        raise UserError(f"{path}: no openings in it ({what})")
    if not 1 <= start <= len(entries):
        raise UserError(f"--openings-start must be 1 to {len(entries)}, as many as {path} holds, got {start}")
    entries = entries[start - 1 :] + entries[: start - 1]
    if order == "random":
        random.Random(seed).shuffle(entries)
    openings: list[str] = []
    over: list[str] = []
    for number, parse in entries:
        if len(openings) >= count:
            break
        position, opening = parse()
        if position.outcome is not None:
            over.append(f"{path}:{number}: the game is over in this position ({position.outcome.reason})")
        else:
            openings.append(opening)
    if not openings and count > 0:
        raise UserError(over[0] if len(over) == 1 else f"{path}: the game is over in all {len(over)} positions")
    if over:
        print(f"openings: {len(over)} of {path} left out, where the game is over: {listing(over, 1)}", file=sys.stderr)
    return [openings[i % len(openings)] for i in range(count)]


def _lines(path: Path, text: str, game: Game, plies: int | None) -> list[Entry]:
    epd = path.suffix.lower() == ".epd"

    def entry(number: int, words: list[str]) -> Entry:
        def parse() -> Opened:
            try:
                return _epd(words, game) if epd else _words(words, game)
            except ValueError as error:
                raise UserError(f"{path}:{number}: {error}") from error

        return number, parse

    numbered = enumerate(text.split("\n"), 1)
    return [entry(number, words) for number, line in numbered if (words := line.split("#")[0].split())]


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


def _sgf(path: Path, data: bytes, game: Game, plies: int | None) -> list[Entry]:
    def entry(number: int, one: bytes) -> Entry:
        def parse() -> Opened:
            record = sgf.parse(one, f"{path}:{number}")
            if record.size != game.options["board_size"]:
                raise UserError(
                    f"{path}:{number}: SZ is {record.size}, the match's board_size {game.options['board_size']}"
                )
            position = sgf.play_out(record, game, plies)
            return position, position.text

        return number, parse

    return [entry(number, one) for number, one in collection(data)]


def _shogi(path: Path, text: str, game: Game, plies: int | None) -> list[Entry]:
    """KIF and CSA: a file is read at once, moves up to the first that cannot be."""

    def entry(record: GameText) -> Entry:
        where = f"{path}:{record.line}"

        def parse() -> Opened:
            if record.game != game.name:
                raise UserError(f"{where}: a game of {record.game}, not {game.name}")
            if record.warnings:
                raise UserError(f"{where}: {listing(record.warnings, 1)}")
            try:
                position = game.position(record.start) if record.start else game.position()
                for move in record.moves[:plies]:
                    position.play(move)
            except ValueError as error:
                raise UserError(f"{where}: {error}") from error
            return position, position.text

        return record.line, parse

    return [entry(record) for record in (csa if path.suffix.lower() == ".csa" else kif).read(text, str(path))]


def _pgn(path: Path, text: str, game: Game, plies: int | None) -> list[Entry]:
    if not pgn.available():
        raise UserError(f"{path}: reading PGN needs python-chess: pip install 'alphazero-engine[chess]'")

    def entry(number: int, one: str) -> Entry:
        def parse() -> Opened:
            try:
                return _pgn_game(one, game, plies)
            except ValueError as error:
                raise UserError(f"{path}:{number}: {error}") from error

        return number, parse

    return [entry(number, one) for number, _, one in pgn.games(text)]


def _pgn_game(text: str, game: Game, plies: int | None) -> Opened:
    """The position after a game's first plies, by the game's own rules, as the match's game writes it."""
    import chess.pgn

    try:
        record = chess.pgn.read_game(io.StringIO(text))
    except IndexError as error:  # python-chess leaves the main line where a ')' closes a variation that nobody opened
        raise ValueError("a ')' without its '('") from error
    if record is None:
        raise ValueError("no game")
    if record.errors:
        raise ValueError(" ".join(str(record.errors[0]).split()))
    board = record.board()
    for move in list(record.mainline_moves())[:plies]:
        board.push(move)
    # Its castling rights are those of the position, in the letters of the match's kind of chess.
    fen = board.shredder_fen() if game.options.get("chess960") and board.chess960 else board.fen()
    position = game.position(fen)
    return position, position.text
