"""Games ended early: by the loser's own scores, by both sides' even ones, by length; and never by scores that were not given."""

from __future__ import annotations

import pytest

import alphazero as az
from alphazero.arena.adjudication import Adjudication
from alphazero.cli import main
from alphazero.errors import UserError
from alphazero.formats.game_text import Thought


def verdict(rules: Adjudication, scores: list[float | None | str]) -> tuple[int, str] | None:
    """After a game of moves with these scores, each from its mover's side; "#-3" is a mate."""
    position = az.Game("chess").position()
    thoughts = []
    for score in scores:
        move = position.legal_moves()[0]
        mate = int(score[1:]) if isinstance(score, str) else None
        thoughts.append(Thought(move, None if isinstance(score, str) else score, mate, side=position.turn))
        position.play(move)
    return rules.verdict(position, thoughts)


RESIGN = Adjudication.parse("600:2", None)
DRAW = Adjudication.parse(None, "10:2:3")


@pytest.mark.parametrize(
    ("rules", "scores", "result"),
    [
        (RESIGN, [0, -700, 0, -600], 1),  # Black said so twice, White never
        (RESIGN, [-700, 0, -900], -1),
        (RESIGN, [-700, 0, "#-3"], -1),  # being mated is beyond every score
        (RESIGN, [-700, 0, "#3"], None),
        (RESIGN, [-700, 0, -599], None),
        (RESIGN, [-700, 0, None], None),  # an engine that says nothing
        (RESIGN, [-700], None),
        (RESIGN, [-700, 0, -100, 0, -700, 0], None),
        (DRAW, [90, 90, 10, -10, 0, 5], 0),
        (DRAW, [90, 90, 10, -11, 0, 5], None),
        (DRAW, [0, 0, 0, 0], None),  # not before move 3
        (DRAW, [0, 0, 0, 0, None, 0], None),
        (Adjudication.parse(None, None, 4), [0, 0, 0, None], 0),
        (Adjudication.parse(None, None, 4), [0, 0, 0], None),
        (Adjudication(), [-9999, 9999] * 40, None),  # off by default
    ],
)
def test_a_game_ends_when_the_rules_say_so(rules, scores, result):
    given = verdict(rules, scores)
    assert given is None if result is None else given is not None and given[0] == result


def test_who_moves_twice_in_a_row_speaks_for_itself():
    position = az.Game("chess").position()
    # The first player moved twice and says that it loses; that the other moves next says nothing about who spoke.
    thoughts = [
        Thought("a", -700, side=0),
        Thought("b", 700, side=1),
        Thought("c", 0, side=0),
        Thought("d", -700, side=0),
    ]
    assert RESIGN.verdict(position, thoughts) is None
    given = RESIGN.verdict(position, [*thoughts, Thought("e", -700, side=0)])
    assert given is not None and given[0] == -1
    assert DRAW.verdict(position, [Thought(str(i), 0, side=int(i == 3)) for i in range(9)]) is None, (
        "one move is not two"
    )


def test_a_long_game_of_go_is_scored_as_it_stands():
    position = az.Game("go", board_size=5, komi=0.5).position("C3")
    assert Adjudication(max_plies=1).verdict(position, [Thought("C3")]) == (1, "1 plies, Black's margin 24.5")


@pytest.mark.parametrize(
    ("resign", "draw", "plies", "message"),
    [
        ("900", None, 0, "--adjudicate-resign: expected SCORE:MOVES"),
        ("900:0", None, 0, "--adjudicate-resign"),
        (None, "10:8", 0, "--adjudicate-draw: expected SCORE:MOVES:FROM"),
        (None, None, -1, "--max-plies must be"),
    ],
)
def test_bad_rules_are_one_clear_line(resign, draw, plies, message):
    with pytest.raises(UserError, match=message):
        Adjudication.parse(resign, draw, plies)


def test_rules_that_would_not_be_looked_at_are_refused(capsys):
    """Games between players of this process play in the pool, which knows no adjudication."""
    assert main(["match", "random", "mcts:2", "--game", "chess", "--games", "2", "--max-plies", "5"]) == 2
    assert "neither is here" in capsys.readouterr().err
