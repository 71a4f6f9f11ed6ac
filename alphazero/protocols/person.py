"""A person's game against a player, in words: what `alphazero play` reads and writes."""

from __future__ import annotations

from alphazero import levels
from alphazero.game import Outcome
from alphazero.player import Player
from alphazero.search import SearchResult

HELP = "a move, or: moves (all legal ones), hint, undo, resign, quit"
LONGEST_LINE = 6  # moves of the expected line that are shown


class PersonGame:
    """One game from the start.

    side: the person's, 0 moves first. simulations: of each search; None: the player's own. level: of the player's moves.
    """

    def __init__(self, player: Player, side: int, simulations: int | None, level: int = levels.MOST):
        self.player = player
        self.side = side
        self.simulations = simulations
        self.level = level
        self.position = player.game.position()
        self._drawn = -1  # the ply of the board on the screen: a mistyped move does not draw it again

    def play(self) -> None:
        """Plays until the game is over or the person leaves."""
        print(f"You play {('first', 'second')[self.side]} against {self.player.name}. Type {HELP}.\n")
        while self.position.outcome is None:
            if self._drawn != self.position.ply:
                print(self.position.diagram)
                self._drawn = self.position.ply
            if self.position.turn != self.side:
                self._reply()
            elif not self._ask():
                return
        print(self.position.diagram)
        print(f"\n{self._ending(self.position.outcome)}")

    def _reply(self) -> None:
        """The player's move."""
        result = self.player.search_at(self.level, self.position, simulations=self.simulations)
        print(f"\n> {result.best_move}   ({self._percent(result)} for the engine; expects {self._line(result)})\n")
        self.position.play(result.best_move)

    def _ask(self) -> bool:
        """Does what the person types; False where that ends the game."""
        try:
            word = input("your move: ").strip()
        except (EOFError, KeyboardInterrupt):
            print("\nbye")
            return False
        lower = word.lower()
        if lower in ("quit", "exit", "q"):
            print("bye")
            return False
        if lower == "resign":
            print(f"You resign: {self.player.name} wins.")
            return False
        if lower == "moves":
            print(" ".join(self.position.legal_moves()))
        elif lower == "hint":
            result = self._search()
            print(f"{result.best_move}   ({self._percent(result)} for you; {self._line(result)})")
        elif lower == "undo":
            self._undo()
        elif lower in ("", "help", "?"):
            print(HELP)
        else:
            self._move(word)
        return True

    def _undo(self) -> None:
        """Takes back the person's last move and the answer to it."""
        if self.position.ply < 2:
            print("nothing to take back")
            return
        self.position.undo()
        self.position.undo()

    def _move(self, word: str) -> None:
        try:
            self.position.play(word)
        except ValueError as error:
            print(f"{error}; type `moves` to see what is legal")

    def _search(self) -> SearchResult:
        return self.player.search(self.position, self.simulations)

    def _percent(self, result: SearchResult) -> str:
        """The expected score of the side to move."""
        return f"{100 * (result.value + 1) / 2:.0f} %"

    def _line(self, result: SearchResult) -> str:
        return " ".join(result.pv[:LONGEST_LINE])

    def _ending(self, outcome: Outcome) -> str:
        winner = "you win" if (outcome.value > 0) == (self.side == 0) else f"{self.player.name} wins"
        score = f", by {abs(outcome.score):g}" if outcome.score is not None and outcome.value else ""
        return f"{winner if outcome.value else 'draw'} ({outcome.reason.replace('_', ' ')}{score})"
