"""An engine for the tests: plays any legal move by UCI, USI or GTP, and misbehaves when it is told to.

    python engine_double.py PROTOCOL GAME BEHAVIOUR [AFTER] [FLAG]

BEHAVIOUR, from its move number AFTER (0) of a process on: play, resign, leave (resigns and ends), crash, hang, cheat, slow (0.6 s a move), flood (writes
without end and never a move), babble (nonsense around good answers), half (GTP: an answer without its end, and gone), spawn
(has a child that would run on for ever, in a session of its own, whose number it appends to FLAG), or a key of SAYS, whose
bytes it writes before each good answer, or say (the content of the file FLAG as its move), or fischer (GTP: knows
kata-time_settings). At the start: die, silent, refuse (GTP's boardsize), deaf (ignores quit and SIGTERM). With
a FLAG, the name of a file, only the process that finds no such file misbehaves: it makes it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import alphazero as az

SAYS = {
    "tenth": b"info depth 9 multipv 1 score cp 20\ninfo depth 9 multipv 10 score cp -900 pv a2a3\n",
    "text": b"info depth 9 score cp 20\ninfo string multipv 1 score cp -900\n",
    "bound": b"info depth 9 score cp 20\ninfo depth 10 score cp -900 upperbound\n",
    "lost": b"info depth 9 multipv 1 score cp -950\n",
    "infinite": b"info depth 1 score cp inf\ninfo depth 1 score cp nan\ninfo depth 1 score mate inf\n",
    "digits": "info depth ² score cp ² nodes ² multipv ²\ninfo depth ٣ score mate ٣\n".encode(),
    "endless": b"info depth " + b"9" * 5000 + b" score cp " + b"9" * 5000 + b"\n=" + b"9" * 5000 + b" D4\n",
    "signs": b"info depth -3 score mate +\ninfo score mate -0\ninfo score mate -\ninfo nodes -1 score cp --3\ninfo score\ninfo\n",
    "bytes": b"\xff\xfe\x80info score cp \xff\ninfo depth \xc3 score \x00 \x1b[2J\n\x1b]0;x\x07\n",
    "long": b"info string " + b"x" * 20_000_000 + b"\n",
    "wide": b"info pv" + b" bestmove e2e4" * 100_000 + b"\n",
    "numbers": b"=999999 D4\n\n?888888 no\n\n",
}


def say(*lines: str) -> None:
    print(*lines, sep="\n", flush=True)


class Double:
    move = b""  # what "say" says for one

    def __init__(self, protocol: str, game: str, behaviour: str, after: int):
        self.protocol, self.name, self.behaviour, self.after = protocol, game, behaviour, after
        self.game = az.Game(game)
        self.position = self.game.position()
        self.moves = 0
        self.line = ""  # the command being answered
        self.heard: list[str] = []

    def think(self) -> str:
        """A move, or what this engine does instead of one."""
        self.moves += 1
        legal = self.position.legal_moves()
        good = legal[(7 * self.position.ply + 3) % len(legal)]
        if self.behaviour == "babble":
            sys.stdout.flush()
            sys.stdout.buffer.write(
                b"\xff\xfe\x00 info score cp\n\ninfo score mate\nbanana = ? \n" + b"x" * 200_000 + b"\n"
            )
            sys.stdout.flush()
            return good
        if self.moves <= self.after or self.behaviour == "play":
            return good
        if self.behaviour == "crash":
            sys.exit(3)
        if self.behaviour == "half":
            number = self.line.partition(" ")[0]
            sys.stdout.write(f"={number} A1\n")
            sys.stdout.flush()
            os._exit(4)
        if self.behaviour in SAYS:
            sys.stdout.buffer.write(SAYS[self.behaviour])
        if self.behaviour == "flood":
            while True:
                print("info string no move")
        if self.behaviour == "hang":
            time.sleep(600)
        if self.behaviour == "slow":
            time.sleep(0.6)
        if self.behaviour == "say":
            sys.stdout.flush()
            head = f"={self.line.split()[0]} " if self.protocol == "gtp" else "bestmove "
            sys.stdout.buffer.write(head.encode() + self.move + b"\n\n")
        return {"cheat": "e1e8", "resign": "resign", "leave": "resign"}.get(self.behaviour, good)

    def uci(self, words: list[str]) -> None:
        if words[0] == self.protocol:
            say("id name Double", "option name Level type spin default 1", "option name UCI_Variant type combo")
            say(f"{self.protocol}ok")
        elif words[0] == "isready":
            say("readyok")
        elif words[0] == "position":
            moves = words[words.index("moves") + 1 :] if "moves" in words else []
            start = words[2 : words.index("moves") if "moves" in words else None]
            self.position = self.game.position(" ".join(start)) if words[1] != "startpos" else self.game.position()
            for move in moves:
                self.position.play(move)
        elif words[0] == "go":
            move = self.think()
            if self.behaviour not in SAYS:
                say("info depth 7 score cp -950 nodes 100")
            say(f"bestmove {move}")

    def turn(self, colour: str) -> None:
        """A colour of GTP is to move, out of turn too."""
        if "bw"[self.position.turn] != colour:
            self.position = self.game.position(f"{self.position.text} {colour}")

    def gtp(self, words: list[str]) -> None:
        number, command, arguments = words[0], words[1], words[2:]
        answer = ""
        if command == "name":
            answer = "Double"
        elif command == "list_commands":
            answer = "name\nboardsize\nkomi\nplay\ngenmove\ntime_settings\ntime_left\nkata-set-rule\nfinal_status_list\nheard"
            answer += "\nkata-time_settings" if self.behaviour == "fischer" else ""
        elif command == "boardsize":
            if self.behaviour == "refuse":
                return say(f"?{number} unacceptable size", "")
            self.game = az.Game("go", board_size=int(arguments[0]))
            self.position = self.game.position()
        elif command == "clear_board":
            self.position = self.game.position()
        elif command == "play":
            self.turn(arguments[0])
            self.position.play(arguments[1])
        elif command == "genmove":
            self.turn(arguments[0])
            answer = self.think()
            if answer in self.position.legal_moves():
                self.position.play(answer)
        elif command == "final_status_list":
            answer = "A1\nB1 J9"
        elif command == "heard":
            answer = " | ".join(self.heard)
        elif command not in ("komi", "time_settings", "kata-time_settings", "time_left", "kata-set-rule", "quit"):
            return say(f"?{number} unknown command", "")
        self.heard.append(" ".join(words[1:]))
        return say(f"={number} {answer}", "")

    def serve(self) -> None:
        for line in sys.stdin:
            self.line = line
            words = line.split()
            if self.behaviour == "silent":
                continue
            (self.gtp if self.protocol == "gtp" else self.uci)(words)
            if ("quit" in words and self.behaviour != "deaf") or (self.behaviour == "leave" and self.moves > 0):
                return


def alive(numbers: Path) -> list[int]:
    """Which of the processes in this file still run; for the tests that look for what is left."""
    found = []
    for word in numbers.read_text().split() if numbers.exists() else []:
        try:
            state = Path(f"/proc/{word}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if state != "Z":  # ended; its parent has not looked yet
            found.append(int(word))
    return found


def spawn(flag: str) -> None:
    """A child in our group and one in a session of its own; both numbers, and ours, are in the file before they run."""
    for apart in (False, True):
        child = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(3600)"], start_new_session=apart)
        with Path(flag).open("a") as file:
            file.write(f"{child.pid}\n")
    with Path(flag).open("a") as file:
        file.write(f"{os.getpid()}\n")


def main() -> None:
    protocol, game, behaviour, after, flag = (*sys.argv[1:], *("0", "")[len(sys.argv) - 4 :])
    if behaviour == "spawn":
        spawn(flag)
        behaviour = "play"
    elif behaviour == "say":
        Double.move = Path(flag).read_bytes()
    elif behaviour == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    elif flag:
        behaviour = "play" if Path(flag).exists() else behaviour
        Path(flag).touch()
    if behaviour == "die":
        sys.exit("cannot find my network")
    Double(protocol, game, behaviour, int(after)).serve()


if __name__ == "__main__":
    main()
