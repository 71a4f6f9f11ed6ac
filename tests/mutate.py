"""Shared by the tests of chess and shogi: positions' texts changed at random, of which many are still positions."""

from __future__ import annotations

import random
from collections.abc import Iterator

import alphazero as az


def changed_texts(game: az.Game, letters: str, count: int, draw: random.Random) -> Iterator[str]:
    """`count` texts of positions out of random games, each changed: letters replaced, squares swapped, fields mixed up."""
    longest = 60
    for number in range(count):
        position = game.position()
        for move in position.random_playout(number)[1][: draw.randrange(longest)]:
            position.play(move)
        placement, *fields = position.text.split(" ")
        match draw.randrange(4):
            case 0:  # two squares swap their pieces: mostly a position still
                squares = list(placement)
                pieces = [i for i, c in enumerate(squares) if c.isalpha() and squares[i - 1 : i] != ["+"]]
                a, b = draw.sample(pieces, 2)
                squares[a], squares[b] = squares[b], squares[a]
                yield " ".join(["".join(squares), *fields])
            case 1:  # a piece becomes another of its side
                squares = list(placement)
                at = draw.choice([i for i, c in enumerate(squares) if c.isalpha()])
                same = [c for c in letters if c.isalpha() and c.isupper() == squares[at].isupper()]
                squares[at] = draw.choice(same)
                yield " ".join(["".join(squares), *fields])
            case 2:  # the other side is to move
                fields[0] = {"b": "w", "w": "b"}[fields[0]]
                yield " ".join([placement, *fields])
            case _:  # any letters anywhere: mostly refused
                text = list(position.text)
                for _ in range(draw.randrange(1, 4)):
                    text[draw.randrange(len(text))] = draw.choice(letters)
                yield "".join(text)


def played_where_accepted(game: az.Game, letters: str, count: int, seed: int) -> int:
    """How many of `count` changed texts are accepted; each of those gives itself back, and a game is played from it."""
    accepted = 0
    for number, text in enumerate(changed_texts(game, letters, count, random.Random(seed))):
        try:
            position = game.position(text)
        except ValueError as error:
            assert "\n" not in str(error) and game.name in str(error), text
            continue
        accepted += 1
        again = game.position(position.text)
        assert (again.text, again.key, again.legal_moves()) == (position.text, position.key, position.legal_moves()), (
            text
        )
        position.planes()
        position.policy_indices()
        for move in position.random_playout(number)[1]:
            position.play(move)
        while position.ply > again.ply:
            position.undo()
        assert (position.text, position.key) == (again.text, again.key), text
    return accepted
