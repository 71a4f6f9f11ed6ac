"""The USI engine: recorded dialogues, wrong input, cshogi as a real client; USI and XBoard engines in matches; CSA."""

from __future__ import annotations

import shutil
import sys
import time

import pytest
from dialogue import fields
from game_texts import text_of
from playing import play

import alphazero as az
from alphazero.arena.clocked import TimeControl
from alphazero.arena.match import Pairing, entrant
from alphazero.errors import UserError
from alphazero.formats import csa
from alphazero.protocols.client import EngineSpec, XboardClient
from alphazero.protocols.usi import centipawns

MATE = "7nk/9/8G/9/9/9/9/9/K8 b G2P 1"
DECLARED = "2GGKSS2/2RB1SS2/3N1N3/9/9/9/9/9/4k4 b 11P 1"
MATED = "7nk/8G/8G/9/9/9/9/9/K8 w - 1"
REPEATED = " ".join(["2h3h", "8b7b", "3h2h", "7b8b"] * 3)


def test_the_handshake_lists_the_options(usi):
    d = usi()
    d.send("usi")
    lines = d.until("usiok")
    names = {line.split(" type ")[0].removeprefix("option name ") for line in lines if line.startswith("option")}
    assert {
        "USI_Hash",
        "USI_Ponder",
        "MultiPV",
        "WeightsFile",
        "Threads",
        "Byoyomi_Margin",
        "Resign_Threshold",
    } <= names
    assert lines[0].startswith("id name alphazero")
    assert not any(" " in name for name in names), "USI options are single words"


def test_go_reports_as_shogi_guis_read_it(usi):
    d = usi()
    d.send("position startpos moves 7g7f 3c3d", "go nodes 200")
    *infos, best = d.until("bestmove")
    last = fields(infos[-1])
    assert last["nodes"] == "200" and last["score"].startswith("cp ") and "hashfull" in last and "nps" in last
    assert last["pv"].split()[0] == best.split()[1]
    assert best.split()[2:3] in ([], ["ponder"])


def test_a_mate_is_scored_in_plies(usi):
    d = usi()
    d.send(f"position sfen {MATE}", "go nodes 100")
    *infos, best = d.until("bestmove")
    assert fields(infos[-1])["score"] == "mate 1" and best.split()[1] == "G*1b"


def test_byoyomi_is_used_and_kept(usi):
    d = usi()
    d.send("position startpos")
    begin = time.monotonic()
    d.send("go btime 0 wtime 0 byoyomi 600")
    d.until("bestmove")
    assert 0.3 < time.monotonic() - begin < 0.6
    d.send("setoption name Byoyomi_Margin value 400")
    begin = time.monotonic()
    d.send("go btime 0 wtime 0 byoyomi 600")
    d.until("bestmove")
    assert time.monotonic() - begin < 0.4


def test_each_side_looks_at_its_own_clock(usi):
    d = usi()
    for moves, mine in [("", "btime"), ("moves 7g7f", "wtime")]:
        other = "wtime" if mine == "btime" else "btime"
        d.send(f"position startpos {moves}")
        begin = time.monotonic()
        d.send(f"go {mine} 1000 {other} 900000")
        d.until("bestmove")
        assert time.monotonic() - begin < 1.0


def test_ponderhit_and_stop_end_pondering(usi):
    d = usi()
    d.send("position startpos moves 7g7f 3c3d", "go ponder btime 1000 wtime 1000 byoyomi 100")
    time.sleep(0.2)
    assert not any(line.startswith("bestmove") for line in list(d.out.queue))
    d.send("ponderhit")
    d.until("bestmove", 2.0)
    d.send("go ponder btime 60000 wtime 60000")
    d.send("stop")
    d.until("bestmove", 1.0)


def test_clocks_told_with_ponderhit_hold(usi):
    """ShogiHome's early pondering: `go ponder` has no times yet. They are those of the side to move."""
    d = usi()
    d.send("position startpos moves 7g7f 3c3d", "go ponder")
    time.sleep(0.2)
    begin = time.monotonic()
    d.send("ponderhit btime 0 wtime 900000 byoyomi 400")
    d.until("bestmove", 2.0)
    assert 0.1 < time.monotonic() - begin < 0.5


def test_a_declaration_wins_and_a_mated_side_resigns(usi):
    d = usi()
    d.send(f"position sfen {DECLARED}", "go byoyomi 100")
    assert d.until("bestmove") == ["bestmove win"]
    d.send(f"position sfen {MATED}", "go byoyomi 100")
    assert d.until("bestmove") == ["bestmove resign"]


def test_a_declaration_found_while_pondering_waits_for_the_opponent(usi):
    d = usi()
    d.send(f"position sfen {DECLARED}", "go ponder btime 1000 wtime 1000")
    time.sleep(0.1)
    assert d.out.empty()
    d.send("ponderhit")
    assert d.until("bestmove") == ["bestmove win"]


