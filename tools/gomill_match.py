"""Games of our GTP engine against another, with gomill (PyPI, MIT) as the referee.

    python tools/gomill_match.py --model runs/quickstart --opponent "gnugo --mode gtp --level 0 --capture-all-dead" --games 20 --out games/

gomill 0.8.3 is written for Python 2: it is fetched with pip and converted with lib2to3 (part of Python up to 3.12) into a
cache directory. It checks every reply against the protocol; an error of either engine ends the match with its text. The final
board is counted as it stands, so an opponent must take dead stones off before it passes (GNU Go: --capture-all-dead).
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import alphazero as az
from alphazero.formats import sgf

VERSION = "0.8.3"


def gomill_path() -> Path:
    """A directory that holds gomill for this Python, made on the first call."""
    cache = Path(tempfile.gettempdir()) / f"gomill-{VERSION}-py3-{os.getuid()}"
    if (cache / "gomill").is_dir():
        return cache
    with tempfile.TemporaryDirectory() as scratch:
        pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:", "-d", scratch]
        subprocess.run(
            [*pip, f"gomill=={VERSION}"], check=False, capture_output=True
        )  # its setup.py fails on Python 3.12
        archive = Path(scratch) / f"gomill-{VERSION}.tar.gz"
        if not archive.exists():
            raise SystemExit(f"gomill {VERSION} could not be fetched with pip")
        with tarfile.open(archive) as files:
            files.extractall(scratch, filter="data")
        package = Path(scratch) / f"gomill-{VERSION}" / "gomill"
        subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "lib2to3", "-w", "-n", str(package)], check=True, capture_output=True
        )
        for file in package.glob("*.py"):
            text = file.read_text().replace("string.maketrans", "str.maketrans")
            # What 2to3 cannot know: the pipes carry text, one line at a time.
            text = text.replace("stderr=stderr, cwd=cwd, env=env)", "stderr=stderr, cwd=cwd, env=env, text=True)")
            text = text.replace('return argument.encode("utf-8")', "return argument")
            file.write_text(text.replace('s.decode("utf-8")', 's.encode("utf-8")'))
        cache.mkdir(exist_ok=True)
        package.rename(cache / "gomill")
    return cache


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="uniform")
    parser.add_argument("--simulations", type=int, default=200)
    parser.add_argument(
        "--opponent", default="gnugo --mode gtp --level 0 --chinese-rules --positional-superko --capture-all-dead"
    )
    parser.add_argument("--games", type=int, default=20)
    parser.add_argument("--size", type=int, default=9)
    parser.add_argument("--komi", type=float, default=7.0)
    parser.add_argument("--out", type=Path, help="directory for the SGF files and results.jsonl")
    args = parser.parse_args()
    sys.path.insert(0, str(gomill_path()))
    from gomill import gtp_controller, gtp_games
    from gomill.common import format_vertex

    ours = [sys.executable, "-m", "alphazero", "gtp", "--model", args.model, "--simulations", str(args.simulations)]
    theirs = shlex.split(args.opponent)
    wins = 0.0
    lines = []
    for number in range(args.games):
        black, white = ("ours", "theirs") if number % 2 == 0 else ("theirs", "ours")
        referee = gtp_controller.Game_controller(black, white)
        for colour, name in (("b", black), ("w", white)):
            referee.set_player_subprocess(colour, ours if name == "ours" else theirs)
        game = gtp_games.Gtp_game(referee, args.size, args.komi, move_limit=args.size**2 * 3)
        game.use_internal_scorer()
        game.prepare()
        game.run()
        referee.close_players()
        errors = referee.describe_late_errors()
        if errors:
            raise SystemExit(f"game {number}: {errors}")
        result = game.result
        score = 0.5 if result.winning_player is None else float(result.winning_player == "ours")
        wins += score
        first = args.model if black == "ours" else args.opponent
        second = args.opponent if black == "ours" else args.model
        lines.append(
            {
                "first": first,
                "second": second,
                "result": score if black == "ours" else 1.0 - score,
                "detail": result.sgf_result,
            }
        )
        print(f"game {number + 1}: {black} (Black) - {white} (White): {result.sgf_result}", flush=True)
        if args.out:
            args.out.mkdir(parents=True, exist_ok=True)
            start = az.Game("go", board_size=args.size, komi=args.komi).position()
            moves = [format_vertex(move) for _, move, _ in game.get_moves()]
            text = sgf.write(start, moves, black=first, white=second, result=result.sgf_result)
            (args.out / f"{number:03d}.sgf").write_text(text)
    if args.out:
        (args.out / "results.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    print(f"{args.model} against {args.opponent}: {wins:g} of {args.games}, no protocol error")


if __name__ == "__main__":
    main()
