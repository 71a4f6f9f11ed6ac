"""An engine for the tests: plays any legal move by UCI, USI or GTP, and misbehaves when it is told to.

    python engine_double.py PROTOCOL GAME BEHAVIOUR [AFTER] [FLAG]

BEHAVIOUR, from its move number AFTER (0) of a process on: play, resign, leave (resigns and ends), crash, hang, cheat, slow (0.6 s a move), flood (writes
without end and never a move), babble (nonsense around good answers). At the start: die, silent, refuse (GTP's boardsize). With
a FLAG, the name of a file, only the process that finds no such file misbehaves: it makes it.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import alphazero as az


def say(*lines: str) -> None:
    print(*lines, sep="\n", flush=True)


class Double:
    def __init__(self, protocol: str, game: str, behaviour: str, after: int):
        self.protocol, self.name, self.behaviour, self.after = protocol, game, behaviour, after
        self.game = az.Game(game)
        self.position = self.game.position()
        self.moves = 0
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
        if self.behaviour == "flood":
            while True:
                print("info string no move")
        if self.behaviour == "hang":
            time.sleep(600)
        if self.behaviour == "slow":
            time.sleep(0.6)
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
            say("info depth 7 score cp -950 nodes 100", f"bestmove {move}")

    def gtp(self, words: list[str]) -> None:
        number, command, arguments = words[0], words[1], words[2:]
        answer = ""
        if command == "name":
            answer = "Double"
        elif command == "list_commands":
            answer = "name\nboardsize\nkomi\nplay\ngenmove\ntime_settings\ntime_left\nkata-set-rule\nfinal_status_list\nheard"
        elif command == "boardsize":
            if self.behaviour == "refuse":
                return say(f"?{number} unacceptable size", "")
            self.game = az.Game("go", board_size=int(arguments[0]))
            self.position = self.game.position()
        elif command == "clear_board":
            self.position = self.game.position()
        elif command == "play":
            self.position.play(arguments[1])
        elif command == "genmove":
            answer = self.think()
            if answer in self.position.legal_moves():
                self.position.play(answer)
        elif command == "final_status_list":
            answer = "A1\nB1 J9"
        elif command == "heard":
            answer = " | ".join(self.heard)
        elif command not in ("komi", "time_settings", "time_left", "kata-set-rule", "quit"):
            return say(f"?{number} unknown command", "")
        self.heard.append(" ".join(words[1:]))
        return say(f"={number} {answer}", "")

    def serve(self) -> None:
        for line in sys.stdin:
            words = line.split()
            if self.behaviour == "silent":
                continue
            (self.gtp if self.protocol == "gtp" else self.uci)(words)
            if "quit" in words or (self.behaviour == "leave" and self.moves > 0):
                return


def main() -> None:
    protocol, game, behaviour, after, flag = (*sys.argv[1:], *("0", "")[len(sys.argv) - 4 :])
    if flag:
        behaviour = "play" if Path(flag).exists() else behaviour
        Path(flag).touch()
    if behaviour == "die":
        sys.exit("cannot find my network")
    Double(protocol, game, behaviour, int(after)).serve()


if __name__ == "__main__":
    main()
