"""The page by Tab, arrows and Enter alone, in a real browser: a game is begun, played and analysed, and the focus is never lost."""

# ruff: noqa: F811 - fixtures are imported, and asked for by name

from __future__ import annotations

from served import Served
from test_web_browser import Page, begin, browser, expect, page, server  # noqa: F401

MOST_STOPS = 80  # of Tab on a page
WAY = """(name) => {
  const box = (cell) => cell.querySelector("rect").getBoundingClientRect();
  const [from, to] = [box(document.activeElement), box(document.querySelector(`[data-cell="${name}"]`))];
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  if (Math.hypot(dx, dy) < 5) return "";
  return Math.abs(dx) > Math.abs(dy) ? (dx > 0 ? "ArrowRight" : "ArrowLeft") : (dy > 0 ? "ArrowDown" : "ArrowUp");
}"""


def has_focus(page: Page, selector: str) -> None:
    """What has the focus is this, now or soon."""
    expect(page.locator("*:focus")).to_have_count(1)
    page.wait_for_function("(selector) => document.activeElement.matches(selector)", arg=selector)


def tab_to(page: Page, selector: str, key: str = "Tab") -> None:
    for _ in range(MOST_STOPS):
        if page.evaluate("(selector) => document.activeElement.matches(selector)", selector):
            return
        page.keyboard.press(key)
    raise AssertionError(f"{key} does not come to {selector}")


def press(page: Page, selector: str, key: str = "Tab") -> None:
    tab_to(page, selector, key)
    page.keyboard.press("Enter")


def walk_to(page: Page, cell: str) -> None:
    has_focus(page, "[data-cell]")
    for _ in range(40):
        way = page.evaluate(WAY, cell)
        if not way:
            return
        page.keyboard.press(way)
    raise AssertionError(f"the arrows do not lead to {cell}")


def choose(page: Page, selector: str, value: str, key: str) -> None:
    """An option of a select, by arrows."""
    tab_to(page, selector)
    for _ in range(20):
        if page.locator(selector).input_value() == value:
            return
        page.keyboard.press(key)
    raise AssertionError(f"{selector} does not come to {value}")


def begin_by_keys(page: Page, game: str, told: str, start: str = "") -> None:
    """A new game with both sides by hand; the board has the focus then."""
    tab_to(page, "#game")
    page.keyboard.press("Home")
    choose(page, "#game", game, "ArrowDown")
    expect(page.locator("#rest")).to_contain_text(told)
    has_focus(page, "#game")
    choose(page, "#opponent", "", "End")
    if start:
        if not page.locator("#start").is_visible():
            press(page, "#form summary")
        tab_to(page, "#start")
        page.keyboard.type(start)
    press(page, "#new-game")
    expect(page.get_by_test_id("board").locator(f'svg[aria-label="{game} board"]')).to_be_visible()
    has_focus(page, "[data-cell]")


def test_chess_with_a_promotion_by_keys(page: Page):
    begin_by_keys(page, "chess", "Chess960", "8/P6k/8/8/8/8/7P/K7 w - - 0 1")
    walk_to(page, "a7")
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    has_focus(page, '[data-promote="q"]')
    page.keyboard.press("Escape")
    has_focus(page, '[data-cell="a8"]')
    walk_to(page, "a7")
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    press(page, '[data-promote="n"]')
    expect(page.locator('[data-cell="a8"]')).to_have_attribute("aria-label", "a8, White knight")
    has_focus(page, '[data-cell="a8"]')
    walk_to(page, "h7")
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(page.locator("#moves li")).to_have_text(["a7a8n", "h7h8"])
    press(page, "#undo")
    expect(page.locator("#moves li")).to_have_text(["a7a8n"])
    page.keyboard.press("Enter")
    expect(page.locator("#moves li")).to_have_count(0)
    has_focus(page, "#undo")  # there is nothing more to take back


def test_shogi_with_drops_by_keys(page: Page):
    begin_by_keys(page, "shogi", "Handicap", "4k4/9/9/9/9/9/9/9/4K4 b 2Pg 1")
    press(page, '[data-drop="P"]')
    walk_to(page, "5e")
    page.keyboard.press("Enter")
    expect(page.locator('[data-cell="5e"]')).to_have_attribute("aria-label", "5e, Sente pawn")
    has_focus(page, '[data-cell="5e"]')
    press(page, '[data-drop="G"]', "Shift+Tab")
    walk_to(page, "5b")
    page.keyboard.press("Enter")
    expect(page.locator("#moves li")).to_have_text(["P*5e", "G*5b"])
    has_focus(page, '[data-cell="5b"]')


def test_a_piece_in_hand_that_is_dragged_away_leaves_the_focus_on_the_board(page: Page):
    begin(page, "shogi", start="4k4/9/9/9/9/9/9/9/4K4 b P 1")
    page.drag_and_drop('[data-drop="P"]', '[data-cell="5e"]')
    expect(page.locator("#moves li")).to_have_text(["P*5e"])
    has_focus(page, "[data-cell]")


def test_go_with_a_pass_by_keys(page: Page):
    begin_by_keys(page, "go", "Komi")
    walk_to(page, "C3")
    page.keyboard.press("Enter")
    expect(page.locator("#moves li")).to_have_text(["C3"])
    press(page, "#pass")
    expect(page.locator("#moves li")).to_have_text(["C3", "pass"])
    has_focus(page, "#pass")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("status")).to_contain_text("Black wins")
    expect(page.get_by_test_id("pass")).to_be_disabled()
    has_focus(page, "#pass")
    page.keyboard.press("Enter")  # it does nothing
    expect(page.locator("#moves li")).to_have_count(3)


def test_a_hint_by_keys_leaves_the_focus_where_it_was(page: Page):
    begin_by_keys(page, "connect4", "Opponent", "ababab")
    for _ in range(2):
        press(page, "#hint")
        expect(page.get_by_test_id("status")).to_contain_text("Hint: a")
        expect(page.get_by_test_id("hint")).to_be_enabled()
        has_focus(page, "#hint")


def test_a_game_is_analysed_by_keys(page: Page, server: Served):
    begin_by_keys(page, "connect4", "Opponent", "ddc")
    press(page, 'nav a[href="/analyse"]')
    expect(page).to_have_url(f"{server.url}analyse")
    expect(page.get_by_test_id("move-list").locator("button")).to_have_count(3)
    press(page, "#analyse-start")
    rows = page.get_by_test_id("candidates").locator("tr[data-line]")
    expect(rows.first).to_be_visible()
    has_focus(page, "#analyse-start")
    expect(page.get_by_test_id("analyse-start")).to_be_disabled()
    press(page, "#analyse-stop")
    expect(page.get_by_test_id("analyse-stop")).to_be_disabled()
    has_focus(page, "#analyse-stop")
    press(page, "#candidates button")
    expect(page.get_by_test_id("move-list").locator("button")).to_have_count(4)
    expect(page.locator("*:focus")).to_have_count(1)
    press(page, "#moves [aria-current]")
    has_focus(page, "#moves [aria-current]")
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_test_id("status")).to_contain_text("3 moves played")
    has_focus(page, "#moves button")
    press(page, "#back", "Shift+Tab")
    expect(page.get_by_test_id("status")).to_contain_text("2 moves played")
    has_focus(page, "#back")
