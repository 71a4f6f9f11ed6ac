"""Learning from games that others played (`alphazero learn`)."""

from __future__ import annotations

import io
import random

import numpy as np
import pytest

import alphazero as az
from alphazero import checkpoint, cli
from alphazero._core import GameRecord, Sampler
from alphazero.arena import records
from alphazero.config import load_config
from alphazero.errors import UserError
from alphazero.formats.game_text import GameText
from alphazero.training.lessons import learn, read_collection
from alphazero.training.run import train

GO = az.Game("go", board_size=5, komi=6.5, max_plies=40)
CONFIG = """
game: {name: go, options: {board_size: 5, komi: 6.5, max_plies: 40}}
network: {blocks: 1, channels: 8}
search: {simulations: 4}
selfplay: {games_in_flight: 8, batch_size: 8, threads: 1}
replay: {window_min: 100, min_positions: 50, chunk_games: 8, reuse: 2.0}
training: {batch_size: 32, learning_rate: 1.0e-2, warmup_steps: 2, budget_games: 120, checkpoint_every: 1000}
"""


def played(game: az.Game, seed: int) -> tuple[list[str], az.Position]:
    """A random game: its moves, and the position at its end or where it was cut."""
    position = game.position()
    draw = random.Random(seed)
    moves: list[str] = []
    while position.outcome is None and len(moves) < 300:
        moves.append(draw.choice(position.legal_moves()))
        position.play(moves[-1])
    return moves, position


def told(game: az.Game, seed: int, **more: object) -> GameText:
    moves, end = played(game, seed)
    value = 1 if end.outcome is None else end.outcome.value
    score = None if end.outcome is None else end.outcome.score
    reason = "resign" if end.outcome is None else end.outcome.reason
    return GameText("A", "B", moves=moves, value=value, score=score, reason=reason, game=game.name, number=seed, **more)


@pytest.mark.parametrize("name", ["chess", "shogi", "connect4", "minishogi"])
def test_a_game_of_others_teaches_its_moves_and_its_result(name):
    game = az.Game(name)
    sampler = Sampler(game)
    for seed in range(5):
        moves, end = played(game, seed)
        value = 1 if end.outcome is None else end.outcome.value
        record = GameRecord.of_game(game, moves, value, number=seed)
        assert record.moves(game) == moves
        assert (record.value, record.number, record.version) == (value, seed, 0)
        signs = np.where(record.turns(game) == 0, value, -value)
        assert record.root_values.tolist() == signs.tolist()
        position = game.position()
        for move, policy, kind in zip(moves, record.policies(game), record.kinds, strict=True):
            forced = len(position.legal_moves()) == 1
            assert (policy, kind) == (({}, 1) if forced else ({move: 1.0}, 3))
            position.play(move)
        assert record.reason == ("resign" if end.outcome is None else end.outcome.reason)
        assert GameRecord.from_bytes(record.to_bytes()).to_bytes() == record.to_bytes()
        assert sampler.add(record.to_bytes()) == record.searched_plies


def test_a_result_that_the_rules_do_not_find_counts_for_the_value_alone():
    agreed = GameRecord.of_game(GO, ["C3", "pass", "pass"], 1)
    assert (agreed.reason, agreed.score, agreed.to_the_end) == ("two_passes", 18.5, True)
    dead = GameRecord.of_game(GO, ["C3", "pass", "pass"], -1)  # as if the stone were dead
    assert (dead.reason, dead.score, dead.to_the_end, dead.value) == ("resign", None, False, -1)
    assert GameRecord.of_game(GO, ["C3", "pass", "pass", "C3"], 1).plies == 3  # a file may go on after the end
    assert GameRecord.of_game(GO, ["pass", "pass"], -1, start="komi=0.5").score == -0.5
    with pytest.raises(ValueError, match="C3"):
        GameRecord.of_game(GO, ["C3", "C3"], 1)
    with pytest.raises(ValueError, match="value must be -1, 0 or 1"):
        GameRecord.of_game(GO, ["C3"], 2)


@pytest.mark.parametrize(("name", "file"), [("chess", "games.pgn"), ("shogi", "games.csa")])
def test_a_collection_is_read_as_its_games_were_played(tmp_path, name, file):
    if name == "chess":
        pytest.importorskip("chess")
    game = az.Game(name)
    texts = [told(game, seed) for seed in range(4)]
    texts[2].value = None
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / file).write_text(records.joined(game, [records.write(game, each) for each in texts]))
    (tmp_path / "notes.txt").write_text("nothing to read here")
    found = read_collection([tmp_path], game)
    assert [record.moves(game) for record in found.records] == [texts[i].moves for i in (0, 1, 3)]
    assert [record.number for record in found.records] == [0, 1, 2]
    assert found.left_out == {"nobody is said to have won": 1}


