"""What the page to analyse shows: the board with what a search found, candidates, variations, the graph, mistakes."""

from __future__ import annotations

from alphazero.web import boards, graphs, html, play
from alphazero.web.boards import Shown
from alphazero.web.html import Html, tag
from alphazero.web.live import Channel, Table, Update
from alphazero.web.session import Session, ending, sides_of

SHOWS = {"moves": "Moves", "policy": "Policy", "ownership": "Ownership"}
MOST_MISTAKES = 30


def body() -> Html:
    """What the page holds before its session is there."""
    side = tag("div", _analysis(), _moves(), _review(), _open(), class_="side")
    return html.joined(tag("h1", "Analyse", class_="hidden"), _place(), side)


def _place() -> Html:
    """The board, and the way through the game."""
    steps = html.joined(
        html.button("|◀", "step", data_by=-100000, aria_label="To the start"),
        html.button("◀", "step", data_by=-1, aria_label="One move back", id="back"),
        html.button("▶", "step", data_by=1, aria_label="One move on", id="on"),
        html.button("▶|", "step", data_by=100000, aria_label="To the end"),
        html.button("Turn board", "flip", id="flip"),
        html.button("Pass", "pass", testid="pass", id="pass"),
    )
    return tag(
        "section",
        tag("div", id="board", data_testid="board", class_="place"),
        tag("div", steps, class_="controls", role="group", aria_label="Moves"),
        tag("p", id="status", data_testid="status", class_="status", role="status"),
        tag("div", id="chooser", class_="chooser", hidden=True, role="group", aria_label="Promotion"),
        tag("div", id="graph", data_testid="graph", class_="graph"),
        aria_label="Board",
    )


def _analysis() -> Html:
    """What the search finds, and what it is told."""
    return tag(
        "form",
        tag("h2", "Analysis"),
        tag("div", id="win-rate", data_testid="win-rate", class_="win-rate"),
        tag(
            "div",
            tag("button", "Start", type="submit", id="analyse-start", data_testid="analyse-start", class_="primary"),
            html.button("Stop", "stop", testid="analyse-stop", id="analyse-stop"),
            tag(
                "span",
                *(html.button(name, "show", data_what=key, id=f"show-{key}") for key, name in SHOWS.items()),
                class_="shows",
            ),
            class_="controls",
        ),
        tag("div", id="candidates", data_testid="candidates", class_="candidates"),
        tag(
            "details",
            tag("summary", "Who analyses, lines and limits"),
            html.field("Network", "analyst", tag("select", name="analyst", id="analyst", data_changes="analyst")),
            html.field("Lines", "lines", html.entry("lines", "5", inputmode="numeric", size=3)),
            html.field(
                "Simulations",
                "simulations",
                html.entry("simulations", inputmode="numeric", size=9, placeholder="no limit"),
            ),
            html.field(
                "Seconds", "seconds", html.entry("seconds", inputmode="decimal", size=6, placeholder="no limit")
            ),
        ),
        id="analysis",
        data_do="start",
        class_="panel",
    )


def _moves() -> Html:
    return tag(
        "section",
        tag("h2", "Moves and variations"),
        tag("ol", id="moves", data_testid="move-list", class_="moves tree"),
        tag("p", id="comment", class_="comment"),
        tag("p", id="save", class_="save"),
        class_="panel",
    )


def _review() -> Html:
    return tag(
        "section",
        tag("h2", "Review"),
        tag(
            "div", html.button("Review the game", "review", id="review"), tag("span", id="progress"), class_="controls"
        ),
        tag("div", id="mistakes"),
        class_="panel",
    )


def _open() -> Html:
    return tag(
        "form",
        tag("h2", "Open a game"),
        html.field(
            "FEN, SFEN, SGF, PGN, KIF, CSA or moves",
            "start",
            tag("textarea", name="start", id="start", rows=3, spellcheck="false"),
        ),
        html.field("Open a file", "upload", html.entry("", type="file", id="upload", data_testid="upload")),
        tag("button", "Open", type="submit"),
        class_="panel",
        data_do="open",
    )


# --- what is shown ---


def report(table: Table, channel: Channel, update: Update) -> Update:
    """What a search's report changes: several times a second."""
    names = sides_of(table.session.game)
    update.parts["overlay"] = "" if channel.preview(table.session.current) else _overlay(table)
    update.parts["win-rate"] = _win_rate(table, names)
    update.parts["candidates"] = _candidates(table)
    update.parts["graph"] = _graph(table.session, names)
    return update


def show(table: Table, channel: Channel) -> Update:
    """The page."""
    session = table.session
    update = Update()
    play.board_of(table, channel, update)
    report(table, channel, update)
    update.state["legal"] = [] if channel.preview(session.current) else session.legal_moves(beyond=True)
    names = sides_of(session.game)
    update.parts["status"] = _status(table, channel)
    update.parts["moves"] = _tree(session)
    update.parts["comment"] = Html() if not session.current.comment else tag("span", session.current.comment)
    update.parts["save"] = play.links(table)
    update.parts["mistakes"] = _mistakes(session, names)
    update.parts["progress"] = tag("span", table.progress)
    networks = table.models.opponents(session.game)
    update.parts["analyst"] = html.options(
        {key: name for key, name in networks.items() if key not in ("", "random")},
        table.analyst or table.models.default(session.game),
    )
    update.enable(
        analyse_start=table.analysing is None and session.position.outcome is None,
        analyse_stop=table.analysing is not None or table.analyse_again is not None,
        review=table.reviewing is None and bool(session.line()),
        show_ownership=session.game.has_ownership,
        flip=session.game.name != "connect4",
        **{"pass": "pass" in update.state["legal"]},
    )
    update.reveal(**{"pass": session.game.name == "go"})
    for key in SHOWS:
        update.attributes.setdefault(f"show-{key}", {})["aria-pressed"] = "true" if table.shows == key else "false"
    return update


