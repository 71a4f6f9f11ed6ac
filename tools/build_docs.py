"""`make docs`: builds the site of all Markdown files in build/docs. A broken link is an error.

The pages keep their places, so that every link between them works on the site as it does in the repository. Files that
pages link to (pictures, records, configurations, headers) come along as they are.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from wrap_prose import ROOT, files

LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)\s]*)?\)")  # relative links: the target without its anchor
FOLDER = re.compile(r"\[([^\]]+)\]\(([^)#:\s]+)\)")


def gather(root: Path, pages: Path) -> None:
    """Copies the Markdown files of `root`, and the files they link to, to the same places under `pages`."""
    shutil.rmtree(pages, ignore_errors=True)
    for page in files(root):
        text = page.read_text()
        for target in LINK.findall(text):
            linked = page.parent / target
            if linked.is_file() and linked.suffix != ".md":  # what is missing is a broken link, which mkdocs tells
                shutil.copyfile(linked, _place(linked, root, pages))
        _place(page, root, pages).write_text(FOLDER.sub(lambda link, page=page: _folder(page, link), text))


def _place(source: Path, root: Path, pages: Path) -> Path:
    """Where the copy of a file goes; its folder is there."""
    place = pages / source.resolve().relative_to(root)
    place.parent.mkdir(parents=True, exist_ok=True)
    return place


def _folder(page: Path, link: re.Match[str]) -> str:
    """A link to a folder, which the site has no page for: its README, or the text alone where it has none."""
    target = page.parent / link[2]
    if not target.is_dir():
        return link[0]
    return f"[{link[1]}]({link[2].rstrip('/')}/README.md)" if (target / "README.md").exists() else link[1]


def build(config: Path, **options: Any) -> subprocess.CompletedProcess[Any]:
    """Runs mkdocs; a broken link and an asset of another server are errors."""
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--config-file", str(config)]
    quiet = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}  # the theme's advertisement of its successor
    return subprocess.run(command, cwd=config.parent, env=quiet, check=False, **options)


def main() -> int:
    gather(ROOT, ROOT / "build" / "docs-pages")
    code = build(ROOT / ".mkdocs.yml").returncode
    if code == 0:
        print("the site is in build/docs; open build/docs/index.html")
    return code


if __name__ == "__main__":
    sys.exit(main())
