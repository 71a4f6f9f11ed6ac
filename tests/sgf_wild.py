"""SGF files in the manner of the programs of the field, each with what it says: made here, none is anyone's file.

The games are random and legal by sgfmill's board, which knows nothing of ours.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from sgfmill.boards import Board

LETTERS = "abcdefghijklmnopqrs"
COLUMNS = "ABCDEFGHJKLMNOPQRST"
FILES_EACH = 12

Stones = dict[str, str]  # vertex to "B" or "W"
CHINESE = ("古力", "柯洁", "朴廷桓", "李昌镐", "常昊", "周睿羊")
JAPANESE = ("井山裕太", "一力遼", "表十段", "ソ能構", "羽根直樹", "予申圭")
KOREAN = ("이창호", "신진서", "박정환", "조훈현", "최철한 구단")
LATIN = ("Honinbo Shusaku", "AlphaGo", "leela]zero", "a\\b", "J. (Joe) Doe; 5k")


@dataclass
class Truth:
    """A file and what it says."""

    data: bytes
    size: int
    komi: float
    has_komi: bool
    start: Stones
    moves: list[tuple[str, str]]  # since the last set-up
    board: Stones
    to_move: str
    names: tuple[str, str] | None  # None: in an encoding that the file does not name


@dataclass
class Manner:
    """How a program writes. Fields of `head`: SZ KM PB PW HA, and ST, which is where its set-up goes."""

    head: str
    sizes: tuple[int, ...] = (19, 13, 9)
    komi: tuple[tuple[str, float], ...] = (("6.5", 6.5), ("7.5", 7.5), ("0.5", 0.5), ("0", 0.0))
    names: tuple[str, ...] = LATIN
    codec: str = "utf-8"
    named: bool = True  # whether a reader can know the encoding
    passes: tuple[str, ...] = ("", "tt")
    node: str = ";{C}[{P}]"  # a move
    notes: tuple[str, ...] = ("",)  # after some moves
    line_end: str = "\n"
    each: int = 10  # moves a line
    nested: bool = False  # a variation for each move
    variations: bool = False
    compressed: bool = False  # rectangles of points
    middle: bool = False  # stones set up in the middle of the game
    handicap: bool = True
    no_stones: bool = False  # handicap stones are told in numbers alone, and played
    tail: str = ")" + "\n"
    change: Callable[[bytes], bytes] = field(default=lambda data: data)


STANDARD = ("tt", "")
COMMENTS = ("", "", "", "C[good move]", "C[see [1\\] and (b;c)]", "LB[aa:A][bb:1]TR[cc]", "N[x]BM[1]", "C[50%: \\\\o/]")
KATA = ("C[0.48 0.52 0.00 -0.3 v=600]", "", "C[result=B+R]")
LIZZIE = (
    "LZ[0.7.4 52.3 1.2k\nmove D16 visits 12 winrate 5231 pv D16 Q4 info move Q4 pv Q4]",
    "LZOP[KataGo 48.2 120 0.5\nmove D4 visits 10]LZOP2[KataGo 47.0 99 0.1]",
    "",
)
FOX_KOMI = (("375", 7.5), ("325", 6.5), ("0", 0.0), ("650", 6.5), ("750", 7.5), ("50", 0.5))
ZI = (("3.75", 7.5), ("2.75", 5.5), ("375", 7.5), ("3又3/4子", 7.5))

PROGRAMS: dict[str, Manner] = {
    "Sabaki": Manner("(;GM[1]FF[4]CA[UTF-8]AP[Sabaki:0.52.2]KM[{KM}]SZ[{SZ}]DT[2023-01-02]PB[{PB}]PW[{PW}]{HA}{ST}", notes=COMMENTS, variations=True, each=1000, tail=")"),
    "CGoban 3 (KGS)": Manner(
        "(;GM[1]FF[4]CA[UTF-8]AP[CGoban:3]ST[2]\nRU[Japanese]SZ[{SZ}]{HA}KM[{KM}]TM[1800]OT[5x30 byo-yomi]\nPW[{PW}]PB[{PB}]WR[5k]BR[6k]DT[2010-01-01]"
        "PC[The KGS Go Server at http://www.gokgs.com/]C[joe [6k\\]: hi (\\\\o)\n]RE[W+Resign]{ST}",
        komi=(("6.50", 6.5), ("0.50", 0.5), ("-5.50", -5.5)), node="\n;{C}[{P}]{c}L[1791.3]", notes=("C[ann [2d?\\]: thx \\]\n]", "OB[3]", "", ""), passes=("",),
    ),
    "OGS": Manner(
        "(;FF[4]\nCA[UTF-8]\nGM[1]\nDT[2021-03-04]\nPC[OGS: https://online-go.com/game/1]\nGN[Friendly Match]\nPB[{PB}]\nPW[{PW}]\nBR[6k]\nWR[?]\nTM[604800]OT[86400 fischer]\n"
        "RE[?]\nSZ[{SZ}]\nKM[{KM}]\nRU[Japanese]\n{HA}{ST}",
        names=(*LATIN, *CHINESE, *JAPANESE), nested=True, passes=("",), notes=("C[hello: world\n]", "", ""),
    ),
    "Fox": Manner(
        "(;GM[1]FF[4]\nSZ[{SZ}]\nGN[{PB} VS {PW}]\nDT[2020-05-06]\nPB[{PB}]\nPW[{PW}]\nBR[9段]\nWR[P9段]\nKM[{KM}]{HA}RU[Chinese]AP[GNU Go:3.8]RN[3]RE[B+R]TM[600]TC[3]TT[30]AP[foxwq]RL[0]\n{ST}\n",
        sizes=(19,), komi=FOX_KOMI, names=CHINESE, each=1000,
    ),
    "Fox's older files": Manner("(;PB[{PB}]PW[{PW}]KM[{KM}]SZ[{SZ}]AP[foxwq]{HA}{ST}", komi=FOX_KOMI, names=CHINESE, codec="gbk", named=False, each=1000),
    "Tygem": Manner(
        "(;GM[1]FF[3]SZ[{SZ}]EV[대국실]PC[TYGEM Baduk]DT[2009-01-01]PB[{PB}]BR[7D]PW[{PW}]WR[6D]KM[{KM}]RE[B+R]{HA}{ST}",
        names=KOREAN, codec="cp949", named=False, line_end="\r\n", komi=(("6.5", 6.5), ("0", 0.0), ("6.5집", 6.5)),
    ),
    "gokifu": Manner("(;PB[{PB}]BR[9p]PW[{PW}]WR[9p]KM[{KM}]DT[2011-07-08]GM[1]FF[4]SZ[{SZ}]SO[gokifu.com]RE[W+R]{ST}", komi=ZI, each=1000, tail=")", handicap=False, names=("Gu Li", "Lee Sedol")),
    "IGS Panda": Manner(
        "(;\nGM[1]FF[3]\nPB[{PB}]\nPW[{PW}]\nBR[3k ]WR[2k*]\nSZ[{SZ}]\n{HA}\nKM[{KM}]\nPC[IGS-PandaNet]\nAP[PANDA-glGo:1.4]\nTM[60]\n",
        komi=(("6.500000", 6.5), ("0.500000", 0.5), ("5,5", 5.5)), no_stones=True, passes=("tt",), node="\n;{C}[{P}]{c}L[58]O{C}[25]",
    ),
    "SmartGo": Manner("(;GM[1]FF[4]CA[UTF-8]AP[SmartGo Kifu:5.2]SZ[{SZ}]PB[{PB}]PW[{PW}]KM[{KM}]{HA}{ST}MULTIGOGM[1]", compressed=True, variations=True, notes=COMMENTS),
    "Leela Zero": Manner("(;GM[1]FF[4]RU[Chinese]DT[2018-06-07]SZ[{SZ}]KM[{KM}]PB[{PB}]PW[{PW}]RE[B+Resign]\n{HA}{ST}\n", passes=("tt",), names=("Leela Zero 0.17 0123abcd", "Human")),
    "KataGo": Manner(
        "(;FF[4]GM[1]SZ[{SZ}]PB[{PB}]PW[{PW}]{HA}KM[{KM}]RU[koSIMPLEscoreAREAtaxNONEsui0]RE[W+1.5]C[startTurnIdx=4,initTurnNum=4,gameHash=0A]{ST}",
        names=("kata1-b18c384nbt-s1", "kata1-b40"), notes=KATA, passes=("",), each=1000, middle=True,
    ),
    "Lizzie": Manner("(;KM[{KM}]PW[{PW}]PB[{PB}]DT[2020-01-01]RE[]{HA}AP[Lizzie: 0.7.4]SZ[{SZ}]{ST}", notes=LIZZIE, each=1, names=(*LATIN, *CHINESE)),
    "LizzieYzy": Manner("(;GM[1]FF[4]CA[UTF-8]KM[{KM}]PW[{PW}]PB[{PB}]{HA}AP[LizzieYzy: 2.5.3]SZ[{SZ}]DZ[Y]{ST}", notes=LIZZIE, node=";{C}[{P}]LZ2[x]", names=CHINESE, komi=(*ZI, ("", 0.0))),
    "LizGoban": Manner("(;SZ[{SZ}]KM[{KM}]PW[{PW}]PB[{PB}]RU[chinese]{HA}id[1]{ST}", notes=("LizGoban[0.7]", "", "C[x]"), each=1000, tail=""),
    "Drago": Manner("(;FF[4]GM[1]AP[Drago:4.23]SZ[{SZ}]CA[ISO-8859-1]\nPB[{PB}]PW[{PW}]KM[{KM}]{HA}{ST}", codec="latin-1", names=("André", "Müller", "Ångström é"), middle=True, variations=True, line_end="\r\n"),
    "MultiGo": Manner("(;CA[gb2312]SZ[{SZ}]AP[MultiGo:4.4.4]{HA}{ST}PB[{PB}]PW[{PW}]KM[{KM}]MULTIGOGM[1]", codec="gbk", names=(*CHINESE, "朱鎔榮"), middle=True, line_end="\r\n", komi=(("7.5目", 7.5), ("0", 0.0), ("3.75子", 7.5))),
    "StoneBase": Manner("(;SZ[{SZ}]AP[StoneBase:SGFParser.3.0]\nEV[第1届]PB[{PB}]BR[九段]PW[{PW}]KM[{KM}]RE[黑中盘胜]{ST}", codec="gbk", named=False, names=CHINESE, handicap=False, komi=(*ZI, ("6目半", 6.5))),
    "GNU Go": Manner("(;GM[1]FF[4]\nRU[Japanese]SZ[{SZ}]{HA}KM[{KM}]\nPW[{PW}]PB[{PB}]\nGN[GNU Go 3.8 Random Seed 1 level 10]DT[2012-01-01]AP[GNU Go:3.8]RE[Void]{ST}\n", passes=("",), komi=(("5.5", 5.5), ("0.0", 0.0))),
    "q5go": Manner("(;GM[1]FF[4]CA[UTF-8]AP[q5Go:2.1.1]ST[2]GN[{PB} ]SZ[{SZ}:{SZ}]{HA}KM[{KM}]PW[{PW}]PB[{PB}]{ST}", notes=COMMENTS, variations=True, middle=True, names=(*LATIN, *JAPANESE)),
    "CGoban 1": Manner("(;GM[1]FF[3]\nRU[Japanese]SZ[{SZ}]{HA}KM[{KM}]\nPW[{PW}]\nPB[{PB}]\nGN[x]DT[Tue Jan 5 1999]{ST}", passes=("tt",), each=1, node=";{C}[{P}]\n", line_end="\r"),
    "Jago": Manner("(;GM[1]FF[4]AP[Jago:Version 5.0]SZ[{SZ}]KM[{KM}]{HA}PB[{PB}]PW[{PW}]{ST}", komi=(("", 0.0), ("6,5", 6.5), ("?", 0.0)), node="\n ; {C} [{P}]", notes=("N[]", "MA[aa]", "")),
    "Go Review Partner": Manner("(;FF[4]CA[utf8]GM[1]AP[GoReviewPartner:0.14]SZ[{SZ}]KM[{KM}]PB[{PB}]PW[{PW}]{HA}{ST}", variations=True, notes=("C[Win rate: 48.1%/51.9%\n]BWWR[48.1%/51.9%]CBM[D4]", ""), names=LATIN + CHINESE),
    "WBaduk": Manner("\ufeff(;GM[1]FF[3]CA[EUC-KR]SZ[{SZ}]PB[{PB}]PW[{PW}]KM[{KM}]RE[흑 불계승]{HA}{ST}".removeprefix("\ufeff"), codec="euc_kr", names=KOREAN, line_end="\r\n", komi=(("6.5", 6.5), ("6.5집", 6.5))),
    "Japanese sites, Shift_JIS": Manner("(;CA[Shift_JIS]SZ[{SZ}]EV[第１期 表ソ]PB[{PB}]PW[{PW}]KM[{KM}]{HA}{ST}", codec="cp932", names=JAPANESE, notes=("C[黒の手番、能]", "C[表\\]x]", "", "C[十]"), komi=(("6目半", 6.5), ("６．５", 6.5))),
    "Japanese sites, unnamed": Manner("(;SZ[{SZ}]EV[第１期棋聖戦のソ]PB[{PB}]PW[{PW}]KM[{KM}]{HA}{ST}", codec="cp932", named=False, names=JAPANESE, notes=("C[黒の手番、能]", "C[貼転]", "C[ソ]")),
    "Japanese sites, EUC-JP": Manner("(;CA[euc-jp]SZ[{SZ}]PB[{PB}]PW[{PW}]KM[{KM}]{HA}{ST}", codec="euc_jp", names=JAPANESE, notes=("C[白の勝ち]", "")),
    "Japanese sites, ISO-2022-JP": Manner("(;CA[ISO-2022-JP]SZ[{SZ}]PB[{PB}]PW[{PW}]KM[{KM}]{HA}{ST}", codec="iso2022_jp", names=JAPANESE, notes=("C[白の勝ち]", "")),
    "Taiwanese sites, Big5": Manner("(;CA[big5]SZ[{SZ}]PB[{PB}]PW[{PW}]KM[{KM}]{HA}{ST}", codec="big5", names=("許功蓋", "吳清源", "周俊勳"), notes=("C[功]", "C[許蓋\\\\]", "")),
    "GoGoD": Manner("(;SZ[{SZ}]FF[3]\nPW[{PW}]\nWR[7d]\nPB[{PB}]\nEV[Castle Game]\nKM[{KM}]\nRE[B+2]\nUS[GoGoD95]\n{HA}{ST}\n", passes=("tt",), each=12, line_end="\r\n"),
    "FF[1], long names": Manner("(;GaMe[1]VieW[]SiZe[{SZ}]KoMi[{KM}]PlayerBlack[{PB}]PlayerWhite[{PW}]{HA}{ST}Comment[x]", node="\n;{L}[{P}]", passes=("",)),
    "Windows' Editor": Manner("(;GM[1]SZ[{SZ}]PB[{PB}]PW[{PW}]KM[{KM}]{HA}{ST}", codec="utf-16", names=CHINESE + JAPANESE, line_end="\r\n"),
    "a mail": Manner("From: joe@x.org (Joe)\nSubject: game [1]\n\n(;GM[1]FF[3]SZ[{SZ}]PB[{PB}]PW[{PW}]KM[{KM}]{HA}{ST}", tail=")\n\nRegards; (Joe)\n", passes=("tt",)),
    "a broken download": Manner("(;GM[1]SZ[{SZ}]PB[{PB}]PW[{PW}]KM[{KM}]{HA}{ST}", tail="\n;C[the game went", change=lambda data: data + b"\0\0\0"),
    "a web page's text field": Manner("\ufeff(SZ[{SZ}]PB[{PB}]PW[{PW}]KM[{KM}]{HA}{ST}", tail=")", names=CHINESE, node="; {C}[ {P}\n]", passes=("",)),
    "goproblems": Manner("(;GM[1]FF[4]SZ[{SZ}]PB[{PB}]PW[{PW}]KM[{KM}]GE[life and death]DI[5k]{ST}", middle=True, handicap=False, variations=True, notes=("C[RIGHT]", "C[Wrong.]", "")),
}  # fmt: skip


def vertex(row: int, column: int) -> str:
    return f"{COLUMNS[column]}{row + 1}"


def point(at: tuple[int, int], size: int) -> str:
    return LETTERS[at[1]] + LETTERS[size - 1 - at[0]]


def stones(board: Board) -> Stones:
    return {vertex(*at): colour.upper() for colour, at in board.list_occupied_points()}


class Random:
    """A random game on sgfmill's board, written down as it goes."""

    def __init__(self, chance: random.Random, size: int, manner: Manner):
        self.chance, self.size, self.manner = chance, size, manner
        self.board = Board(size)
        self.seen = {frozenset(stones(self.board).items())}
        self.start: Stones = {}
        self.moves: list[tuple[str, str]] = []
        self.turn = "B"

    def free(self) -> list[tuple[int, int]]:
        return [(r, c) for r in range(self.size) for c in range(self.size) if self.board.get(r, c) is None]

    def set_up(self, black: int, white: int, empty: int, turn: str) -> str:
        """Changes the board; the properties that say so. Every stone has a free neighbour, so no chain is without one."""
        taken = self.chance.sample([at for _, at in self.board.list_occupied_points()], empty) if empty else []
        board = Board(self.size)
        for colour, at in self.board.list_occupied_points():
            if at not in taken:
                board.play(*at, colour)
        added: dict[str, list[tuple[int, int]]] = {"B": [], "W": []}
        for colour in "B" * black + "W" * white:
            for at in self.chance.sample(
                [at for at in self.free() if board.get(*at) is None], 20 if self.size > 5 else 1
            ):
                near = [(at[0] + 1, at[1]), (at[0] - 1, at[1]), (at[0], at[1] + 1), (at[0], at[1] - 1)]
                if all(board.get(*n) is None for n in near if min(n) >= 0 and max(n) < self.size):
                    board.play(*at, colour.lower())
                    added[colour].append(at)
                    break
        self.board, self.start = board, stones(board)
        self.seen, self.moves, self.turn = {frozenset(self.start.items())}, [], turn
        text = ""
        for name, points in (("AB", added["B"]), ("AW", added["W"]), ("AE", taken)):
            if points and self.manner.compressed and len(points) == 1:
                text += f"{name}[{point(points[0], self.size)}:{point(points[0], self.size)}]"
            elif points:
                text += name + "".join(f"[{point(at, self.size)}]" for at in points)
        return text

    def move(self) -> str | None:
        """The point of a random legal move of the side to move, in SGF; None where none was found."""
        for at in self.chance.sample(free := self.free(), min(20, len(free))):
            board = self.board.copy()
            board.play(*at, self.turn.lower())
            now = frozenset(stones(board).items())
            if board.get(*at) is None or now in self.seen:
                continue
            self.board = board
            self.seen.add(now)
            self.note(vertex(*at))
            return point(at, self.size)
        return None

    def note(self, where: str) -> None:
        self.moves.append((self.turn, where))
        self.turn = "W" if self.turn == "B" else "B"


