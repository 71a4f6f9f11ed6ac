"""Pictures of the page for docs/web.md: `python tools/web_pictures.py [--run DIR ...]` writes docs/pictures/web-*.png, light and dark.

Needs Chromium and Playwright. Without --run a short run of Connect Four is trained, and a small tournament played, for the last
two pages.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

ROOT = Path(__file__).parent.parent
PICTURES = ROOT / "docs" / "pictures"
SIZE = {"width": 1120, "height": 760}
MOST_BYTES = 150_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, action="append", default=[], help="directories to show")
    runs = parser.parse_args().run
    with ExitStack() as stack:
        if not runs:
            runs = examples(Path(stack.enter_context(tempfile.TemporaryDirectory())))
        command = [sys.executable, "-m", "alphazero", "serve", "--port", "0"]
        for run in runs:
            command += ["--run", str(run)]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        stack.callback(server.wait)
        stack.callback(server.terminate)
        assert server.stdout is not None
        address = server.stdout.readline().split()[-1]
        driver = stack.enter_context(sync_playwright())
        program = os.environ.get("CHROMIUM") or shutil.which("chromium")
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        PICTURES.mkdir(exist_ok=True)
        for scheme in ("light", "dark"):
            for name, (path, prepare) in PAGES.items():
                context = browser.new_context(viewport=SIZE, color_scheme=scheme)
                page = context.new_page()
                page.set_default_timeout(60_000)
                page.goto(address + path)
                expect(page.locator("body.connected")).to_be_attached()
                prepare(page)
                file = PICTURES / f"web-{name}-{scheme}.png"
                page.screenshot(path=file)
                context.close()
                print(f"{file}: {file.stat().st_size:,} bytes")
                assert file.stat().st_size <= MOST_BYTES, "too large for the repository"
        browser.close()


def examples(folder: Path) -> list[Path]:
    """A run and a tournament to show."""
    train = [
        "train",
        str(ROOT / "configs" / "connect4.yaml"),
        "--run",
        str(folder / "connect4"),
        "training.budget_minutes=2",
    ]
    played = ["tournament", "random", "mcts:10", "mcts:30", "mcts:100", "--game", "connect4", "--games", "20"]
    for arguments in (train, [*played, "--out", str(folder / "tournament")]):
        subprocess.run([sys.executable, "-m", "alphazero", *arguments], check=True)
    return [folder / "connect4", folder / "tournament"]


def begin(page: Page, game: str, start: str) -> None:
    page.locator("#game").select_option(game)
    expect(page.locator("#opponent")).to_be_visible()
    page.wait_for_timeout(300)
    page.locator("#opponent").select_option("")
    page.get_by_text("Start from a position").click()
    page.locator("#start").fill(start)
    page.get_by_test_id("new-game").click()
    page.get_by_text("Start from a position").click()
    page.wait_for_timeout(500)


def go(page: Page) -> None:
    for cell in ("E5", "C3", "G6", "D7"):
        page.locator(f'[data-cell="{cell}"]').click()
        count = page.locator("#moves li").count()
        expect(page.locator("#moves li")).not_to_have_count(count)
        expect(page.get_by_test_id("status")).to_contain_text("Your move")
    page.mouse.move(5, 400)


def shogi(page: Page) -> None:
    begin(page, "shogi", "ln1g1k1nl/1r4gs1/p1pppp1pp/1p4p2/9/2P2S3/PP1PPPPPP/7R1/LNSGKG1NL b Bb 21")
    page.locator('[data-drop="B"]').click()


def analyse(page: Page) -> None:
    page.locator("#start").fill(
        "1. e4 e5 2. Nf3 Nc6 3. Bb5 a6 4. Ba4 Nf6 5. O-O Nxe4 6. d4 b5 7. Bb3 d5 8. dxe5 Be6 9. Qe2 Nc5 *"
    )
    page.get_by_role("button", name="Open", exact=True).click()
    page.get_by_role("button", name="Review the game").click()
    expect(page.locator("#progress")).to_contain_text("blunders")
    page.get_by_test_id("move-list").locator("button").nth(8).click()
    page.get_by_test_id("analyse-start").click()
    page.wait_for_timeout(4000)
    page.get_by_test_id("analyse-stop").click()
    page.mouse.move(5, 400)
    page.wait_for_timeout(300)


def runs(page: Page) -> None:
    expect(page.locator("#games li").first).to_be_visible()


def tournament(page: Page) -> None:
    expect(page.locator("#ratings table")).to_be_visible()


PAGES = {
    "play": ("play", go),
    "shogi": ("play", shogi),
    "analyse": ("analyse", analyse),
    "watch": ("watch", runs),
    "tournaments": ("tournaments", tournament),
}

if __name__ == "__main__":
    main()
