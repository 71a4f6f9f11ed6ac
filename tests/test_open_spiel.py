"""OpenSpiel's games through the adapter, held against pyspiel move by move, and the games that it refuses."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import alphazero as az
from alphazero.cli import main
from alphazero.errors import UserError
from alphazero.game import make
from alphazero.search import uniform_evaluator

pyspiel = pytest.importorskip("pyspiel", reason="needs OpenSpiel: pip install 'alphazero-engine[open_spiel]'")

from alphazero import open_spiel  # noqa: E402 - only where pyspiel is

# Two players, no chance, nothing hidden, zero-sum: all that OpenSpiel 2.0.2 has.
NAMES = (
    "amazons antichess breakthrough checkers chess chinese_checkers clobber connect_four crazyhouse cursor_go "
    "dots_and_boxes go gomoku havannah hex hive lines_of_action mancala mnk nim nine_mens_morris othello oware pentago "
    "quoridor shogi tic_tac_toe twixt ultimate_tic_tac_toe xiangqi y"
)
GAMES = NAMES.split()
# With a score, or made of another game.
VARIANTS = [
    "dots_and_boxes(utility_margin=True)", "go(board_size=5)", "misere(game=hex(board_size=3))",
    "start_at(game=tic_tac_toe(),history=0;4)", "zerosum(game=misere(game=tic_tac_toe()))",
]  # fmt: skip
# Games whose actions are cells of the observation, in its order, with so many kinds of moves of each.
ON_CELLS = {
    "amazons": 1, "go": 1, "gomoku": 1, "havannah": 1, "hex": 1, "mnk": 1, "othello": 1, "tic_tac_toe": 1, "y": 1,
    "breakthrough": 12, "checkers": 8, "clobber": 4,
}  # fmt: skip


def game_of(text, **options):
    return az.Game("open_spiel", game=text, **options)


def played_alike(name, games, most_plies):
    theirs, game = pyspiel.load_game(name), game_of(name)
    for seed in range(games):
        fault = open_spiel.compare(theirs, game, random.Random(f"{name} {seed}"), most_plies)
        assert fault == "", f"{name}, game {seed}: {fault}"


@pytest.mark.parametrize(
    ("name", "steps"),
    [("hex(board_size=4)", 1500), ("othello", 8000), ("dots_and_boxes", 1500), ("mancala", 1500), ("clobber", 1500)],
)
def test_a_walk_up_and_down_the_tree_finds_the_same_as_playing_anew(name, steps):
    """As a search walks: the states that are kept on the way are those of the moves that led to them.

    Othello's moves are dear, so a long walk keeps more states than a search of self-play does.
    """
    game, draws = game_of(name), random.Random(name)
    position, path = game.position(), []
    for _ in range(steps):
        moves = [] if position.outcome else position.legal_moves()
        if path and (not moves or draws.random() < 0.45):
            position.undo()
            path.pop()
        elif len(path) < 12 or draws.random() < 0.2:
            path.append(draws.choice(moves))
            position.play(path[-1])
        if draws.random() < 750 / steps:
            anew = game.position()
            for move in path:
                anew.play(move)
            assert (position.text, position.turn, position.ply) == (anew.text, anew.turn, anew.ply)
            assert bool(position.outcome) == bool(anew.outcome)
            assert np.array_equal(position.planes(), anew.planes())
            if position.outcome is None:
                assert position.legal_moves() == anew.legal_moves()


def test_what_is_kept_of_one_search_is_not_taken_for_the_next_one_s():
    """States are kept under the moves since the root, and the root moves on."""
    game = game_of("othello")
    search, position = az.Search(game, uniform_evaluator, kind="puct", reuse_tree=False), game.position()
    for _ in range(6):
        found = search.search(position, 300)
        fresh = az.Search(game, uniform_evaluator, kind="puct", reuse_tree=False).search(
            game.position(position.text), 300
        )
        assert [(m.move, m.visits, m.q) for m in found.moves] == [(m.move, m.visits, m.q) for m in fresh.moves]
        position.play(found.moves[1].move)


@pytest.mark.parametrize("name", GAMES + VARIANTS)
def test_random_games_are_those_of_pyspiel(name):
    """Player, legal moves, observation, end and returns at every ply."""
    played_alike(name, 2, 250)


@pytest.mark.slow
@pytest.mark.parametrize("name", GAMES)
def test_two_hundred_random_games_are_those_of_pyspiel(name):
    played_alike(name, 200, 20_000 if name not in ("chinese_checkers", "cursor_go") else 2_000)


def test_no_other_game_of_open_spiel_is_playable():
    playable = []
    for name in pyspiel.registered_names():
        try:
            game_of(name)
        except ValueError as error:
            assert str(error).startswith("open_spiel: ") and len(str(error)) < 700, name
        else:
            playable.append(name)
    assert sorted(playable) == sorted(GAMES)


@pytest.mark.parametrize(
    ("game", "said"),
    [
        ("backgammon", "chance"),
        ("phantom_ttt", "imperfect information"),
        ("goofspiel", "same time"),
        ("cursor_go(max_cursor_moves=0", "open_spiel"),
        ("chinese_checkers(players=3)", "3 players"),
        ("python_tic_tac_toe", "written in Python"),
        ("hexx", "has no game 'hexx'"),
        ("hex(board_size=two)", "board_size"),
        ("catch", "chance"),
        ("cliff_walking", "1 players"),
        ("mfg_crowd_modelling", "mean field"),
        ("mnk(m=200,n=100,k=5)", "20000 distinct actions"),
        # These have no start, nothing to play, or an end in a segmentation fault.
        *((f"hex(board_size={size})", "cannot be played here") for size in (1, 0, -1, -3, 65536, 100000)),
        ("hex(num_cols=1)", "there is no legal move (at ply 11)"),
        *((f"y(board_size={size})", "cannot be played here") for size in (0, -1, 65536)),
        ("clobber(rows=1,columns=1)", "end before the first move"),
        ("clobber(rows=0,columns=0)", "no actions"),
        ("clobber(rows=1)", "OpenSpiel asks that bases[i] > 1"),
        ("clobber(columns=40)", "OpenSpiel asks that columns_ <= 26 (here columns_ = 40, 26 = 26)"),
        ("checkers(rows=6,columns=6)", "over at its start"),
        ("connect_four(rows=0)", "end before the first move"),
        ("connect_four(columns=-3,rows=-3,x_in_row=-3)", "no actions"),
        ("havannah(board_size=-1)", "its observation is empty"),
        ("quoridor(players=0)", "0 players"),
        ("go(max_game_length=0)", "end before the first move"),
        ("go(board_size=40)", "OpenSpiel refuses it: The current Go implementation supports board size up to 19"),
        ("go(board_size=1)", "OpenSpiel refuses it: unsupported board size"),
        ("amazons(board_size=1)", "OpenSpiel asks that board_size_ == 6 || board_size_ == 8 || board_size_ == 10"),
        ("gomoku(connect=-3)", "its parameters make no game"),
        ("hive(board_size=40)", "OpenSpiel asks that size() == values_.size()"),
        ("chess(chess960=True)", "it has chance, which this search does not model (at its start)"),
        ("misere(game=crazyhouse(chess960=True))", "it has chance"),
        ("add_noise(game=tic_tac_toe(),epsilon=0.5,seed=1)", "drawn at random"),
        ("misere(game=add_noise(game=tic_tac_toe(),epsilon=0.5,seed=1))", "drawn at random"),
        # OpenSpiel's own words for these are none, or 120 lines.
        ("misere(game=hexx())", "'misere(game=hexx())' cannot be played here: OpenSpiel has no game 'hexx'"),
        ("misere", "it needs the parameter 'game'"),
        ("zerosum(game=misere())", "misere needs the parameter 'game'"),
        ("nfg_game", "it needs the parameter 'filename'"),
        ("efg_game", "it needs the parameter 'filename'"),
        ("efg_game(filename=/nowhere)", "there is no file '/nowhere'"),
        ("zerosum(game=nfg_game(filename=/))", "there is no file '/'"),
        ("misere(game=hex)", "Wrong type for parameter game"),
        ("hex(board_size=5", "its parameters cannot be read: Missing closing bracket"),
        ("hex(board_size=99999999999999)", "its parameters cannot be read"),
        ("hex(bord_size=5)", "Unknown parameter 'bord_size'. Available parameters are: board_size"),
        ("hex(string_rep=" + 1000 * "é" + ")", "Invalid string_rep"),
    ],
)
def test_what_cannot_be_played_is_refused_with_the_reason(game, said, capfd):
    """In one line that names the game, whatever OpenSpiel says or does; exit 2, and nothing else on the terminal."""
    with pytest.raises(ValueError, match=r"^open_spiel: '") as refused:
        game_of(game)
    line = str(refused.value)
    assert said in line and f"'{game[:60]}" in line and "\ufffd" not in line and "\n" not in line and len(line) < 700
    capfd.readouterr()
    assert main(["perft", "open_spiel", "1", "--option", f"game={game}"]) == 2
    out, err = capfd.readouterr()
    told = [each for each in err.splitlines() if not each.startswith("Warning! The implementation of 'quoridor'")]
    assert out == "" and told == [f"alphazero: {line}"]


@pytest.mark.parametrize("game", ["", "(", ")", "hex(board_size=\n\x1b[31m)", "\n", "x" * 100_000, "="])
def test_texts_that_name_no_game_get_a_line(game):
    with pytest.raises(ValueError, match=r"^open_spiel: '.*' cannot be played here: ") as refused:
        game_of(game)
    assert str(refused.value).isprintable() and len(str(refused.value)) < 700


def test_a_game_that_is_not_zero_sum_is_refused(tmp_path):
    """OpenSpiel 2.0.2 has none of the other properties that we ask for; a file of Gambit's format makes one."""
    file = tmp_path / "stag.efg"
    tree = [
        'p "" 1 1 "" { "a" "b" } 0',
        't "" 1 "" { 2 2 }',
        'p "" 2 1 "" { "c" "d" } 0',
        't "" 2 "" { 3 0 }',
        't "" 3 "" { 1 1 }',
    ]
    file.write_text("\n".join(['EFG 2 R "stag" { "one" "two" } ""', *tree, ""]))
    with pytest.raises(ValueError, match="cannot be played here: it is not zero-sum"):
        game_of(f"efg_game(filename={file})")


