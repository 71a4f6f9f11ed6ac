"""Other programs, measured in the same run: Stockfish and cshogi (rules), OpenSpiel (rules, search in Python and in C++), mctx over
pgx (search).

A peer that was asked for and is not installed is a user's mistake, told in one line.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

from alphazero.errors import UserError
from alphazero_bench.figures import BOARDS, Figure, measure, rate

CPP = Path(__file__).with_name("open_spiel_peer.cpp")


def stockfish_perft(place: str, text: str, repeat: int) -> Iterator[Figure]:
    """Stockfish's `go perft`, bulk counting as ours, at a depth that takes about half a second."""
    program = shutil.which("stockfish") or shutil.which("stockfish", path="/usr/games")
    if program is None:
        raise UserError("bench: --peer stockfish needs the program stockfish (Debian: apt-get install stockfish)")
    engine = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
    assert engine.stdin is not None and engine.stdout is not None
    to_engine, from_engine = engine.stdin, engine.stdout

    def once() -> float:
        to_engine.write(f"position {f'fen {text}' if text else 'startpos'}\n")
        begin = time.perf_counter()
        to_engine.write(f"go perft {5 if text else 6}\n")
        to_engine.flush()
        for line in from_engine:
            if line.startswith("Nodes searched:"):
                return int(line.split(":")[1]) / (time.perf_counter() - begin)
        raise UserError("bench: stockfish ended without an answer")

    try:
        yield measure(f"peer.stockfish.rules.perft.chess{place}", "nodes/s", repeat, once)
    finally:
        engine.kill()
        engine.wait()


def cshogi_perft(seconds: float, repeat: int) -> Iterator[Figure]:
    """cshogi from Python, with a legal-move count at the last ply: perft 4 of the start position."""
    try:
        import cshogi  # type: ignore[import-untyped]
    except ImportError:
        raise UserError("bench: --peer cshogi needs cshogi (pip install cshogi)") from None
    board = cshogi.Board()

    def count(depth: int) -> int:
        if depth == 1:
            return len(board.legal_moves)
        nodes = 0
        for move in list(board.legal_moves):
            board.push(move)
            nodes += count(depth - 1)
            board.pop()
        return nodes

    yield measure("peer.cshogi.rules.perft.shogi", "nodes/s", repeat, lambda: rate(lambda: count(4), seconds))


# --- OpenSpiel ---


def open_spiel_plies(label: str, seconds: float, repeat: int) -> Iterator[Figure]:
    """Random play from C++, legal moves at every ply."""
    library, name = _open_spiel(), _name(label)
    yield measure(f"peer.open_spiel.rules.plies.{label}", "plies/s", repeat, lambda: library.plies_rate(name, seconds))


def open_spiel_search(label: str, seconds: float, repeat: int) -> Iterator[Figure]:
    """OpenSpiel's C++ MCTSBot, equal priors and value 0 from C++: one tree of 20,000 simulations from the start.

    tree_asking: with an evaluator that asks for the legal moves of every leaf, as a policy network has to.
    """
    library, name = _open_spiel(), _name(label)
    for kind, asking in (("tree", False), ("tree_asking", True)):
        rate = partial(library.search_rate, name, 20_000, seconds, asking)
        yield measure(f"peer.open_spiel.search.{kind}.{label}", "simulations/s", repeat, rate)


def open_spiel_python_search(label: str, seconds: float, repeat: int) -> Iterator[Figure]:
    """OpenSpiel's Python MCTS with equal priors and value 0: 800 simulations from the start."""
    _open_spiel()
    import numpy as np
    import pyspiel
    from open_spiel.python.algorithms import mcts

    game = pyspiel.load_game(_name(label).decode())

    class Null(mcts.Evaluator):  # type: ignore[misc]
        def evaluate(self, state: Any) -> Any:
            return np.zeros(2)

        def prior(self, state: Any) -> list[tuple[int, float]]:
            actions = state.legal_actions()
            return [(a, 1.0 / len(actions)) for a in actions]

    def work() -> int:
        bot = mcts.MCTSBot(game, 1.25, 800, Null(), child_selection_fn=mcts.SearchNode.puct_value)
        bot.mcts_search(game.new_initial_state())
        return 800

    yield measure(f"peer.open_spiel.search.null.{label}", "simulations/s", repeat, lambda: rate(work, seconds))


