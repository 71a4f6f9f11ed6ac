"""The page in a real browser: Debian's Chromium, driven by Playwright. Games are played by clicks, against the rules of az.Game."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from served import CHROMIUM, Served, served
from tiny import tiny_file

import alphazero as az
from alphazero.cli import main
from alphazero.web.runs import Run

playwright = pytest.importorskip("playwright.sync_api", reason="playwright drives the browser: pip install playwright")
if CHROMIUM is None:
    pytest.skip("no Chromium: apt-get install chromium, or name one by CHROMIUM=", allow_module_level=True)
from playwright.sync_api import Browser, Page, expect  # noqa: E402 - only where it is there

expect.set_options(timeout=20_000)
ROOT = Path(__file__).parent.parent
SECONDS = 20_000  # of waiting, in milliseconds: the machine may be busy
LETTERS = {
    "chess": dict(zip("pnbrqk", ["pawn", "knight", "bishop", "rook", "queen", "king"], strict=True)),
    "shogi": dict(
        zip("plnsgbrk", ["pawn", "lance", "knight", "silver", "gold", "bishop", "rook", "king"], strict=True)
    ),
}


@pytest.fixture(scope="module")
def server() -> Iterator[Served]:
    with served() as running:
        yield running


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Iterator[Served]:
    """A server with a run that was trained for a second, and a small tournament."""
    folder = tmp_path_factory.mktemp("watched")
    train = ["train", str(tiny_file(folder)), "--run", str(folder / "run"), "--no-rating", "training.budget_games=24"]
    assert main(train) == 0
    for i in range(1, 4):
        line = {"seconds": 20.0 * i, "step": 10 * i, "train/policy_loss": 2.0 / i, "train/value_loss": 1.0 / i}
        with (folder / "run" / "log.jsonl").open("a") as log:
            log.write(json.dumps({**line, "rating/elo": 50 * i, "rating/low": 40 * i, "rating/high": 60 * i}) + "\n")
    played = [
        "tournament",
        "random",
        "mcts:10",
        "mcts:30",
        "--game",
        "connect4",
        "--games",
        "4",
        "--out",
        str(folder / "m"),
    ]
    assert main(played) == 0
    with served("--run", folder / "run", "--run", folder / "m") as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with playwright.sync_playwright() as driver:
        found = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield found
        found.close()


@pytest.fixture
def page(browser: Browser, server: Served) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(SECONDS)
    found = context.new_page()
    faults: list[str] = []
    found.on("pageerror", lambda error: faults.append(str(error)))
    found.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    found.goto(server.url)
    expect(found.locator('[data-cell="E5"]')).to_be_visible()
    yield found
    context.close()
    assert not faults


def begin(page: Page, game: str, **fields: str) -> None:
    """A new game, by the form; both sides by hand where no opponent is named."""
    page.get_by_label("Game").select_option(game)
    expect(page.locator("#rest")).to_contain_text(
        {"go": "Komi", "chess": "Chess960", "shogi": "Handicap"}.get(game, "Opponent")
    )
    for name, value in {"opponent": "", **fields}.items():
        control = page.locator(f"#form [name={name}]")
        if name == "start" and not control.is_visible():
            page.get_by_text("Start from a position").click()
        if control.evaluate("each => each.tagName") == "SELECT":
            control.select_option(value)
        else:
            control.fill(value)
    page.get_by_test_id("new-game").click()
    expect(page.get_by_test_id("board").locator(f'svg[aria-label="{game} board"]')).to_be_visible()
    # The board before may be one of this game, too: the new one has the focus.
    expect(page.locator("#board [data-cell]:focus")).to_have_count(1)


def press(page: Page, name: str) -> None:
    page.locator(f'[data-cell="{name}"]').click(no_wait_after=True)


def play(page: Page, game: str, move: str) -> None:
    """A move by clicks."""
    if move == "pass":
        page.get_by_test_id("pass").click()
    elif game in ("go", "connect4"):
        press(page, move)
    else:
        if move[1] == "*":
            page.locator(f'[data-drop="{move[0]}"]').click()
        else:
            press(page, move[:2])
        targets = page.locator(f'[data-cell="{move[2:4]}"].target')
        expect(targets).to_have_count(1)
        press(page, move[2:4])
        chooser = page.locator("#chooser")
        if chooser.is_visible():
            chooser.locator(f'[data-promote="{move[4:]}"]').click()


def seen(page: Page) -> dict[str, str]:
    """What stands on each cell, as a screen reader hears it."""
    labels = page.locator("[data-cell]").evaluate_all(
        "cells => cells.map(c => [c.dataset.cell, c.getAttribute('aria-label')])"
    )
    return {name: label.partition(", ")[2] for name, label in labels}


def drawn(position: az.Position) -> dict[str, str]:
    """The same by the diagram of the rules."""
    name = position.game.name
    _, height, width = position.game.planes_shape
    rows = [line for line in position.diagram.splitlines() if len(line.split()) >= width][-height - 2 :]
    found: dict[str, str] = {}
    if name in ("shogi", "minishogi"):
        files = position.diagram.splitlines()[0].split()
        for line in position.diagram.splitlines()[1 : height + 1]:
            *pieces, rank = line.split()
            for file, piece in zip(files, pieces, strict=True):
                found[f"{file}{rank}"] = piece
        return found
    for line in rows:
        words = line.split()
        if name in ("chess", "gardner") and words[0].isdigit():
            for file, piece in zip("abcdefgh", words[1:], strict=False):
                found[f"{file}{words[0]}"] = piece
        if name == "go" and words[0].isdigit():
            for column, piece in zip("ABCDEFGHJKLMNOPQRST", words[1 : width + 1], strict=False):
                found[f"{column}{words[0]}"] = piece
    return found


PROMOTED = {
    "p": "promoted pawn",
    "l": "promoted lance",
    "n": "promoted knight",
    "s": "promoted silver",
    "b": "horse",
    "r": "dragon",
}


def compare(page: Page, position: az.Position) -> None:
    """The page's board is that of the rules."""
    name = position.game.name
    shown = seen(page)
    if name == "connect4":
        columns = list(zip(*position.diagram.splitlines()[:6], strict=True))[1::2]
        for column, letters in zip("abcdefg", columns, strict=True):
            told = [{"X": "Red piece", "O": "Yellow piece"}[each] for each in reversed(letters) if each != "."]
            assert shown[column] == (", ".join(told) or "empty")
        return
    kinds = LETTERS["chess"] if name in ("chess", "gardner") else LETTERS["shogi"]
    sides = {"chess": ("White", "Black"), "gardner": ("White", "Black"), "go": ("Black", "White")}.get(
        name, ("Sente", "Gote")
    )
    expected = {}
    for cell, piece in drawn(position).items():
        letter = piece.lstrip("+").lower()
        if piece == ".":
            expected[cell] = "empty"
        elif name == "go":
            expected[cell] = f"{sides['XO'.index(piece)]} stone"
        else:
            side = sides[0] if piece.lstrip("+").isupper() else sides[1]
            expected[cell] = f"{side} {PROMOTED[letter] if piece[0] == '+' else kinds[letter]}"
    assert shown == expected