IN_PYTHON = """
import os
import pyspiel
import alphazero as az

def made(name, game):
    kind = pyspiel.GameType(
        name, name, pyspiel.GameType.Dynamics.SEQUENTIAL, pyspiel.GameType.ChanceMode.DETERMINISTIC,
        pyspiel.GameType.Information.PERFECT_INFORMATION, pyspiel.GameType.Utility.ZERO_SUM,
        pyspiel.GameType.RewardModel.TERMINAL, 2, 2, True, False, True, True, {})
    info = pyspiel.GameInfo(9, 0, 2, -1.0, 1.0, 0.0, 9)
    pyspiel.register_game(kind, lambda params=None: game(kind, info, params or {}))

class Mine(pyspiel.Game):
    def new_initial_state(self, state=None):
        return pyspiel.load_game("tic_tac_toe").new_initial_state()

class MyOwn(Mine):
    pass

made("my_ttt", Mine)
made("another", MyOwn)
made("alias", lambda kind, info, params: pyspiel.load_game("tic_tac_toe"))
import open_spiel.python.games.tic_tac_toe
for name in ("my_ttt", "my_ttt()", "another", "misere(game=my_ttt())", "zerosum(game=misere(game=another()))",
             "start_at(game=my_ttt(),history=0;1)", "python_tic_tac_toe", "misere(game=python_tic_tac_toe())"):
    try:
        print(name, az.load("mcts:50", game=az.Game("open_spiel", game=name)))
    except ValueError as error:
        print(error)
print(az.Game("open_spiel", game="alias").options["game"], flush=True)
os._exit(0)  # pyspiel aborts at Python's end: it frees what was registered too late
"""


