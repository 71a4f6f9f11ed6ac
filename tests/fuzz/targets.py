"""What is fuzzed in Python: each reader with the errors that are its answers and with what must hold of what it accepts.

A target's `run` raises one of `refuses` where the reader refuses the input; any other exception is a finding, and so is an
AssertionError: what was accepted does not hold. A refusal is one line.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import re
import struct
import tempfile
import zlib
from argparse import ArgumentTypeError
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import alphazero as az
from alphazero import checkpoint, config, options, text
from alphazero._core import GameRecord, Position, Sampler
from alphazero.arena import openings, registry
from alphazero.arena.adjudication import Adjudication
from alphazero.arena.time_control import TimeControl
from alphazero.arena.tournament import TournamentConfig, players_of
from alphazero.commands import arguments
from alphazero.errors import UserError
from alphazero.formats import csa, kif, pgn, results, sgf
from alphazero.formats.game_text import GameText
from alphazero.formats.sgf_tree import collection, parse_nodes
from alphazero.formats.sgf_values import escape
from alphazero.game import make
from alphazero.player import RandomPlayer
from alphazero.protocols.client import EngineSpec
from alphazero.protocols.gtp import GtpEngine
from alphazero.protocols.info import Info
from alphazero.protocols.uci import UciEngine
from alphazero.protocols.usi import UsiEngine
from alphazero.training import replay

FOLDER = Path(__file__).parent


# What a ValueError says that nobody meant to raise.
PYTHON_SAYS = re.compile(
    r"substring not found|invalid literal|could not convert|not in list|values to unpack|embedded null|base 10|empty range"
    r"|Unable to cast|integer string conversion"
)


@dataclass(frozen=True)
class Target:
    """One reader. build: makes right inputs of a format that seeds in files cannot hold."""

    run: Callable[[bytes], None]
    refuses: tuple[type[Exception], ...] = (UserError,)
    build: Callable[[random.Random], bytes] | None = None


_scratch = tempfile.TemporaryDirectory(prefix="alphazero-fuzz-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None)
SCRATCH = Path(_scratch.name)


def _file(name: str, data: bytes) -> Path:
    path = SCRATCH / name
    path.write_bytes(data)
    return path


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _words_of_shell(data: bytes) -> str:
    """An argument as a program gets it: no NUL, bytes that are no UTF-8 as surrogates."""
    return os.fsdecode(data.replace(b"\0", b""))


# --- Files of games ---


def _sgf(data: bytes) -> None:
    for line, one in collection(data):
        assert 1 <= line <= data.count(b"\n") + data.count(b"\r") + 1
        with contextlib.suppress(UserError):
            parse_nodes(one)
    for game in sgf.read(data) if collection(data) else ():
        for warning in game.warnings:
            assert len(warning.splitlines()) <= 1, f"a warning of several lines: {warning!r}"
    position = sgf.position_of(sgf.parse(data))
    back = sgf.position_of(sgf.parse(sgf.write(position)))
    empty = re.sub(r"^(\d+/)+\d+ (b ?)?", "", position.text)  # rows without a stone, which SGF has no words for
    assert back.text in (position.text, empty), f"'{position.text}' is read back as '{back.text}'"
    assert (back.key, back.turn) == (position.key, position.turn), f"'{position.text}' is another one when read back"


def _shogi_game(game: GameText) -> Position:
    position = az.Game(game.game).position(game.start) if game.start else az.Game(game.game).position()
    for move in game.moves:
        position.play(move)
    return position


def _kept(read: Callable[[str], list[GameText]], written: str, game: GameText) -> None:
    (back,) = read(written)
    assert not back.warnings, f"what is written is read with a warning: {back.warnings[0]}"
    assert (back.moves, back.start, back.game) == (game.moves, game.start, game.game), "other moves are read back"
    assert game.value is None or back.value == game.value, f"{game.value} ({game.reason}) is read back as {back.value}"


def _shogi_games(read: Callable[[bytes], list[GameText]], write: Callable[[GameText], str], data: bytes) -> None:
    for game in read(data):
        for warning in game.warnings:
            assert len(warning.splitlines()) <= 1, f"a warning of several lines: {warning!r}"
        if game.warnings or (write is csa.write and game.game != "shogi"):
            continue
        try:
            position = _shogi_game(game)
        except ValueError:
            continue  # played on after the end, as files do
        if position.outcome is None or position.outcome.value == game.value:
            _kept(read, write(game), game)


def _kif(data: bytes) -> None:
    _shogi_games(kif.read, kif.write, data)


def _csa(data: bytes) -> None:
    _shogi_games(csa.read, csa.write, data)


def _pgn(data: bytes) -> None:
    written = _text(data)
    found = list(pgn.games(written))
    end = 0
    for line, tags, one in found:
        begins = sum(
            len(each) + 1 for each in written.split("\n")[: line - 1]
        )  # a comment before may hold the same text
        at = written.index(one, max(end, begins))
        assert line == written.count("\n", 0, at) + 1, "a game is said to begin on another line"
        assert all(name and isinstance(value, str) for name, value in tags.items())
        end = at + len(one)
    for game in pgn.read(data) if found and pgn.available() else ():
        for warning in game.warnings:
            assert len(warning.splitlines()) <= 1, f"a warning of several lines: {warning!r}"
        if not game.warnings and not game.start:
            _kept(pgn.read, pgn.write(game), game)
    headed = [tags for _, tags, _ in found if tags]
    assert [tags for _, tags in pgn.headers(written)] == headed
    # Tags stand as they are where they are written again.
    rewritten = "".join(
        "".join('[{} "{}"]\n'.format(k, v.replace("\\", "\\\\").replace('"', '\\"')) for k, v in tags.items())
        + "\n1. e4 *\n\n"
        for tags in headed
    )
    if not any(len(value) > 2000 or "\n" in value for tags in headed for value in tags.values()):
        assert [tags for _, tags in pgn.headers(rewritten)] == headed, "tags are read back otherwise"


SUFFIXES = (".txt", ".epd", ".pgn", ".sgf", ".csa", ".kif")
PLAYED_FROM = {".epd": "chess", ".pgn": "chess", ".sgf": "go", ".csa": "shogi", ".kif": "shogi"}


def _openings(data: bytes) -> None:
    """The first line names the suffix, and the game where the suffix leaves it open; the rest is the file."""
    head, _, rest = data.partition(b"\n")
    suffix, _, name = _text(head).partition(" ")
    if suffix not in SUFFIXES:
        suffix = ".txt"
    name = PLAYED_FROM.get(suffix, name if name in az.games() else "go")
    game = az.Game(name)
    for opening in openings.read_openings(_file(f"openings{suffix}", rest), game, 3, 8):
        position = game.position(opening)
        assert position.outcome is None, f"an opening that is over: '{opening}'"


def _results(data: bytes) -> None:
    """The first line names the suffix; the rest is the file."""
    head, _, rest = data.partition(b"\n")
    suffix = _text(head) if _text(head) in (".jsonl", ".pgn", ".sgf", ".csa", ".kif") else ".jsonl"
    counted = results.Counted()
    found = results.read_results([_file(f"results{suffix}", rest)], counted)
    assert counted.games == len(found) + counted.left_out.total(), "a game is neither taken nor left out"
    assert len(counted.told().splitlines()) <= 1
    written = b"".join(json.dumps(result).encode() + b"\n" for result in found)
    if found and suffix == ".jsonl":
        assert results.read_results([_file("again.jsonl", written)]) == found, "results are read back otherwise"


# --- Configurations ---


def _config(data: bytes) -> None:
    """Lines that begin with ! are overrides, as on the command line."""
    lines = data.split(b"\n")
    overrides = [_words_of_shell(line[1:]) for line in lines if line[:1] == b"!"]
    path = _file("config.yaml", b"\n".join(line for line in lines if line[:1] != b"!"))
    read = config.load_config(path, overrides)
    back = config.load_config(_file("again.yaml", config.to_yaml(read).encode()))
    assert config.resume_changes(read, back) == {}, "a configuration is read back otherwise"


def _players(data: bytes) -> None:
    for player in registry.read_players(_file("players.yaml", data)).values():
        if player.spec.partition(":")[0] in ("uci", "usi", "gtp", "xboard"):
            player.engine()


def _tournament(data: bytes) -> None:
    read = config.build(TournamentConfig, config.read_yaml(_file("tournament.yaml", data)), "tournament")
    for each in players_of(read):
        assert isinstance(each.player, str)


def _meta(data: bytes) -> None:
    _file("meta.json", data)
    meta = checkpoint.read_meta(SCRATCH)
    make(meta["game"], {key: value for key, value in meta["options"].items() if isinstance(key, str)})


def _arguments(data: bytes) -> None:
    """A line: which argument, a blank, its value."""
    kind, _, value = _words_of_shell(data.partition(b"\n")[0]).partition(" ")
    match kind:
        case "tc":
            control = TimeControl.parse(value)
            clock = control.clock()
            assert 0.0 < clock.budget(0, 80.0) < float("inf"), "no time to think, or for ever"
            again = TimeControl.parse(str(control))
            assert str(again) == str(control), f"{control} is read back as {again}"
        case "resign":
            Adjudication.parse(value, None)
        case "draw":
            Adjudication.parse(None, value)
        case "option":
            found = options.parse_options([value])
            game = make("go", found)
            assert make("go", game.options) == game
        case "games":
            arguments.games(value)
        case "share":
            assert 0.0 < arguments.share(value) <= 0.5
        case "engine":
            spec = EngineSpec.parse(value)
            assert spec.command and spec.patience > 0.0
        case "info":
            info = Info()
            info.read(value)
            info.read(f"info {value}")
            assert info.mate is None or info.value is None
        case "clean":
            assert text.is_clean(text.clean(value)) and len(text.clean(value)) <= text.LONGEST
            assert len(escape(value)) >= len(value)
        case _:
            Adjudication.parse(kind, value)


# --- Bytes of ours ---

CONNECT4 = az.Game("connect4")


def _finished(game: az.Game, draw: random.Random, number: int) -> bytes:
    """The bytes of a random game, with policies and all, as a pool records it."""
    value, moves = game.position().random_playout(draw.getrandbits(60))
    position = game.position()
    out = [struct.pack("<BQIIQ", 2, number, 0, 1, draw.randrange(5)), struct.pack("<H", 0)]
    out.append(
        struct.pack("<bBfH", int(value), 0, 0.0, 4) + b"line" + struct.pack("<BI", draw.randrange(2), len(moves))
    )
    for move in moves:
        codes = {each: int(each) - 1 if each.isdigit() else ord(each[0]) - ord("a") for each in position.legal_moves()}
        kind = draw.choice((0, 2, 3, 3))
        policy = [(code, draw.randrange(1, 60000)) for code in codes.values()] if kind == 3 else []
        out.append(struct.pack("<HBIffH", codes[move], kind, 8, draw.uniform(-1, 1), draw.random(), len(policy)))
        out += [struct.pack("<HH", *entry) for entry in policy]
        position.play(move)
    return b"".join(out)


def _build_record(draw: random.Random) -> bytes:
    return _finished(CONNECT4, draw, draw.randrange(100))


def _record(data: bytes) -> None:
    record = GameRecord.from_bytes(data)
    again = GameRecord.from_bytes(record.to_bytes())
    assert again.to_bytes() == record.to_bytes()
    sampler = Sampler(CONNECT4)
    drawable = sampler.add(data)
    assert drawable == record.searched_plies - record.kinds.count(1) or drawable >= 0
    assert len(record.moves(CONNECT4)) == record.plies and len(record.policies(CONNECT4)) == record.plies
    if drawable:
        batch = sampler.sample(4, 1, surprise=0.5, value_blend=0.5)
        assert all(abs(float(array.sum())) < float("inf") for array in batch.values()), "a batch with NaN"


def _build_store(draw: random.Random) -> bytes:
    """b"chunk" or b"journal", a line end, and a whole file of such."""
    games = [_finished(CONNECT4, draw, number) for number in range(draw.randrange(1, 4))]
    if draw.random() < 0.4:
        return b"journal\n" + b"".join(struct.pack("<II", len(game), zlib.crc32(game)) + game for game in games)
    header = {
        "game": "connect4",
        "options": {},
        "games": len(games),
        "positions": sum(GameRecord.from_bytes(game).searched_plies for game in games),
        "games_before": 0,
        "positions_before": 0,
        "numbers": list(range(len(games))),
        "next_number": len(games),
    }
    key = draw.choice((*header, "evaluations", "nothing"))
    if key in header or key == "evaluations":
        header[key] = draw.choice((header.get(key), 0, -1, 2**70, 1e300, None, "x", [], {}, ["x"], [-1], True, [[]]))
    return b"chunk\n" + replay.encode_chunk(header, games)


def _store(data: bytes) -> None:
    """A run's store with that chunk or journal in it: it opens, whatever is in the file, and takes games."""
    kind, _, rest = data.partition(b"\n")
    folder = SCRATCH / "replay"
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    (folder / ("journal" if kind == b"journal" else "00000000.azr")).write_bytes(rest)
    store = replay.Replay(folder, CONNECT4, chunk_games=3, window_scale=100, window_exponent=0.75)
    assert all(len(warning.splitlines()) == 1 for warning in store.warnings)
    for number in range(3):
        store.add(GameRecord.from_bytes(_finished(CONNECT4, random.Random(number), store.next_number)))
    store.flush()
    assert store.drawable > 0 and store.sample(2, 1, symmetry=True, value_blend=0.0)
    store._journal.close()
    store._lock_file.close()
    assert list(replay.chunk_paths(folder))


