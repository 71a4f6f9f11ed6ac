"""The page to play: a board, a form for a new game, take-back, hint, clocks, the end in words."""

from __future__ import annotations

from alphazero import levels
from alphazero.errors import UserError
from alphazero.web import boards, html, reading, saving, setup
from alphazero.web.engine import Told
from alphazero.web.html import Html, tag
from alphazero.web.live import Channel, Message, Searching, Table, Update, fields_of, need
from alphazero.web.session import Ended, Session, ending, replay, sides_of

USUAL_SIMULATIONS = 200  # of an opponent's move, where nothing is chosen
HINT_SIMULATIONS = 400
IN_PAIRS = ("chess", "gardner")  # games whose moves are numbered by White's


def body(models_of_first: Html) -> Html:
    """What the page holds before its session is there."""
    controls = html.joined(
        html.button("Ask again", "retry", testid="retry", id="retry", hidden=True),
        html.button("Take back", "undo", testid="undo", id="undo", accesskey="u"),
        html.button("Pass", "pass", testid="pass", id="pass", accesskey="p"),
        html.button("Hint", "hint", testid="hint", id="hint", accesskey="h"),
        html.button("Resign", "resign", testid="resign", id="resign"),
        html.button("Turn board", "flip", id="flip"),
    )
    place = tag(
        "section",
        tag("div", id="clocks", class_="clocks"),
        tag("div", id="board", data_testid="board", class_="place"),
        tag("p", id="status", data_testid="status", class_="status", role="status"),
        tag("div", controls, class_="controls", role="group", aria_label="Actions"),
        tag("div", id="chooser", class_="chooser", hidden=True, role="group", aria_label="Promotion"),
        aria_label="Board",
    )
    moves = tag(
        "section",
        tag("h2", "Moves"),
        tag("ol", id="moves", data_testid="move-list", class_="moves", tabindex=0, aria_label="Moves"),
        tag("p", id="save", class_="save"),
        class_="panel",
    )
    return html.joined(
        tag("h1", "Play", class_="hidden"), place, tag("div", moves, form(models_of_first), class_="side")
    )


def form(rest: Html) -> Html:
    """A new game."""
    return tag(
        "form",
        tag("h2", "New game"),
        html.field("Game", "game", html.select("game", setup.game_names(), "go", data_changes="choose")),
        tag("div", rest, id="rest"),
        tag(
            "details",
            tag("summary", "Start from a position or a game"),
            html.field(
                "FEN, SFEN, SGF, PGN, KIF, CSA or moves",
                "start",
                tag("textarea", name="start", id="start", rows=4, spellcheck="false"),
            ),
        ),
        html.field("Open a file", "upload", html.entry("", type="file", id="upload", data_testid="upload")),
        tag("button", "Start the game", type="submit", data_testid="new-game", id="new-game", class_="primary"),
        id="form",
        class_="panel",
        data_do="new",
    )


# --- what is shown ---


def board_of(table: Table, channel: Channel, update: Update) -> None:
    """The board of a session's current position, or at the end of the line that the page plays out."""
    session = table.session
    position, last, numbers = session.position, session.current.move, {}
    preview = channel.preview(session.current)
    if preview:
        position = position.copy()
        face = boards.Face.of(session.game)
        for number, move in enumerate(preview, 1):
            position.play(move)
            last = move
            cells = face.cells_of(move)
            if cells and face.kind == "go":
                numbers[face.name(*cells[-1])] = number
    face = boards.Face.of(session.game)
    ended = session.ended
    area = session.game.has_ownership and ended is not None and ended.score is not None and not preview
    update.parts["board"] = boards.board(position, flipped=table.flipped, last=last, numbers=numbers, area=area)
    update.state["by"] = face.moves_by
    update.state["node"] = session.current.number