def test_games_written_in_python_are_refused_whatever_they_are_called():
    """Also where another game is made of them. Registered in a process of their own: they stay to its end."""
    said = subprocess.run([sys.executable, "-c", IN_PYTHON], capture_output=True, text=True)
    assert said.returncode == 0, said.stderr[-1000:]
    *refusals, alias = said.stdout.splitlines()
    reason = "cannot be played here: it is written in Python, which a search in C++ cannot wait for"
    assert len(refusals) == 8 and all(line.endswith(reason) for line in refusals), refusals
    assert alias == "tic_tac_toe"  # a name that Python gave to a game in C++


def test_a_position_without_moves_that_is_no_end_raises():
    """A fault of the game: Hex of one column ends for nobody. A search would choose among no moves."""
    game = game_of("hex(num_cols=1,num_rows=1100)")
    position = game.position()
    for _ in range(1100):
        assert position.outcome is None
        position.play(position.legal_moves()[0])
    with pytest.raises(ValueError, match="is not over at ply 1100, and has no legal move there"):
        position.legal_moves()


def test_the_documentation_lists_all_games_for_two_that_are_refused():
    """The rows of its table: `python -c 'from alphazero import open_spiel; print(open_spiel.refused())'`."""
    names = {}
    for name, reason in open_spiel.refused().items():
        names.setdefault(reason, []).append(name)
    documentation = (Path(__file__).parents[1] / "docs" / "open_spiel.md").read_text()
    for reason, every in names.items():
        assert f"| {reason} | {', '.join(sorted(every))} |" in documentation


