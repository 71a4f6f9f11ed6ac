"""Pages that watch directories in which others write: hostile lines, files that grow, are cut or replaced, and late tournaments."""

from __future__ import annotations

import asyncio
import io
import json
import math
import random
import threading
import time
from pathlib import Path

import pytest

import alphazero as az
from alphazero._core import GameRecord
from alphazero.arena.match import Pairing
from alphazero.arena.store import ResultStore
from alphazero.errors import UserError
from alphazero.formats.game_text import GameText
from alphazero.training import journal
from alphazero.web import curves, engine_process, graphs, results_game, runs, tournaments, watch
from alphazero.web.live import Channel, Update, whole
from alphazero.web.models import Folder, folders
from alphazero.web.runs import Run

HOSTILE = [
    math.nan,
    math.inf,
    -math.inf,
    1e14,
    1e16,
    1e30,
    1e308,
    -1e308,
    5e-324,
    -0.0,
    -3,
    10**400,
    10**18,
    True,
    False,
]
HOSTILE += [None, "1", "", [], {}, [1], "<b>", 0, 1]


class Page:
    """What an open Watch page shows."""

    def __init__(self, *paths: Path, shelf: watch.Shelf | None = None):
        self.shelf = shelf or watch.Shelf.of({path.name: Folder(path.name, path) for path in paths})
        self.watcher = watch.Watcher(Channel("watch", lambda text: None), self.shelf)
        self.watcher._chosen = [path.name for path in paths]
        self.parts: dict[str, str] = {}
        self.look()

    def look(self) -> set[str]:
        """Which parts a look has changed."""
        self.watcher._take(self.shelf.look(self.watcher._chosen))
        changed = self.watcher._show().parts
        self.parts |= changed
        return set(changed)