# (game, options of the form, seed of a random game: short ones with drops, promotions, passes)
GAMES = [("connect4", 2163), ("gardner", 1191), ("minishogi", 593), ("go", 626), ("chess", 489), ("shogi", 786)]


def random_game(name: str, seed: int) -> tuple[az.Game, list[str]]:
    options = {"board_size": 5, "komi": 0.5, "ko": "positional", "suicide": False} if name == "go" else {}
    game = az.Game(name, **options)
    return game, game.position().random_playout(seed)[1]


def play_out(page: Page, name: str, seed: int) -> None:
    game, moves = random_game(name, seed)
    begin(page, name, **({"board_size": "5", "komi": "0.5"} if name == "go" else {}))
    position = game.position()
    for number, move in enumerate(moves, 1):
        play(page, name, move)
        position.play(move)
        expect(page.locator("#moves li")).to_have_count(number)
    compare(page, position)
    expect(page.locator("#moves li").last).to_have_text(moves[-1])
    outcome = position.outcome
    assert outcome is not None
    status = page.get_by_test_id("status")
    expect(status).to_contain_text("Draw" if outcome.value == 0 else "wins")
    first = {"go": "Black", "connect4": "Red", "shogi": "Sente", "minishogi": "Sente"}.get(name, "White")
    if outcome.value:
        assert status.inner_text().startswith(first) == (outcome.value > 0)
    expect(page.get_by_test_id("resign")).to_be_disabled()


