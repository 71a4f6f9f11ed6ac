"""What is done on the page to analyse: moves and variations, a live search, lines played out, a review of the game."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from alphazero.errors import UserError
from alphazero.review.judge import Judged, summary
from alphazero.search_settings import MOST_SIMULATIONS
from alphazero.web import analyse_view, play
from alphazero.web.analyse_view import SHOWS
from alphazero.web.engine import Told
from alphazero.web.live import Channel, Message, Searching, Table, Update, fields_of, need, whole
from alphazero.web.reading import Loaded
from alphazero.web.session import Node, Session, sides_of
from alphazero.web.setup import MOST_SECONDS, number

REVIEW_SIMULATIONS = 200  # of each position
MOST_LINES = 12


def act(table: Table, channel: Channel, message: Message, loaded: Loaded | None = None) -> None:
    """Does what the page asks for. UserError (ValueError) says why not. loaded: the pasted game, where it was read before."""
    do = str(message.get("do"))
    known: dict[str, Callable[[Table, Channel, Message], None]] = {
        "move": _move,
        "pass": _move,
        "go": _go,
        "step": _step,
        "start": _start,
        "stop": _stop,
        "analyst": _analyst,
        "show": _show,
        "line": _line,
        "play-line": _play_line,
        "flip": _flip,
        "review": _review,
        "open": partial(_open, loaded=loaded),
    }
    if do not in known:
        raise UserError("the page asked for what is not known here: load it again")
    known[do](table, channel, message)
    if do == "line":
        table.show(channel)
    else:
        table.changed()


def _move(table: Table, channel: Channel, message: Message) -> None:
    table.session.play("pass" if message["do"] == "pass" else need(message, "move"), beyond=True)


def _go(table: Table, channel: Channel, message: Message) -> None:
    table.session.go(whole(message, "node"))


def _step(table: Table, channel: Channel, message: Message) -> None:
    table.session.step(whole(message, "by"))


def _start(table: Table, channel: Channel, message: Message) -> None:
    fields = fields_of(message)
    table.lines = int(number(fields, "lines", 1, MOST_LINES, 5))
    simulations = number(fields, "simulations", 1, MOST_SIMULATIONS, 0)
    seconds = number(fields, "seconds", 0.05, MOST_SECONDS, 0)
    table.limits = (int(simulations) or None, seconds or None)
    analyst = fields.get("analyst", "")
    if analyst:
        table.models.resolve(analyst, table.session.game)
    table.analyst = analyst
    table.stop("analysing")
    _search(table)


def _stop(table: Table, channel: Channel, message: Message) -> None:
    table.stop("analysing")


def _analyst(table: Table, channel: Channel, message: Message) -> None:
    """Who analyses and reviews from now on."""
    chosen = need(message, "value")
    table.models.resolve(chosen, table.session.game)
    table.analyst = chosen
    if table.analysing is not None:
        table.stop("analysing")
        _search(table)


def _chosen(table: Table) -> str:
    """The key of who analyses and reviews: the one chosen, unless that was for another game."""
    game = table.session.game
    if table.analyst:
        try:
            table.models.resolve(table.analyst, game)
        except UserError:
            table.analyst = ""
    return table.analyst or table.models.default(game)


def _search(table: Table) -> None:
    """Begins the analysis of the current position."""
    session = table.session
    if session.position.outcome is not None:
        return
    model = table.models.resolve(_chosen(table), session.game)
    node = session.current

    def take(told: Told) -> None:
        if told["kind"] == "error":
            table.say(str(told["text"]))
            return
        if session.current is not node:
            return
        if told.get("moves"):
            table.known.report = told
            learn(session, node, told)
        if told["kind"] == "done":
            table.analysing = None
            table.changed()
            return
        for each in table.channels:
            if each.page == "analyse":
                each.push(analyse_view.report(table, each, Update()))

    simulations, seconds = table.limits
    number = table.engine.search(
        f"{table.key} analysis", session, model, take, simulations=simulations, seconds=seconds, lines=table.lines
    )
    table.analysing = Searching(number, node, lambda: _search(table))


def learn(session: Session, node: Node, told: Told) -> None:
    """Keeps what a search said of a position, for the graph."""
    first = 1.0 if session.position.turn == 0 else -1.0
    node.win_rate = (1.0 + first * told["value"]) / 2.0
    node.score = None if told["score"] is None else first * told["score"]


def _show(table: Table, channel: Channel, message: Message) -> None:
    what = need(message, "what")
    if what in SHOWS:
        table.shows = what


def _line(table: Table, channel: Channel, message: Message) -> None:
    """Plays out a candidate's line in this page; an empty move ends that."""
    move = need(message, "move")
    report = table.known.report
    found = next((each for each in report["moves"] if each["move"] == move), None) if report and move else None
    channel.play_out(table.session.current, play.replayed(table.session, found["line"]) if found else [])


def _play_line(table: Table, channel: Channel, message: Message) -> None:
    table.session.play(need(message, "line"), beyond=True)


def _flip(table: Table, channel: Channel, message: Message) -> None:
    table.flip()


def _open(table: Table, channel: Channel, message: Message, loaded: Loaded | None) -> None:
    fields = opened(table, message)
    if not fields.get("start", "").strip():
        raise UserError("nothing to open: paste a game or a position, or choose a file")
    play.begin(table, fields, loaded)


def opened(table: Table, message: Message) -> dict[str, str]:
    """The form of the game that is to be opened."""
    return {**fields_of(message), "game": table.session.game.name, "opponent": ""}


# --- the review ---


def _review(table: Table, channel: Channel, message: Message) -> None:
    """Judges the moves of the line that one stands in."""
    session = table.session
    if table.reviewing is not None:
        return
    nodes = session.line()
    root = session.root
    if any(" " in node.move for node in nodes):
        raise UserError("a move out of turn cannot be reviewed here: use `alphazero analyze`")
    chosen = _chosen(table)
    networks = table.models.networks(session.game)
    if not networks:
        raise UserError("a review needs a network: none is there for this game; name a run with --run")
    if chosen not in networks:
        raise UserError("a review needs a network: choose one as the analysis' Network")
    model = table.models.resolve(chosen, session.game)

    def take(told: Told) -> None:
        if session.root is not root:
            return
        if told["kind"] == "error":
            table.say(str(told["text"]))
        elif told["kind"] == "progress":
            table.progress = f"{told['share']:.0%} reviewed"
        elif told["kind"] == "done":
            table.reviewing = None
            table.progress = _judge(session, nodes, [Judged(**each) for each in told.get("judged") or []])
        table.changed()

    table.progress = "the network is loaded"
    table.reviewing = table.engine.review(session, [node.move for node in nodes], model, REVIEW_SIMULATIONS, take)


def _judge(session: Session, nodes: list[Node], judged: list[Judged]) -> str:
    """Writes a review into the tree; what it says in all."""
    for each in judged:
        node = nodes[each.number - 1]
        node.mark, node.loss, node.better = each.mark, each.loss, each.line
        node.win_rate = each.win_rate if each.player == 0 else 1.0 - each.win_rate
        node.score = None if each.score is None else each.score if each.player == 0 else -each.score
    names = sides_of(session.game)
    told = []
    for player in (0, 1):
        of = summary(judged, player)
        told.append(
            f"{names[player]}: {100 * of.mean_loss:.1f} % lost a move, {of.inaccuracies} inaccuracies, {of.mistakes} mistakes, {of.blunders} blunders"
        )
    return "; ".join(told) if judged else ""
