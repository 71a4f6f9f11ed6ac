"""Which part of the recipe pays? Trains each arm of a study with several seeds and rates the final networks together.

    python tools/ablation.py tools/ablations/connect4.yaml --out runs/ablation-connect4 --jobs 2

A study is YAML: `config` (a training configuration), `common` (keys set for every arm), `seeds`, `games` (a pairing of the
final tournament), `simulations`, `search` (of all players in it), `opening_plies`, and `arms`: by name `evaluations` (the
budget of self-play, in network evaluations) and `set` (the keys in which the arm differs). The first arm is what the others
are measured against. The output is OUT/ablation.md and OUT/ablation.json; the same call goes on after any interruption.

An arm's Elo is the mean over its seeds less that of the first arm; the 95 % interval of this difference is Student's t over
the seeds of both, so it holds the luck of training as well as that of the games.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue
from typing import Any

import yaml

from alphazero.config import ConfigError, read_yaml_file

STUDENT = {
    1: 12.71,
    2: 4.30,
    3: 3.18,
    4: 2.78,
    5: 2.57,
    6: 2.45,
    7: 2.36,
    8: 2.31,
    9: 2.26,
}  # 97.5 % by degrees of freedom
KEYS = {"config", "common", "seeds", "games", "simulations", "search", "opening_plies", "arms"}


def read_study(path: Path) -> dict[str, Any]:
    """The study, checked."""
    try:
        study = read_yaml_file(path, "the study")
    except ConfigError as error:
        sys.exit(str(error))
    if not isinstance(study, dict) or not isinstance(study.get("arms"), dict) or "config" not in study:
        sys.exit(f"{path}: a study has `config` and `arms`")
    if unknown := set(study) - KEYS:
        sys.exit(f"{path}: unknown key {sorted(unknown)[0]}; keys are: {', '.join(sorted(KEYS))}")
    for name, arm in study["arms"].items():
        whole = isinstance(arm, dict) and isinstance(arm.get("evaluations"), int) and arm["evaluations"] > 0
        if not whole or set(arm) - {"evaluations", "set"} or not isinstance(arm.get("set") or {}, dict):
            sys.exit(f"{path}: arms.{name} has `evaluations`, a whole number, and perhaps `set`, keys and values")
    if not isinstance(study.setdefault("seeds", 3), int) or study["seeds"] < 1 or not study["arms"]:
        sys.exit(f"{path}: `seeds` must be >= 1, and `arms` hold at least one")
    return study


def overrides(study: dict[str, Any], arm: dict[str, Any], seed: int) -> list[str]:
    """KEY=VALUE for `alphazero train`."""
    keys = {
        **study.get("common", {}),
        **(arm.get("set") or {}),
        "seed": seed,
        "training.budget_minutes": 0,
        "training.budget_evaluations": arm["evaluations"],
    }
    return [f"{key}={as_yaml(value)}" for key, value in keys.items()]


def as_yaml(value: Any) -> str:
    """A value as YAML on one line (5.0e-05, where JSON's 5e-05 would be text)."""
    return str(yaml.safe_dump(value, default_flow_style=True, width=10**6)).removesuffix("\n").removesuffix("\n...")


def train(study: dict[str, Any], name: str, seed: int, out: Path, core: int | None) -> None:
    """One run to the end of its budget, on one core where `core` says which."""
    run = out / f"{name}-{seed}"
    command = [sys.executable, "-m", "alphazero", "train", study["config"], "--run", str(run), "--no-rating"]
    pin = (lambda: os.sched_setaffinity(0, {core})) if core is not None else None
    with (out / f"{name}-{seed}.log").open("a") as log:
        done = subprocess.run(
            [*command, *overrides(study, study["arms"][name], seed)], stdout=log, stderr=log, preexec_fn=pin
        )
    if done.returncode != 0:
        last = (out / f"{name}-{seed}.log").read_text().strip().splitlines()[-1:]
        sys.exit(f"{run}: training failed: {' '.join(last)}")
    print(f"{run}: trained", file=sys.stderr, flush=True)


def train_all(study: dict[str, Any], out: Path, jobs: int) -> None:
    """Every arm with every seed, `jobs` at a time, each on a core of its own where there is more than one."""
    mine = sorted(os.sched_getaffinity(0))
    cores: Queue[int | None] = Queue()
    for job in range(jobs):
        cores.put(mine[job % len(mine)] if jobs > 1 else None)

    def one(work: tuple[str, int]) -> None:
        core = cores.get()
        try:
            train(study, *work, out, core)
        finally:
            cores.put(core)

    # Seeds outside, arms inside: after any interruption the arms stand alike.
    todo = [(name, seed) for seed in range(study["seeds"]) for name in study["arms"]]
    with ThreadPoolExecutor(jobs) as pool:
        list(pool.map(one, todo))


def rate(study: dict[str, Any], out: Path) -> dict[str, Any]:
    """All final networks against each other; the tournament's summary."""
    names = [f"{name}-{seed}" for name in study["arms"] for seed in range(study["seeds"])]
    tournament = {
        "players": [{"player": str(out / name), "name": name} for name in names],
        "games": study.get("games", 40),
        "simulations": study.get("simulations", 32),
        "search": study.get("search", "puct"),
        "opening_plies": study.get("opening_plies", 2),
        "form": "round-robin" if len(names) <= 12 else "ladder",
    }
    path = out / "tournament.yaml"
    path.write_text(yaml.safe_dump(tournament, sort_keys=False))
    command = [sys.executable, "-m", "alphazero", "tournament", str(path), "--out", str(out / "tournament"), "--json"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(done.stderr.strip().splitlines()[-1])
    return dict(json.loads(done.stdout))


def summarise(study: dict[str, Any], out: Path, summary: dict[str, Any]) -> list[dict[str, Any]]:
    """A row for each arm, Elo relative to the first arm's mean."""
    elo = {player["name"]: player["elo"] for player in summary["players"]}
    games = [json.loads(line) for line in (out / "tournament" / "results.jsonl").read_text().splitlines()]
    seeds = study["seeds"]
    rows: list[dict[str, Any]] = []
    first = next(iter(study["arms"]))
    base = statistics.mean(elo[f"{first}-{seed}"] for seed in range(seeds))
    for name, arm in study["arms"].items():
        runs = [out / f"{name}-{seed}" for seed in range(seeds)]
        metas = [json.loads((run / "checkpoints" / latest(run) / "meta.json").read_text()) for run in runs]
        each = [elo[run.name] - base for run in runs]
        spread = 0.0 if name == first else interval([elo[f"{first}-{seed}"] for seed in range(seeds)], each)
        score, count = score_against(games, name, first)
        rows.append(
            {
                "arm": name,
                "evaluations": arm["evaluations"],
                "positions": round(statistics.mean(meta["positions"] for meta in metas)),
                "games": round(statistics.mean(meta["games"] for meta in metas)),
                "minutes": round(statistics.mean(meta["seconds"] for meta in metas) / 60.0, 1),
                "elo": round(statistics.mean(each), 1),
                "interval": round(spread, 1),
                "seeds": [round(x, 1) for x in each],
                "score": None if name == first else round(score, 4),
                "score_games": count,
                "set": arm.get("set") or {},
            }
        )
    return rows


def interval(a: list[float], b: list[float]) -> float:
    """Half the 95 % interval of the difference of two means of equally many seeds (Student's t); nan for one seed."""
    if len(a) < 2:
        return float("nan")
    error = ((statistics.variance(a) + statistics.variance(b)) / len(a)) ** 0.5
    return STUDENT.get(2 * len(a) - 2, 2.0) * error


def latest(run: Path) -> str:
    """The step of a run's newest checkpoint."""
    return (run / "checkpoints" / "latest").read_text().strip()


def score_against(games: list[dict[str, Any]], name: str, other: str) -> tuple[float, int]:
    """(score of the arm `name` in its games with the arm `other`, how many)."""
    points, count = 0.0, 0
    for game in games:
        first, second = (game[side].rpartition("-")[0] for side in ("first", "second"))
        if (first, second) == (name, other):
            points += game["result"]
        elif (first, second) == (other, name):
            points += 1 - game["result"]
        else:
            continue
        count += 1
    return points / max(1, count), count


def table(study: dict[str, Any], rows: list[dict[str, Any]]) -> str:
    """The rows as Markdown."""
    first = rows[0]["arm"]
    lines = [
        f"{study['config']}, {study['seeds']} seeds; {study.get('simulations', 32)} "
        f"{study.get('search', 'puct').upper()} simulations a move, {study.get('opening_plies', 2)} random plies, both colours.",
        "",
        f"| arm | evaluations | positions | minutes | Elo over {first} (95 %) | seeds | score against {first} |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        score = (
            f"{100 * row['score']:.0f} % of {row['score_games']}" if row["score_games"] and row is not rows[0] else "–"
        )
        lines.append(
            f"| {row['arm']} | {row['evaluations']:,} | {row['positions']:,} | {row['minutes']} | "
            f"{row['elo']:+.0f} ± {row['interval']:.0f} | {', '.join(f'{x:+.0f}' for x in row['seeds'])} | {score} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the arms of a study and rate them.")
    parser.add_argument("study", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument(
        "--jobs", type=int, default=1, help="runs at a time, each on one core (default 1, on all cores)"
    )
    args = parser.parse_args()
    if args.jobs < 1:
        sys.exit(f"--jobs must be >= 1, got {args.jobs}")
    study = read_study(args.study)
    args.out.mkdir(parents=True, exist_ok=True)
    train_all(study, args.out, args.jobs)
    rows = summarise(study, args.out, rate(study, args.out))
    (args.out / "ablation.json").write_text(json.dumps(rows, indent=1) + "\n")
    text = table(study, rows)
    (args.out / "ablation.md").write_text(text)
    print(text, end="")


if __name__ == "__main__":
    main()