@pytest.mark.parametrize(("name", "seed"), GAMES)
def test_a_game_is_played_to_its_end_by_clicks_on_both_sides(page: Page, name: str, seed: int):
    play_out(page, name, seed)


@pytest.mark.slow  # some minutes: hundreds of moves
@pytest.mark.parametrize(
    ("name", "seed"), [("chess", 339), ("gardner", 2116), ("go", 605), ("shogi", 377), ("minishogi", 2416)]
)
def test_longer_games_are_played_to_their_end_by_clicks(page: Page, name: str, seed: int):
    play_out(page, name, seed)


def test_take_back_by_hand_and_against_an_engine(page: Page):
    begin(page, "connect4")
    for move in "dcd":
        play(page, "connect4", move)
    expect(page.locator("#moves li")).to_have_count(3)
    page.get_by_test_id("undo").click()
    expect(page.locator("#moves li")).to_have_text(["d", "c"])
    begin(page, "connect4", opponent="mcts:100")
    press(page, "d")
    expect(page.locator("#moves li")).to_have_count(2)
    page.get_by_test_id("undo").click()
    expect(page.locator("#moves li")).to_have_count(0)
    expect(page.get_by_test_id("undo")).to_be_disabled()


def test_a_promotion_asks_which_piece(page: Page):
    begin(page, "chess", start="8/P6k/8/8/8/8/8/K7 w - - 0 1")
    press(page, "a7")
    press(page, "a8")
    expect(page.locator("#chooser button")).to_have_text(["Queen", "Rook", "Bishop", "Knight"])
    page.get_by_test_id("promote-n").click()
    expect(page.locator('[data-cell="a8"]')).to_have_attribute("aria-label", "a8, White knight")


def test_a_shogi_piece_may_promote_or_not(page: Page):
    begin(page, "shogi", start="4k4/9/9/4S4/9/9/9/9/4K4 b - 1")
    press(page, "5d")
    press(page, "5c")
    page.get_by_test_id("promote-no").click()
    expect(page.locator('[data-cell="5c"]')).to_have_attribute("aria-label", "5c, Sente silver")
    page.get_by_test_id("undo").click()
    press(page, "5d")
    press(page, "5c")
    page.get_by_test_id("promote-+").click()
    expect(page.locator('[data-cell="5c"]')).to_have_attribute("aria-label", "5c, Sente promoted silver")


def test_castling_and_castling_by_chess960(page: Page):
    begin(page, "chess", start="r3k2r/8/8/8/8/8/8/R3K2R w KQkq - 0 1")
    play(page, "chess", "e1g1")
    expect(page.locator('[data-cell="f1"]')).to_have_attribute("aria-label", "f1, White rook")
    play(page, "chess", "e8c8")
    expect(page.locator('[data-cell="d8"]')).to_have_attribute("aria-label", "d8, Black rook")
    begin(page, "chess", chess960="1", start="1r1k3r/8/8/8/8/8/8/1R1K3R w KQkq - 0 1")
    play(page, "chess", "d1b1")
    expect(page.locator('[data-cell="c1"]')).to_have_attribute("aria-label", "c1, White king")