def test_the_option_game_is_needed_and_named():
    with pytest.raises(ValueError, match=r"option 'game' is needed.*hex\(board_size=5\)"):
        az.Game("open_spiel")
    with pytest.raises(ValueError, match="unknown option 'board_size'; options are: game, max_plies"):
        game_of("hex", board_size=5)


@pytest.mark.parametrize("name", ["hex(board_size=5)", "othello", "mancala", "dots_and_boxes", "hive"])
def test_texts_moves_and_undo_give_positions_back(name):
    game = game_of(name)
    assert make("open_spiel", game.options) == game
    position = game.position()
    texts = [(position.text, position.key, position.turn)]
    for move in position.random_playout(5)[1][:60]:
        position.play(move)
        texts.append((position.text, position.key, position.turn))
        again = game.position(position.text)
        assert (again.key, again.turn, again.ply, again.diagram) == (
            position.key,
            position.turn,
            position.ply,
            position.diagram,
        )
    while len(texts) > 1:
        assert (position.text, position.key, position.turn) == texts.pop()
        position.undo()


@pytest.mark.parametrize("name", sorted(ON_CELLS))
def test_policy_indices_lie_on_the_cells_that_a_move_changes(name):
    """The head of these games is a convolution: index = kind * cells + cell, of a cell that looks different after the move."""
    game = game_of(name)
    _, height, width = game.planes_shape
    cells = height * width
    assert not game.dense_policy and game.policy_size in (ON_CELLS[name] * cells, ON_CELLS[name] * cells + 1)
    for seed in range(3):
        position = game.position()
        for move in position.random_playout(seed)[1][:40]:
            index = position.policy_indices()[position.legal_moves().index(move)]
            player = position.turn
            before = open_spiel_observation(position, player)
            position.play(move)
            after = open_spiel_observation(position, player)
            if index == ON_CELLS[name] * cells:
                assert move.lower().endswith("pass") or move.lower() == "pass"
                continue
            if name == "havannah" and position.ply == 2:  # the swap
                continue
            assert (before != after)[:, index % cells].any(), (move, index)


def open_spiel_observation(position, player):
    """[C, cells] of a fixed player's view."""
    state = pyspiel.load_game(position.game.options["game"]).new_initial_state()
    for move in position.text.split():
        state.apply_action(
            next(a for a in state.legal_actions() if state.action_to_string(a).replace(" ", "_") == move)
        )
    planes, height, width = position.game.planes_shape
    return np.array(state.observation_tensor(player)).reshape(planes - 1, height * width)


def minimax(state, depth):
    """(value for player 0 with perfect play, or None where that lies beyond `depth`)"""
    if state.is_terminal():
        return state.returns()[0]
    if depth == 0:
        return None
    player = state.current_player()
    values = [minimax(state.child(a), depth - 1) for a in state.legal_actions()]
    best = 1.0 if player == 0 else -1.0
    if best in values:
        return best
    if None in values:
        return None
    return max(values) if player == 0 else min(values)


@pytest.mark.parametrize("kind", ["puct", "gumbel"])
@pytest.mark.parametrize("name", ["dots_and_boxes", "mancala", "ultimate_tic_tac_toe", "tic_tac_toe", "oware"])
def test_proofs_and_values_are_minimax_where_a_player_moves_twice(name, kind):
    """Near the end of random games the search proves what minimax says: a wrong sign after a second move in a row would not."""
    game, theirs = game_of(name), pyspiel.load_game(name)
    solved = 0
    for seed in range(12 if name.startswith("ultimate") else 40):
        position = game.position()
        moves = position.random_playout(seed)[1]
        state = theirs.new_initial_state()
        for move in moves[: max(0, len(moves) - 5)]:
            player = state.current_player()
            state.apply_action(
                next(a for a in state.legal_actions() if state.action_to_string(player, a).replace(" ", "_") == move)
            )
            position.play(move)
        value = minimax(state, 5)
        if value is None:
            continue
        search = az.Search(game, uniform_evaluator, kind=kind)
        found = search.search(position, 3000)
        own = value if state.current_player() == 0 else -value
        if kind == "puct":  # goes on until it is proven
            assert found.value == own, (name, seed)
        else:
            assert found.value * own > 0.3 or (own == 0 and abs(found.value) < 0.5), (name, seed)
        solved += 1
    assert solved >= 4


