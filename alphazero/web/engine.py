"""The searching process as pages use it: asked for a search, it calls back with what it finds, in the page's own thread."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from alphazero.web.faults import fault
from alphazero.web.session import Session

Told = dict[str, Any]  # a line of the process: see engine_process.told
OnTold = Callable[[Told], None]
LONGEST_ANSWER = 16 << 20  # bytes of a line: a review of a long game


class Engine:
    """One process, started when it is first needed, and again should it end."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._numbers = itertools.count(1)
        self._asked: dict[int, OnTold] = {}
        self._starting = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    def search(
        self,
        key: str,
        session: Session,
        model: str,
        on_told: OnTold,
        *,
        simulations: int | None,
        seconds: float | None,
        clock: tuple[float, float] | None = None,
        level: int = 10,
        lines: int = 0,
    ) -> int:
        """Begins to search the session's position; on_told gets reports (where lines are wanted), and {"kind": "done"} last.

        key: whose tree it is. simulations, seconds, clock (seconds left, increment): limits; none: until it is stopped.
        """
        limits = {"simulations": simulations, "seconds": seconds, "clock": clock}
        more = {**limits, "level": level, "lines": lines, "key": key}
        return self._ask("search", session, session.moves(), model, on_told, more)

    def review(self, session: Session, moves: list[str], model: str, simulations: int, on_told: OnTold) -> int:
        """Judges moves from the session's start on; on_told gets {"kind": "progress"} and {"kind": "done", "judged"}."""
        return self._ask("review", session, moves, model, on_told, {"simulations": simulations})

    def warm(self, session: Session, model: str) -> None:
        """Starts the process and has it load a network, if it does not run yet."""
        if self._process is None:
            self._asked.pop(self._ask("warm", session, [], model, lambda told: None, {}))  # it gets no answer

    def stop(self, number: int) -> None:
        """Ends a search; its on_told is called no more."""
        if self._asked.pop(number, None) is not None:
            self._later(self._send({"do": "stop", "id": number}))

    async def close(self) -> None:
        """Ends the process."""
        process, self._process = self._process, None
        if process is None or process.stdin is None:
            return
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), 2.0)
        except asyncio.TimeoutError:
            process.kill()

    # --- lines ---

    def _ask(
        self, do: str, session: Session, moves: list[str], model: str, on_told: OnTold, more: dict[str, Any]
    ) -> int:
        number = next(self._numbers)
        self._asked[number] = on_told
        game = session.game
        line = {"do": do, "id": number, "model": model, "game": game.name, "options": game.options}
        self._later(self._send({**line, "start": session.setup.start, "moves": moves, **more}))
        return number

    def _later(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send(self, line: dict[str, Any]) -> None:
        async with self._starting:
            if self._process is None and line["do"] != "stop":
                try:
                    self._process = await self._start()
                except OSError as error:
                    self._give_up(f"the searching process does not start: {error.strerror}")
                    return
                self._later(self._read(self._process))
            process = self._process
            if process is not None and process.stdin is not None:
                process.stdin.write(json.dumps(line).encode() + b"\n")
                with contextlib.suppress(ConnectionError):  # _read sees its end, and tells
                    await process.stdin.drain()

    async def _start(self) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "alphazero.web.engine_process",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=LONGEST_ANSWER,
            start_new_session=True,
        )

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        try:
            while line := await process.stdout.readline():
                told = json.loads(line)
                on_told = self._asked.get(told["id"])
                if told["kind"] == "done":
                    self._asked.pop(told["id"], None)
                if on_told is not None:
                    _tell(on_told, told)
        except ValueError as error:  # a line that is none, or too long: what comes after it cannot be told apart
            fault(error)
            process.kill()
        if self._process is process:
            self._process = None
            self._give_up("the searching process ended; try again")

    def _give_up(self, text: str) -> None:
        """Tells all who wait that nothing comes any more."""
        waiting, self._asked = self._asked, {}
        for number, on_told in waiting.items():
            _tell(on_told, {"id": number, "kind": "error", "text": text})
            _tell(on_told, {"id": number, "kind": "done"})


def _tell(on_told: OnTold, told: Told) -> None:
    """Calls back; a fault in there is told to that page, and the others' searches go on."""
    try:
        on_told(told)
    except Exception as error:
        text = fault(error)
        with contextlib.suppress(Exception):
            on_told({"id": told["id"], "kind": "error", "text": text})
