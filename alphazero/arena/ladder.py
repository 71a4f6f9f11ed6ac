"""Matches and ladders with their files: play what is missing, append results, rate, draw.

A schedule of pairings follows from the arguments alone, and each result line carries its number in it, so a call that was
killed goes on where it stopped: no game is lost or played twice.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from alphazero import checkpoint
from alphazero.arena import clocked, ratings, records
from alphazero.arena.adjudication import Adjudication
from alphazero.arena.clocked import TimeControl
from alphazero.arena.match import Entrant, Pairing, colour_balanced, entrant, play, random_openings
from alphazero.arena.openings import read_openings
from alphazero.arena.plot import plot_learning_curve
from alphazero.arena.registry import Players, spec_of
from alphazero.arena.report import write_report
from alphazero.arena.schedule import ladder as ladder_rounds
from alphazero.arena.sprt import PairScores, PairwiseTest, Sprt
from alphazero.arena.standings import standings
from alphazero.config import Config
from alphazero.errors import UserError
from alphazero.files import write_atomically
from alphazero.formats import kif
from alphazero.formats.game_text import GameText
from alphazero.formats.results import append_results, being_played, read_results
from alphazero.game import Game, make
from alphazero.progress import Progress
from alphazero.protocols.client import EngineSpec
from alphazero.run import SEARCH_KEYS
from alphazero.text import MOST_OF_A_NAME, clean

Result = dict[str, Any]
SPOILT = ("time forfeit", "illegal move", "engine failure")  # ends that a user wants to hear of
TELL_SECONDS = 5.0  # between lines of progress


class _DecidedError(Exception):
    """Out of the games under way: what was to be known is known."""


@dataclass(frozen=True)
class MatchReport:
    """A match from A's side; the interval bounds 95 %."""

    a: str
    b: str
    wins: int
    draws: int
    losses: int
    elo: float
    low: float
    high: float
    los: float  # likelihood that A is the stronger
    pairs: PairScores  # pentanomial counts and normalised Elo
    as_first: tuple[int, int, int]  # A's wins, draws, losses where it moved first; the others are from moving second
    sprt: dict[str, Any] | None = None  # what the test says, where one was asked for

    def as_json(self) -> dict[str, Any]:
        """The object that `alphazero match --json` prints; with "sprt" where a test was asked for.

        "pentanomial": pairs in which A had 0, 1/2, 1, 3/2, 2 points; "nelo": normalised Elo, null where it is not defined.
        """
        out = {name: getattr(self, name) for name in ("wins", "draws", "losses", "elo", "low", "high", "los")}
        out |= {"pentanomial": self.pairs.pentanomial, "nelo": self.pairs.nelo}
        return out if self.sprt is None else {**out, "sprt": self.sprt}

    def as_text(self) -> str:
        games = self.wins + self.draws + self.losses
        win, draw, loss = self.as_first
        return (
            f"{clean(self.a)} against {clean(self.b)}: +{self.wins} ={self.draws} -{self.losses} in {games} games "
            f"(moving first +{win} ={draw} -{loss}, second +{self.wins - win} ={self.draws - draw} -{self.losses - loss})\n"
            f"Elo difference {self.elo:+.0f} [{self.low:+.0f}, {self.high:+.0f}] (95 %), likelihood of superiority {self.los:.1%}\n"
            + self.pairs.as_text()
            + (
                ""
                if self.sprt is None
                else f"\nSPRT: {self.sprt['verdict']} after {self.sprt['pairs']} pairs, LLR {self.sprt['llr']:.2f} in "
                f"[{self.sprt['lower']:.2f}, {self.sprt['upper']:.2f}]"
            )
        )


def run_schedule(
    game: Game,
    entrants: list[Entrant],
    schedule: list[Pairing],
    results_file: Path | None,
    *,
    seed: int,
    progress: Progress | None = None,
    time_control: TimeControl | None = None,
    adjudication: Adjudication | None = None,
    concurrency: int = 1,
    stop: Callable[[Result], bool] | None = None,
    live: Callable[[list[Result]], str] | None = None,
) -> list[Result]:
    """Plays the pairings that `results_file` does not hold yet; returns the results of all.

    The games go into games.pgn (chess, where python-chess is installed), games.csa (shogi) or games.sgf (Go), and into kif/ (shogi, minishogi),
    beside the results. A result line says how long that file was with its game in it, so that a game whose line a kill prevented is taken
    off again before it is played anew. concurrency: games at a time where engines or clocks are in it (else the pool's).
    stop(result) is asked of every game, those in the file first; when it says True no more are played, and only the games
    that are over come back. live(results): a table to show now and then while games are played.
    """
    with being_played(results_file):
        return _run(
            game, entrants, schedule, results_file, seed, progress, time_control, adjudication, concurrency, stop, live
        )