@pytest.mark.parametrize("name", ["dots_and_boxes", "mancala"])
def test_a_shared_tree_and_a_kept_one_know_who_moves_again(name):
    """Several threads in a tree, and the subtree kept after a move, find the values that a tree of their own finds."""
    game = game_of(name)
    decided = 0
    for seed in range(4):
        position = game.position()
        for move in position.random_playout(seed)[1][:-5]:
            position.play(move)
        kept, shared = az.Search(game, uniform_evaluator), az.load("mcts:4000", game=game)
        shared.set_threads(2)
        while position.outcome is None:
            fresh = az.Search(game, uniform_evaluator).search(position, 4000)
            found = kept.search(position, 4000)
            assert found.value == fresh.value and abs(fresh.value) in (0.0, 1.0)  # proven
            assert shared.search(position).value == pytest.approx(fresh.value, abs=0.1)
            decided += fresh.value != 0.0
            position.play(found.best_move)
    assert decided > 0


def test_self_play_records_who_moved_and_trains_from_it(tmp_path):
    game = game_of("dots_and_boxes")
    evaluator = lambda planes: (np.zeros((len(planes), 12), np.float32), np.zeros(len(planes), np.float32))  # noqa: E731
    records = list(az.self_play(game, evaluator, games=8, simulations=16, seed=2))
    again = 0
    for record in records:
        turns, position = record.turns(game).tolist(), game.position()
        for move, turn in zip(record.moves(game), turns, strict=True):
            assert position.turn == turn
            position.play(move)
        assert position.outcome.value == record.value
        again += sum(a == b for a, b in pairwise(turns))
    assert again > 0


TINY = """
game: {name: open_spiel, options: {game: "hex(board_size=3)"}}
network: {blocks: 1, channels: 8}
search: {simulations: 4}
selfplay: {games_in_flight: 8, batch_size: 8}
replay: {window_min: 500, min_positions: 60, chunk_games: 8}
training: {batch_size: 16, warmup_steps: 2, budget_games: 16}
rating: {checkpoints: 2, games: 2, simulations: 2, opponents: [random]}
"""


def test_a_run_trains_resumes_is_rated_and_plays(tmp_path, capsys):
    config = tmp_path / "hex.yaml"
    config.write_text(TINY)
    run = tmp_path / "run"
    assert main(["train", str(config), "--run", str(run)]) == 0
    assert main(["train", str(config), "--run", str(run), "training.budget_games=24"]) == 0
    assert main(["match", str(run), "mcts:20", "--games", "2"]) == 0
    assert main(["info", str(run)]) == 0
    assert "hex(board_size=3)" in capsys.readouterr().out
    player = az.load(run)
    assert player.search(player.game.position(), 20).best_move in player.game.position().legal_moves()


def test_commands_take_the_game_and_its_option(capsys):
    assert main(["perft", "open_spiel", "2", "--option", "game=hex(board_size=5)"]) == 0
    assert capsys.readouterr().out.startswith("600 nodes")
    assert main(["perft", "open_spiel", "2", "--option", "game=hexx"]) == 2
    assert "has no game 'hexx'" in capsys.readouterr().err


def test_an_unknown_game_gets_a_list_of_all_that_can_be_named(monkeypatch):
    """Also where OpenSpiel's games were not loaded yet, and those of packages."""
    monkeypatch.setattr("alphazero.game.from_outside", lambda: ["hasami", "open_spiel"])
    with pytest.raises(UserError, match=r"^unknown game 'xyzzy'; games are: 'chess', ") as refused:
        make("xyzzy")
    assert "'hasami', 'open_spiel' (option game says which), 'python' (option rules says which); " in str(refused.value)


