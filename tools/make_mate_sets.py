"""Makes tests/data/chess_mates.jsonl: mates in one and in two from games of a weakened Stockfish.

    python tools/make_mate_sets.py --stockfish /usr/games/stockfish --count 30 > tests/data/chess_mates.jsonl

Stockfish picks the positions (random openings, then Skill Level 0); `moves` holds every first move that forces mate within
the stated number, found by trying all of them with python-chess. Only positions in which most moves fail are kept.
"""

from __future__ import annotations

import argparse
import json
import random

import chess
import chess.engine


def mates_in_one(board: chess.Board) -> list[str]:
    found = []
    for move in board.legal_moves:
        board.push(move)
        if board.is_checkmate():
            found.append(move.uci())
        board.pop()
    return found


def mates_in_two(board: chess.Board) -> list[str]:
    found = []
    for move in list(board.legal_moves):
        board.push(move)
        replies = list(board.legal_moves)
        forced = bool(replies)
        for reply in replies:
            board.push(reply)
            forced = bool(mates_in_one(board))
            board.pop()
            if not forced:
                break
        board.pop()
        if forced:
            found.append(move.uci())
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stockfish", default="/usr/games/stockfish")
    parser.add_argument("--count", type=int, default=30, help="positions of each kind")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    rng = random.Random(args.seed)
    wanted = {1: args.count, 2: args.count}
    with (
        chess.engine.SimpleEngine.popen_uci(args.stockfish) as weak,
        chess.engine.SimpleEngine.popen_uci(args.stockfish) as strong,
    ):
        weak.configure({"Skill Level": 0})
        while any(wanted.values()):
            board = chess.Board()
            for _ in range(rng.randrange(4, 12)):
                if not board.is_game_over():
                    board.push(rng.choice(list(board.legal_moves)))
            taken: set[int] = set()  # one position of a kind from each game
            while not board.is_game_over(claim_draw=True) and board.ply() < 160:
                score = strong.analyse(board, chess.engine.Limit(nodes=3000))["score"].relative
                plies = score.mate()
                if plies in (1, 2) and wanted[plies] and plies not in taken:
                    moves = mates_in_one(board) if plies == 1 else mates_in_two(board)
                    if moves and (plies == 1 or not mates_in_one(board)) and 4 * len(moves) < board.legal_moves.count():
                        print(json.dumps({"fen": board.fen(), "mate": plies, "moves": sorted(moves)}), flush=True)
                        wanted[plies] -= 1
                        taken.add(plies)
                result = weak.play(board, chess.engine.Limit(nodes=100))
                assert result.move is not None
                board.push(result.move)


if __name__ == "__main__":
    main()