def test_a_drop_from_the_hand(page: Page):
    begin(page, "shogi", start="4k4/9/9/9/9/9/9/9/4K4 b 2Pg 1")
    expect(page.locator("[data-drop]")).to_have_count(1)
    play(page, "shogi", "P*5e")
    expect(page.locator('[data-cell="5e"]')).to_have_attribute("aria-label", "5e, Sente pawn")


def test_a_move_by_dragging_and_one_that_is_not_legal(page: Page):
    begin(page, "chess")
    page.drag_and_drop('[data-cell="e2"]', '[data-cell="e5"]')
    page.drag_and_drop('[data-cell="e2"]', '[data-cell="e4"]')
    expect(page.locator("#moves li")).to_have_text(["e2e4"])


def test_pass_and_resign_in_go_and_the_area_at_the_end(page: Page):
    begin(page, "go", board_size="5", komi="3.5")
    for move in ("C3", "pass", "pass"):
        play(page, "go", move)
    expect(page.get_by_test_id("status")).to_contain_text("Black wins by 21.5: area 25 to 3.5")
    expect(page.locator(".area-first")).to_have_count(25)
    begin(page, "go")
    page.get_by_test_id("resign").click()
    expect(page.get_by_test_id("status")).to_contain_text("White wins: Black resigned")


def test_a_hint_is_shown_on_the_board(page: Page):
    begin(page, "connect4", start="ababab")
    page.get_by_test_id("hint").click()
    expect(page.get_by_test_id("status")).to_contain_text("Hint: a")
    expect(page.locator("#overlay .candidate")).to_have_count(1)


def test_the_shipped_network_answers(page: Page):
    press(page, "E5")
    expect(page.locator("#moves li")).to_have_count(2)
    expect(page.get_by_test_id("status")).to_contain_text("White played")


def test_clocks_run_and_end_the_game(page: Page):
    begin(page, "chess", minutes="0.02")
    play(page, "chess", "e2e4")
    expect(page.locator(".clock")).to_have_count(2)
    expect(page.get_by_test_id("status")).to_contain_text("White wins on time")


def test_a_reload_in_mid_game_loses_nothing(page: Page):
    begin(page, "chess", opponent="")
    for move in ("e2e4", "e7e5", "g1f3"):
        play(page, "chess", move)
    expect(page.locator("#moves li")).to_have_count(3)
    before = seen(page)
    page.reload()
    expect(page.locator("#moves li")).to_have_text(["e2e4", "e7e5", "g1f3"])
    assert seen(page) == before
    play(page, "chess", "b8c6")
    expect(page.locator("#moves li")).to_have_count(4)


def test_a_reload_while_the_engine_thinks_gets_its_move(page: Page):
    begin(page, "connect4", opponent="mcts:10000")
    press(page, "d")
    page.reload()
    expect(page.locator("#moves li")).to_have_count(2)


def test_two_pages_at_once_have_games_of_their_own(page: Page, server: Served):
    other = page.context.new_page()
    other.goto(server.url)
    begin(other, "chess")
    begin(page, "connect4")
    press(page, "d")
    play(other, "chess", "e2e4")
    expect(page.locator("#moves li")).to_have_text(["d"])
    expect(other.locator("#moves li")).to_have_text(["e2e4"])


def test_a_game_is_played_by_the_keyboard_alone(page: Page):
    begin(page, "connect4")
    page.locator('[data-cell="a"]').focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.locator("#moves li")).to_have_text(["d"])
    page.keyboard.press("ArrowLeft")  # the focus is where it was
    page.keyboard.press(" ")
    expect(page.locator("#moves li")).to_have_text(["d", "c"])
    begin(page, "chess")
    page.locator('[data-cell="e2"]').focus()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(page.locator("#moves li")).to_have_text(["e2e4"])


