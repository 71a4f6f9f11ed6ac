"""A game that is played or looked at: a tree of moves, where one stands in it, clocks, and how it ended.

Nothing here knows a browser or a search: pages draw a session, and tell it what the person or the engine did.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from alphazero.errors import UserError
from alphazero.formats.go import play_colour
from alphazero.formats.remarks import sides_of as sides_of  # for the page's other files, too
from alphazero.game import Game, Position
from alphazero.web.clocks import Clocks

MOST_NODES = 20_000  # moves in a tree: more than any game has, and few enough for a server's memory
REASONS = {
    "stalemate": "stalemate",
    "insufficient": "neither side can mate",
    "threefold": "threefold repetition",
    "fifty": "fifty moves without a capture or a pawn's move",
    "max_plies": "the game's limit of plies",
    "four_in_a_row": "four in a row",
    "full_board": "the board is full",
    "two_passes": "two passes",
    "repetition": "fourfold repetition",
    "perpetual_check": "perpetual check",
    "declaration": "the king has entered (declaration)",
    "time_forfeit": "on time",
}


@dataclass(frozen=True)
class Ended:
    """How a game ended. value: +1, 0 or -1 for the first player; score: its margin in points, where there is one."""

    value: int
    reason: str
    score: float | None = None
    told: float | None = None  # the margin by which a file says that it was won


@dataclass
class Node:
    """A move of the tree and what is known of the position after it; the root has no move."""

    number: int  # its name within the session
    move: str
    parent: Node | None
    depth: int  # moves from the root
    children: list[Node] = field(default_factory=list)
    chosen: Node | None = None  # the child that was last played
    win_rate: float | None = None  # the first player's, in [0, 1], as a search last said
    score: float | None = None  # the first player's lead in points, likewise
    mark: str = ""  # "?!", "?" or "??", once the game was reviewed
    loss: float = 0.0  # what it cost, in [0, 1]
    better: list[str] = field(default_factory=list)  # the line that was expected instead of a marked move
    comment: str = ""
    numbers: dict[str, float] = field(default_factory=dict)  # a search's share of each move in the position after it
    left: tuple[float, float] | None = None  # the clocks when the position arose; None: nobody had used any time


@dataclass(frozen=True)
class Setup:
    """What a game begins with. opponent: a player's name, or "": both sides are moved by hand."""

    game: Game
    start: str = ""  # text of the position; "": the usual one
    opponent: str = ""
    person: int = 0  # the person's side, where there is an opponent
    level: int = 10
    simulations: int | None = None  # of each of the opponent's moves
    seconds: float | None = None  # likewise
    main_seconds: float = 0.0  # of each side's clock; 0: no clocks
    increment_seconds: float = 0.0
    names: tuple[str, str] = ("", "")


def after(position: Position, move: str) -> Position:
    """The position after a move, which may have its side before it where it is out of turn ("w D4", in files of Go)."""
    colour, _, vertex = move.rpartition(" ")
    if colour:
        return play_colour(position, colour.upper(), vertex)
    position.play(move)
    return position


def replay(game: Game, start: str, moves: Sequence[str]) -> Position:
    """The position after moves. ValueError names what is wrong."""
    position = game.position(start) if start else game.position()
    for move in moves:
        position = after(position, move)
    return position