def _run(
    game: Game,
    entrants: list[Entrant],
    schedule: list[Pairing],
    results_file: Path | None,
    seed: int,
    progress: Progress | None,
    time_control: TimeControl | None,
    adjudication: Adjudication | None,
    concurrency: int,
    stop: Callable[[Result], bool] | None,
    live: Callable[[list[Result]], str] | None,
) -> list[Result]:
    """run_schedule, once the results file is ours."""
    done: dict[int, Result] = {}
    games_file = None
    if results_file is not None and (ending := records.file_name(game)) is not None:
        games_file = results_file.with_name(ending.replace("games", results_file.stem.replace("results", "games"), 1))
    if results_file is not None:
        lines = read_results([results_file]) if results_file.exists() else []
        ends = [int(line["record_bytes"]) for line in lines if "record_bytes" in line]
        if games_file is not None and (ends or not lines):
            records.cut(games_file, max(ends, default=0))
        for line in lines:
            number = int(line.get("game", -1))
            if 0 <= number < len(schedule) and _fits(line, schedule[number], entrants):
                done[number] = line
    if stop is not None and any(stop(done[number]) for number in sorted(done)):
        return [done[number] for number in sorted(done)]
    by_hand = played_by_hand(entrants, time_control)
    missing = [number for number in range(len(schedule)) if number not in done]
    finished = len(done)
    told = time.monotonic()

    def on_game(number: int, record: Any) -> None:
        nonlocal finished, told
        pairing = schedule[number]
        result: Result = {
            "first": entrants[pairing.first].name,
            "second": entrants[pairing.second].name,
            "result": (record.value + 1) / 2,
            "game": number,
            "pair": pairing.pair,
            "opening": pairing.opening,
            "plies": record.plies,
            "reason": record.reason,
            "moves": " ".join(record.moves(game)),
        }
        if isinstance(record, clocked.PlayedGame):
            result["termination"] = record.termination
            if record.note:
                result["note"] = record.note
            if record.termination in SPOILT and progress is not None:
                progress.note(f"game {number + 1}: {record.termination}: {record.note}")
        done[number] = result
        if record.score is not None:
            result["score"] = record.score
        told_game = GameText(
            first=result["first"],
            second=result["second"],
            start=pairing.opening,
            moves=record.moves(game),
            value=record.value,
            reason=record.reason,
            game=game.name,
            number=number,
            time_control="" if time_control is None else str(time_control),
            thoughts=getattr(record, "thoughts", ()),
            score=record.score,
            note=getattr(record, "note", ""),
        )
        if results_file is not None and game.name in kif.GAMES:
            kif.write_file(results_file.with_name("kif"), told_game)
        if games_file is not None:
            result["record_bytes"] = records.append(games_file, records.write(game, told_game))
        if results_file is not None:
            append_results(results_file, [result])
        finished += 1
        if progress is not None and (time.monotonic() - told >= TELL_SECONDS or finished == len(schedule)):
            progress.note(f"rating: {finished} of {len(schedule)} games")
            if live is not None:
                progress.note(live(list(done.values())))
            told = time.monotonic()
        if stop is not None and stop(result):
            raise _DecidedError

    todo = {number: schedule[number] for number in missing}
    try:
        if by_hand:
            clocked.play(
                game,
                entrants,
                todo,
                on_game,
                time_control=time_control,
                adjudication=adjudication,
                concurrency=concurrency,
            )
        else:
            play(game, entrants, todo, on_game, seed=seed)
    except _DecidedError:
        pass
    return [done[number] for number in sorted(done)]


def played_by_hand(entrants: list[Entrant], time_control: TimeControl | None) -> bool:
    """Whether games between these go move by move (an engine, a clock or a time a move is in it) and not in the pool."""
    timed = any(isinstance(each.player, EngineSpec) or "seconds" in each.search for each in entrants)
    return time_control is not None or timed


def _fits(line: Result, pairing: Pairing, entrants: list[Entrant]) -> bool:
    wanted = (entrants[pairing.first].name, entrants[pairing.second].name, pairing.opening)
    return (line["first"], line["second"], line.get("opening", "")) == wanted