def test_an_upload_and_a_download_are_the_same_game(page: Page):
    sgf = b"(;GM[1]FF[4]SZ[9]KM[6.5]PB[A]PW[B];B[ee];W[cc];B[gc])"
    page.get_by_test_id("upload").set_input_files({"name": "game.sgf", "mimeType": "text/plain", "buffer": sgf})
    expect(page.locator("#moves li")).to_have_text(["E5", "C7", "G7"])
    expect(page.get_by_test_id("status")).to_contain_text("Your move, White")
    with page.expect_download() as saved:
        page.get_by_role("link", name="SGF").click()
    text = saved.value.path().read_text()
    assert text.startswith("(;GM[1]") and ";B[ee];W[cc];B[gc])" in text and "KM[6.5]" in text


def test_too_large_an_upload_is_told(page: Page):
    page.get_by_test_id("upload").set_input_files(
        {"name": "a.sgf", "mimeType": "text/plain", "buffer": b"x" * (5 << 20)}
    )
    expect(page.locator("#say")).to_contain_text("too large")


# --- looks ---


AXE = next(
    (
        path
        for path in (Path(os.environ.get("AXE_CORE", "-")), ROOT / "build/axe-core/package/axe.min.js")
        if path.is_file()
    ),
    None,
)


@pytest.mark.skipif(AXE is None, reason="no axe-core: .ci/run fetches it, or AXE_CORE= names axe.min.js")
@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_axe_finds_no_serious_fault(browser: Browser, runs: Served, scheme: str):
    context = browser.new_context(bypass_csp=True, color_scheme=scheme, viewport={"width": 1280, "height": 900})
    page = context.new_page()
    faults = []
    for name in ("play", "analyse", "watch", "tournaments"):
        page.goto(runs.url + name)
        expect(page.locator("body.connected")).to_be_attached()
        if name == "play":
            begin(page, "shogi", start="4k4/9/9/9/9/9/9/9/4K4 b 2Pg 1")
            press(page, "5i")
        elif name == "analyse":
            page.get_by_test_id("analyse-start").click()
            expect(page.get_by_test_id("candidates").locator("tr[data-line]").first).to_be_visible()
            page.get_by_test_id("analyse-stop").click()
        else:
            expect(page.get_by_test_id("game-list").locator("li").first).to_be_visible()
        page.add_script_tag(path=AXE)
        found = page.evaluate("axe.run()")["violations"]
        faults += [
            (name, each["id"], each["nodes"][0]["html"][:200])
            for each in found
            if each["impact"] in ("serious", "critical")
        ]
    context.close()
    assert faults == []


def test_nothing_is_wider_than_a_telephone(browser: Browser, runs: Served):
    context = browser.new_context(viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True)
    page = context.new_page()
    for name in ("play", "analyse", "watch", "tournaments"):
        page.goto(runs.url + name)
        expect(page.locator("body.connected")).to_be_attached()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, name
    page.goto(runs.url)
    begin(page, "chess")
    page.locator('[data-cell="e2"]').tap()
    page.locator('[data-cell="e4"]').tap()
    expect(page.locator("#moves li")).to_have_text(["e2e4"])
    box = page.locator("svg.board").bounding_box()
    assert box is not None and box["width"] > 350
    context.close()


REACH = """() => [...document.querySelectorAll("main button")].filter((button) => {
  if (!button.getClientRects().length || button.closest(".wide")) return false;
  const box = button.getBoundingClientRect();
  return box.left < 0 || box.right > innerWidth || box.width < 24 || box.height < 24;
}).map((button) => button.outerHTML.slice(0, 120))"""  # buttons that a thumb does not reach, or misses


def fits(page: Page) -> None:
    """Nothing is wider than the telephone, and a thumb reaches every button."""
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate(REACH) == []