def test_pyspiel_is_imported_for_its_games_alone():
    script = (
        "import sys, alphazero as az; az.Game('connect4').position(); az.games();"
        "assert 'pyspiel' not in sys.modules;"
        "az.Game('open_spiel', game='tic_tac_toe'); assert 'pyspiel' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_without_a_compiler_or_open_spiel_there_is_one_clear_line(tmp_path):
    script = "import alphazero as az; az.Game('open_spiel', game='hex')"
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path), "PATH": "/nonexistent"}
    environment.pop("CXX", None)
    said = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
    assert said.returncode == 1 and "a C++20 compiler is needed once" in said.stderr.splitlines()[-1]
    hidden = "import sys; sys.modules['pyspiel'] = None; " + script
    said = subprocess.run([sys.executable, "-c", hidden], env=environment, capture_output=True, text=True)
    assert "pip install 'alphazero-engine[open_spiel]'" in said.stderr.splitlines()[-1]


def test_an_adapter_that_plays_otherwise_is_refused(monkeypatch):
    game_of("tic_tac_toe")
    monkeypatch.setattr(open_spiel, "_count", lambda state, depth: 7)
    with pytest.raises(UserError, match=r"does not play as OpenSpiel .* does .*counts of positions"):
        open_spiel.check(pyspiel)


class Retold:
    """A game, or a position, whose outcomes are told otherwise."""

    def __init__(self, of, retell):
        self._of, self._retell = of, retell

    def __getattr__(self, name):
        return getattr(self._of, name)

    def position(self):
        return Retold(self._of.position(), self._retell)

    @property
    def outcome(self):
        return self._of.outcome and self._retell(self._of.outcome)


@pytest.mark.parametrize(
    ("name", "retell"),
    [
        ("dots_and_boxes(utility_margin=True)", lambda end: (end.value, end.score * 2)),
        ("dots_and_boxes(utility_margin=True)", lambda end: (end.value, -end.score)),
        ("dots_and_boxes(utility_margin=True)", lambda end: (-end.value, end.score)),
        ("dots_and_boxes(utility_margin=True)", lambda end: (end.value, None)),
        ("tic_tac_toe", lambda end: (end.value, 0.5 * end.value)),
        ("tic_tac_toe", lambda end: (-end.value, None)),
    ],
)
def test_a_wrong_result_is_a_difference(name, retell):
    """The returns are compared, not their sign alone: the score of a won game counts."""

    def end(outcome):
        value, score = retell(outcome)
        return SimpleNamespace(value=value, score=score, reason=outcome.reason)

    theirs, game = pyspiel.load_game(name), game_of(name)
    decided = 0
    for seed in range(10):
        assert open_spiel.compare(theirs, game, random.Random(seed), 100) == ""
        decided += "the returns [" in open_spiel.compare(theirs, Retold(game, end), random.Random(seed), 100)
    assert decided > 3  # of a draw and of a margin of one there is no wrong half or double


def test_the_adapters_used_last_are_kept(tmp_path, monkeypatch):
    """Others, and what compilations left that were killed, go when one is compiled."""
    stamps = iter(["0", "new", "new"])
    monkeypatch.setattr(open_spiel, "cache_folder", lambda: tmp_path)
    monkeypatch.setattr(open_spiel, "_stamp", lambda pyspiel, compiler: next(stamps))
    monkeypatch.setattr(open_spiel, "_compile", lambda pyspiel, compiler, path: path.touch())
    folder = tmp_path / open_spiel.NAME
    folder.mkdir()
    for number in range(6):
        path = folder / f"adapter-{number}.so"
        path.touch()
        os.utime(path, (number, number))
    (folder / "adapter-9.tmp").touch()
    (folder / "adapter-9.cpp").touch()
    assert open_spiel.library(pyspiel) == folder / "adapter-0.so" and len(list(folder.iterdir())) == 8
    assert open_spiel.library(pyspiel) == folder / "adapter-new.so"
    assert {path.name for path in folder.iterdir()} == {
        "lock",
        *(f"adapter-{name}.so" for name in ("0", "4", "5", "new")),
    }
    assert open_spiel.library(pyspiel).exists()


def test_a_python_without_a_wheel_is_told_so(monkeypatch):
    """There the extra installs nothing: to install it again helps nobody."""
    monkeypatch.setitem(sys.modules, "pyspiel", None)
    monkeypatch.setattr(open_spiel, "PYTHONS", ((3, 1), (3, 2)))
    with pytest.raises(UserError, match=r"OpenSpiel has wheels for Python 3\.1 to 3\.2, and this is Python 3\."):
        open_spiel._pyspiel()


def test_long_games_are_drawn_at_max_plies():
    game = game_of("chess", max_plies=10)
    moves = game.position().random_playout(1)[1]
    position = game.position(" ".join(moves))
    assert len(moves) == 10 and position.outcome.value == 0 and position.outcome.reason == "max_plies"
