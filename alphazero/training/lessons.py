"""Learning from games that others played: files of games become the first games of a run, and its network learns from them.

The run goes on by self-play afterwards, as any other: its store, its checkpoints and its configuration are those of every run.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TextIO

from alphazero._core import Game, GameRecord
from alphazero.config import Config
from alphazero.errors import UserError
from alphazero.formats import csa, kif, pgn, sgf
from alphazero.formats.game_text import GameText, decode, read_bytes
from alphazero.formats.sgf_tree import collection
from alphazero.runs import RunDirectory
from alphazero.training.report import LOG_SECONDS
from alphazero.training.run import Run

KINDS = {".sgf": "go", ".pgn": "chess", ".kif": "shogi", ".kifu": "shogi", ".csa": "shogi"}  # and whose games they hold


@dataclass(frozen=True)
class Collection:
    """Games of files, ready to be learned from. left_out: how many were not, by reason."""

    records: Sequence[GameRecord]
    left_out: Counter[str]


def read_collection(paths: Sequence[Path], game: Game) -> Collection:
    """The games of these files, and of the files below these folders. UserError where there is none to learn from."""
    records: list[GameRecord] = []
    left_out: Counter[str] = Counter()
    for path in _files(paths, game):
        for told in _games(path, game):
            if not isinstance(told, GameText):
                left_out[told] += 1
            elif told.value is None:
                left_out["nobody is said to have won"] += 1
            elif not told.moves:
                left_out["no moves"] += 1
            else:
                try:
                    record = GameRecord.of_game(game, told.moves, told.value, told.start, number=len(records))
                except ValueError:
                    left_out["moves that the rules do not allow"] += 1
                    continue
                records.append(record)
    if not records:
        reasons = "; ".join(f"{count:,}: {reason}" for reason, count in left_out.most_common(3))
        raise UserError(f"learn: no game of {game.name} to learn from" + (f" ({reasons})" if reasons else ""))
    return Collection(records, left_out)


def _files(paths: Sequence[Path], game: Game) -> Iterator[Path]:
    wanted = {suffix for suffix, name in KINDS.items() if name == game.name}
    if not wanted:
        raise UserError(f"learn: files of games are read for chess, shogi and go, not for {game.name}")
    for path in paths:
        if path.is_dir():
            yield from sorted(each for each in path.rglob("*") if each.suffix.lower() in wanted)
        elif path.suffix.lower() in wanted:
            yield path
        else:
            raise UserError(
                f"{path}: games of {game.name} come in files {', '.join(sorted(wanted))}, or in folders of them"
            )


def _games(path: Path, game: Game) -> Iterator[GameText | str]:
    """The games of a file, or for each that is left out the reason."""
    data = read_bytes(path, "games")
    if game.name == "go":
        games = collection(data)
        yield from (_of_go(one, game) for _, one in games) if games else ["files that cannot be read"]
        return
    try:
        if game.name == "chess":
            yield from pgn.read(data, str(path))
        else:
            read = csa.read if path.suffix.lower() == ".csa" else kif.read
            for told in read(decode(data, str(path), "cp932"), str(path)):
                yield told if told.game == game.name else f"games of {told.game}"
    except UserError:
        yield "files that cannot be read"


def _of_go(data: bytes, game: Game) -> GameText | str:
    """One game of a collection: what is broken of it leaves the others as they are."""
    try:
        record = sgf.parse(data)
    except UserError:
        return "games that cannot be read"
    if record.size != game.options["board_size"]:
        return f"another board than {game.options['board_size']} x {game.options['board_size']}"
    told = sgf.text_of(record)
    told.start = f"komi={record.komi:g} {told.start}".strip() if record.has_komi else told.start
    return told


def learn(
    config: Config,
    directory: Path,
    games: Collection,
    *,
    passes: float,
    device: str = "auto",
    out: TextIO | None = None,
) -> Run:
    """Begins a run with these games: `passes` samples of each position, then a checkpoint. The same call resumes it.

    UserError where the directory holds another run.
    """
    count = len(games.records)
    positions = sum(record.searched_plies for record in games.records)
    # All of them are in memory while they are learned from.
    config = replace(config, replay=replace(config.replay, window_min=max(config.replay.window_min, positions)))
    with RunDirectory(directory).exclusive():
        run = Run(config, directory, device, out)
        stored = run.store.first_games()[0]
        if stored > count or (run.trainer.steps and stored < count):
            raise UserError(f"{directory}: a run with other games is here; give another --run")
        run.checkpoints.lessons = count
        for record in games.records[stored:]:
            run.store.add(record)
        run.store.flush()
        _take_steps(run, round(passes * positions / config.training.batch_size))
        run.store.paid = (run.store.positions, run.trainer.samples)  # self-play pays for its own steps
        run.checkpoints.save()
    return run


def _take_steps(run: Run, steps: int) -> None:
    run.report.open(run.trainer.steps)
    told = time.perf_counter()
    samples, begun = run.trainer.samples, told
    try:
        while run.trainer.steps < steps:
            run.report.step(run.learner.step(run.trainer.steps / steps))
            run.checkpoints.save_when_due()
            if (now := time.perf_counter()) - told >= LOG_SECONDS or run.trainer.steps == steps:
                told = now
                rates = {"samples_per_second": (run.trainer.samples - samples) / (now - begun)}
                run.report.line(
                    run.trainer.steps,
                    fraction=run.trainer.steps / steps,
                    seconds=run.budget.elapsed(),
                    rates={"evaluations_per_second": 0.0, **rates},
                    stored=run.store.figures(run.trainer.steps),
                    resignation=-1.0,
                )
    finally:
        run.learner.close()
        run.report.close()