def test_the_largest_boards_and_an_analysis_fit_a_telephone(browser: Browser, server: Served):
    context = browser.new_context(viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True)
    context.set_default_timeout(SECONDS)
    page = context.new_page()
    page.goto(server.url)
    begin(page, "shogi", start="4k4/9/9/9/9/9/9/9/4K4 b RBGSNL9Prbgsnl9p 1")  # all kinds in both hands
    expect(page.locator(".held")).to_have_count(14)
    fits(page)
    page.locator('[data-drop="P"]').tap()
    page.locator('[data-cell="5e"]').tap()
    expect(page.locator("#moves li")).to_have_text(["P*5e"])
    begin(page, "go", board_size="19")
    fits(page)
    page.locator('[data-cell="Q16"]').tap()
    page.locator('[data-cell="Q17"]').tap()  # beside it: a thumb's place of 18 pixels
    expect(page.locator("#moves li")).to_have_text(["Q16", "Q17"])
    begin(page, "connect4", start="ddc")
    page.goto(f"{server.url}analyse")
    expect(page.get_by_test_id("move-list").locator("button")).to_have_count(3)
    fits(page)
    page.get_by_test_id("analyse-start").tap()
    rows = page.get_by_test_id("candidates").locator("tr[data-line]")
    expect(rows.first).to_be_visible()
    page.get_by_role("button", name="Policy").tap()
    page.get_by_text("Who analyses, lines and limits").tap()
    fits(page)
    page.get_by_test_id("analyse-stop").tap()
    expect(page.get_by_test_id("analyse-start")).to_be_enabled()
    rows.first.locator("button").tap()
    expect(page.get_by_test_id("move-list").locator("button")).to_have_count(4)
    page.get_by_role("button", name="One move back").tap()
    expect(page.get_by_test_id("status")).to_contain_text("3 moves played")
    context.close()


def test_a_watcher_sees_curves_and_games(browser: Browser, runs: Served):
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{runs.url}watch")
    page.get_by_test_id("run-select").select_option(["run"])
    expect(page.get_by_test_id("game-list").locator("li").first).to_be_visible()
    expect(page.get_by_test_id("loss-plot").locator("svg").first).to_be_visible()
    expect(page.get_by_test_id("elo-plot").locator("svg").first).to_be_visible()
    page.get_by_test_id("game-list").locator("button").nth(1).click()
    page.get_by_role("button", name="One move on").click()
    expect(page.get_by_test_id("status")).to_contain_text("after 1 of")
    page.goto(f"{runs.url}tournaments")
    expect(page.get_by_test_id("ratings")).to_contain_text("mcts:10")
    page.get_by_test_id("game-list").locator("button").first.click()
    page.get_by_role("button", name="To the end").click()
    expect(page.get_by_test_id("board").locator(".last-disc")).to_have_count(1)
    context.close()


def test_a_page_beside_a_training_run_sees_it_and_does_not_disturb_it(browser: Browser, tmp_path: Path):
    run = tmp_path / "run"
    run.mkdir()
    command = [sys.executable, "-m", "alphazero", "train", str(tiny_file(tmp_path)), "--run", str(run), "--no-rating"]
    with served("--run", run) as server:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            context = browser.new_context()
            page = context.new_page()
            page.goto(f"{server.url}watch")
            expect(page.get_by_test_id("game-list").locator("li").first).to_be_visible(timeout=60_000)
            assert process.wait(60) == 0, process.stderr
            newest = Run("run", run).newest_games()[0].number  # a fast machine may be at it at the first look
            expect(page.get_by_test_id("game-list").locator("button").first).to_contain_text(f"{newest:,}: ")
            context.close()
        finally:
            process.kill()


# --- analysis ---