# --- Positions and moves ---


def _position(data: bytes) -> None:
    """A line with a game and its options as JSON, one with a position's text, and one with moves."""
    head, _, rest = data.partition(b"\n")
    where, _, moves = rest.partition(b"\n")
    name, _, chosen = _text(head).partition(" ")
    try:
        wanted = json.loads(chosen or "{}")
        game = az.Game(name, **wanted)
    except (ValueError, TypeError, RecursionError) as error:
        if isinstance(error, RecursionError):
            return
        game = az.Game(name if name in az.games() else "go")
    position = game.position(_text(where)) if where else game.position()
    _read_back(game, position)
    begin, played = (position.text, position.key), 0
    for word in _text(moves).split()[:300]:
        before = (position.text, position.key, position.turn)
        try:
            position.play(word)
            played += 1
        except ValueError as error:
            assert len(str(error).splitlines()) <= 1
            assert (position.text, position.key, position.turn) == before, "a refused move changed the position"
            if played:
                break
    _read_back(game, position)
    for _ in range(played):
        position.undo()
    assert (position.text, position.key) == begin, "moves taken back leave another position"


def _read_back(game: az.Game, position: Position) -> None:
    back = game.position(position.text)
    assert back.text == position.text, f"'{position.text}' is read back as '{back.text}'"
    assert (back.key, back.turn) == (position.key, position.turn), (
        f"'{position.text}' is another position when read back"
    )
    legal = position.legal_moves()
    assert len(set(legal)) == len(legal), "a move is listed twice"
    assert back.legal_moves() == legal, f"other moves are legal in '{position.text}' when it is read back"
    assert legal or position.outcome is not None, "no legal move, and the game goes on"


