"""What an engine costs before it can think: processor and wall time to its first answer and until it is ready.

    python tools/startup.py                      the package of this environment, chess, shogi and Go
    python tools/startup.py --tree DIR           another checkout (its core built), for before and after

`uciok` (`usiok`; Go: the answer to `name`) is when a GUI lists the engine, `readyok` (Go: the first move) when a game can begin.
Cold: an empty cache folder, as after the installation; warm: the next start. Processor time is user and system time of the
process and of all it started and waited for, ended by SIGKILL the moment the answer came. Of --repeat starts the least.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ENGINES = {  # game: (command, what is asked first, how its answer begins, what is asked then, how that answer begins)
    "chess": ("uci", "uci", "uciok", "isready", "readyok"),
    "shogi": ("usi", "usi", "usiok", "isready", "readyok"),
    "go": ("gtp", "1 name", "=1", "2 genmove b", "=2"),
}


def start(tree: Path, cache: Path, command: str, *dialogue: str) -> tuple[float, float]:
    """(processor seconds, wall seconds) of an engine until it has given the last answer of the dialogue."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("ALPHAZERO")}
    words = [sys.executable, "-m", "alphazero", command]
    words += ["--simulations", "1"] if command == "gtp" else []
    begin = time.perf_counter()
    process = subprocess.Popen(
        words,
        cwd=tree,
        env={**environment, "XDG_CACHE_HOME": str(cache)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdin is not None and process.stdout is not None
    for ask, answer in zip(dialogue[::2], dialogue[1::2], strict=True):
        process.stdin.write(f"{ask}\n")
        process.stdin.flush()
        if not any(line.startswith(answer) for line in process.stdout):
            raise SystemExit(f"alphazero {command} ended before {answer}")
    seconds = time.perf_counter() - begin
    process.kill()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return used.ru_utime + used.ru_stime, seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tree", type=Path, default=Path(__file__).parents[1], help="a checkout with its core built")
    parser.add_argument("--games", nargs="+", choices=ENGINES, default=list(ENGINES))
    parser.add_argument("--repeat", type=int, default=3)
    args = parser.parse_args()
    print(f"{'game':6} {'until':8} {'cache':5} {'processor s':>11} {'wall s':>7}")
    for game in args.games:
        command, ask, answer, then, ready = ENGINES[game]
        for until, dialogue in ((answer, (ask, answer)), (ready, (ask, answer, then, ready))):
            colds, warms = [], []
            for _ in range(args.repeat):
                with tempfile.TemporaryDirectory() as cache:
                    colds.append(start(args.tree, Path(cache), command, *dialogue))
                    warms.append(start(args.tree, Path(cache), command, *dialogue))
            for name, found in (("cold", colds), ("warm", warms)):
                processor, wall = (min(column) for column in zip(*found, strict=True))
                print(f"{game:6} {until:8} {name:5} {processor:11.2f} {wall:7.2f}", flush=True)


if __name__ == "__main__":
    main()