def _status(table: Table, channel: Channel) -> str:
    session = table.session
    preview = channel.preview(session.current)
    if preview:
        return tag("b", f"The line {' '.join(preview)}")
    if session.ended is not None:
        return tag("b", ending(session))
    return tag("b", f"{sides_of(session.game)[session.position.turn]} to move, {session.current.depth} moves played")


def _overlay(table: Table) -> str:
    report, game = table.known.report, table.session.game
    if report is None:
        return ""
    turn = 1.0 if table.session.position.turn == 0 else -1.0
    if table.shows == "policy":
        return boards.heat(game, report["priors"], table.flipped)
    if table.shows == "ownership" and report["ownership"] is not None:
        owned = [[turn * each for each in row] for row in report["ownership"]]
        return boards.ownership(game, owned, table.flipped)
    shown = [Shown(m["move"], m["share"], f"{50 * (1 + m['q']):.0f}") for m in report["moves"] if m["move"] != "pass"]
    return boards.candidates(game, shown, table.flipped)


def _win_rate(table: Table, names: tuple[str, str]) -> Html:
    report, session = table.known.report, table.session
    if report is None:
        rate = session.current.win_rate
        told = "no search yet" if rate is None else f"{names[0]} {100 * rate:.1f} %"
        return tag("p", told, class_="numbers")
    first = 1.0 if session.position.turn == 0 else -1.0
    value = first * report["value"]
    wdl = report["wdl"]
    draw = 0.0 if wdl is None else wdl[1]
    win = (1.0 + value - draw) / 2.0
    facts = [f"{names[0]} {50 * (1 + value):.1f} %"]
    if report["score"] is not None:
        lead = first * report["score"]
        facts.append(f"{names[0] if lead >= 0 else names[1]} leads by {abs(lead):.1f}")
    if report["proof"]:
        facts.append(f"proven {report['proof']} for the side to move")
    speed = report["simulations"] / max(0.001, report["seconds"])
    facts += [f"{report['simulations']:,} visits", f"{speed:,.0f} visits/s", f"depth {report['depth']:.1f}"]
    return html.joined(
        graphs.wdl_bar(max(0.0, min(1.0, win)), max(0.0, draw), names),
        tag("p", " · ".join(facts), class_="numbers"),
    )


def _candidates(table: Table) -> Html:
    report = table.known.report
    if report is None:
        return tag("p", "Start the analysis to see candidate moves.", class_="empty")
    scores = any(each["score"] is not None for each in report["moves"])
    head = ["move", "win", "visits", *(["lead"] if scores else []), "policy", "line"]
    rows = []
    for each in report["moves"]:
        cells = [
            tag("td", html.button(each["move"], "play-line", data_line=each["move"], title="Play this move")),
            tag("td", f"{50 * (1 + each['q']):.1f} %"),
            tag("td", f"{each['visits']:,}"),
            *([tag("td", "" if each["score"] is None else f"{each['score']:+.1f}")] if scores else []),
            tag("td", f"{100 * each['prior']:.1f} %"),
            tag("td", " ".join(each["line"][1:]), class_="line"),
        ]
        rows.append(tag("tr", *cells, data_line=each["move"]))
    top = tag("tr", *(tag("th", name, scope="col") for name in head))
    return tag(
        "div",
        tag("table", tag("thead", top), tag("tbody", *rows)),
        class_="wide",
        tabindex=0,
        role="region",
        aria_label="Candidate moves",
    )


def _tree(session: Session) -> Html:
    """All moves: the main line as it stands, variations nested."""
    items = []
    in_pairs = session.game.name in play.IN_PAIRS
    begins = session.positions([])[0].turn if in_pairs else 0
    for node, level in session.variations():
        ply = node.depth - 1 + begins
        number = f"{ply // 2 + 1}{'…' if ply % 2 else '.'} " if in_pairs else f"{node.depth}. "
        if in_pairs and ply % 2 and not level and node.depth > 1:
            number = ""  # it stands behind White's move
        name = html.button(
            f"{number}{node.move}{node.mark}",
            "go",
            data_node=node.number,
            aria_current="true" if node is session.current else None,
        )
        items.append(
            tag(
                "li",
                name,
                class_=f"level-{min(level, 5)}{' branch' if node.parent and node.parent.children[0] is not node else ''}",
            )
        )
    return html.joined(*items)


def _graph(session: Session, names: tuple[str, str]) -> Html:
    nodes = [session.root, *session.line()]
    rates = [(node.depth, node.win_rate, node.score, node.mark) for node in nodes]
    current = min(session.current.depth, len(nodes) - 1)
    return graphs.game(rates, current, f"Win rate of {names[0]} over the game", [node.number for node in nodes])


def _mistakes(session: Session, names: tuple[str, str]) -> Html:
    found = (node for node in session.nodes.values() if node.mark and node.loss > 0)  # others' marks have no loss
    marked = sorted(found, key=lambda node: -node.loss)
    if not marked:
        return Html()
    rows = [
        tag(
            "li",
            html.button(f"{node.depth}. {node.move}{node.mark}", "go", data_node=node.number),
            f" {names[session.mover(node)]} lost {100 * node.loss:.0f} %; better: {' '.join(node.better[:5])}",
        )
        for node in marked[:MOST_MISTAKES]
    ]
    return tag("ol", *rows, class_="mistakes")
