"""The form of a new game: its fields for each game, and what they mean."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping

from alphazero.errors import UserError
from alphazero.formats import go_rules
from alphazero.formats.go import rows_of
from alphazero.formats.kif_words import HANDICAPS
from alphazero.game import NAMES, Game, OptionValue, games, make
from alphazero.protocols.handicap import free_handicap_set
from alphazero.search_settings import MOST_SIMULATIONS
from alphazero.text import did_you_mean, shown
from alphazero.web import html, reading
from alphazero.web.html import Html
from alphazero.web.models import BY_HAND, Models
from alphazero.web.session import Setup, sides_of

ODDS = {  # by the field's value: KIF's name, and what is said
    "lance": ("香落ち", "lance"),
    "bishop": ("角落ち", "bishop"),
    "rook": ("飛車落ち", "rook"),
    "2": ("二枚落ち", "two pieces"),
    "4": ("四枚落ち", "four pieces"),
    "6": ("六枚落ち", "six pieces"),
}
MOST_SECONDS = 24 * 3600.0
LEVELS = {str(n): f"{n}{' (beginner)' if n == 1 else ' (full strength)' if n == 10 else ''}" for n in range(1, 11)}


def name_of(game: Game | str) -> str:
    """A game's name for people."""
    key = game if isinstance(game, str) else game.name
    return NAMES.get(key, key)


def game_names() -> dict[str, str]:
    """All games by their key, the best known first."""
    order = list(NAMES)
    known = sorted(games(), key=lambda key: (order.index(key) if key in order else len(order), key))
    return {key: name_of(key) for key in known}


def rest_of_form(game: Game, models: Models) -> Html:
    """The fields that depend on the game."""
    first, second = sides_of(game)
    parts = []
    if game.name == "go":
        parts += [
            html.field("Board", "board_size", html.entry("board_size", "9", inputmode="numeric", size=3)),
            html.field("Komi", "komi", html.entry("komi", "7", inputmode="decimal", size=4)),
            html.field("Rules", "rules", html.select("rules", {name: name for name in go_rules.RULES}, "chinese-ogs")),
            html.field(
                "Handicap",
                "handicap",
                html.select("handicap", {"": "none", **{str(n): f"{n} stones" for n in range(2, 10)}}),
            ),
        ]
    if game.name == "chess":
        parts.append(html.field("Variant", "chess960", html.select("chess960", {"": "usual", "1": "Chess960"})))
    if game.name == "shogi":
        odds = {"": "none", **{key: said for key, (_, said) in ODDS.items()}}
        parts.append(html.field("Handicap", "handicap", html.select("handicap", odds)))
    parts += [
        html.field("Opponent", "opponent", html.select("opponent", models.opponents(game), models.default(game))),
        html.field(
            "You play", "colour", html.select("colour", {"first": f"{first} (first)", "second": f"{second} (second)"})
        ),
        html.field("Level", "level", html.select("level", LEVELS, "10")),
        html.field(
            "Simulations", "simulations", html.entry("simulations", inputmode="numeric", size=8, placeholder="200")
        ),
        html.field("Seconds a move", "seconds", html.entry("seconds", inputmode="decimal", size=5, placeholder="any")),
        html.field("Clock, minutes", "minutes", html.entry("minutes", inputmode="decimal", size=4, placeholder="none")),
        html.field(
            "Increment, seconds", "increment", html.entry("increment", inputmode="decimal", size=4, placeholder="0")
        ),
    ]
    return html.joined(*parts)


def game_of(fields: Mapping[str, str]) -> Game:
    """The game that the fields describe. UserError names what is wrong."""
    name = fields.get("game") or "go"
    if name not in games():
        raise UserError(f"there is no game {shown(name)}{did_you_mean(name, games())}")
    options: dict[str, OptionValue] = {}
    if name == "go":
        options["board_size"] = int(number(fields, "board_size", 2, 19, 9))
        options["komi"] = number(fields, "komi", -400, 400, 7.0)
        options |= go_rules.by_name(fields.get("rules") or "chinese-ogs")
    if name == "chess" and fields.get("chess960"):
        options["chess960"] = True
    return make(name, options)