def a_run(folder: Path, *lines: object) -> Path:
    """A directory with a log of these lines."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text("game: {name: connect4}\ntraining: {budget_minutes: 10}\n")
    (folder / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def line(i: int, **more: object) -> dict[str, object]:
    return {"seconds": 15.0 * i, "step": 10 * i, "train/policy_loss": 2.0 / (1 + i), "replay/games": 5 * i, **more}


# --- hostile figures ---


@pytest.mark.parametrize(
    "odd",
    [
        {"seconds": 1, "step": 1, "train/policy_loss": 1e14},
        {"seconds": 1e16, "step": 1, "train/policy_loss": 2.0},
        {"seconds": 1, "step": 10**17, "train/policy_loss": 2.0},
        {"seconds": 1, "step": 1, "train/policy_loss": math.nan, "train/value_loss": 1e30},
    ],
    ids=["a loss of 1e14", "a time of 1e16", "a step of 1e17", "diverged"],
)
def test_an_odd_line_of_one_run_ends_no_page(tmp_path: Path, odd: dict):
    page = Page(a_run(tmp_path / "odd", line(1), odd), a_run(tmp_path / "sound", line(1), line(2)))
    assert page.parts["loss-plot"].count("<polyline") >= 1 and "sound" in page.parts["facts"]
    with (tmp_path / "odd" / "log.jsonl").open("a") as file:
        file.write(json.dumps(line(7)) + "\n")
    assert "loss-plot" in page.look() and "step 70 after" in page.parts["facts"]


def test_what_is_not_drawn_is_told(tmp_path: Path):
    page = Page(a_run(tmp_path / "run", "none", line(1), line(2, **{"train/value_loss": math.inf})))
    assert "too large: train/value_loss" in page.parts["facts"]
    assert "lines of log.jsonl that cannot be read: 1" in page.parts["facts"]


@pytest.mark.parametrize("seed", range(4))
def test_random_hostile_lines_are_survived(tmp_path: Path, seed: int):
    draw = random.Random(seed)
    keys = ["seconds", "step", *curves.DRAWN, *curves.TOLD, "warnings"]
    folder = a_run(tmp_path / "run")
    page = Page(folder, a_run(tmp_path / "sound", line(1), line(2)))
    for _ in range(25):
        told = {**line(draw.randrange(1000)), **{key: draw.choice(HOSTILE) for key in draw.sample(keys, 5)}}
        for key in draw.sample(sorted(told), draw.choice([0, 0, 1, 2])):
            told.pop(key)
        text = json.dumps(told).encode()
        with (folder / "log.jsonl").open("ab") as file:
            file.write(draw.choice([text, text, text, text[: draw.randrange(len(text))], draw.randbytes(9)]) + b"\n")
        page.watcher._axis = draw.choice(list(curves.AXES))
        page.look()
        told = "".join(page.parts.values())
        assert "cannot be shown" not in told and "cannot be read:" not in told.replace(
            "log.jsonl that cannot be read:", ""
        )
        assert not {"nan", "inf"} & set(page.parts["loss-plot"].replace('"', " ").replace(",", " ").split())


@pytest.mark.parametrize(
    "config", ["game: [", "- 1", "game: {name: 5}", "training: 3", "game: {name: go, options: {board_size: x}}"]
)
def test_a_configuration_that_is_none_leaves_the_curves(tmp_path: Path, config: str):
    odd = a_run(tmp_path / "odd", line(1), line(2))
    (odd / "config.yaml").write_text(config)
    page = Page(odd, a_run(tmp_path / "sound", line(1), line(2)))
    assert page.parts["loss-plot"].count("<polyline") == 2 and "step 20 after" in page.parts["facts"]
    assert str(tmp_path) not in page.parts["facts"]
    page.look()
    assert ("cannot be read: " in page.parts["facts"]) == (config in ("game: [", "- 1"))  # it stays told


def test_a_game_of_other_rules_is_told_in_its_place(tmp_path: Path):
    folder = a_run(tmp_path / "run", line(1), line(2))
    (folder / "replay").mkdir()
    go = GameRecord.of_game(az.Game("go"), ["D4", "E5", "pass", "pass"], 1)
    (folder / "replay" / "journal").write_bytes(journal.entry(go))
    page = Page(folder)
    assert "cannot be replayed" in page.parts["board"] and "<polyline" in page.parts["loss-plot"]


def test_ticks_are_few_and_within_any_range():
    draw = random.Random(1)
    for _ in range(5000):
        low = draw.choice([-1, 1, 0]) * 10 ** draw.uniform(-320, 300)
        high = low + draw.choice([0, 1e-9, 1]) * 10 ** draw.uniform(-300, 300)
        ticks = graphs.ticks(low, high, most := draw.randint(1, 8))
        assert len(ticks) <= most + 2
        room = 1e-6 * max(high - low, abs(low), abs(high), 1e-6)
        assert all(low - room <= tick <= high + room for tick in ticks)
    assert graphs.ticks(0, 1e14, 5) and graphs.ticks(0, 250, 5) == [0, 50, 100, 150, 200, 250]


# --- what is read, and how often ---


def test_lines_are_parsed_once_for_all_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    parsed: list[bytes] = []
    configs: list[Path] = []
    read_line, read_yaml = curves.read_line, runs.read_yaml
    monkeypatch.setattr(curves, "read_line", lambda text: parsed.append(text) or read_line(text))
    monkeypatch.setattr(runs, "read_yaml", lambda path: configs.append(path) or read_yaml(path))
    folder = a_run(tmp_path / "run", *(line(i) for i in range(50)))
    page = Page(folder)
    other = Page(folder, shelf=page.shelf)
    for _ in range(3):
        page.look()
        other.look()
    assert len(list(filter(None, parsed))) == 50 and len(configs) == 1
    with (folder / "log.jsonl").open("a") as file:
        file.write(json.dumps(line(60)) + "\n")
    assert "loss-plot" in page.look() and "loss-plot" in other.look()
    assert len(list(filter(None, parsed))) == 51


def test_nothing_is_drawn_where_nothing_has_changed(tmp_path: Path):
    page = Page(a_run(tmp_path / "run", *(line(i) for i in range(5))))
    assert page.look() == set()
    page.watcher.act({"do": "axis", "value": "steps"})
    assert page.look() == set() and "training steps" in page.watcher._channel._shown["loss-plot"]


@pytest.mark.parametrize("how", ["cut", "replaced", "written over with more", "gone"])
def test_a_log_that_was_begun_anew_is_read_anew(tmp_path: Path, how: str):
    folder = a_run(tmp_path / "run", *(line(i) for i in range(20)))
    run = Run("run", folder)
    assert run.look().told.lines == 20
    fresh = "".join(json.dumps(line(i, other=1)) + "\n" for i in range(3 if how == "cut" else 40))
    if how == "replaced":
        (folder / "new").write_text(fresh)
        (folder / "new").rename(folder / "log.jsonl")
    elif how == "gone":
        (folder / "log.jsonl").unlink()
    else:
        (folder / "log.jsonl").write_text(fresh)
    assert run.look().told.lines == {"cut": 3, "gone": 0}.get(how, 40)


def test_a_line_without_an_end_is_not_kept(tmp_path: Path):
    folder = a_run(tmp_path / "run", line(1))
    run = Run("run", folder)
    for _ in range(3):
        with (folder / "log.jsonl").open("a") as file:
            file.write("x" * (3 << 20))
        run.look()
        assert len(run._rest) <= runs.LONGEST_LINE
    with (folder / "log.jsonl").open("a") as file:
        file.write("\n" + json.dumps(line(2)) + "\n")
    assert run.look().told.lines == 2


def test_a_long_curve_keeps_its_peaks():
    log = curves.Log()
    for i in range(5000):
        log.add(json.dumps(line(i, **{"train/value_loss": 9.0 if i == 3333 else 1.0})).encode())
    for axis in curves.AXES:
        points = log.told().curves["train/value_loss", axis]
        assert len(points) <= curves.MOST_POINTS + 2 and max(y for _, y in points) == 9.0
        assert [x for x, _ in points] == sorted(x for x, _ in points)
    assert log.told().curves["train/value_loss", "steps"][-1][0] == 49990


def test_games_of_a_journal_are_read_once_and_a_torn_one_when_it_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = a_run(tmp_path / "run", line(1))
    game = az.Game("connect4")
    (folder / "replay").mkdir()
    entries = [
        journal.entry(GameRecord.of_game(game, game.position().random_playout(seed)[1], 0, number=seed))
        for seed in range(60)
    ]
    read: list[int] = []
    read_entry = runs.read_entry
    monkeypatch.setattr(runs, "read_entry", lambda data, at: read.append(at) or read_entry(data, at))
    run = Run("run", folder)
    with (folder / "replay" / "journal").open("ab", buffering=0) as file:
        file.write(b"".join(entries[:50]) + entries[50][:10])
        assert [each.number for each in run.newest_games()] == list(range(49, 9, -1))
        before = len(read)
        file.write(entries[50][10:] + entries[51])
        assert [each.number for each in run.newest_games()][:3] == [51, 50, 49]
        assert len(read) - before <= 3
        file.truncate(0)
        file.write(entries[55])
    assert [each.number for each in run.newest_games()] == [55]


# --- one page, one look at a time ---


def test_a_page_looks_once_at_a_time_whatever_is_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    shelf = watch.Shelf.of({name: Folder(name, a_run(tmp_path / name, line(1), line(2))) for name in ("a", "b", "c")})
    looks = {"now": 0, "most": 0, "all": 0}
    own = watch.Shelf.look

    def slow(self: watch.Shelf, chosen: list[str]) -> list[str]:
        looks["now"] += 1
        looks["most"] = max(looks["most"], looks["now"])
        looks["all"] += 1
        time.sleep(0.03)
        looks["now"] -= 1
        return own(self, chosen)

    monkeypatch.setattr(watch.Shelf, "look", slow)

    async def choose() -> dict[str, str]:
        channel = Channel("watch", lambda text: None)
        watcher = watch.Watcher(channel, shelf)
        watcher.open()
        while not watcher._names:
            await asyncio.sleep(0.005)
        for name in ("b", "c", "a", "b", "c"):
            watcher.act({"do": "runs", "value": [name]})
            watcher.act({"do": "step", "by": "1"})
            await asyncio.sleep(0.005)
        while looks["now"] or "<h2>c</h2>" not in channel._shown.get("facts", "") or looks["all"] < 3:
            await asyncio.sleep(0.005)
        watcher.close()
        return channel._shown

    assert "<h2>a</h2>" not in asyncio.run(asyncio.wait_for(choose(), 20))["facts"]
    assert looks["most"] == 1


def test_the_list_shows_the_run_that_is_watched_where_none_was_left_selected(tmp_path: Path):
    page = Page(a_run(tmp_path / "a", line(1), line(2)))
    channel = page.watcher._channel
    channel.push(Update(parts=page.parts))
    channel._waiting.parts.clear()
    page.watcher.act({"do": "runs", "value": []})
    page.watcher._take(page.shelf.look(page.watcher._chosen))
    channel.push(page.watcher._show())
    assert "selected" in channel._waiting.parts["runs"]


def test_a_look_that_fails_is_told_and_the_next_one_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    shelf = watch.Shelf.of({"run": Folder("run", a_run(tmp_path / "run", line(1), line(2)))})
    monkeypatch.setattr(watch, "LOOK_SECONDS", 0.01)
    own, calls = watch.Shelf.look, []

    def failing(self: watch.Shelf, chosen: list[str]) -> list[str]:
        calls.append(threading.get_ident())
        if len(calls) == 1:
            raise RuntimeError("a fault")
        return own(self, chosen)

    monkeypatch.setattr(watch.Shelf, "look", failing)

    async def wait() -> Channel:
        channel = Channel("watch", lambda text: None)
        watcher = watch.Watcher(channel, shelf)
        watcher.open()
        while "<h2>run</h2>" not in channel._shown.get("facts", ""):
            await asyncio.sleep(0.005)
        watcher.close()
        return channel

    assert "a fault" in asyncio.run(asyncio.wait_for(wait(), 20))._waiting.say


@pytest.mark.parametrize("said", ["--5", "-", "", "1.5", "٣", "+1", "5\n"])
def test_a_step_that_is_no_whole_number_is_a_clear_line(said: str):
    channel = Channel("", lambda text: None)
    for page in (watch.Watcher(channel, watch.Shelf({})), tournaments.Tournaments(channel, {})):
        with pytest.raises(UserError, match="by must be a whole number, got"):
            page.act({"do": "step", "by": said})
    for steps in ("-100000", "100000", "-1"):
        assert whole({"by": steps}, "by") == int(steps)


# --- tournaments ---


def results_of(folder: Path, game: az.Game, count: int = 3) -> Path:
    """A tournament's directory, as the arena writes it."""
    folder.mkdir(parents=True, exist_ok=True)
    schedule = [Pairing(i % 2, 1 - i % 2, "", i // 2) for i in range(count)]
    store = ResultStore(folder / "results.jsonl", game, schedule, ["a", "b"])
    for i, pairing in enumerate(schedule):
        if i in store.done:
            continue
        moves = game.position().random_playout(i)[1]
        first, second = "ab"[pairing.first], "ab"[pairing.second]
        told = GameText(game=game.name, first=first, second=second, moves=moves, value=1, reason="", number=i)
        store.add(i, {"first": first, "second": second, "result": 1.0, "game": i, "moves": " ".join(moves)}, told)
    return folder


def without_rules(folder: Path) -> None:
    """Lines as they were written before they told the game."""
    file = folder / "results.jsonl"
    lines = [json.loads(text) for text in file.read_text().splitlines()]
    file.write_text("".join(json.dumps({k: v for k, v in each.items() if k != "rules"}) + "\n" for each in lines))


@pytest.mark.parametrize("size", [6, 8, 11, 19])
@pytest.mark.parametrize("told_by", ["lines", "games.sgf"])
def test_go_of_every_size_is_shown_with_its_rules(tmp_path: Path, size: int, told_by: str):
    game = az.Game("go", board_size=size, komi=5.5, ko="situational", suicide=True)
    folder = results_of(tmp_path / "m", game)
    if told_by == "games.sgf":
        without_rules(folder)
    table = tournaments.read(tournaments.sources(folders([folder]))["m"])
    assert table.played.game == game
    page = tournaments.Tournaments(Channel("tournaments", lambda text: None), folders([folder]))
    page._take(table)
    assert f"Go {size}x{size}, komi 5.5" in (update := page._show()).parts["facts"]
    assert f'data-cell="A{size}"' in update.parts["board"]


def test_what_is_wrong_with_a_file_names_no_path_of_the_machine(tmp_path: Path):
    folder = tmp_path / "m"
    folder.mkdir()
    (folder / "results.jsonl").write_text("[]\n")
    channel = Channel("tournaments", lambda text: None)

    async def look() -> str:
        page = tournaments.Tournaments(channel, folders([folder]))
        page.open()
        while not channel._waiting.say:
            await asyncio.sleep(0.005)
        page.close()
        return channel._waiting.say

    said = asyncio.run(asyncio.wait_for(look(), 20))
    assert said.startswith("m/results.jsonl:1: expected") and str(tmp_path) not in said


def test_a_checkpoint_that_is_gone_is_told_by_its_run(tmp_path: Path):
    out = io.StringIO()
    asked = {"id": 1, "do": "review", "game": "connect4", "options": {}, "start": "", "moves": ["d"]}
    model = str(tmp_path / "run" / "checkpoints" / "10")
    engine_process.Worker(out)._review(1, {**asked, "simulations": 2, "model": model}, threading.Event())
    assert "the review failed" in out.getvalue() and "run/checkpoints/10" in out.getvalue()
    assert str(tmp_path) not in out.getvalue()


def test_the_line_of_a_game_that_is_not_installed_says_so(tmp_path: Path):
    folder = results_of(tmp_path / "m", az.Game("connect4"))
    text = (folder / "results.jsonl").read_text()
    (folder / "results.jsonl").write_text(text.replace('{"name": "connect4"', '{"name": "halma"'))
    table = tournaments.read(tournaments.sources(folders([folder]))["m"])
    assert table.played.game is None and "cannot be played here" in table.played.why and "halma" in table.played.why
    assert "not kept" not in table.played.why


@pytest.mark.parametrize(
    "rules",
    [
        {"name": "python", "options": {"rules": "evil_rules:G"}},
        {"name": "open_spiel", "options": {"game": "efg_game(filename=/etc/passwd)"}},
        {"name": "open_spiel", "options": {"game": "repeated_game(stage_game=nfg_game(filename=x),num_repetitions=2)"}},
    ],
    ids=["python", "efg", "nested"],
)
def test_a_file_of_results_or_a_configuration_imports_and_reads_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rules: dict
):
    (tmp_path / "evil_rules.py").write_text("open('imported', 'w').close()\nclass G: pass\n")
    monkeypatch.chdir(tmp_path)
    result = {"first": "a", "second": "b", "result": 1.0, "moves": "d", "rules": rules}
    found = results_game.played([result], tmp_path / "results.jsonl", tmp_path)  # type: ignore[list-item]
    assert found.game is None and "not shown here" in found.why
    folder = a_run(tmp_path / "run", line(1), line(2))
    (folder / "config.yaml").write_text(json.dumps({"game": rules}))
    assert "a game that is not shown here" in Page(folder).parts["facts"]
    assert not (tmp_path / "imported").exists()


def test_moves_that_were_not_kept_are_told_so(tmp_path: Path):
    results = [{"first": "a", "second": "b", "result": 1.0}]
    assert (
        results_game.played(results, tmp_path / "results.jsonl", tmp_path).why
        == "The moves of these games were not kept."
    )


def test_a_game_of_open_spiel_is_shown(tmp_path: Path):
    pytest.importorskip("pyspiel", reason="needs OpenSpiel: pip install 'alphazero-engine[open_spiel]'")
    game = az.Game("open_spiel", game="breakthrough(rows=6,columns=6)")
    folder = results_of(tmp_path / "m", game)
    table = tournaments.read(tournaments.sources(folders([folder]))["m"])
    assert table.played.game == game
    page = tournaments.Tournaments(Channel("tournaments", lambda text: None), folders([folder]))
    page._take(table)
    assert "6bbbbbb" in page._show().parts["board"]  # as OpenSpiel draws it


def test_a_tournament_that_begins_later_and_grows_is_seen(tmp_path: Path):
    folder = tmp_path / "m"
    folder.mkdir()
    channel = Channel("tournaments", lambda text: None)
    page = tournaments.Tournaments(channel, folders([folder]))

    async def grow() -> None:
        await page._look()
        assert "No results yet" in page._show().parts["facts"]
        results_of(folder, az.Game("connect4"), 2)
        await page._look()
        update = page._show()
        assert ">m</option>" in update.parts["source"] and "2 games" in update.parts["facts"]
        page._read_at = -1e9  # a file that grows is not read again at once
        results_of(folder, az.Game("connect4"), 4)
        await page._look()
        update = page._show()
        assert "4 games" in update.parts["facts"] and "source" not in update.parts
        page.act({"do": "game", "game": "1"})
        page.act({"do": "step", "by": "2"})
        page._read_at = -1e9
        results_of(folder, az.Game("connect4"), 6)
        await page._look()
        assert "6 games" in page._show().parts["facts"] and (page._number, page._ply) == (1, 2)
        await page._look()
        assert page._show().parts == {}

    asyncio.run(grow())


@pytest.mark.parametrize("seed", range(3))
def test_random_hostile_results_are_survived(tmp_path: Path, seed: int):
    draw = random.Random(seed)
    keys = ["moves", "opening", "rules", "reason", "termination", "note", "plies", "score", "game", "record_bytes"]
    values = [
        *HOSTILE,
        "d d d",
        {"name": "go"},
        {"name": 5},
        {"name": "go", "options": 3},
        {"name": "connect4", "options": {}},
    ]
    page = tournaments.Tournaments(Channel("tournaments", lambda text: None), folders([tmp_path]))
    for i in range(40):
        told = {"first": "a", "second": "b", "result": 1, **{key: draw.choice(values) for key in draw.sample(keys, 5)}}
        with (tmp_path / "results.jsonl").open("a") as file:
            file.write(json.dumps(told) + "\n")
        if i % 4 == 3:
            source = next(iter(tournaments.sources(folders([tmp_path])).values()))
            page._take(tournaments.read(source))
            page._number, page._ply = draw.randrange(i), draw.randrange(3)
            shown = page._show().parts
            assert "cannot be shown" not in "".join(shown.values()) and shown["board"]