# --- Protocols ---


def _player(name: str) -> RandomPlayer:
    return RandomPlayer("random", az.Game(name), seed=1)


GTP_NOTHING = ("=", "?")


def _gtp(data: bytes) -> None:
    os.chdir(SCRATCH)
    engine = GtpEngine(_player("go"), simulations=2)
    for line in io.TextIOWrapper(io.BytesIO(data), "utf-8", errors="replace"):
        if "printsgf" in line and "/" in line:
            continue  # files are written in this folder alone
        answer = engine.answer(line)
        command = "".join(c for c in line.replace("\t", " ") if c >= " " and c != "\x7f").split("#")[0].strip()
        if not command:
            assert answer == "", f"an answer to no command: {answer!r}"
            continue
        assert answer[:1] in GTP_NOTHING and answer.endswith("\n\n"), f"no answer to {command[:80]!r}: {answer!r}"
        assert "\n\n" not in answer[:-2], f"two answers to {command[:80]!r}: {answer!r}"
        assert "internal error" not in answer, f"{command[:80]!r}: {answer!r}"
        if engine.done:
            break
    assert engine.answer("protocol_version") == "= 2\n\n"


class _Out(io.StringIO):
    """What an engine writes; nothing may be written after it has ended."""


def _engine_loop(kind: type[UciEngine] | type[UsiEngine], name: str, data: bytes) -> None:
    os.chdir(SCRATCH)
    if b"pretrained" in data.lower():
        return  # loading a real network takes seconds
    out = _Out()
    engine = kind(_player(name), simulations=2)
    searches = 0
    real = engine.commands["go"]

    def go(words: list[str]) -> None:
        nonlocal searches
        searches += 1
        real(words)

    def lines():
        for line in io.TextIOWrapper(io.BytesIO(data), "utf-8", errors="replace"):
            yield line
            if engine.analysis is not None:
                yield "stop\n"
        yield "isready\n"
        yield "go nodes 1\n"

    engine.commands["go"] = go
    engine.serve(lines(), out)
    said = out.getvalue().splitlines()
    assert not any("error: internal" in line or "go: internal" in line for line in said), (
        "an internal error: " + "; ".join(line for line in said if "internal" in line)
    )
    answers = [line for line in said if line.split(" ")[0] in ("bestmove", "checkmate")]
    assert len(answers) == searches, f"{searches} searches and {len(answers)} answers"
    if not engine.done:
        assert "readyok" in said and answers, "no readyok after what came before"