def head_of(manner: Manner, facts: dict[str, str]) -> str:
    """The file's first node."""
    head = manner.head.replace("\n", manner.line_end)
    for key, text in facts.items():
        head = head.replace("{" + key + "}", text)
    return head


def make(program: str, number: int) -> Truth:
    """The file of that number, always the same."""
    manner = PROGRAMS[program]
    chance = random.Random(f"{program} {number}")
    size = chance.choice(manner.sizes)
    komi, value = chance.choice(manner.komi)
    game = Random(chance, size, manner)
    names = tuple(chance.sample(manner.names, 2))
    handicap = chance.choice((0, 0, 2, 3, 4)) if manner.handicap else 0
    set_up, told = "", f"HA[{handicap}]"
    if manner.no_stones:
        pass  # Black plays them, one after another
    elif handicap:
        set_up = game.set_up(handicap, 0, 0, "W") + chance.choice(("PL[W]", ""))
    elif manner.middle and number % 2:
        turn = chance.choice("BW")
        set_up = game.set_up(chance.randint(1, 6), chance.randint(1, 6), 0, turn) + f"PL[{turn}]"
    body, closing = "", ""
    count = chance.randint(8, 40)
    middle = chance.randrange(3, count) if manner.middle and number % 3 == 0 else -1
    for index in range(count):
        if index == middle:
            taken = chance.randint(0, min(2, len(game.board.list_occupied_points())))
            turn = chance.choice("BW")
            body += ";" + game.set_up(chance.randint(1, 3), chance.randint(0, 2), taken, turn) + f"PL[{turn}]"
        if (manner.no_stones and handicap and 0 < index < handicap) or chance.random() < 0.01:
            game.turn = "B"  # again, out of turn
        mover = game.turn
        played = game.move() if chance.random() > 0.02 and index < count - 2 else None
        if played is None:
            played = chance.choice(manner.passes)
            game.note("pass")
        node = manner.node.format(C=mover, c=mover, L="Black" if mover == "B" else "White", P=played)
        note = chance.choice(manner.notes) if chance.random() < 0.6 else ""
        if manner.nested:
            body, closing = f"{body}\n(", ")" + closing
        elif manner.variations and chance.random() < 0.1:
            body, closing = f"{body}(", f")(;{mover}[aa]C[or \\] this];{'W' if mover == 'B' else 'B'}[zz])" + closing
        body += node + note + (manner.line_end if index % manner.each == manner.each - 1 else "")
    escaped = [name.replace("\\", "\\\\").replace("]", "\\]") for name in names]
    facts = {
        "SZ": str(size),
        "KM": komi,
        "PB": escaped[0],
        "PW": escaped[1],
        "HA": told if handicap else "",
        "ST": set_up,
    }
    whole = head_of(manner, facts) + body + closing + manner.tail
    return Truth(
        manner.change(whole.encode(manner.codec)),
        size,
        value,
        any(c.isdigit() for c in komi),
        game.start,
        game.moves,
        stones(game.board),
        game.turn,
        (names[0], names[1]) if manner.named else None,
    )
