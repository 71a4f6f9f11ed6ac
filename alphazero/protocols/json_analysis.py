"""The analysis protocol: queries in, answers out, a JSON object a line, many positions at a time (KataGo's analysis engine).

Queries are answered as their searches end, in whatever order that is. Each turn that is asked about gets exactly one answer with
`isDuringSearch` false. A line that cannot be answered gets `{"error": ...}`, and nothing a client sends ends the engine.
"""

from __future__ import annotations

import io
import json
import queue
import sys
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TextIO

from alphazero._core import __version__
from alphazero.machine import tree_bytes
from alphazero.many_searches import Asked, ManySearches
from alphazero.player import Evaluation, NetworkPlayer
from alphazero.protocols import json_queries, json_reports
from alphazero.protocols.json_queries import Query, QueryError, Turn
from alphazero.search import Limits, SearchResult
from alphazero.text import clean

LOOK_SECONDS = 1.0  # between two looks at a tree's size
LONGEST_LINE = 4_000_000  # characters of a query: a game of thousands of moves takes 50,000
FIELDS_OF_ACTIONS = ("id", "action", "terminateId", "turnNumbers")


@dataclass(eq=False)
class _UnderWay:
    """A turn of a query that waits for its answer."""

    query: Query
    turn: Turn
    asked: Asked | None = None
    terminated: bool = False