def pasted(fields: Mapping[str, str]) -> reading.Loaded | None:
    """The game or position that was pasted to begin with. A long one takes seconds. UserError says why it cannot be read."""
    text = fields.get("start") or ""
    return reading.read(text.encode("utf-8", "replace"), game_of(fields)) if text.strip() else None


def setup_of(
    fields: Mapping[str, str], models: Models, loaded: reading.Loaded | None = None
) -> tuple[Setup, reading.Loaded | None]:
    """A new game by the form's fields, and the game that was pasted to begin with. UserError names what is wrong.

    loaded: what pasted() gives, where it was read before.
    """
    game = game_of(fields)
    start = _handicap(game, fields.get("handicap") or "")
    if game.options.get("chess960"):
        start = fischer_start(random.Random())
    loaded = loaded or pasted(fields)
    if loaded is not None:
        game, start = loaded.game, loaded.start
    opponent = fields.get("opponent", models.default(game))
    if opponent and opponent not in BY_HAND:
        try:
            models.resolve(opponent, game)
        except UserError:
            if loaded is None and fields.get("game") == game.name and opponent not in models.opponents(game):
                raise
            opponent = models.default(game)  # what was pasted is of another game
    simulations = int(number(fields, "simulations", 1, MOST_SIMULATIONS, 0))
    seconds = number(fields, "seconds", 0.01, MOST_SECONDS, 0.0)
    setup = Setup(
        game,
        start,
        opponent,
        int(fields.get("colour") == "second"),
        int(number(fields, "level", 1, 10, 10)),
        simulations or None,
        seconds or None,
        60.0 * number(fields, "minutes", 0.01, MOST_SECONDS / 60.0, 0.0),
        number(fields, "increment", 0, 3600, 0.0),
        loaded.names if loaded is not None else ("", ""),
    )
    return setup, loaded


def number(fields: Mapping[str, str], name: str, low: float, high: float, otherwise: float) -> float:
    """A field that holds a number, `otherwise` where it is empty. UserError: it holds something else."""
    said = (fields.get(name) or "").strip()
    if not said:
        return otherwise
    if not re.fullmatch(r"[+-]?[0-9]{1,12}(\.[0-9]{1,6})?", said) or not low <= float(said) <= high:
        raise UserError(f"{name.replace('_', ' ')} must be a number from {low:g} to {high:g}, got {shown(said)}")
    return float(said)


def fischer_start(draws: random.Random) -> str:
    """One of the 960 start positions of Chess960: bishops on both colours, the king between the rooks."""
    rank = [""] * 8
    rank[draws.choice((0, 2, 4, 6))] = "b"
    rank[draws.choice((1, 3, 5, 7))] = "b"
    for piece in "qnn":
        rank[draws.choice([i for i, each in enumerate(rank) if not each])] = piece
    for piece, i in zip("rkr", [i for i, each in enumerate(rank) if not each], strict=True):
        rank[i] = piece
    row = "".join(rank)
    return f"{row}/pppppppp/8/8/8/8/PPPPPPPP/{row.upper()} w KQkq - 0 1"


def _handicap(game: Game, said: str) -> str:
    """The start position of a handicap game; "" without one."""
    if not said or game.name not in ("go", "shogi"):
        return ""
    if game.name == "shogi":
        if said not in ODDS:
            raise UserError(f"there is no handicap {shown(said)}: {', '.join(ODDS)}")
        return HANDICAPS[ODDS[said][0]]
    size = int(game.options["board_size"])
    count = int(number({"handicap": said}, "handicap", 2, 9, 0))
    if count > size * size // 4:
        raise UserError(f"{count} handicap stones are too many for a board of {size}x{size}")
    return f"{rows_of(dict.fromkeys(free_handicap_set(count, size), 'B'), size)} w"