def show(table: Table, channel: Channel) -> Update:
    """The page."""
    session = table.session
    update = Update()
    board_of(table, channel, update)
    update.state["legal"] = session.legal_moves() if session.persons_turn else []
    known = table.known
    update.parts["overlay"] = boards.hint(session.game, known.hint, table.flipped) if known.hint else ""
    update.parts["status"] = tag("b", _status(table)) + (tag("span", known.remark) if known.remark else "")
    pairs = session.game.name in IN_PAIRS and session.positions([])[0].turn == 0
    update.attributes["moves"] = {"class": "moves pairs" if pairs else "moves"}
    update.parts["moves"] = html.joined(*(tag("li", node.move) for node in session.path()))
    update.parts["save"] = links(table)
    update.state["clock"] = clock_of(session)
    update.parts["clocks"] = _clocks(session)
    update.enable(
        undo=session.current.number in session.ends or _has_moved(session),
        resign=session.ended is None,
        hint=session.persons_turn and table.hinting is None,
        flip=session.game.name != "connect4",
        **{"pass": "pass" in update.state["legal"]},
    )
    update.reveal(retry=_waits(table), **{"pass": session.game.name == "go"})
    return update


def _has_moved(session: Session) -> bool:
    """Whether there is an earlier turn of the person to take back to; by hand, any turn."""
    path = [session.root, *session.path()][:-1]
    return any(not session.setup.opponent or session._turn_at(node) == session.setup.person for node in path)


def links(table: Table) -> Html:
    """Links that save the game."""
    found = [
        tag("a", form.upper(), href=f"/save?session={table.key}&format={form}", download=True)
        for form in saving.formats(table.session.game.name)
    ]
    return html.joined(Html("Save as "), *(part for each in found for part in (each, Html(" "))))


def _status(table: Table) -> str:
    session = table.session
    if session.ended is not None:
        return ending(session)
    side = sides_of(session.game)[session.position.turn]
    check = ": check" if session.position.in_check else ""
    if session.engines_turn and table.known.failure:
        return f"{side} did not answer: {table.known.failure}"
    if session.engines_turn:
        return f"{side} to move" if _waits(table) else f"{side} is thinking"
    return f"{side} to move{check}" if not session.setup.opponent else f"Your move, {side}{check}"


def _waits(table: Table) -> bool:
    """Whether the opponent is to move and does not think: its search ended, or somebody looked at other positions."""
    return table.session.engines_turn and table.thinking is None


def clock_of(session: Session) -> dict[str, object] | None:
    clocks = session.clocks
    if clocks is None:
        return None
    now = session._now()
    return {"left": [clocks.shown(0, now), clocks.shown(1, now)], "running": clocks.running}


def _clocks(session: Session) -> Html:
    if session.clocks is None:
        return Html()
    names = sides_of(session.game)
    return html.joined(*(tag("span", names[i], " ", tag("time", id=f"clock-{i}"), class_="clock") for i in (0, 1)))


# --- what is done ---


def act(table: Table, channel: Channel, message: Message, loaded: reading.Loaded | None = None) -> None:
    """Does what the page asks for. UserError (ValueError) says why not. loaded: the pasted game, where it was read before."""
    do = message.get("do")
    session = table.session
    if do == "choose":
        game = setup.game_of({"game": need(message, "value")})
        channel.push(Update(parts={"rest": setup.rest_of_form(game, table.models)}))
        return
    if do == "new":
        begin(table, fields_of(message), loaded)
    elif do in ("move", "pass"):
        if not session.persons_turn:
            raise UserError("the game is over" if session.ended else "it is not your turn")
        session.play("pass" if do == "pass" else need(message, "move"))
    elif do in ("undo", "resign"):
        if do == "undo":
            session.undo()
        else:
            session.resign()
        table.stop("thinking", "hinting")
        table.forget()
    elif do == "retry":
        table.forget()
    elif do == "flip":
        table.flip()
    elif do == "hint":
        _hint(table)
    else:
        raise UserError("the page asked for what is not known here: load it again")
    go_on(table)


def begin(table: Table, fields: dict[str, str], loaded: reading.Loaded | None = None) -> None:
    """A new game by the form."""
    wanted, loaded = setup.setup_of(fields, table.models, loaded)
    table.begin(wanted)
    if loaded is not None:
        enter(table, loaded)