class JsonAnalysis:
    """The engine: a network's player and many searches.

    visits: of a query that says nothing. perspective: of values, see json_reports. at_once: positions searched at a time.
    """

    def __init__(
        self,
        player: NetworkPlayer,
        *,
        threads: int,
        visits: int = 500,
        perspective: str = "BLACK",
        at_once: int = 32,
        log: TextIO | None = None,
    ):
        self.player = player.with_options(max_plies=0) if player.game.options.get("max_plies") else player
        assert isinstance(self.player, NetworkPlayer)
        self.visits = visits
        self.perspective = perspective
        self.log = log
        self._most_bytes = tree_bytes()
        self.searches = ManySearches(self.player, threads=threads, at_once=at_once, heads=True)
        # Answers wait here: a client that does not read them yet must not hold up the searches, nor the next query.
        self._answers: queue.SimpleQueue[json_reports.Report | None] = queue.SimpleQueue()
        self._changing = threading.Lock()  # of what follows
        self._under_way: set[_UnderWay] = set()
        self._gone = False  # whoever read the answers

    def serve(self, lines: Iterable[str], out: TextIO, *, wait: bool = True) -> None:
        """Answers queries until the end of input; wait: and then those that are still open."""
        writer = threading.Thread(target=self._write, args=(out,), name="answers")
        writer.start()
        if isinstance(lines, io.TextIOWrapper):
            lines.reconfigure(errors="replace")
        try:
            for line in lines:
                if self.log is not None:
                    self.log.write(f"> {line.rstrip()}\n")
                if line.strip():
                    self.answer(line)
                if self._gone:
                    return
            if wait:
                self.searches.wait(lambda: self._gone)
        finally:
            self.searches.close()
            self._answers.put(None)
            writer.join()

    def answer(self, line: str) -> None:
        """Takes one line in."""
        try:
            if len(line) > LONGEST_LINE:
                raise QueryError(f"a query of more than {LONGEST_LINE:,} characters")
            given = json.loads(line)
        except (ValueError, RecursionError, QueryError) as error:
            self._say({"error": f"Could not parse input line as JSON: {clean(str(error), 200)}"})
            return
        if not isinstance(given, dict):
            self._say({"error": "expected a JSON object"})
            return
        identity = given.get("id")
        if not isinstance(identity, str):
            self._say({"error": 'expected a text as "id"', "field": "id"})
            return
        try:
            if "action" in given:
                self._act(given)
            else:
                self._begin(json_queries.read(given, identity, self.player.game))
        except QueryError as error:
            told = {"error": clean(str(error), 1000), "id": identity}
            self._say({**told, "field": error.where} if error.where else told)
        except Exception as error:  # an internal error must not end what others have asked for
            print(f"alphazero analysis: {error!r}", file=sys.stderr)
            self._say({"error": f"internal error: {clean(str(error), 1000)}", "id": identity})

    # --- queries ---

    def _begin(self, query: Query) -> None:
        for text, where in query.warnings:
            self._say({"id": query.id, "warning": text, "field": where})
        try:
            self.player.search_settings(**query.settings)
            if query.turns[0].position.game != self.player.game:
                self.player.with_options(**query.turns[0].position.game.options)
        except ValueError as error:
            raise QueryError(str(error), "overrideSettings" if query.settings else "boardXSize") from error
        for turn in query.turns:
            self._search(_UnderWay(query, turn))

    def _search(self, own: _UnderWay) -> None:
        query, turn = own.query, own.turn
        if turn.position.outcome is not None:
            self._say(json_reports.ended(query, turn.number, turn.position, query.perspective or self.perspective))
            return

        def progress(result: SearchResult) -> bool:
            if query.every is not None and not own.terminated:
                self._report(own, result, during=True)
            return result.tree_bytes > self._most_bytes

        def done(result: SearchResult | None, error: Exception | None) -> None:
            with self._changing:
                self._under_way.discard(own)
            if error is not None:
                self._say({"error": clean(str(error), 1000), "id": query.id, "turnNumber": turn.number})
            elif result is None:
                self._say({"id": query.id, "isDuringSearch": False, "noResults": True, "turnNumber": turn.number})
            else:
                self._report(own, result, during=False)

        limits = Limits(query.visits or self.visits, query.seconds, turn.only, progress, query.every or LOOK_SECONDS)
        with self._changing:
            self._under_way.add(own)
        own.asked = self.searches.submit(turn.position, limits, done, priority=turn.priority, **query.settings)
        if own.terminated:
            self.searches.cancel(own.asked)

    def _report(self, own: _UnderWay, result: SearchResult, *, during: bool) -> None:
        query, turn = own.query, own.turn
        search = None if own.asked is None else own.asked.search
        line = (lambda move: [move]) if search is None else search.line
        seen = self._glance(turn) if query.policy else None
        self._say(
            json_reports.report(
                query,
                turn.number,
                turn.position,
                result,
                perspective=query.perspective or self.perspective,
                during=during,
                line=line,
                visits=None if search is None else search.line_visits,
                seen=seen,
            )
        )

    def _glance(self, turn: Turn) -> Evaluation:
        game = turn.position.game
        player = self.player if game == self.player.game else self.player.with_options(**game.options)
        return player.evaluate(turn.position)

    # --- actions ---

    def _act(self, given: dict[str, Any]) -> None:
        action = given["action"]
        told = {name: given[name] for name in FIELDS_OF_ACTIONS if name in given}
        if action == "query_version":
            self._say({**told, "version": __version__, "git_hash": "<omitted>"})
        elif action == "query_models":
            self._say({**told, "models": [{"name": self.player.name, "internalName": self.player.name, "version": 1}]})
        elif action == "clear_cache":
            self.searches.forget()
            self._say(told)
        elif action in ("terminate", "terminate_all"):
            self._terminate(given)
            self._say(told)
        else:
            known = "query_version, query_models, clear_cache, terminate, terminate_all"
            raise QueryError(f"unknown action {clean(repr(action), 60)}; known are {known}", "action")

    def _terminate(self, given: dict[str, Any]) -> None:
        wanted = given.get("terminateId")
        if given["action"] == "terminate" and not isinstance(wanted, str):
            raise QueryError("terminateId: expected the id of a query", "terminateId")
        numbers = given.get("turnNumbers")
        if numbers is not None and not (isinstance(numbers, list) and all(type(n) is int for n in numbers)):
            raise QueryError("turnNumbers: expected a list of whole numbers", "turnNumbers")
        with self._changing:
            ending = [
                each
                for each in self._under_way
                if (given["action"] == "terminate_all" or each.query.id == wanted)
                and (numbers is None or each.turn.number in numbers)
            ]
        for each in ending:
            each.terminated = True
            if each.asked is not None:
                self.searches.cancel(each.asked)

    def _say(self, answer: json_reports.Report) -> None:
        self._answers.put(answer)

    def _write(self, out: TextIO) -> None:
        """Writes answers as they come, in a thread of its own."""
        while (answer := self._answers.get()) is not None:
            if self._gone:
                continue
            text = json.dumps(answer, separators=(",", ":"))
            try:
                out.write(text + "\n")
                out.flush()
                if self.log is not None:
                    self.log.write(f"< {text}\n")
                    self.log.flush()
            except (OSError, ValueError) as error:
                self._gone = True
                if not isinstance(error, BrokenPipeError):
                    print(f"alphazero analysis: answers cannot be written: {error}", file=sys.stderr)
