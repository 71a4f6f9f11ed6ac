"""Figures of the page: `python tools/web_measure.py [--seconds S] [--pairs N]` prints one JSON object.

start_seconds: from the command to the page's board in a browser that runs already. click_ms: from a click to the board drawn, by
hand. updates_per_second: of a live analysis. nodes_ratio: nodes a second of the page's analysis of the chess start position over
those of `alphazero uci`, the median of pairs in turns. megabytes: of the server and its engine with 20 open pages, one of which
analyses (proportional set size).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

CLICK = """async (name) => {
  const board = document.getElementById("board");
  const begin = performance.now();
  const drawn = new Promise((done) => {
    new MutationObserver((_, observer) => { observer.disconnect(); requestAnimationFrame(() => done(performance.now() - begin)); })
      .observe(board, { childList: true });
  });
  document.querySelector(`[data-cell="${name}"]`).dispatchEvent(new MouseEvent("click", { bubbles: true }));
  return await drawn;
}"""
UPDATES = """async (seconds) => {
  let count = 0;
  const observer = new MutationObserver(() => count++);
  observer.observe(document.getElementById("win-rate"), { childList: true, characterData: true, subtree: true });
  await new Promise((done) => setTimeout(done, 1000 * seconds));
  return count / seconds;
}"""


def serve() -> tuple[subprocess.Popen[str], str]:
    server = subprocess.Popen(
        [sys.executable, "-m", "alphazero", "serve", "--port", "0"], stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    return server, server.stdout.readline().split()[-1]


def by_hand(page: Page, game: str) -> None:
    page.locator("#game").select_option(game)
    page.wait_for_timeout(500)
    page.locator("#opponent").select_option("")
    page.get_by_test_id("new-game").click()
    expect(page.locator(f'svg[aria-label="{game} board"]')).to_be_visible()


def clicks(page: Page) -> list[float]:
    """Milliseconds of a click on each of 30 points of a Go board, 19x19, the largest there is."""
    page.locator("#game").select_option("go")
    page.wait_for_timeout(500)
    page.locator("#board_size").fill("19")
    page.locator("#opponent").select_option("")
    page.get_by_test_id("new-game").click()
    expect(page.locator('[data-cell="T19"]')).to_be_visible()
    return [float(page.evaluate(CLICK, f"{column}{row}")) for row in (4, 10, 16) for column in "ABCDEFGHJK"]


def page_speed(page: Page, seconds: float) -> tuple[float, float]:
    """(nodes a second, updates a second) of an analysis that runs for so long."""
    page.locator("#seconds").fill(str(seconds))
    page.get_by_test_id("analyse-start").click()
    updates = float(page.evaluate(UPDATES, seconds - 0.5))
    expect(page.get_by_test_id("analyse-start")).to_be_enabled()
    told = page.get_by_test_id("win-rate").inner_text()
    return float(told.split(" visits/s")[0].split()[-1].replace(",", "")), updates


def uci_speed(engine: subprocess.Popen[str], seconds: float) -> float:
    """Nodes a second that `uci` tells at the end of a search of the start position, with an empty tree."""
    assert engine.stdin is not None and engine.stdout is not None
    engine.stdin.write(f"ucinewgame\nisready\nposition startpos\ngo movetime {round(1000 * seconds)}\n")
    engine.stdin.flush()
    nps = 0.0
    while not (line := engine.stdout.readline()).startswith("bestmove"):
        words = line.split()
        if "nps" in words:
            nps = float(words[words.index("nps") + 1])
    return nps


def children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def megabytes(pid: int) -> float:
    """Of a process and those it started."""
    total = 0.0
    for each in (pid, *children(pid)):
        rollup = Path(f"/proc/{each}/smaps_rollup").read_text()
        total += float(next(line for line in rollup.splitlines() if line.startswith("Pss:")).split()[1]) / 1024
    return total


def many_pages(browser: Browser, address: str, pid: int) -> float:
    context = browser.new_context()
    for i in range(20):
        page = context.new_page()
        page.goto(address + ("analyse" if i % 2 else ""))
        expect(page.locator("svg.board")).to_be_visible()
    page.get_by_test_id("analyse-start").click()
    page.wait_for_timeout(5000)
    used = megabytes(pid)
    context.close()
    return used


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each search (default 5)")
    parser.add_argument("--pairs", type=int, default=5, help="searches of each side (default 5)")
    asked = parser.parse_args()
    program = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        browser.new_page().goto("about:blank")
        begin = time.perf_counter()
        server, address = serve()
        page = browser.new_page()
        page.goto(address)
        expect(page.locator('[data-cell="E5"]')).to_be_visible()
        figures: dict[str, object] = {"start_seconds": round(time.perf_counter() - begin, 2)}
        page.wait_for_timeout(6000)  # the network is loaded meanwhile
        took = clicks(page)
        figures["click_ms"] = {"median": round(statistics.median(took), 1), "worst": round(max(took), 1)}
        by_hand(page, "chess")
        page.goto(f"{address}analyse")
        page.get_by_text("Who analyses").click()
        engine = subprocess.Popen(
            [sys.executable, "-m", "alphazero", "uci"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        page_speed(page, 2.0)
        uci_speed(engine, 2.0)
        ratios, updates, speeds = [], [], []
        for _ in range(asked.pairs):
            context = browser.new_context()  # a new session: an empty tree, as after `ucinewgame`
            page = context.new_page()
            page.goto(address)
            by_hand(page, "chess")
            page.goto(f"{address}analyse")
            page.get_by_text("Who analyses").click()
            mine, rate = page_speed(page, asked.seconds)
            context.close()
            theirs = uci_speed(engine, asked.seconds)
            ratios.append(mine / theirs)
            updates.append(rate)
            speeds.append((round(mine), round(theirs)))
        engine.terminate()
        figures["nodes_ratio"] = {"median": round(statistics.median(ratios), 3), "pairs": speeds}
        figures["updates_per_second"] = round(min(updates), 1)
        figures["megabytes"] = round(many_pages(browser, address, server.pid))
        browser.close()
        server.terminate()
        server.wait()
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