def test_what_cannot_be_learned_from_is_counted_by_reason(tmp_path):
    (tmp_path / "1.sgf").write_text("(;GM[1]SZ[9]KM[7]RE[B+R];B[cc];W[dd])")
    (tmp_path / "2.sgf").write_text("(;GM[1]SZ[5]KM[6.5]RE[?];B[cc];W[dd])")
    (tmp_path / "3.sgf").write_text("(;GM[1]SZ[5]KM[6.5]RE[W+R];B[cc];W[cc])")
    (tmp_path / "4.sgf").write_text("no game")
    with pytest.raises(UserError, match=r"learn: no game of go to learn from \(1: "):
        read_collection([tmp_path], GO)
    # A game that is broken leaves the others of its file as they are.
    broken = "(;GM[1]SZ[5]KM[0.5]RE[W+R];B[zz9];W[dd])"
    (tmp_path / "5.sgf").write_text(broken + "(;GM[1]SZ[5]KM[0.5]RE[W+R];B[cc];W[dd])")
    found = read_collection([tmp_path], GO)
    assert [record.start for record in found.records] == ["komi=0.5"]
    assert found.left_out == {
        "another board than 5 x 5": 1,
        "games that cannot be read": 1,
        "moves that the rules do not allow": 1,
        "nobody is said to have won": 1,
        "files that cannot be read": 1,
    }
    with pytest.raises(UserError, match=r"games of go come in files \.sgf"):
        read_collection([tmp_path / "games.pgn"], GO)
    with pytest.raises(UserError, match="not for connect4"):
        read_collection([tmp_path], az.Game("connect4"))


def test_a_network_learns_what_was_played_and_the_run_goes_on_by_itself(tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text(CONFIG)
    config = load_config(file)
    for seed in range(40):  # the first move is always the same
        text = told(GO, seed)
        moves = ["C3", "B3", *text.moves]
        position = GO.position()
        for count, move in enumerate(moves):
            if move not in position.legal_moves():
                moves = moves[:count]
                break
            position.play(move)
        text.moves, text.value, text.reason = moves, 1, "resign"
        (tmp_path / f"{seed}.sgf").write_text(records.write(GO, text))
    games = read_collection([tmp_path], GO)
    assert len(games.records) == 40 and not games.left_out
    run = learn(config, tmp_path / "run", games, passes=8.0, device="cpu", out=io.StringIO())
    positions = sum(record.searched_plies for record in games.records)
    assert run.trainer.steps == round(8 * positions / 32)
    assert run.learner.due() == 0, "self-play pays for its own steps"
    player = az.load(tmp_path / "run", device="cpu")
    assert player.evaluate(GO.position()).priors["C3"] > 0.5
    assert player.evaluate(GO.position()).value > 0.5  # the first player won all of them

    again = learn(config, tmp_path / "run", games, passes=8.0, device="cpu", out=io.StringIO())
    assert again.trainer.steps == run.trainer.steps  # the same call has nothing left to do
    fewer = type(games)(games.records[:10], games.left_out)
    with pytest.raises(UserError, match="a run with other games is here"):
        learn(config, tmp_path / "run", fewer, passes=8.0, device="cpu", out=io.StringIO())

    later = train(config, tmp_path / "run", "cpu", io.StringIO())
    assert later.store.games >= 120 and later.trainer.steps > run.trainer.steps
    assert checkpoint.read_meta(checkpoint.resolve(tmp_path / "run"))["lessons"] == 40, "it is told ever after"


def test_what_was_killed_between_two_games_is_learned_from_once(tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text(CONFIG)
    config = load_config(file)
    for seed in range(12):
        (tmp_path / f"{seed:02}.sgf").write_text(records.write(GO, told(GO, seed)))
    games = read_collection([tmp_path], GO)
    half = type(games)(games.records[:5], games.left_out)
    learn(config, tmp_path / "run", half, passes=1e-9, device="cpu", out=io.StringIO())  # as if killed after five games
    run = learn(config, tmp_path / "run", games, passes=1.0, device="cpu", out=io.StringIO())
    assert run.store.games == 12
    assert run.store.positions == sum(record.searched_plies for record in games.records)


def test_the_command_tells_what_it_read_and_how_to_go_on(tmp_path, capsys):
    file = tmp_path / "config.yaml"
    file.write_text(CONFIG)
    (tmp_path / "one.sgf").write_text(records.write(GO, told(GO, 1)))
    (tmp_path / "two.sgf").write_text("(;GM[1]SZ[5]KM[6.5];B[cc])")
    arguments = ["learn", str(tmp_path), "--config", str(file), "--run", str(tmp_path / "run"), "--device", "cpu"]
    arguments += ["--set", "network.channels=4"]
    assert cli.main(arguments) == 0
    out, err = capsys.readouterr()
    assert f"alphazero train {file} --run {tmp_path / 'run'} network.channels=4\n" in out
    assert "1 games, " in err and "left out: 1 (nobody is said to have won)" in err
    assert cli.main([*arguments, "--passes", "0"]) != 0
    assert "--passes must be >= 0.001" in capsys.readouterr().err