def test_it_resigns_below_the_threshold_only(usi):
    d = usi()
    lost = "7nk/9/8G/9/9/9/9/9/K8 w 2R2B3G4S3N4L18P 1"
    d.send(f"position sfen {lost}", "go nodes 400")
    assert d.until("bestmove")[-1] != "bestmove resign"
    d.send("setoption name Resign_Threshold value 450", f"position sfen {lost}", "go nodes 400")
    assert d.until("bestmove")[-1] == "bestmove resign"


def test_go_mate_answers_with_the_line_or_says_why_not(usi):
    d = usi()
    d.send(f"position sfen {MATE}", "go mate 2000")
    assert d.until("checkmate")[-1] == "checkmate G*1b"
    d.send("position startpos", "go mate 200")
    assert d.until("checkmate")[-1] == "checkmate timeout"
    d.send(f"position sfen {MATED}", "go mate infinite")
    assert d.until("checkmate")[-1] == "checkmate nomate"
    d.send("go mate soon")
    *said, answer = d.until("checkmate")
    assert "go mate MILLISECONDS" in said[-1] and answer == "checkmate timeout"


def test_a_repeated_position_is_played_on(usi):
    d = usi()
    d.send(f"position startpos moves {REPEATED}", "go nodes 20")
    assert d.until("bestmove")[-1].split()[1] in az.Game("shogi").position().legal_moves()


@pytest.mark.parametrize("option", ["MaxMovesToDraw value 2", "MaxMovesToDraw value 0", "USI_Hash value 32"])
def test_an_option_that_ends_the_position_by_its_rules_leaves_it_to_be_played_on(usi, option):
    d = usi()
    after = az.Game("shogi").position()
    for move in ("7g7f", "3c3d", "2g2f"):
        after.play(move)
    d.send("position startpos moves 7g7f 3c3d 2g2f", f"setoption name {option}", "d", "go nodes 20")
    assert d.until("sfen")[-1] == f"sfen {after.text}"
    assert d.until("bestmove")[-1].split()[1] in after.legal_moves()


@pytest.mark.parametrize(("given", "taken"), [("500", 256), ("-1", 1), ("1e9", 256), ("257", 256), ("256", 256)])
def test_multipv_takes_the_nearest_number_of_lines_and_usi_says_so_too(usi, given, taken):
    d = usi()
    d.send(f"setoption name MultiPV value {given}", "isready")
    said = d.until("readyok")[:-1]
    assert d.engine.multi_pv == taken
    assert said == (
        [] if given == "256" else [f"info string MultiPV must be in 1..256: {taken} is taken for {int(float(given))}"]
    )


def test_gameover_and_usinewgame_leave_a_live_engine(usi):
    d = usi()
    d.send("position startpos", "go infinite", "gameover lose")
    d.until("bestmove")
    d.send("usinewgame", "isready")
    assert d.until("readyok") == ["readyok"]


def test_minishogi_speaks_usi_too(usi):
    d = usi("minishogi")
    d.send("usi")
    assert any("UCI_Variant" in line for line in d.until("usiok"))
    d.send("position startpos moves 4e4d", "go nodes 50")
    position = az.Game("minishogi").position()
    position.play("4e4d")
    assert d.until("bestmove")[-1].split()[1] in position.legal_moves()


WRONG = [
    ("position startpos moves 7g7e", "7g7e"),
    ("position sfen 9/9 b - 1", "placement"),
    ("position fen x", "sfen"),
    ("setoption name USI_Hash value many", "USI_Hash"),
    ("setoption name Nonsense value 1", "Nonsense"),
    ("setoption name WeightsFile value /nowhere/at/all", "/nowhere/at/all"),
    ("\x00\x07garbage", "unknown command"),
]


def test_wrong_input_gets_one_line_and_leaves_the_engine_alive(usi):
    d = usi()
    d.send("position startpos moves 7g7f")
    for line, named in WRONG:
        d.refuses(line, named)
    d.send("d")
    d.until("sfen")


def test_centipawns_are_the_odds_on_the_customary_scale():
    assert centipawns(0.0) == 0 and centipawns(0.5) == 659 and centipawns(-0.5) == -659
    assert centipawns(1.0) == 9999 and centipawns(-1.0) == -9999


def test_cshogi_plays_with_the_engine(tmp_path):
    cshogi = pytest.importorskip("cshogi", reason="cshogi is the client; it comes with the extra 'test'")
    from cshogi.usi import Engine

    script = tmp_path / "engine.sh"  # its client starts a program without arguments
    script.write_text(f"#!/bin/sh\nexec '{sys.executable}' -m alphazero usi\n")
    script.chmod(0o755)
    engine = Engine(str(script))
    engine.isready()
    engine.usinewgame()
    board = cshogi.Board()
    moves: list[str] = []
    for _ in range(8):
        engine.position(moves)
        move, _ = engine.go(btime=0, wtime=0, byoyomi=150)
        assert move in {cshogi.move_to_usi(legal) for legal in board.legal_moves}
        board.push_usi(move)
        moves.append(move)
    engine.quit()


# --- matches with programs outside ---


def one_game(game: az.Game, spec: str, tc: TimeControl | None = None, opening: str = ""):
    games = []
    entrants = [entrant(spec, game, "cpu", {}), entrant("random", game, "cpu", {})]
    play(game, entrants, {0: Pairing(0, 1, opening, 0)}, lambda number, played: games.append(played), time_control=tc)
    return games[0]


