"""Do the moves that `alphazero analyze` marks as blunders agree with Stockfish's judgement?

    python tools/blunder_agreement.py --stockfish stockfish --games 50 --out blunders

Stockfish plays weakened copies of itself (Skill Level) from random openings. Those play subtle mistakes alone; with --slips, so
many of their moves are any legal one, as a person's oversight is. The games are written to OUT/games.pgn, and judged twice: by
`alphazero analyze`, and by Stockfish with --nodes a position, its centipawns as lichess.org turns them into a win rate. Both call
a move by what it costs the mover: 5, 10 and 20 % are an inaccuracy, a mistake, a blunder.

A mark of ours agrees where Stockfish calls the move at least a mistake. Prints for "??" and for "?" and worse: how many moves each
marks; which share of ours agrees; which share of all moves would, which is what random marks reach; how far the first is on the
way from there to 1, with Wilson's 95 % interval of the share; and how many of Stockfish's marks are ours, too (recall).
"""

from __future__ import annotations

import argparse
import json
import math
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import chess
import chess.engine
import chess.pgn

from alphazero.review.judge import BLUNDER, MISTAKE

SKILLS = (0, 2, 4, 6, 8)  # of the weakened side
STRONG_NODES, WEAK_NODES = 5000, 1000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stockfish", required=True, metavar="PROGRAM")
    parser.add_argument("--games", type=int, default=50)
    parser.add_argument("--nodes", type=int, default=100_000, help="of Stockfish's judgement, a position")
    parser.add_argument("--simulations", type=int, default=200, help="of ours, a position")
    parser.add_argument("--model", default="pretrained:chess")
    parser.add_argument("--slips", type=float, default=0.0, help="share of the weakened side's moves, from 0 to 1")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    if args.games < 1:
        parser.error("--games must be at least 1")
    args.out.mkdir(parents=True, exist_ok=True)
    file = args.out / "games.pgn"
    with ThreadPoolExecutor(args.jobs) as pool:
        games = list(pool.map(lambda number: play(args.stockfish, number, args.slips), range(args.games)))
        file.write_text("\n\n".join(map(str, games)) + "\n")
        theirs = list(pool.map(lambda game: judged_by_stockfish(args.stockfish, args.nodes, game), games))
    ours = judged_by_us(file, args.model, args.simulations)
    pairs = [pair for mine, his in zip(ours, theirs, strict=True) for pair in zip(mine, his, strict=True)]
    (args.out / "losses.json").write_text(json.dumps(pairs))
    print(f"{len(games)} games, {len(pairs)} moves")
    for mark, least in (("??", BLUNDER), ("? and ??", MISTAKE)):
        tell(mark, least, pairs)
    return 0


def play(program: str, number: int, slips: float) -> chess.pgn.Game:
    """A game from four random plies, the weakened engine with the colour of the game's number."""
    draws = random.Random(number)
    with chess.engine.SimpleEngine.popen_uci(program) as strong, chess.engine.SimpleEngine.popen_uci(program) as weak:
        weak.configure({"Skill Level": SKILLS[number // 2 % len(SKILLS)]})
        board = chess.Board()
        while board.ply() < 4:
            board.push(draws.choice(list(board.legal_moves)))
        while not board.is_game_over(claim_draw=True) and board.ply() < 160:
            is_weak = board.turn == (number % 2 == 0)
            engine, nodes = (weak, WEAK_NODES) if is_weak else (strong, STRONG_NODES)
            move = engine.play(board, chess.engine.Limit(nodes=nodes)).move
            if is_weak and draws.random() < slips:
                move = draws.choice(list(board.legal_moves))
            assert move is not None
            board.push(move)
    game = chess.pgn.Game.from_board(board)
    game.headers["White"], game.headers["Black"] = ("weak", "strong") if number % 2 == 0 else ("strong", "weak")
    return game


def judged_by_stockfish(program: str, nodes: int, game: chess.pgn.Game) -> list[float]:
    """What each move cost the mover, of its expected result."""
    limit = chess.engine.Limit(nodes=nodes)
    board = game.board()
    losses = []
    with chess.engine.SimpleEngine.popen_uci(program) as engine:
        before = expected(engine, board, limit)
        for move in game.mainline_moves():
            board.push(move)
            after = 1.0 - expected(engine, board, limit)
            losses.append(max(0.0, before - after))
            before = 1.0 - after
    return losses


def expected(engine: chess.engine.SimpleEngine, board: chess.Board, limit: chess.engine.Limit) -> float:
    """The expected result of the side to move, from 0 to 1."""
    outcome = board.outcome()
    if outcome is not None:
        return 0.5 if outcome.winner is None else float(outcome.winner == board.turn)
    score = engine.analyse(board, limit)["score"].relative
    mate = score.mate()
    if mate is not None:
        return 1.0 if mate > 0 else 0.0
    centipawns = score.score()
    assert centipawns is not None
    # lichess.org/page/accuracy: fitted to the results of people's games.
    return 1.0 / (1.0 + math.exp(-0.00368208 * centipawns))


def judged_by_us(file: Path, model: str, simulations: int) -> list[list[float]]:
    """What `alphazero analyze` says each move cost."""
    command = [sys.executable, "-m", "alphazero", "analyze", str(file), "--json", "--model", model]
    command += ["--simulations", str(simulations)]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return [[float(each["loss"]) for each in json.loads(line)["moves"]] for line in lines]


def tell(mark: str, least: float, pairs: list[tuple[float, float]]) -> None:
    marked = [his for mine, his in pairs if mine >= least]
    agreed = sum(his >= MISTAKE for his in marked)
    chance = sum(his >= MISTAKE for _, his in pairs) / len(pairs)
    his_own = [mine for mine, his in pairs if his >= least]
    if not marked:
        print(f"{mark}: none by us, {len(his_own)} by Stockfish")
        return
    share = agreed / len(marked)
    low, high = (100 * (end - chance) / (1.0 - chance) for end in wilson(agreed, len(marked)))
    found = sum(mine >= least for mine in his_own)
    print(
        f"{mark}: {len(marked)} by us, {len(his_own)} by Stockfish; {agreed} of ours ({100 * share:.0f} %) are mistakes to it, "
        f"{100 * chance:.0f} % of all moves are; {100 * (share - chance) / (1.0 - chance):.0f} % above random "
        f"({low:.0f} to {high:.0f} %); {found} of its marks ({100 * found / max(1, len(his_own)):.0f} %) are ours, too"
    )


def wilson(hits: int, number: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927)."""
    z = 1.96
    share, wide = hits / number, 1.0 + z * z / number
    middle = share + z * z / (2 * number)
    half = z * math.sqrt(share * (1.0 - share) / number + z * z / (4 * number * number))
    return (middle - half) / wide, (middle + half) / wide


if __name__ == "__main__":
    raise SystemExit(main())
