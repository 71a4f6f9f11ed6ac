"""Figures of the page: `python tools/web_measure.py [--watch] [--seconds S] [--pairs N]` prints one JSON object.

start_seconds: from the command to the page's board in a browser that runs already. click_ms: from a click to the board drawn, by
hand. updates_per_second: of a live analysis. nodes_ratio: nodes a second of the page's analysis of the chess start position over
those of `alphazero uci`, the median of pairs in turns. megabytes: of the server and its engine with 20 open pages, five of which
analyse, after half a minute (proportional set size).

With --watch, of the Watch page instead. watcher: a page on a log of 40,000 lines, a week's, that gets a line every 15 seconds.
first_look_seconds: from opening the page to its curves. cpu_seconds_per_minute: of the server, then. training: a run of Go 7x7
whose evaluations are counted for half a minute with a page that watches it, half a minute without, in turns: by the second, and by
the second of CPU time of the run, which other programs on the machine disturb less. The browser that shows the page runs on the
same cores.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
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


WEEK = 40_000  # lines of a log
FIGURES = 34  # of a line beside those that are drawn
WINDOW_LINES = 2  # of the log, 15 seconds each, in a half of a pair
TICKS = os.sysconf("SC_CLK_TCK")
ROOT = Path(__file__).parent.parent


def serve(*runs: Path) -> tuple[subprocess.Popen[str], str]:
    command = [sys.executable, "-m", "alphazero", "serve", "--port", "0"]
    for run in runs:
        command += ["--run", str(run)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
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
    pages = []
    for i in range(20):
        page = context.new_page()
        page.goto(address + ("analyse" if i % 2 else ""))
        expect(page.locator("svg.board")).to_be_visible()
        pages.append(page)
    for page in pages[1:10:2]:
        page.get_by_test_id("analyse-start").click()
    pages[0].wait_for_timeout(30_000)
    for page in pages[1:10:2]:
        expect(page.get_by_test_id("win-rate")).to_contain_text("visits")
    used = megabytes(pid)
    context.close()
    return used


# --- a page that watches ---


def line(i: int) -> str:
    """A line of a log, as long as those of real runs."""
    figures = {"train/policy_loss": 4 / (1 + i / 5000) + i % 7 / 50, "train/value_loss": 0.6 + i % 11 / 100}
    figures |= {"speed/evaluations_per_second": 5000 + i % 13, "selfplay/game_length": 60 + i % 5}
    figures |= {"selfplay/draws": 0.1, "train/policy_entropy": 1.5, "replay/games": 20 * i}
    figures |= {f"train/another_figure_{n}": 0.12345 + n for n in range(FIGURES)}
    if i % 1000 == 0:
        figures |= {"rating/elo": i / 50, "rating/low": i / 50 - 30, "rating/high": i / 50 + 30}
    return json.dumps({"seconds": 15.0 * i, "step": 30 * i, **figures}) + "\n"


def cpu_seconds(pid: int) -> float:
    """Of a process so far; its children are not counted."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / TICKS


def watcher(browser: Browser, folder: Path) -> dict[str, float]:
    folder.mkdir()
    (folder / "config.yaml").write_text("game: {name: connect4}\ntraining: {budget_minutes: 20000}\n")
    log = folder / "log.jsonl"
    log.write_text("".join(map(line, range(WEEK))))
    server, address = serve(folder)
    page = browser.new_page()
    begin = time.perf_counter()
    page.goto(f"{address}watch")
    expect(page.get_by_test_id("loss-plot").locator("polyline").first).to_be_attached()
    first_look = time.perf_counter() - begin
    page.wait_for_timeout(5000)
    before = cpu_seconds(server.pid)
    for i in range(WEEK, WEEK + 4):
        page.wait_for_timeout(15_000)
        with log.open("a") as file:
            file.write(line(i))
    used = cpu_seconds(server.pid) - before
    held = megabytes(server.pid)
    page.close()
    server.terminate()
    server.wait()
    size = log.stat().st_size / 1e6
    return {
        "log_megabytes": round(size, 1),
        "first_look_seconds": round(first_look, 2),
        "cpu_seconds_per_minute": round(used, 2),
        "megabytes": round(held),
    }