def program(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/games")
    if found is None:
        pytest.skip(f"{name} is not installed (Debian: apt install {name})")
    return found


def test_our_engine_plays_a_match_over_usi_with_byoyomi():
    game = az.Game("minishogi")
    played = one_game(game, f"usi:{sys.executable} -m alphazero usi --game minishogi", TimeControl.parse("0b0.2"))
    assert played.termination == "normal" and played.plies > 0


def test_fairy_stockfish_plays_shogi_and_minishogi():
    command = program("fairy-stockfish")
    for name in ("shogi", "minishogi"):
        played = one_game(az.Game(name), f"usi:{command}{{nodes=200}}")
        assert (played.termination, played.value) == ("normal", 1), played.note


def test_gnushogi_plays_over_its_old_xboard_protocol():
    played = one_game(az.Game("shogi"), f"xboard:{program('gnushogi')} -X -a{{depth=1}}")
    assert played.termination in ("normal", "resignation") and played.value == 1, played.note


def test_an_old_xboard_engine_cannot_begin_elsewhere():
    command = program("gnushogi")
    with pytest.raises(UserError, match="--opening-plies 0"):
        one_game(az.Game("shogi"), f"xboard:{command} -X -a{{depth=1}}", opening=MATE)


XBOARD = """
import sys
for line in sys.stdin:
    words = line.split()
    if words[:1] == ["protover"]:
        print('feature myname="Double" usermove=1 setboard=1 variants="normal,nocastle" done=1')
    elif words[:1] == ["go"]:
        print("move e2e4")
    elif words[:1] == ["usermove"]:
        print({"e7e5": "move g1f3", "a7a6": "0-1 {White resigns}", "b7b6": "Illegal move: b7b6"}.get(words[1], "thinking"))
    elif words[:1] == ["quit"]:
        break
    sys.stdout.flush()
"""


def test_a_modern_xboard_engine_is_understood(tmp_path):
    script = tmp_path / "double.py"
    script.write_text(XBOARD)
    spec = EngineSpec.parse(f"xboard:{sys.executable} {script}")
    with XboardClient(spec) as client:
        assert client.name == "Double"
        client.set_game(az.Game("chess"))
        with pytest.raises(UserError, match="does not play fischerandom"):
            client.set_game(az.Game("chess", chess960=True))
        for reply, expected in [("e7e5", "g1f3"), ("a7a6", "resign")]:
            client.new_game()
            assert client.play("", [], {}, 5.0).move == "e2e4"
            assert client.play("", ["e2e4", reply], {}, 5.0).move == expected


def test_a_time_control_with_byoyomi_is_read_and_only_usi_knows_it():
    assert TimeControl.parse("60b5") == TimeControl(60.0, byoyomi=5.0)
    assert str(TimeControl.parse("0b0.5")) == "0b0.5"
    with pytest.raises(UserError, match="60b5"):
        TimeControl.parse("0b0")
    with pytest.raises(UserError, match="byo-yomi"):
        entrants = [
            entrant("uci:stockfish", az.Game("chess"), "cpu", {}),
            entrant("random", az.Game("chess"), "cpu", {}),
        ]
        play(az.Game("chess"), entrants, {0: Pairing(0, 1, "", 0)}, print, time_control=TimeControl.parse("0b1"))


# --- CSA ---


def test_csa_is_read_back_by_cshogi(tmp_path):
    cshogi = pytest.importorskip("cshogi", reason="cshogi is the reader; it comes with the extra 'test'")
    from cshogi import CSA

    game = az.Game("shogi")
    start = "7nk/9/8G/9/9/2p6/2P6/3B5/K8 b GRr2P3p 1"
    for where, moves, value, reason, ending in [
        ("", ["7g7f", "3c3d", "8h2b+", "3a2b", "B*4e"], 0, "max_plies", "%JISHOGI"),
        (start, ["G*1b"], 1, "checkmate", "%TORYO"),
        (start, ["7g7f"], 1, "resignation", "%TORYO"),
    ]:
        position = game.position(where) if where else game.position()
        for move in moves:
            position.play(move)
        text = text_of(csa.write, moves, white="us", black="them", value=value, reason=reason, start=where)
        file = tmp_path / "game.csa"
        file.write_text(text)
        parser = CSA.Parser.parse_file(str(file))[0]
        board = cshogi.Board(parser.sfen)
        assert [cshogi.move_to_usi(move) for move in parser.moves] == moves
        for move in parser.moves:
            board.push(move)
        assert board.sfen().split()[:3] == position.text.split()[:3]
        assert parser.endgame == ending and parser.names == ["us", "them"]


def test_a_go_that_cannot_be_read_is_quoted_no_longer_than_can_be_read(usi):
    d = usi()
    d.send("position startpos", "go mate " + "x" * 100_000)
    said = d.until("checkmate timeout")
    assert [line for line in said if line.startswith("info string error: go: ")]
    assert max(map(len, said)) < 1100
