"""Checks that prose in Markdown wraps at 100 columns; `--fix` wraps it.

    python tools/wrap_prose.py [--fix] [FILE ...]

Without FILE, every Markdown file of the project is read. Tables, headings, code, and words that cannot break (links, code
spans) may be longer. A list or a table needs an empty line before it: without one, GitHub shows it and the site does not.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WIDTH = 100
NOT_OURS = {"build", "dist", "runs"}

ITEM = re.compile(r" *(?:[-*+]|\d+[.)]) +")
WORD = re.compile(r"(?:(`+)(?:(?!\1).)*\1|\S)+")  # a code span is part of one word
LOOKS_LIKE_A_MARKER = re.compile(r"(?:[-*+=]|\d+[.)])$|[#<>|]")


def files(root: Path = ROOT) -> list[Path]:
    """The Markdown files of the project, without hidden folders and what programs wrote."""
    found = []
    for path in root.rglob("*.md"):
        parts = path.relative_to(root).parts
        if not any(part in NOT_OURS or part.startswith(".") for part in parts):
            found.append(path)
    return sorted(found)


def wrap(text: str, first: str = "", rest: str = "") -> list[str]:
    """The words of `text` in lines of at most WIDTH characters, behind the indents `first` and `rest`."""
    words: list[str] = []
    for match in WORD.finditer(text):
        if words and LOOKS_LIKE_A_MARKER.match(match[0]):
            words[-1] += " " + match[0]  # at the start of a line it would begin a list, a quotation or a table
        else:
            words.append(match[0])
    lines = [first]
    for word in words:
        if lines[-1] in (first, rest):
            lines[-1] += word
        elif len(lines[-1]) + 1 + len(word) <= WIDTH:
            lines[-1] += " " + word
        else:
            lines.append(rest + word)
    return lines


def blocks(lines: list[str]) -> Iterator[tuple[str, int, list[str]]]:
    """(kind, index of its first line, lines): kind is "prose", "item", "table" or "other"."""
    fence = ""
    listed = False  # inside a list, indented lines are text and not code
    start = 0
    while start < len(lines):
        line = lines[start]
        bare = line.strip()
        end = start + 1
        if fence or bare.startswith(("```", "~~~")):
            if not fence:
                fence = bare[:3]
            elif bare.startswith(fence):
                fence = ""
            kind = "other"
        elif not bare or bare.startswith(("#", "<")) or (line.startswith("    ") and not listed):
            kind = "other"
        elif bare.startswith("|"):
            kind = "table"
            while end < len(lines) and lines[end].strip().startswith("|"):
                end += 1
        else:
            kind = "item" if ITEM.match(line) else "prose"
            while end < len(lines) and _goes_on(lines[end]):
                end += 1
        if bare:
            listed = kind == "item" or (listed and line.startswith(" "))
        yield kind, start, lines[start:end]
        start = end


def _goes_on(line: str) -> bool:
    bare = line.strip()
    return bool(bare) and not ITEM.match(line) and not bare.startswith(("#", "<", "|", "```", "~~~"))


def wrapped(text: str) -> str:
    """`text` with every paragraph and list item that has a long line wrapped anew."""
    out: list[str] = []
    for kind, _, lines in blocks(text.splitlines()):
        if kind in ("prose", "item") and any(too_long(line) for line in lines):
            item = ITEM.match(lines[0])
            first = item[0] if item else lines[0][: len(lines[0]) - len(lines[0].lstrip())]
            rest = " " * len(first)
            lines = wrap(" ".join(line.strip() for line in lines)[len(first.lstrip()) :], first, rest)
        out += lines
    return "\n".join(out) + "\n"


def too_long(line: str) -> bool:
    """Whether a line of prose passes WIDTH and could break."""
    if len(line) <= WIDTH:
        return False
    indent = " " * (len(line) - len(line.lstrip()))
    return len(wrap(line, indent, indent)) > 1


def faults(text: str) -> list[tuple[int, str]]:
    """(number of the line, what is wrong)."""
    found = []
    before = "other"
    for kind, start, lines in blocks(text.splitlines()):
        if kind in ("prose", "item"):
            for number, line in enumerate(lines, start + 1):
                if too_long(line):
                    found.append((number, f"{len(line)} columns of prose; at most {WIDTH}"))
        if kind in ("item", "table") and before == "prose":
            found.append((start + 1, "a list or table needs an empty line before it"))
        before = "prose" if kind == "prose" else kind
    return found


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Check that prose in Markdown wraps at 100 columns.")
    parser.add_argument("files", nargs="*", type=Path, help="files to read (default: all of the project)")
    parser.add_argument("--fix", action="store_true", help="wrap long paragraphs in place")
    args = parser.parse_args(arguments)
    wrong = 0
    for path in args.files or files():
        text = path.read_text()
        if args.fix and text != (better := wrapped(text)):
            path.write_text(better)
            text = better
        for number, fault in faults(text):
            print(f"{path}:{number}: {fault}", file=sys.stderr)
            wrong += 1
    if wrong:
        print(f"{wrong} faults; `python tools/wrap_prose.py --fix` wraps long lines", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