def told(log: Path, lines: int) -> tuple[float, float]:
    """(seconds, evaluations) of a log's last line, once it has so many."""
    while not log.exists() or (read := log.read_text()).count("\n") < lines:
        time.sleep(0.2)
    last = json.loads(read.splitlines()[lines - 1])
    return float(last["seconds"]), float(last["selfplay/evaluations"])


def training(browser: Browser, folder: Path, pairs: int) -> dict[str, object]:
    config = ROOT / "configs" / "quickstart.yaml"
    command = [sys.executable, "-m", "alphazero", "train", str(config), "--run", str(folder), "--no-rating"]
    folder.mkdir()
    run = subprocess.Popen([*command, "training.budget_minutes=600"], stdout=subprocess.DEVNULL)
    server, address = serve(folder)
    count = 3  # lines until it has learned its first steps, and the speed is that of the rest
    rates: dict[str, list[float]] = {"watched": [], "alone": []}
    efforts: dict[str, list[float]] = {"watched": [], "alone": []}
    before = (*told(folder / "log.jsonl", count), cpu_seconds(run.pid))
    for half in range(2 * pairs):
        kind = "watched" if half % 4 in (0, 3) else "alone"  # what grows meanwhile is in both
        page = browser.new_page()
        if kind == "watched":
            page.goto(f"{address}watch")
        count += WINDOW_LINES
        after = (*told(folder / "log.jsonl", count), cpu_seconds(run.pid))
        page.close()
        seconds, evaluations, cpu = (new - old for new, old in zip(after, before, strict=True))
        rates[kind].append(evaluations / seconds)
        efforts[kind].append(evaluations / cpu)
        before = after
    for process in (run, server):
        process.terminate()
        process.wait()
    return {"evaluations_per_second": paired(rates), "evaluations_per_cpu_second": paired(efforts)}


def paired(figures: dict[str, list[float]]) -> dict[str, object]:
    """What was measured, and the ratios of the pairs."""
    ratios = [one / other for one, other in zip(figures["watched"], figures["alone"], strict=True)]
    told = {kind: [round(each) for each in values] for kind, values in figures.items()}
    return {**told, "ratios": [round(each, 3) for each in ratios], "median": round(statistics.median(ratios), 3)}


def watching(browser: Browser, pairs: int) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as folder:
        return {
            "watcher": watcher(browser, Path(folder) / "week"),
            "training": training(browser, Path(folder) / "run", pairs),
        }


def playing(browser: Browser, seconds: float, pairs: int) -> dict[str, object]:
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
    for _ in range(pairs):
        context = browser.new_context()  # a new session: an empty tree, as after `ucinewgame`
        page = context.new_page()
        page.goto(address)
        by_hand(page, "chess")
        page.goto(f"{address}analyse")
        page.get_by_text("Who analyses").click()
        mine, rate = page_speed(page, seconds)
        context.close()
        theirs = uci_speed(engine, seconds)
        ratios.append(mine / theirs)
        updates.append(rate)
        speeds.append((round(mine), round(theirs)))
    engine.terminate()
    figures["nodes_ratio"] = {"median": round(statistics.median(ratios), 3), "pairs": speeds}
    figures["updates_per_second"] = round(min(updates), 1)
    figures["megabytes"] = round(many_pages(browser, address, server.pid))
    server.terminate()
    server.wait()
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each search (default 5)")
    parser.add_argument("--pairs", type=int, default=5, help="searches of each side (default 5)")
    parser.add_argument("--watch", action="store_true", help="measure the page that watches a run")
    asked = parser.parse_args()
    program = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        browser.new_page().goto("about:blank")
        figures = watching(browser, asked.pairs) if asked.watch else playing(browser, asked.seconds, asked.pairs)
        browser.close()
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