def _uci(data: bytes) -> None:
    _engine_loop(UciEngine, "gardner" if data[:1] == b"g" else "chess", data)


def _usi(data: bytes) -> None:
    _engine_loop(UsiEngine, "minishogi" if data[:1] == b"m" else "shogi", data)


TARGETS: dict[str, Target] = {
    "sgf": Target(_sgf, (ValueError,)),
    "kif": Target(_kif),
    "csa": Target(_csa),
    "pgn": Target(_pgn),
    "openings": Target(_openings),
    "results": Target(_results),
    "config": Target(_config),
    "players": Target(_players),
    "tournament": Target(_tournament),
    "meta": Target(_meta, (ValueError,)),
    "arguments": Target(_arguments, (ValueError, ArgumentTypeError)),
    "record": Target(_record, (ValueError,), _build_record),
    "store": Target(_store, (UserError,), _build_store),
    "position": Target(_position, (ValueError,)),
    "gtp": Target(_gtp, ()),
    "uci": Target(_uci, ()),
    "usi": Target(_usi, ()),
}


def seeds(name: str) -> list[bytes]:
    """The inputs that a target begins with, from seeds/NAME."""
    return [path.read_bytes() for path in sorted((FOLDER / "seeds" / name).glob("*"))]


def refusal(target: Target, error: Exception) -> str:
    """What a refusal says, in one line; "" where the error is no refusal, or not one line."""
    if not isinstance(error, target.refuses) or isinstance(error, UnicodeError):
        return ""
    if not isinstance(error, UserError) and PYTHON_SAYS.search(str(error)):
        return ""
    return "" if any(ord(c) < 32 for c in str(error)) else str(error)
