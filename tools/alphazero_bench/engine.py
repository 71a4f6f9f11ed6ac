"""What a player at a GUI gets: nodes a second through the protocol as a share of the bare network's, known leaves, start-up."""

from __future__ import annotations

import os
import queue
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from alphazero.game import make
from alphazero.machine import cores
from alphazero.network_search import NetworkSearch
from alphazero.player import NetworkPlayer, load
from alphazero.protocols.engine import EngineLoop
from alphazero.protocols.gtp import GtpEngine
from alphazero.protocols.uci import UciEngine
from alphazero.protocols.usi import UsiEngine
from alphazero_bench.figures import BOARDS, Figure, figure_of
from alphazero_bench.networks import best_bare

ENGINES: dict[str, type[EngineLoop] | type[GtpEngine]] = {
    "chess": UciEngine,
    "shogi": UsiEngine,
    "go9": GtpEngine,
    "go19": GtpEngine,
}
STARTS = {"uciok": ("uci", "uciok"), "readyok": ("isready", "readyok"), "bestmove": ("go nodes 1", "bestmove")}


class Played:
    """An engine in this process, its lines in our hands."""

    def __init__(self, player: NetworkPlayer, kind: type[EngineLoop] | type[GtpEngine]):
        player.set_threads(cores())
        self.engine = kind(player)
        self._in: queue.Queue[str | None] = queue.Queue()
        self._out: queue.Queue[str] = queue.Queue()
        self._thread = threading.Thread(target=self.engine.serve, args=(iter(self._in.get, None), self))
        self._thread.start()

    def write(self, text: str) -> None:
        for line in text.splitlines():
            self._out.put(line)

    def flush(self) -> None:
        pass

    def send(self, line: str) -> None:
        self._in.put(line + "\n")

    def until(self, start: str) -> list[str]:
        """Lines up to the first that begins so."""
        lines = [self._out.get(timeout=600)]
        while not lines[-1].startswith(start):
            lines.append(self._out.get(timeout=600))
        return lines

    def nodes_per_second(self, seconds: float) -> float:
        """Of a search of the start position for so long, its tree empty before."""
        self.engine.player.forget()
        if isinstance(self.engine, GtpEngine):
            self.send("clear_board")
            self.until("=")
            self.send("komi 7")
            self.until("=")
            self.engine.player.forget()
            begin = time.perf_counter()
            self.send(f"kata-analyze b {max(1, round(20 * seconds))} rootInfo true maxmoves 1")
            time.sleep(seconds)
            self.send("protocol_version")  # any line ends the analysis; its reply comes once that is over
            self.until("= 2")
            used = time.perf_counter() - begin
            search = self.engine.player._search
            assert search is not None
            return search.simulations / used
        self.send(f"go movetime {round(1000 * seconds)}")
        lines = self.until("bestmove")
        found = [re.search(r" time (\d+) .* nodes (\d+) ", line) for line in lines]
        last = [match for match in found if match][-1]
        return 1000.0 * int(last[2]) / max(1, int(last[1]))

    def known_share(self) -> float:
        """The share of leaves of all searches so far whose answers were kept."""
        search = self.engine.player._search
        assert isinstance(search, NetworkSearch)
        return search.known_answers / max(1, search.known_answers + search.evaluated_leaves)

    def close(self) -> None:
        self._in.put(None)
        self._thread.join()


def bench(seconds: float, repeat: int, peers: list[str]) -> Iterator[Figure]:
    """`--seconds 30 --repeat 3` searches ten seconds at a time."""
    for label, kind in ENGINES.items():
        name, options = BOARDS[label]
        player = load(f"pretrained:{name}", game=make(name, options) if name != "go" else None)
        player = player.with_options(**options) if options else player
        assert isinstance(player, NetworkPlayer)
        played = Played(player, kind)
        if label in ("chess", "shogi"):
            played.send("isready")
            played.until("readyok")
        best_bare(player.evaluator, player.game.planes_shape, cores(), seconds / 4)  # warms up
        nodes, ratios = [], []
        for _ in range(repeat):
            nodes.append(played.nodes_per_second(seconds))
            # In turns: a machine's speed drifts.
            ratios.append(nodes[-1] / best_bare(player.evaluator, player.game.planes_shape, cores(), seconds))
        share = played.known_share()
        played.close()
        yield figure_of(f"engine.nodes.{label}", "nodes/s", nodes)
        yield figure_of(f"engine.ratio.{label}", "of bare network", ratios)
        yield figure_of(f"engine.cache.{label}", "of leaves", [share])
    for until, used in _starts(repeat).items():
        yield figure_of(f"engine.start.{until}", "processor s", used)


def _starts(repeat: int) -> dict[str, list[float]]:
    """Processor seconds of a fresh chess engine until it has given each answer; its caches are those of the second start."""
    used: dict[str, list[float]] = {until: [] for until in STARTS}
    with tempfile.TemporaryDirectory() as cache:
        for number in range(repeat + 1):
            process = subprocess.Popen(
                [sys.executable, "-m", "alphazero", "uci"],
                env={**os.environ, "XDG_CACHE_HOME": cache},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
            assert process.stdin is not None and process.stdout is not None
            for until, (ask, answer) in STARTS.items():
                process.stdin.write(ask + "\n")
                process.stdin.flush()
                for line in process.stdout:
                    if line.startswith(answer):
                        break
                if number:
                    used[until].append(_processor_seconds(process.pid))
            process.stdin.write("quit\n")
            process.stdin.close()
            process.wait()
    return used


def _processor_seconds(pid: int) -> float:
    """What a running process has used, in user and system mode."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
