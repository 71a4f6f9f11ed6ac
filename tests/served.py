"""Shared by the tests of the page: `alphazero serve` as a process, and a browser that looks at it."""

from __future__ import annotations

import http.client
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


@dataclass
class Served:
    """A server that runs, and where."""

    process: subprocess.Popen[str]
    url: str

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2].strip("/").partition("/")[0])

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, str, dict[str, str]]:
        """(status, text, headers) of a request, with exactly these headers (underscores are hyphens)."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, given)
        answer = connection.getresponse()
        text = answer.read().decode("utf-8", "replace")
        connection.close()
        return answer.status, text, {key.lower(): value for key, value in answer.getheaders()}


@contextmanager
def served(*arguments: str | Path) -> Iterator[Served]:
    """`alphazero serve` on a free port; ended by Ctrl-C, and by force where that does not do."""
    command = [sys.executable, "-m", "alphazero", "serve", "--port", "0", *map(str, arguments)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("alphazero serve: http://"), line
        yield Served(process, line.split()[-1])
    finally:
        process.terminate()
        try:
            process.wait(10)
        finally:
            process.kill()
