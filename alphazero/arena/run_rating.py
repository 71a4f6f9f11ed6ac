"""The rating of a run: its checkpoints against each other and against opponents of known kind; what is written of it."""

from __future__ import annotations

import hashlib
import json
from functools import partial
from pathlib import Path

from alphazero import checkpoint
from alphazero.arena import ratings
from alphazero.arena.match import Entrant, Pairing, colour_balanced, entrant
from alphazero.arena.openings import random_openings
from alphazero.arena.play import Elsewhere, run_schedule
from alphazero.arena.plot import plot_learning_curve
from alphazero.arena.ratings import Summary
from alphazero.arena.report import write_report
from alphazero.arena.schedule import ladder
from alphazero.arena.standings import standings
from alphazero.config import Config
from alphazero.errors import UserError
from alphazero.files import write_atomically
from alphazero.formats.results import Result
from alphazero.game import Game, in_words, make
from alphazero.progress import Progress
from alphazero.runs.curves import write_ratings
from alphazero.search_settings import FIELDS


def rate_run(directory: Path, config: Config, device: str = "auto", elsewhere: Elsewhere | None = None) -> Summary:
    """Rates the checkpoints of a run against each other, `random` and `mcts:N`; writes elo.json, elo.png and
    report.html. The games are played in this process, or elsewhere.

    All networks search alike, as in training but without noise. `step-0`, the untrained network, is the anchor at 0.
    """
    game = make(config.game.name, config.game.options)
    steps = checkpoint.steps(directory)
    if len(steps) < 2:
        raise UserError(f"{directory}: at least two checkpoints are needed for a rating, found {len(steps)}")
    chosen = spread(steps, config.rating.checkpoints)
    search = config.search.settings(config.rating.simulations)
    entrants = entrants_of(directory, chosen, config, device)
    folder = directory / "rating"
    folder.mkdir(exist_ok=True)
    # Results of one search do not answer for another: each has its file.
    # Settings that version 0.1.0 did not have count where they are set: its runs find their results again.
    told = {k: v for k, v in search.items() if k not in ("gumbel_scale", "reuse_tree") or v != FIELDS[k].default}
    digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:8]
    file = folder / f"results-{chosen[-1]}-{digest}.jsonl"
    progress = Progress()
    away = elsewhere and elsewhere(game, partial(entrants_of, directory.resolve(), chosen, config, device))

    def play(schedule: list[Pairing]) -> list[Result]:
        return run_schedule(
            game,
            entrants,
            schedule,
            file,
            seed=config.seed,
            progress=progress,
            live=lambda results: standings(ratings.rate(results)),
            elsewhere=away,
        )

    if config.rating.form == "ladder":

        def starts(a: int, b: int, count: int, number: int) -> list[str]:
            seed = config.seed + 100_000 * number + 1000 * a + b
            return random_openings(game, count, config.rating.opening_plies, seed)

        names = [each.name for each in entrants]
        results = ladder(names, config.rating.rounds, config.rating.games, starts, play)
    else:
        results = play(run_pairings(game, len(chosen), len(config.rating.opponents), config))
    rated = ratings.rate(results, anchor="step-0", players=[each.name for each in entrants])
    summary = rated.to_json()
    write_atomically(directory / "elo.json", (json.dumps(summary, indent=1) + "\n").encode())
    write_atomically(folder / "results.jsonl", "".join(json.dumps(r) + "\n" for r in results).encode())
    metas = {f"step-{step}": checkpoint.read_meta(directory / "checkpoints" / str(step)) for step in chosen}
    games_seen = {name: meta["games"] for name, meta in metas.items()}
    title = in_words(game) if directory.name == game.name else f"{directory.name}: {in_words(game)}"
    plot_learning_curve(directory / "elo.png", summary, metas, title=title)
    write_report(directory / "report.html", title, rated, results, games_seen, folder="rating/")
    elo = {int(p.name.removeprefix("step-")): p.elo for p in rated.players if p.name in metas}
    write_ratings(directory, "rating/elo" if config.rating.during == 0.0 else "rating/elo_final", elo)
    return summary


def entrants_of(directory: Path, steps: list[int], config: Config, device: str) -> list[Entrant]:
    """These checkpoints of a run and the opponents of its configuration, ready to play."""
    game = make(config.game.name, config.game.options)
    search = config.search.settings(config.rating.simulations)
    entrants = [
        entrant(str(directory / "checkpoints" / str(step)), game, device, search, name=f"step-{step}") for step in steps
    ]
    return entrants + [entrant(spec, game, device, {}, name=spec) for spec in config.rating.opponents]


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
