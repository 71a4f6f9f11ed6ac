"""Plays our USI engine against itself through cshogi's client: does the protocol hold?

    python tools/usi_match.py --model runs/shogi --byoyomi 0.2 --games 20
    python tools/usi_match.py --model runs/shogi --tc 10+0.1 --ponder --games 20

The model must play shogi: cshogi knows no minishogi. cshogi is the referee of moves and declarations; repetition on the fourth
occurrence and the clocks are kept here. Two faults of cshogi's client are worked around: it starts a bare program without
arguments (so a script is written for it), and it never ends where the engine dies (so the whole has a watchdog). Ends with one
JSON line; exit code 1 if there was a time loss, an illegal move or a crash.
"""

from __future__ import annotations

import argparse
import json
import random
import shlex
import sys
import tempfile
import threading
import time
from pathlib import Path

import cshogi
from cshogi.usi import Engine

import alphazero as az

MOST_PLIES = 300  # then a draw: our aim here is the wire


class Seat:
    """One engine, its clock, and the search it does on the opponent's time."""

    def __init__(self, command: Path):
        self.engine = Engine(str(command))
        self.engine.isready()
        self.clock = 0.0
        self.expected: str | None = None
        self.answer: list[tuple[str, str | None]] = []
        self.thread: threading.Thread | None = None

    def go(self, **words: object) -> None:
        self.answer = []
        self.thread = threading.Thread(target=lambda: self.answer.append(self.engine.go(**words)), daemon=True)
        self.thread.start()

    def wait(self, seconds: float) -> tuple[str, str | None]:
        assert self.thread is not None
        self.thread.join(seconds)
        if not self.answer:
            raise RuntimeError(f"no bestmove within {seconds:.0f} seconds")
        return self.answer[0]

    def move(self, moves: list[str], words: dict[str, int]) -> tuple[str, str | None]:
        """The engine's move after these; uses what it has pondered if it guessed right."""
        if self.expected is not None:
            if moves[-1] == self.expected:
                self.engine.ponderhit()
                return self.wait(60)
            self.engine.stop()
            self.wait(10)
        self.engine.position(moves)
        self.go(**words)
        return self.wait(60)

    def ponder(self, moves: list[str], guess: str | None, words: dict[str, int]) -> None:
        self.expected = guess
        if guess is not None:
            self.engine.position([*moves, guess])
            self.go(ponder=True, **words)

    def end(self, result: str) -> None:
        if self.expected is not None:
            self.engine.stop()
            self.wait(10)
            self.expected = None
        self.engine.gameover(result)


def play(
    seats: list[Seat], args: argparse.Namespace, base: float, increment: float, opening: list[str]
) -> tuple[str, int]:
    """(how the game ended, plies)."""
    board = cshogi.Board()
    moves: list[str] = []
    seen: dict[str, int] = {}
    for seat in seats:
        seat.engine.usinewgame()
        seat.clock = base
    for move in opening:
        board.push_usi(move)
        moves.append(move)
    while True:
        place = board.sfen().rsplit(" ", 1)[0]
        seen[place] = seen.get(place, 0) + 1
        if seen[place] == 4:
            return "repetition", len(moves)
        if len(moves) >= MOST_PLIES:
            return "long", len(moves)
        seat = seats[board.turn]
        clocks = {"btime": round(1000 * seats[0].clock), "wtime": round(1000 * seats[1].clock)}
        words = clocks | (
            {"byoyomi": round(1000 * args.byoyomi)}
            if args.byoyomi
            else {"binc": round(1000 * increment), "winc": round(1000 * increment)}
        )
        begin = time.monotonic()
        move, guess = seat.move(moves, words)
        used = time.monotonic() - begin
        if used > seat.clock + args.byoyomi:
            return "time loss", len(moves)
        seat.clock = max(0.0, seat.clock - used) + increment
        if move == "resign":
            return ("resigned" if not board.is_game_over() else "checkmate"), len(moves)
        if move == "win":
            return ("declaration" if board.is_nyugyoku() else "wrong declaration"), len(moves)
        if move not in {cshogi.move_to_usi(legal) for legal in board.legal_moves}:
            return f"illegal move {move} at {board.sfen()}", len(moves)
        board.push_usi(move)
        moves.append(move)
        if args.ponder:
            seat.ponder(moves, guess, words)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="uniform")
    parser.add_argument("--tc", default="0+0", help="seconds + increment")
    parser.add_argument("--byoyomi", type=float, default=0.0, help="seconds a move after the main time")
    parser.add_argument("--ponder", action="store_true")
    parser.add_argument("--games", type=int, default=20)
    args = parser.parse_args()
    base, increment = (float(x) for x in args.tc.split("+"))
    if base + args.byoyomi <= 0:
        parser.error("give --tc or --byoyomi")
    if args.model != "uniform" and (game := az.load(args.model).game.name) != "shogi":
        parser.error(f"{args.model} plays {game}; cshogi knows shogi only")
    rng = random.Random(0)
    ends: dict[str, int] = {}
    errors: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "engine.sh"
        command = [sys.executable, "-m", "alphazero", "usi", "--model", str(args.model)]
        script.write_text(f"#!/bin/sh\ncd {shlex.quote(str(Path.cwd()))}\nexec {shlex.join(command)}\n")
        script.chmod(0o755)
        seats = [Seat(script), Seat(script)]
        for number in range(args.games):
            board = cshogi.Board()
            opening = []
            for _ in range(4):
                opening.append(cshogi.move_to_usi(rng.choice(list(board.legal_moves))))
                board.push_usi(opening[-1])
            pair = seats if number % 2 == 0 else seats[::-1]
            try:
                ending, plies = play(pair, args, base, increment, opening)
                for seat in pair:
                    seat.end("draw")
            except (RuntimeError, OSError, ValueError) as error:
                errors.append(f"game {number + 1}: {error}")
                break
            ends[ending] = ends.get(ending, 0) + 1
            print(f"game {number + 1}: {ending} after {plies} plies", file=sys.stderr, flush=True)
            if ending.startswith(("illegal", "time", "wrong")):
                errors.append(f"game {number + 1}: {ending}")
        for seat in seats:
            seat.engine.quit()
    print(json.dumps({"games": sum(ends.values()), "ends": ends, "errors": errors}))
    sys.exit(1 if errors else 0)


if __name__ == "__main__":
    main()