def mctx_search(label: str, seconds: float, repeat: int) -> Iterator[Figure]:
    """mctx's Gumbel search over pgx's rules, equal priors and value 0, jitted: 32 games of 100 simulations at a time."""
    try:
        import jax
        import jax.numpy as jnp
        import mctx
        import pgx
    except ImportError as error:
        raise UserError(f"bench: --peer mctx needs mctx and pgx (pip install mctx pgx): {error}") from None
    games, simulations = 32, 100
    names = {"go9": "go_9x9", "go19": "go_19x19", "connect4": "connect_four"}
    env = pgx.make(names.get(label, label))
    step, rows = jax.vmap(env.step), jnp.arange(games)

    def blind(state: Any) -> tuple[Any, Any]:
        return jnp.where(state.legal_action_mask, 0.0, -1e9), jnp.zeros(games)

    def recurrent(parameters: Any, key: Any, action: Any, state: Any) -> tuple[Any, Any]:
        mover = state.current_player
        state = step(state, action)
        logits, value = blind(state)
        discount = jnp.where(state.terminated, 0.0, -1.0)
        out = mctx.RecurrentFnOutput(
            reward=state.rewards[rows, mover], discount=discount, prior_logits=logits, value=value
        )
        return out, state

    def search(key: Any, state: Any) -> Any:
        logits, value = blind(state)
        root = mctx.RootFnOutput(prior_logits=logits, value=value, embedding=state)
        return mctx.gumbel_muzero_policy(
            (), key, root, recurrent, simulations, invalid_actions=~state.legal_action_mask
        ).action

    jitted = jax.jit(search)
    start = jax.jit(jax.vmap(env.init))(jax.random.split(jax.random.PRNGKey(0), games))

    def work() -> int:
        jitted(jax.random.PRNGKey(1), start).block_until_ready()
        return games * simulations

    work()  # compiles
    yield measure(f"peer.mctx.search.null.{label}", "simulations/s", repeat, lambda: rate(work, seconds))


def _name(label: str) -> bytes:
    """OpenSpiel's name of a board, with its parameters; of its own games' texts, those."""
    name, options = BOARDS.get(label, (label, {}))
    text = {"connect4": "connect_four"}.get(name, name)
    return f"{text}(board_size={options['board_size']})".encode() if "board_size" in options else text.encode()


@cache
def _open_spiel() -> ctypes.CDLL:
    """Our extension over OpenSpiel's C++, compiled against the headers in its wheel, once for each version."""
    try:
        import pyspiel
    except ImportError:
        raise UserError("bench: --peer open_spiel needs open_spiel (pip install open_spiel)") from None
    compiler = shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        raise UserError("bench: --peer open_spiel needs a C++ compiler")
    wheel = Path(pyspiel.__file__)
    stamp = hashlib.sha256(CPP.read_bytes() + f"{wheel} {wheel.stat().st_mtime_ns}".encode()).hexdigest()[:16]
    library = Path(tempfile.gettempdir()) / f"alphazero-open-spiel-{os.getuid()}-{stamp}.so"
    if not library.exists():
        folder = wheel.parent
        made = subprocess.run(
            [compiler, "-std=c++17", "-O3", "-march=native", "-shared", "-fPIC", f"-I{folder}", f"-I{folder}/open_spiel",
             f"-I{folder}/open_spiel/abseil-cpp", f"-I{folder}/open_spiel/json/include", str(CPP), str(wheel), "-o", f"{library}.tmp"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if made.returncode != 0:
            first = next((line for line in made.stderr.splitlines() if "error" in line), made.stderr.strip()[:200])
            raise UserError(f"bench: OpenSpiel's headers do not compile here: {first}")
        Path(f"{library}.tmp").replace(library)
    peer = ctypes.CDLL(str(library))
    for function in (peer.plies_rate, peer.search_rate):
        function.restype = ctypes.c_double
    peer.plies_rate.argtypes = [ctypes.c_char_p, ctypes.c_double]
    peer.search_rate.argtypes = [ctypes.c_char_p, ctypes.c_int, ctypes.c_double, ctypes.c_bool]
    return peer