def enter(table: Table, loaded: reading.Loaded) -> None:
    """Plays the moves of a game that was read, to its end; clocks rest meanwhile."""
    session = table.session
    clocks, session.clocks = session.clocks, None
    for move in loaded.moves:
        session.play(move)
    reading.add_variations(session, loaded)
    if loaded.value is not None and session.ended is None:  # what the rules say of the position counts
        session.ends[session.current.number] = Ended(loaded.value, loaded.reason, told=loaded.margin)
    session.clocks = clocks
    if clocks is not None and session.ended is None:
        clocks.start(session.position.turn, session._now())
    if loaded.warnings:
        table.say(reading.told(loaded.warnings))


def go_on(table: Table) -> None:
    """After a change: the opponent thinks if it is to move, the clock runs, and all pages are shown the table."""
    table.follow()
    if not table.known.failure:
        table.session.resume()
        if _waits(table):
            try:
                _think(table)
            except UserError as error:
                _fail(table, str(error))
    table.changed()


def _fail(table: Table, why: str) -> None:
    """The opponent did not answer. The game rests: the person may ask again, take back or begin another one."""
    table.known.failure = why
    table.session.rest()


def _think(table: Table) -> None:
    """The opponent's search."""
    session = table.session
    wanted = session.setup
    simulations, seconds = wanted.simulations, wanted.seconds
    clock = None
    if session.clocks is not None:
        clock = (session.clocks.shown(session.position.turn, session._now()), session.clocks.increment)
    model = table.models.resolve(wanted.opponent, session.game)
    if simulations is None and seconds is None and clock is None and not model.startswith("mcts:"):
        simulations = USUAL_SIMULATIONS
    if simulations is None and model.startswith("mcts:"):
        simulations = int(model.removeprefix("mcts:"))
    node = session.current
    trouble = "its search found no move"

    def take(told: Told) -> None:
        nonlocal trouble
        if told["kind"] == "error":
            trouble = str(told["text"])
            table.say(trouble)
        if told["kind"] != "done":
            return
        table.thinking = None
        if session.current is not node or not session.engines_turn:
            return
        if told.get("best"):
            session.play(told["best"])
            side = sides_of(session.game)[1 - wanted.person]
            rate = 50.0 * (1.0 + told["value"])
            table.known.remark = (
                f"{side} played {told['best']}, {rate:.0f} % for it after {told['simulations']:,} simulations"
            )
        else:
            _fail(table, trouble)
        table.changed()

    number = table.engine.search(
        f"{table.key} play",
        session,
        model,
        take,
        simulations=simulations,
        seconds=seconds,
        clock=clock,
        level=wanted.level,
    )
    table.thinking = Searching(number, node)


def _hint(table: Table) -> None:
    """A move for the person, by the strongest player there is for the game."""
    session = table.session
    if not session.persons_turn or table.hinting is not None:
        return
    model = table.models.resolve(table.models.default(session.game), session.game)
    node = session.current

    def take(told: Told) -> None:
        if told["kind"] == "error":
            table.say(str(told["text"]))
        if told["kind"] != "done":
            return
        table.hinting = None
        if session.current is node and told.get("best"):
            table.known.hint = told["best"]
            table.known.remark = f"Hint: {told['best']}, {50.0 * (1.0 + told['value']):.0f} % for you"
        table.changed()

    number = table.engine.search(
        f"{table.key} hint",
        session,
        model,
        take,
        simulations=HINT_SIMULATIONS,
        seconds=None,
        level=levels.MOST,
    )
    table.hinting = Searching(number, node)


def replayed(session: Session, moves: list[str]) -> list[str]:
    """As many of these moves as are legal from the current position on."""
    position = replay(session.game, session.setup.start, session.moves())
    found = []
    for move in moves:
        if position.outcome is not None or move not in position.legal_moves():
            break
        position.play(move)
        found.append(move)
    return found