def play_match(
    a: str,
    b: str,
    *,
    game: Game | None = None,
    games: int = 100,
    simulations: int | None = None,
    kind: str | None = None,
    opening_plies: int | None = None,
    openings: Path | None = None,
    seed: int = 0,
    device: str = "auto",
    out: Path | None = None,
    time_control: TimeControl | None = None,
    adjudication: Adjudication | None = None,
    concurrency: int = 1,
    players: Players | None = None,
    sprt: Sprt | None = None,
    openings_order: str = "file",
    openings_start: int = 1,
) -> MatchReport:
    """Plays A against B, every opening with both colours, and reports from A's side.

    opening_plies: None for two random plies, or all of what `openings` holds. Games with an engine outside this process, or with
    clocks, are played move by move, `concurrency` at a time, and end by the rules and `adjudication` alone: the game's option
    `max_plies` is lifted. adjudication needs such games. players: those of a registry, which A and B may name.
    sprt: the match ends as soon as this test is decided, `games` at the latest.
    """
    if concurrency < 1:
        raise UserError(f"match: --concurrency must be >= 1, got {concurrency}")
    if games < 1:
        raise UserError(f"match: --games must be >= 1, got {games}")
    specs = {name: spec_of(name, players or {}) for name in (a, b)}
    if game is None:
        game = _game_of([specs[a], specs[b]])
    entrants = [
        entrant(name, game, device, _search_of(specs[name], simulations, kind), players=players) for name in (a, b)
    ]
    by_hand = played_by_hand(entrants, time_control)
    if by_hand and game.options.get("max_plies"):
        game = make(game.name, {**game.options, "max_plies": 0})
    if adjudication is not None and adjudication != Adjudication() and not by_hand:
        raise UserError("match: games are adjudicated where an engine or a clock (--tc) is in them; neither is here")
    if entrants[0].name == entrants[1].name:
        name = f"{clean(entrants[1].name, MOST_OF_A_NAME - 4)} (B)"
        entrants[1] = Entrant(name, entrants[1].player, entrants[1].search)
    starts = (
        read_openings(
            openings, game, (games + 1) // 2, opening_plies, order=openings_order, start=openings_start, seed=seed
        )
        if openings
        else random_openings(game, (games + 1) // 2, 2 if opening_plies is None else opening_plies, seed)
    )
    file = None
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        file = out / "results.jsonl"
    test = PairwiseTest(sprt, entrants[0].name) if sprt is not None else None
    results = run_schedule(
        game,
        entrants,
        colour_balanced(0, 1, starts)[:games],
        file,
        seed=seed,
        progress=Progress(),
        time_control=time_control,
        adjudication=adjudication,
        concurrency=concurrency,
        stop=None if test is None else lambda result: test.add(result) != "continue",
    )
    told = report(results, entrants[0].name, entrants[1].name)
    return told if test is None else replace(told, sprt=test.as_json())


def report(results: Iterable[Result], a: str, b: str) -> MatchReport:
    """What these games say of A against B."""
    results = list(results)
    points = [r["result"] if r["first"] == a else 1 - r["result"] for r in results]
    rated = ratings.rate(results, anchor=b)
    elo, low, high = rated.difference(a, b)
    wins, draws = points.count(1), points.count(0.5)
    first = [r["result"] for r in results if r["first"] == a]
    as_first = (first.count(1), first.count(0.5), first.count(0))
    scored = PairScores.of(results, a, b)
    return MatchReport(a, b, wins, draws, len(points) - wins - draws, elo, low, high, rated.los(a, b), scored, as_first)


def rate_run(directory: Path, config: Config, device: str = "auto") -> dict[str, Any]:
    """Rates the checkpoints of a run against each other, `random` and `mcts:N`; writes elo.json, elo.png and
    report.html.

    All networks search alike, as in training but without noise. `step-0`, the untrained network, is the anchor at 0.
    """
    game = make(config.game.name, config.game.options)
    steps = checkpoint.steps(directory)
    if len(steps) < 2:
        raise UserError(f"{directory}: at least two checkpoints are needed for a rating, found {len(steps)}")
    chosen = spread(steps, config.rating.checkpoints)
    search = {key: getattr(config.search, key) for key in SEARCH_KEYS} | {"simulations": config.rating.simulations}
    entrants = [
        entrant(str(directory / "checkpoints" / str(step)), game, device, search, name=f"step-{step}")
        for step in chosen
    ]
    entrants += [entrant(spec, game, device, {}, name=spec) for spec in config.rating.opponents]
    folder = directory / "rating"
    folder.mkdir(exist_ok=True)
    # Results of one search do not answer for another: each has its file.
    digest = hashlib.sha256(json.dumps(search, sort_keys=True).encode()).hexdigest()[:8]
    file = folder / f"results-{chosen[-1]}-{digest}.jsonl"
    progress = Progress()

    def play(schedule: list[Pairing]) -> list[Result]:
        return run_schedule(
            game,
            entrants,
            schedule,
            file,
            seed=config.seed,
            progress=progress,
            live=lambda results: standings(ratings.rate(results)),
        )

    if config.rating.form == "ladder":

        def starts(a: int, b: int, count: int, number: int) -> list[str]:
            seed = config.seed + 100_000 * number + 1000 * a + b
            return random_openings(game, count, config.rating.opening_plies, seed)

        names = [each.name for each in entrants]
        results = ladder_rounds(names, config.rating.rounds, config.rating.games, starts, play)
    else:
        results = play(run_pairings(game, len(chosen), len(config.rating.opponents), config))
    rated = ratings.rate(results, anchor="step-0", players=[each.name for each in entrants])
    summary: dict[str, Any] = rated.to_json()
    write_atomically(directory / "elo.json", (json.dumps(summary, indent=1) + "\n").encode())
    write_atomically(folder / "results.jsonl", "".join(json.dumps(r) + "\n" for r in results).encode())
    metas = {f"step-{step}": checkpoint.read_meta(directory / "checkpoints" / str(step)) for step in chosen}
    games_seen = {name: meta["games"] for name, meta in metas.items()}
    title = f"{directory.name}: {game.name} {_board(game)}".removeprefix(f"{game.name}: ")
    plot_learning_curve(directory / "elo.png", summary, metas, title=title)
    write_report(directory / "report.html", title, rated, results, games_seen, folder="rating/")
    _log_ratings(directory, summary, "rating/elo" if config.rating.during == 0.0 else "rating/elo_final")
    return summary


def run_pairings(game: Game, checkpoints: int, opponents: int, config: Config) -> list[Pairing]:
    """Each checkpoint against the next two, the last against the first, each opponent against first, middle and last."""
    pairs: set[tuple[int, int]] = set()
    last = checkpoints - 1
    for i in range(checkpoints):
        pairs.update((i, j) for j in (i + 1, i + 2) if j <= last)
    pairs.add((0, last))
    games = dict.fromkeys(pairs, config.rating.games)
    for k in range(checkpoints, checkpoints + opponents):
        for i in sorted({0, last // 2}):
            games[(i, k)] = config.rating.games
        games[(last, k)] = max(100, config.rating.games)
    schedule: list[Pairing] = []
    for (a, b), count in sorted(games.items()):
        starts = random_openings(game, (count + 1) // 2, config.rating.opening_plies, seed=config.seed + 1000 * a + b)
        schedule += colour_balanced(a, b, starts, first_pair=len(schedule))
    return schedule


def spread(steps: list[int], count: int) -> list[int]:
    """At most `count` of the steps, evenly spread, the first and the last among them."""
    if len(steps) <= count:
        return steps
    picks = {round(i * (len(steps) - 1) / (count - 1)) for i in range(count)}
    return [steps[i] for i in sorted(picks)]


def _board(game: Game) -> str:
    _, height, width = game.planes_shape
    return f"{height}x{width}"


def _log_ratings(directory: Path, summary: dict[str, Any], tag: str) -> None:
    """Writes a run's ratings to TensorBoard, in ascending steps: it drops what was there when a step goes back."""
    from torch.utils.tensorboard import SummaryWriter

    elo = {p["name"].removeprefix("step-"): p["elo"] for p in summary["players"] if p["name"].startswith("step-")}
    board = SummaryWriter(str(directory / "tb"))
    for step in sorted(elo, key=int):
        board.add_scalar(tag, elo[step], int(step))
    board.close()


def _game_of(specs: list[str]) -> Game:
    for spec in specs:
        if checkpoint.named(spec):
            meta = checkpoint.read_meta(checkpoint.resolve(Path(spec)))
            return make(meta["game"], meta["options"])
        if not (spec in ("random", "uniform") or ":" in spec):
            raise UserError(
                f"{spec}: no such checkpoint; players are a checkpoint or run directory, random, uniform, mcts:N"
            )
    raise UserError("match: say which game to play with --game (neither player is a checkpoint)")


def _search_of(spec: str, simulations: int | None, kind: str | None) -> dict[str, Any]:
    search: dict[str, Any] = {"kind": "puct", "simulations": 100}
    if checkpoint.named(spec):
        meta = checkpoint.read_meta(checkpoint.resolve(Path(spec)))
        search = {"kind": "gumbel", "simulations": int(meta.get("simulations", 100))}
    if simulations is not None:
        if simulations < 1:
            raise UserError(f"match: --simulations must be >= 1, got {simulations}")
        search["simulations"] = simulations
    if kind is not None:
        search["kind"] = kind
    return search