class Session:
    """A tree of moves and a place in it. ValueError (IllegalMove among them) says why something cannot be done."""

    def __init__(self, setup: Setup, now: Callable[[], float] = time.monotonic):
        self._now = now
        self.begin(setup)

    def begin(self, setup: Setup) -> None:
        """A new game."""
        self.setup = setup
        self.position = replay(setup.game, setup.start, ())
        self.root = self.current = Node(0, "", None, 0)
        self.nodes = {0: self.root}
        self.ends: dict[int, Ended] = {}  # by node: what ends a game beside its rules
        self.warnings: list[str] = []
        self.clocks = Clocks(setup.main_seconds, setup.increment_seconds) if setup.main_seconds else None
        if self.clocks is not None and self.ended is None:
            self.clocks.start(self.position.turn, self._now())

    # --- what stands ---

    @property
    def game(self) -> Game:
        return self.setup.game

    @property
    def ended(self) -> Ended | None:
        """How the game ended in the current position."""
        outcome = self.position.outcome
        if outcome is not None:
            return Ended(outcome.value, outcome.reason, outcome.score)
        return self.ends.get(self.current.number)

    @property
    def persons_turn(self) -> bool:
        """Whether a person is to move."""
        return self.ended is None and (not self.setup.opponent or self.position.turn == self.setup.person)

    @property
    def engines_turn(self) -> bool:
        return self.ended is None and bool(self.setup.opponent) and self.position.turn != self.setup.person

    def legal_moves(self, *, beyond: bool = False) -> list[str]:
        """beyond: also after a resignation or a flag, as an analysis plays on; the rules alone end that."""
        ended = self.position.outcome if beyond else self.ended
        return [] if ended is not None else self.position.legal_moves()

    def moves(self, node: Node | None = None) -> list[str]:
        """The moves from the start to a node; None: the current one."""
        return [each.move for each in self.path(node)]

    def path(self, node: Node | None = None) -> list[Node]:
        """The nodes from the first move to a node; None: the current one."""
        found = []
        at: Node | None = self.current if node is None else node
        while at is not None and at.parent is not None:
            found.append(at)
            at = at.parent
        return found[::-1]

    def line(self) -> list[Node]:
        """The current path and how it goes on: by the move of each node that was last played, as far as none was taken back and
        the game did not end.
        """
        nodes = self.path()
        at = self.current
        while at.chosen is not None and at.number not in self.ends:
            at = at.chosen
            nodes.append(at)
        return nodes

    def mover(self, node: Node) -> int:
        """Who made a node's move: the side that it has before it, else the one to move. Not for the root."""
        colour, _, _ = node.move.rpartition(" ")
        assert node.parent is not None
        return "bw".index(colour) if colour else self._turn_at(node.parent)

    def variations(self) -> Iterator[tuple[Node, int]]:
        """All nodes but the root, each with how deeply it is nested in variations; a node's first child goes on at its level."""
        stack = [(child, int(i > 0)) for i, child in reversed(list(enumerate(self.root.children)))]
        while stack:
            node, level = stack.pop()
            yield node, level
            stack += [(child, level + int(i > 0)) for i, child in reversed(list(enumerate(node.children)))]

    def positions(self, nodes: Sequence[Node]) -> list[Position]:
        """The start position and the one after each node of a path from the root."""
        position = replay(self.game, self.setup.start, ())
        found = [position.copy()]
        for node in nodes:
            position = after(position, node.move)
            found.append(position.copy())
        return found

    # --- what is done ---

    def play(self, move: str, *, beyond: bool = False) -> None:
        """Plays a move in the current position. beyond: as in legal_moves()."""
        if (self.position.outcome if beyond else self.ended) is not None:
            raise UserError("the game is over")
        known = next((child for child in self.current.children if child.move == move), None)
        if known is None and len(self.nodes) >= MOST_NODES:
            raise UserError(f"this game has {MOST_NODES:,} moves and variations: begin a new one")
        if self.clocks is not None and self.flag():
            return
        self.position = after(self.position, move)
        if known is None:
            known = Node(len(self.nodes), move, self.current, self.current.depth + 1)
            self.nodes[known.number] = known
            self.current.children.append(known)
        self.current.chosen = known
        self.current = known
        if self.clocks is not None:
            if self.ended is None:
                self.clocks.moved(self._now())
            else:
                self.clocks.stop(self._now())
            known.left = (self.clocks.left[0], self.clocks.left[1])

    def resign(self) -> None:
        """The person resigns; by hand, whoever is to move."""
        loser = self.setup.person if self.setup.opponent else self.position.turn
        self._end(Ended(-1 if loser == 0 else 1, "resignation"))

    def flag(self) -> bool:
        """Whether a clock has run out; the game is then over."""
        fallen = self.clocks.fallen(self._now()) if self.clocks is not None and self.ended is None else None
        if fallen is not None:
            self._end(Ended(-1 if fallen == 0 else 1, "time_forfeit"))
        return fallen is not None

    def _end(self, ended: Ended) -> None:
        if self.ended is not None:
            raise UserError("the game is over")
        self.ends[self.current.number] = ended
        if self.clocks is not None:
            self.clocks.stop(self._now())

    def undo(self) -> None:
        """Takes back to the person's last decision: its move and the answer to it; by hand, one move."""
        if self.current.number in self.ends:  # a resignation, or a flag, is taken back alone
            del self.ends[self.current.number]
            self._stand(self.current)
        else:
            node = self.current.parent
            while node is not None and self.setup.opponent and self._turn_at(node) != self.setup.person:
                node = node.parent
            if node is None:
                raise UserError("nothing to take back")
            self._stand(node)
            node.chosen = None
        self.resume()

    def resume(self) -> None:
        """The game goes on: the clock of the side to move runs, where it rests."""
        if self.clocks is not None and self.clocks.running is None and self.ended is None:
            self.clocks.start(self.position.turn, self._now())

    def rest(self) -> None:
        """Nobody's clock runs, until resume()."""
        if self.clocks is not None:
            self.clocks.stop(self._now())

    def go(self, number: int) -> None:
        """Looks at a node of the tree. Clocks rest until the game goes on from there."""
        if number not in self.nodes:
            raise UserError("there is no such move in this game")
        self._look_at(self.nodes[number])

    def step(self, moves: int) -> None:
        """Goes so many moves on in the line, or back (negative), as far as there are any. Clocks rest as in go()."""
        line = [self.root, *self.line()]
        self._look_at(line[max(0, min(len(line) - 1, self.current.depth + moves))])

    def _look_at(self, node: Node) -> None:
        if node is not self.current:  # one cannot win time by looking where one is
            self._stand(node)

    def _turn_at(self, node: Node) -> int:
        return replay(self.game, self.setup.start, self.moves(node)).turn

    def _stand(self, node: Node) -> None:
        """Another position, with the time that both sides had when it arose."""
        self.position = replay(self.game, self.setup.start, self.moves(node))
        self.current = node
        if self.clocks is not None:
            self.clocks.restore(node.left)


def ending(session: Session) -> str:
    """How the game ended, in words, such as "Black wins by 3.5: area 43 to 39.5"; "" while it goes on."""
    ended = session.ended
    if ended is None:
        return ""
    sides = sides_of(session.game)
    if ended.score is not None:
        own = session.position.ownership()
        first = float((own == 1).sum())
        areas = (first, first - ended.score)
        if not ended.score:
            return f"Draw: area {first:g} to {first:g}"
        high, low = max(areas), min(areas)
        return f"{sides[ended.value < 0]} wins by {abs(ended.score):g}: area {high:g} to {low:g}"
    why = REASONS.get(ended.reason, ended.reason.replace("_", " "))
    why = f": {why}" if why else ""  # a file may say no more than who won
    if ended.value == 0:
        return f"Draw{why}"
    winner, loser = sides[ended.value < 0], sides[ended.value > 0]
    if ended.reason == "resignation":
        return f"{winner} wins: {loser} resigned"
    if ended.reason == "time_forfeit":
        return f"{winner} wins on time"
    return f"{winner} wins by {abs(ended.told):g}" if ended.told is not None else f"{winner} wins{why}"