def test_a_live_analysis_shows_candidates_and_the_win_rate(page: Page, server: Served):
    page.goto(f"{server.url}analyse")
    page.get_by_test_id("analyse-start").click()
    rows = page.get_by_test_id("candidates").locator("tr[data-line]")
    expect(rows).to_have_count(5)
    expect(page.get_by_test_id("win-rate")).to_contain_text("visits/s")
    expect(page.locator("#overlay .candidate").first).to_be_visible()
    press(page, "E5")  # a move: the search goes on from there
    expect(page.get_by_test_id("move-list").locator("button")).to_have_text(["1. E5"])
    expect(page.get_by_test_id("win-rate")).to_contain_text("visits/s")
    rows.nth(1).hover()
    expect(page.get_by_test_id("status")).to_contain_text("The line")
    page.get_by_test_id("status").hover()
    expect(page.get_by_test_id("status")).to_contain_text("to move")
    page.get_by_role("button", name="Ownership").click()
    expect(page.locator("#overlay .areas")).to_have_count(1)
    page.get_by_role("button", name="Policy").click()
    expect(page.locator("#overlay .heat").first).to_be_attached()
    page.get_by_test_id("analyse-stop").click()
    expect(page.get_by_test_id("analyse-start")).to_be_enabled()


def test_a_live_analysis_leaves_rows_in_place_for_a_press_that_takes_longer(page: Page, server: Served):
    page.goto(f"{server.url}analyse")
    page.get_by_test_id("analyse-start").click()
    rows = page.get_by_test_id("candidates").locator("tr[data-line]")
    expect(rows).to_have_count(5)
    page.wait_for_timeout(1000)  # their order settles
    held = page.evaluate_handle("[...document.querySelectorAll('#candidates tr[data-line]')]")
    for _ in range(3):
        told = page.get_by_test_id("win-rate").inner_text()
        expect(page.get_by_test_id("win-rate")).not_to_have_text(told)
    assert page.evaluate("(rows) => rows.some((row) => row.isConnected)", held)
    assert page.evaluate(
        "(rows) => rows.every((row) => !row.isConnected || row.dataset.line === row.cells[0].innerText)", held
    )


def test_variations_are_a_tree_and_the_graph_is_clicked_through(page: Page, server: Served):
    page.goto(f"{server.url}analyse")
    for move in ("E5", "C3", "G7"):
        press(page, move)
    tree = page.get_by_test_id("move-list").locator("button")
    expect(tree).to_have_count(3)
    tree.nth(0).click()
    press(page, "G3")
    expect(tree).to_have_count(4)
    expect(tree.nth(3)).to_have_attribute("aria-current", "true")
    page.get_by_test_id("graph").locator(".touch").nth(0).click(force=True)
    expect(page.get_by_test_id("status")).to_contain_text("0 moves played")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_test_id("status")).to_contain_text("1 moves played")


def test_a_review_marks_a_blunder(page: Page, server: Served):
    page.goto(f"{server.url}analyse")
    page.locator("#start").fill("1. e4 e5 2. Qh5 Nc6 3. Qxe5+ Nxe5 4. d4 *")
    page.get_by_role("button", name="Open", exact=True).click()
    expect(page.get_by_test_id("move-list").locator("button")).to_have_count(7)
    page.get_by_role("button", name="Review the game").click()
    expect(page.locator("#mistakes li").first).to_contain_text("h5e5", timeout=60_000)
    expect(page.locator("#progress")).to_contain_text("blunders")


def test_the_page_works_offline(browser: Browser, server: Served):
    """Every request that is not the server's is refused by the browser itself, and none is made."""
    context = browser.new_context()
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.route(re.compile(rf"^(?!http://127\.0\.0\.1:{server.port}/)"), lambda route: route.abort())
    for name in ("", "analyse", "watch", "tournaments"):
        page.goto(f"{server.url}{name}")
        expect(page.locator("body.connected")).to_be_attached(timeout=SECONDS)
    assert asked and all(url.startswith(server.url) for url in asked)
    context.close()
