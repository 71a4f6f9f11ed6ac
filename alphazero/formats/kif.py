"""Games of shogi and minishogi as KIF, the format of Japanese GUIs (Kifu for Windows, ShogiGUI, lishogi), out and in.

Written in UTF-8 as .kifu, one game a file: readers take .kif for cp932 (Shift JIS), in which many names have no letters.
"""

from __future__ import annotations

import datetime
import re
from pathlib import Path
from typing import TYPE_CHECKING

from alphazero.errors import UserError
from alphazero.formats.game_text import GameText, Thought, clean, decode
from alphazero.formats.kif_words import DRAWN, ENDINGS, HANDICAPS, IN_DIAGRAM, LOST, NAMES, PIECES, PROMOTED
from alphazero.formats.shogi import (
    MINISHOGI_START,
    RANKS,
    START,
    Hands,
    ShogiReading,
    Squares,
    add_to_hand,
    board,
    ended_by,
    hands,
    sfen_of,
    spoken,
    steps,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from alphazero.formats.game_tree import GameTree

GAMES = ("shogi", "minishogi")  # of KIF; cshogi and python-shogi read the files of shogi alone, lishogi both
FILES = "１２３４５６７８９"
RANK_NAMES = "一二三四五六七八九"
DIGITS = "〇一二三四五六七八九"


def write(game: GameText) -> str:
    """The game as a KIF file. Evaluations are comments, in centipawns for Sente."""
    sfen = game.start or (MINISHOGI_START if game.game == "minishogi" else START)
    sente = (sfen.split()[1] == "b") == (len(game.moves) % 2 == 0)  # to move at the end
    handicap = next((name for name, named in HANDICAPS.items() if named.split()[:3] == sfen.split()[:3]), "")
    first, second = ("下手", "上手") if handicap.endswith("落ち") else ("先手", "後手")
    lines = ["# KIF version=2.0 encoding=UTF-8", f"棋戦：{game.title} {game.number + 1}"]
    lines.append(f"開始日時：{datetime.date.today().strftime('%Y/%m/%d')}")
    if game.time_control:
        lines.append(f"持ち時間：{clean(game.time_control)}")
    lines += [f"手合割：{handicap}"] if handicap else diagram(sfen)
    lines += [f"{first}：{clean(game.first)}", f"{second}：{clean(game.second)}", "手数----指手---------消費時間--"]
    said = spoken(game, sfen)
    lines += [f"*{each}" for each in said.get(0, ())]
    for number, move in enumerate(move_lines(sfen, game.moves, game.thoughts), 1):
        lines += [move, *(f"*{each}" for each in said.get(number, ()))]
    word, summary = _ending(game.reason, game.value, sente, (first, second))
    lines.append(f"{len(game.moves) + 1:4} {word}")
    lines.append(f"*{ended_by(game)}")
    lines.append(f"まで{len(game.moves)}手で{summary}")
    return "\n".join([*lines, *([] if game.tree is None else variation_lines(game.tree, sfen)), ""])


def move_lines(sfen: str, moves: Sequence[str], thoughts: Sequence[Thought] = ()) -> list[str]:
    """A line for each move of a game from a position."""
    spent = [0.0, 0.0]
    last, lines = "", []
    for i, step in enumerate(steps(sfen, moves, thoughts)):
        to, how = step.to, "打"
        where = "同　" if to == last else FILES[int(to[0]) - 1] + RANK_NAMES[RANKS.index(to[1])]
        if step.origin:
            how = f"{'成' if step.after != step.piece else ''}({step.origin[0]}{RANKS.index(step.origin[1]) + 1})"
        lines.append(f"{i + 1:4} {where}{_name(step.piece, PROMOTED)}{how}{_time(thoughts, i, spent)}")
        last = to
    return lines


def variation_lines(tree: GameTree, sfen: str) -> list[str]:
    """The variations as they stand below the main line."""
    out = []
    for line in list(tree.lines())[1:]:
        ply = tree.depth(line[0])
        out += ["", f"変化：{ply}手"]
        for number, move in zip(line, move_lines(sfen, tree.path(line[-1]))[ply - 1 :], strict=True):
            out += [move, *(f"*{each}" for each in tree.nodes[number].comment.splitlines())]
    return out


def _ending(reason: str, value: int | None, sente: bool, sides: tuple[str, str]) -> tuple[str, str]:
    """The word in the last move's place, and the last line: cshogi knows who won by the line, python-shogi by either."""
    if value is None:
        return "中断", "中断"
    if value == 0:
        return DRAWN.get(reason, "中断"), DRAWN.get(reason, "持将棋")
    winner, loser = sides if value > 0 else sides[::-1]
    if (value > 0) != sente:
        word = LOST.get(reason, "中断")
        return word, f"{loser}の反則負け" if word == "反則負け" else f"{winner}の勝ち"
    if reason == "declaration":
        return "入玉勝ち", f"{winner}の勝ち"
    if reason in ("perpetual_check", "illegal_move"):
        return "反則勝ち", f"{winner}の反則勝ち"
    return "中断", f"{winner}の勝ち"  # an adjudicator's word, an engine that failed: KIF has no word for it


def write_file(folder: Path, game: GameText) -> None:
    """Writes the game as `folder`/00000001.kifu, named by its number."""
    path = folder / f"{game.number + 1:08d}.kifu"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(write(game), encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path}: cannot write: {error.strerror}") from error


def diagram(sfen: str) -> list[str]:
    """The lines that set up a position: Gote's hand, the board, Sente's hand, and whose turn it is."""
    squares = board(sfen)
    size = len(sfen.split()[0].split("/"))
    edge = f"+{'---' * size}+"
    lines = [
        f"後手の持駒：{_hand(sfen, str.islower)}",
        "".join(f" {FILES[file - 1]}" for file in range(size, 0, -1)),
        edge,
    ]
    for rank in RANKS[:size]:
        row = ""
        for file in range(size, 0, -1):
            piece = squares.get(f"{file}{rank}")
            row += " ・" if piece is None else (" " if piece[-1].isupper() else "v") + _name(piece, IN_DIAGRAM)
        lines.append(f"|{row}|{RANK_NAMES[RANKS.index(rank)]}")
    lines += [edge, f"先手の持駒：{_hand(sfen, str.isupper)}"]
    return lines if sfen.split()[1] == "b" else [*lines, "後手番"]


def _name(piece: str, promoted: dict[str, str]) -> str:
    return promoted[piece[1].upper()] if piece[0] == "+" else NAMES[piece.upper()]


def _hand(sfen: str, of_side: Callable[[str], bool]) -> str:
    pieces = [NAMES[p.upper()] + (_count(n) if n > 1 else "") for p, n in hands(sfen).items() if of_side(p)]
    return "　".join(pieces) or "なし"


def _count(number: int) -> str:
    """A number up to 19 as kanji."""
    return ("十" if number >= 10 else "") + (DIGITS[number % 10] if number % 10 else "")


def _time(thoughts: Sequence[Thought], i: int, spent: list[float]) -> str:
    """A move's time and its side's in all, where times are known."""
    if i >= len(thoughts):
        return ""
    seconds = thoughts[i].seconds
    spent[i % 2] += seconds
    total = int(spent[i % 2])
    return (
        f"   ({int(seconds) // 60:2}:{int(seconds) % 60:02}/{total // 3600:02}:{total // 60 % 60:02}:{total % 60:02})"
    )


# --- Reading ---

LONGEST_LINE = 2000  # characters of a line that is no comment
PLAIN = str.maketrans("０１２３４５６７８９（）：", "0123456789():")
MOVE = re.compile(
    r"\s*[0-9]+\s*[▲△▼▽☗☖]?\s*"
    r"(?:(?P<file>[1-9])(?P<rank>[一二三四五六七八九1-9])|(?P<same>同))\s*"
    rf"(?P<piece>{'|'.join(sorted(PIECES, key=len, reverse=True))})"
    r"[左右上引寄直行入]*(?P<how>打|不成|成)?\s*(?:\((?P<origin>[0-9]{2})\))?"
    r"\s*(?:\(\s*(?P<time>[0-9:.]+)\s*(?:/[^)]*)?\))?.*"
)
UNREAD = re.compile(r"\s*[0-9]+\s+(?![0-9]\s)\S")  # a move's number and something else
KI2_MOVE = re.compile(r"\s*[▲△▼▽☗☖]\s*(?:[1-9][一二三四五六七八九1-9]|同)")
ENDING = re.compile(rf"\s*[0-9]+\s*(?P<word>{'|'.join(ENDINGS)})")
SUMMARY = re.compile(r"\s*まで.*?手で(?P<rest>.*)")
WINNER = re.compile(r"(?P<side>先手|下手|後手|上手)の?(?P<how>反則勝ち|反則負け|入玉勝ち|勝ち)")
HEADER = re.compile(r"\s*(?P<key>[^:\s0-9*#&|][^:]{0,20}):(?P<value>.*)")
SIDES = {"先手": True, "下手": True, "後手": False, "上手": False}


def read(data: bytes | str, where: str = "KIF") -> list[GameText]:
    """The games of a file in cp932, UTF-8 or with a BOM: their main lines. What cannot be read of one is in its warnings.

    UserError where there is no game in it at all.
    """
    text = decode(data, where)
    games = [game for game in (_Game(lines).read() for lines in _blocks(text)) if game is not None]
    if not games:
        if re.search(r"^[▲△▼▽☗☖]", text, re.MULTILINE):
            raise UserError(f"{where}: KI2, which does not say where pieces come from; save the game as KIF")
        raise UserError(f"{where}: no KIF game in it (moves as '1 ７六歩(77)' or a start position are expected)")
    return games


def _blocks(text: str) -> Iterator[list[tuple[int, str]]]:
    """The numbered lines of each game: a header after moves, or the words above the moves anew, begin another."""
    block: list[tuple[int, str]] = []
    begun = False  # the moves of this game
    for number, line in enumerate(text.split("\n"), 1):
        line = line if line[:1] == "*" else line[:LONGEST_LINE]
        header = HEADER.fullmatch(line.translate(PLAIN)) if line[:1] not in ("*", "&", "'") else None
        opens = line.startswith(("# KIF", "# ----")) or (header is not None and header["key"].strip() != "変化")
        if begun and (opens or line.startswith("手数--")):
            yield block
            block, begun = [], False
        begun = begun or line.startswith("手数--") or MOVE.match(line.translate(PLAIN)) is not None
        block.append((number, line))
    yield block


class _Game:
    """One game while it is read."""

    def __init__(self, lines: list[tuple[int, str]]):
        self.lines = lines
        self.game = GameText(line=next((number for number, line in lines if line.strip()), lines[0][0]))
        self.named = ""  # start position by its name
        self.rows: list[str] = []  # of the diagram
        self.held: Hands = {}
        self.sente: bool | None = None  # to move, where the file says so
        self.handicap = False
        self.reading: ShogiReading | None = None
        self.last = ""  # square of the last move

    def read(self) -> GameText | None:
        """The game, None where the lines hold none."""
        for number, line in self.lines:
            try:
                if line.strip().startswith("変化"):
                    self.game.variations += 1
                elif line[:1] == "*":
                    self._comment(line.lstrip("*"))
                elif self.game.variations == 0 and line.strip() and line[:1] not in ("#", "&"):
                    self._line(number, line)
            except ValueError as error:
                self.game.warnings.append(f"line {number}: '{clean(line)[:40]}': {error}")
        if self.reading is None:
            if not (self.named or self.rows):
                return None
            self._begin("")
        return self.game

    def _comment(self, said: str) -> None:
        if self.game.variations == 0:
            before = self.game.comments.get(len(self.game.moves))
            self.game.comments[len(self.game.moves)] = said if before is None else f"{before}\n{said}"

    def _line(self, number: int, line: str) -> None:
        plain = line.translate(PLAIN)
        if (move := MOVE.fullmatch(plain)) is not None:
            self._move(move, number)
        elif (ending := ENDING.match(plain)) is not None:
            kind, reason = ENDINGS[ending["word"]]
            reading = self._begin("")
            if reason == "illegal_move" and reading.illegal_by_sente is not None:  # in the file, and its mover lost
                reading.sente, kind = reading.illegal_by_sente, "loss"
            reading.end(kind, reason)
        elif (summary := SUMMARY.match(plain)) is not None:
            self._summary(summary["rest"])
        elif plain.startswith("|"):
            self.rows.append(plain)
        elif plain.strip() in ("先手番", "下手番", "後手番", "上手番"):
            self.sente = plain.strip() in ("先手番", "下手番")
        elif (header := HEADER.fullmatch(plain)) is not None:
            self._header(header["key"].strip(), line[header.start("value") :].strip())
        elif KI2_MOVE.match(plain):
            if not self.game.moves and not any("KI2" in warning for warning in self.game.warnings):
                raise ValueError("a move of KI2, which does not say where pieces come from; no move is read")
        elif UNREAD.match(plain):
            reading = self._begin("")
            reading.listed += 1
            reading.sente = not reading.sente
            if not reading.broken:
                reading.broken = True
                raise ValueError("no move that can be read; it and what follows are left out")

    def _header(self, key: str, value: str) -> None:
        if key in SIDES:
            self.handicap = self.handicap or key == "上手"
            if SIDES[key]:
                self.game.first = value
            else:
                self.game.second = value
        elif key in ("手合割", "手合"):
            name = re.sub(r"\s", "", value).replace("５五将棋", "5五将棋")
            if name not in HANDICAPS and name != "その他":
                raise ValueError("no start position of that name is known (平手, 香落ち, 角落ち, ... 十枚落ち, その他)")
            self.named = name.removeprefix("その他")
        elif key[2:] in ("の持駒", "の持ち駒") and key[:2] in SIDES:
            self._hold(SIDES[key[:2]], value)

    def _hold(self, sente: bool, value: str) -> None:
        for item in re.split(r"[\s　、,]+", value):
            if item in ("", "なし"):
                continue
            name = item.rstrip("〇一二三四五六七八九十0123456789０１２３４５６７８９枚")
            count = item[len(name) :].removesuffix("枚").translate(PLAIN)
            piece = PIECES.get(name, "K")
            if piece == "K" or piece[0] == "+":
                raise ValueError(f"'{item}' is no piece in hand")
            add_to_hand(self.held, piece if sente else piece.lower(), _number(count))

    def _begin(self, origin: str) -> ShogiReading:
        """The board, set up at the first move. origin: of that move, whose piece tells the side to move if nothing does."""
        if self.reading is not None:
            return self.reading
        if self.rows:
            try:
                squares = _squares(self.rows)
            except ValueError as error:
                self.game.warnings.append(f"start position: {error}; no move is read")
                self.reading = ShogiReading(self.game, START)
                self.reading.broken = True
                return self.reading
            sente = self.sente
            if sente is None:
                piece = squares.get(origin)
                sente = piece[-1].isupper() if piece else not (self.handicap or self.named.endswith("落ち"))
            sfen = sfen_of(squares, self.held, sente, len(self.rows))
        else:
            sfen = HANDICAPS[self.named or "平手"]
        self.reading = ShogiReading(self.game, sfen)
        return self.reading

    def _move(self, move: re.Match[str], number: int) -> None:
        origin = "" if move["origin"] in (None, "00") else _square(move["origin"][0], move["origin"][1])
        reading = self._begin(origin)
        to = self.last if move["same"] else _square(move["file"], move["rank"])
        self.last = to
        before = len(self.game.moves)
        if not to:
            raise ValueError("同 needs a move before it")
        reading.play(origin, to, PIECES[move["piece"]], move["how"] == "成", number)
        if move["time"] and len(self.game.moves) > before:
            seconds = 0.0
            for part in move["time"].split(":"):
                seconds = 60 * seconds + float(part or 0)
            self.game.seconds[before] = seconds

    def _summary(self, rest: str) -> None:
        """The last line, まで...手で...: who won, where it says so, whatever the word before it says."""
        reading = self._begin("")
        winner = WINNER.search(rest)
        if winner is not None:
            won = SIDES[winner["side"]] != (winner["how"] == "反則負け")
            self.game.value = 1 if won else -1
            if not self.game.reason or self.game.reason == "unfinished":
                self.game.reason = {"勝ち": "resignation", "入玉勝ち": "declaration"}.get(winner["how"], "illegal_move")
                if "時間切れ" in rest:
                    self.game.reason = "time_forfeit"
        elif self.game.value is None:
            word = next((word for word in ENDINGS if word in rest), "中断")
            reading.end(*ENDINGS[word])


def _square(file: str, rank: str) -> str:
    number = RANK_NAMES.index(rank) if rank in RANK_NAMES else int(rank) - 1
    if file == "0" or number < 0:
        raise ValueError(f"'{file}{rank}' is no square")
    return file + RANKS[number]


def _number(count: str) -> int:
    """A count of pieces, in kanji or digits; 1 where there is none."""
    if not count:
        return 1
    if count.isdigit() and count.isascii():
        return int(count[:4])
    tens, ten, ones = count.rpartition("十")
    if tens not in ("", "一") or len(ones) > 1 or (ones and ones not in DIGITS):
        raise ValueError(f"'{count}' is no number of pieces")
    return (10 if ten else 0) + (DIGITS.index(ones) if ones else 0)


def _squares(rows: list[str]) -> Squares:
    """The pieces of a diagram, a line a rank: `| ・v王 歩...|一`."""
    squares = {}
    if len(rows) not in (5, 9):
        raise ValueError(f"a diagram of {len(rows)} ranks")
    for rank, row in zip(RANKS, rows, strict=False):
        cells = re.findall(r"[v^V]?[^\sv^V|]", row.split("|")[1].replace("　", ""))
        if len(cells) != len(rows):
            raise ValueError(f"'{clean(row)}' has {len(cells)} squares, not {len(rows)}")
        for file, cell in zip(range(len(rows), 0, -1), cells, strict=True):
            if cell in ("・", "･", ".", "．", "*"):
                continue
            piece = PIECES.get(cell[-1])
            if piece is None:
                raise ValueError(f"'{cell}' is no piece")
            squares[f"{file}{rank}"] = piece.lower() if cell[0] in "vV" else piece
    return squares
