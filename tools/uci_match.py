"""Plays our UCI engine against another through python-chess's engine client: does the protocol hold?

    python tools/uci_match.py --model runs/chess-small --opponent stockfish --games 20 --out games.pgn
    python tools/uci_match.py --model runs/chess-small --opponent self --ponder --tc 10+0.1 --games 20

python-chess is the referee: it raises on a protocol error and checks every move; the clocks are kept here. Ends with one JSON
line; exit code 1 if there was a time loss, an illegal move or a crash.
"""

from __future__ import annotations

import argparse
import datetime
import json
import shlex
import sys
import time
from pathlib import Path

import chess
import chess.engine
import chess.pgn


def play(
    white: chess.engine.SimpleEngine,
    black: chess.engine.SimpleEngine,
    limits: list[chess.engine.Limit | None],
    tc: tuple[float, float],
    ponder: bool,
    board: chess.Board,
) -> tuple[chess.Board, str, str]:
    """(final board, result, termination) of one game; a limit of None means the clock."""
    clocks = [tc[0], tc[0]]
    game = object()
    while not board.is_game_over(claim_draw=True):
        side = 0 if board.turn == chess.WHITE else 1
        limit = limits[side] or chess.engine.Limit(
            white_clock=clocks[0], black_clock=clocks[1], white_inc=tc[1], black_inc=tc[1]
        )
        begin = time.monotonic()
        result = [white, black][side].play(board, limit, game=game, ponder=ponder and limits[side] is None)
        used = time.monotonic() - begin
        if limits[side] is None:
            clocks[side] -= used
            if clocks[side] < 0:
                return board, ["0-1", "1-0"][side], "time forfeit"
            clocks[side] += tc[1]
        if result.resigned or result.move is None:
            return board, ["0-1", "1-0"][side], "resigned"
        board.push(result.move)
    return board, board.result(claim_draw=True), "normal"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="uniform")
    parser.add_argument("--opponent", default="stockfish", help="'self' or a UCI engine's command")
    parser.add_argument("--skill", type=int, default=0, help="Stockfish's Skill Level")
    parser.add_argument("--movetime", type=float, default=0.1, help="the opponent's seconds a move")
    parser.add_argument("--tc", default="10+0.1", help="our clock: seconds + increment")
    parser.add_argument("--ponder", action="store_true")
    parser.add_argument("--games", type=int, default=20)
    parser.add_argument("--out", type=Path, help="PGN of the games")
    args = parser.parse_args()
    base, increment = (float(x) for x in args.tc.split("+"))
    ours = [sys.executable, "-m", "alphazero", "uci", "--model", args.model]
    other = ours if args.opponent == "self" else shlex.split(args.opponent)
    score, terminations, errors = {"wins": 0, "draws": 0, "losses": 0}, {}, []
    openings = ["", "e2e4", "d2d4", "g1f3", "c2c4", "e2e4 c7c5", "e2e4 e7e5", "d2d4 d7d5", "d2d4 g8f6", "b1c3"]
    with (
        chess.engine.SimpleEngine.popen_uci(ours, timeout=120) as a,
        chess.engine.SimpleEngine.popen_uci(other, timeout=120) as b,
    ):
        limits: list[chess.engine.Limit | None] = [None, None]
        if args.opponent != "self":
            if "Skill Level" in b.options:
                b.configure({"Skill Level": args.skill})
            limits[1] = chess.engine.Limit(time=args.movetime)
        for number in range(args.games):
            board = chess.Board()
            for move in openings[number // 2 % len(openings)].split():
                board.push_uci(move)
            swap = number % 2 == 1
            engines, sides = ((b, a), limits[::-1]) if swap else ((a, b), limits)
            try:
                board, result, termination = play(*engines, sides, (base, increment), args.ponder, board)
            except (chess.engine.EngineError, chess.engine.EngineTerminatedError) as error:
                errors.append(f"game {number + 1}: {error}")
                break
            points = {"1-0": 1.0, "0-1": 0.0, "1/2-1/2": 0.5}[result]
            points = 1 - points if swap else points
            score["wins" if points == 1 else "draws" if points == 0.5 else "losses"] += 1
            terminations[termination] = terminations.get(termination, 0) + 1
            print(f"game {number + 1}: {result} after {board.ply()} plies, {termination}", file=sys.stderr, flush=True)
            if args.out is not None:
                game = chess.pgn.Game.from_board(board)
                names = ["alphazero", args.opponent if args.opponent != "self" else "alphazero (2)"]
                game.headers.update(
                    White=names[swap],
                    Black=names[not swap],
                    Date=datetime.date.today().strftime("%Y.%m.%d"),
                    Round=str(number + 1),
                    Result=result,
                    TimeControl=args.tc,
                    Termination=termination,
                )
                with args.out.open("a") as file:
                    print(game, file=file, end="\n\n")
    print(json.dumps({**score, "terminations": terminations, "errors": errors}))
    sys.exit(1 if errors or "time forfeit" in terminations else 0)


if __name__ == "__main__":
    main()
