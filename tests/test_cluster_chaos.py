"""A run on a cluster goes on and keeps every game, whatever is killed and whenever, and through a network that is parted.

Slow: each kill costs some seconds until the run goes on. ALPHAZERO_KILLS=20 makes fewer than 100, ALPHAZERO_GOES_ON_SECONDS=120 suits a busy machine,
ALPHAZERO_POSITIONS=60000 lets the run whose strength is compared learn for longer.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from test_cluster import numbers
from tiny import TINY

from alphazero.config import load_config

if importlib.util.find_spec("ray") is None:
    pytest.skip("Ray is not installed", allow_module_level=True)

pytestmark = [pytest.mark.ray, pytest.mark.slow]

KILLS = int(os.environ.get("ALPHAZERO_KILLS", "100"))
POSITIONS = os.environ.get("ALPHAZERO_POSITIONS", "20000")
GOES_ON_SECONDS = float(os.environ.get("ALPHAZERO_GOES_ON_SECONDS", "60"))

# The command as users call it, which notes every game that the store said it has, and dies now and then between the writing
# of a chunk file and its renaming.
DRIVER = """
import os, random, signal, sys
from pathlib import Path
from alphazero.cluster import intake
from alphazero.cli import main

take = intake.Intake.take
def noted(self, chunk, evaluations):
    taken = take(self, chunk, evaluations)
    if taken:
        with open(sys.argv[1], "a") as file:
            file.write("".join(f"{game.number}\\n" for games in chunk.games().values() for game in games))
    return taken
intake.Intake.take = noted

replace = Path.replace
def killed(self, target):
    if self.name.endswith(".azr.tmp") and Path(sys.argv[2]).exists():
        Path(sys.argv[2]).unlink()
        os.kill(os.getpid(), signal.SIGKILL)
    return replace(self, target)
Path.replace = killed
sys.exit(main(sys.argv[3:]))
"""


def children(pid: int) -> list[int]:
    """And theirs."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[1]) == pid:
                found += [int(stat.parent.name), *children(int(stat.parent.name))]
    return found


def commands() -> dict[int, str]:
    found = {}
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found[int(path.parent.name)] = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return found


def waited_for(found: Callable[[], list[int]]) -> int:
    """One of the processes that are looked for, once there is one."""
    end = time.monotonic() + GOES_ON_SECONDS
    while not (pids := found()):
        assert time.monotonic() < end, "nothing to kill"
        time.sleep(0.1)
    return random.choice(pids)


ENDLESS = (
    "training.budget_games=100000000",
    "cluster.chunk_seconds=0.2",
    "cluster.cores=1",
    "cluster.learners=2",
    "replay.reuse=0.2",
)


class Training:
    """The command that trains on the cluster of an address, and what it has stored."""

    def __init__(self, folder: Path, address: str, config: str = TINY, settings: Sequence[str] = ENDLESS):
        self.folder, self.run, self.address = folder, folder / "run", address
        self.settings = settings
        (folder / "config.yaml").write_text(config)
        self.process: subprocess.Popen[bytes] | None = None
        self.begin()

    def begin(self) -> None:
        command = [sys.executable, "-c", textwrap.dedent(DRIVER), str(self.folder / "noted"), str(self.folder / "die")]
        command += ["train", str(self.folder / "config.yaml"), "--run", str(self.run), "--no-rating", "--device", "cpu"]
        command += ["--workers", "2", "--ray", self.address, *self.settings]
        with (self.folder / "out").open("ab") as out:
            self.process = subprocess.Popen(command, stdout=out, stderr=out)

    def stored(self) -> int:
        with contextlib.suppress(OSError):
            return (self.folder / "noted").read_bytes().count(b"\n")
        return 0

    def wait_until_it_goes_on(self, *, again: bool = False) -> float:
        """Until more games are stored. The seconds that it took. again: the command has ended, and is given again."""
        before, begin = self.stored(), time.monotonic()
        end = begin + GOES_ON_SECONDS
        while self.stored() <= before:
            assert self.process is not None
            if self.process.poll() is not None:
                assert again, self.said()[-3000:]
                self.begin()
            assert time.monotonic() < end, self.said()[-3000:]
            time.sleep(0.1)
        return time.monotonic() - begin

    def workers(self) -> list[int]:
        """The processes of workers on the nodes of this cluster."""
        known = commands()
        nodes = [pid for pid, command in known.items() if "/raylet " in command and self.address in command]
        return [pid for node in nodes for pid in children(node) if known.get(pid, "").startswith("ray::Worker")]

    def said(self) -> str:
        return (self.folder / "out").read_text()

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def check_games(self) -> None:
        """Ends it. Each game that it said was stored is there, and each is there once."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(120)
        noted = [int(line) for line in (self.folder / "noted").read_text().split()]
        stored = numbers(self.run / "replay", load_config(self.folder / "config.yaml"))
        assert len(noted) == len(set(noted))
        assert len(stored) == len(set(stored))
        assert set(noted) <= set(stored)


class Chaos(Training):
    """A cluster of three nodes, the command that trains on it, and what can be killed of them."""

    def __init__(self, folder: Path, config: str = TINY, settings: Sequence[str] = ENDLESS):
        from ray.cluster_utils import Cluster

        self.cluster = Cluster(
            initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False}, connect=False
        )
        self.nodes = [self.cluster.add_node(num_cpus=1) for _ in range(2)]
        super().__init__(folder, self.cluster.address, config, settings)

    def worker(self) -> None:
        os.kill(waited_for(self.workers), signal.SIGKILL)

    def raylet(self) -> None:
        node = self.nodes.pop(random.randrange(2))
        self.cluster.remove_node(node, allow_graceful=False)
        self.nodes.append(self.cluster.add_node(num_cpus=1))

    def driver(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def ranks(self) -> list[int]:
        assert self.process is not None
        known = commands()
        return [pid for pid in children(self.process.pid) if "spawn_main" in known.get(pid, "")]

    def learner(self) -> None:
        os.kill(waited_for(self.ranks), signal.SIGKILL)

    def store(self) -> None:
        assert self.process is not None
        (self.folder / "die").touch()
        self.process.wait(GOES_ON_SECONDS)

    def ended_after(self, seconds: float) -> bool:
        """Whether the command came to its end, which it is given that long to do."""
        assert self.process is not None
        with contextlib.suppress(subprocess.TimeoutExpired):
            assert self.process.wait(seconds) == 0, self.said()[-3000:]
        return self.process.returncode is not None

    def victims(self) -> list[Callable[[], None]]:
        return [self.worker, self.raylet, self.driver, self.learner, self.store]

    def close(self) -> None:
        super().close()
        self.cluster.shutdown()


@pytest.fixture
def chaos(tmp_path) -> Iterator[Chaos]:
    made = Chaos(tmp_path)
    yield made
    made.close()


def test_whatever_is_killed_no_stored_game_is_lost_or_doubled_and_the_run_goes_on(chaos):
    random.seed(1)
    victims = chaos.victims()
    killed: dict[str, int] = {}
    chaos.wait_until_it_goes_on()
    for number in range(KILLS):
        victim = victims[number % len(victims)]
        time.sleep(random.uniform(0.0, 3.0))
        victim()
        killed[victim.__name__] = killed.get(victim.__name__, 0) + 1
        seconds = chaos.wait_until_it_goes_on(again=victim in (chaos.driver, chaos.store))
        print(victim.__name__, f"goes on after {seconds:.1f} s", flush=True)
    print(json.dumps(killed), chaos.stored())
    chaos.check_games()


def test_a_run_that_is_killed_again_and_again_learns_as_much(tmp_path):
    """Of Connect Four, by a match against a run of as many positions that nobody disturbed.

    Games in flight are lost with whoever played them. So few are in flight that they end between two kills, or only short
    ones would be learned from.
    """
    random.seed(2)
    config = (Path(__file__).parents[1] / "configs" / "connect4.yaml").read_text()
    settings = ["training.budget_minutes=0", f"training.budget_positions={POSITIONS}", "selfplay.games_in_flight=32"]
    quiet = tmp_path / "quiet"
    (tmp_path / "config.yaml").write_text(config)
    command = [sys.executable, "-m", "alphazero"]
    train = ["train", str(tmp_path / "config.yaml"), "--run", str(quiet), "--no-rating", "--device", "cpu"]
    subprocess.run([*command, *train, "--workers", "2", *settings], check=True, stdout=subprocess.DEVNULL)
    # What was learned since the last checkpoint is learned again, so a run that is killed twice a minute saves more often.
    # It learns in the driver alone: beside two workers on two cores a second learner halves the rate.
    chaos = Chaos(tmp_path, config, [*settings, "training.checkpoint_every=50"])
    kills = 0
    try:
        chaos.wait_until_it_goes_on()
        while not chaos.ended_after(random.uniform(5.0, 30.0)):
            victims = [chaos.raylet, chaos.driver, chaos.store]
            if chaos.workers():  # at its very end the run has none
                victims.append(chaos.worker)
            random.choice(victims)()
            kills += 1
            assert chaos.process is not None
            if chaos.process.poll() is not None:
                chaos.begin()
        chaos.check_games()
    finally:
        chaos.close()
    match = ["match", str(chaos.run), str(quiet), "--games", "200", "--simulations", "64", "--opening-plies", "4"]
    played = subprocess.run([*command, *match, "--json"], check=True, capture_output=True, text=True)
    result = json.loads(played.stdout)
    print(f"{kills} kills:", {name: result[name] for name in ("wins", "draws", "losses", "elo", "low", "high")})
    assert kills >= 5
    assert 2.0 * result["high"] > result["elo"]  # the width of 95 % twice: by chance it fails once in 25,000


def test_a_worker_that_is_stopped_for_a_minute_is_told_and_goes_on(chaos):
    chaos.wait_until_it_goes_on()
    worker = waited_for(chaos.workers)
    os.kill(worker, signal.SIGSTOP)
    try:
        time.sleep(60.0)
    finally:
        os.kill(worker, signal.SIGCONT)
    chaos.wait_until_it_goes_on()
    time.sleep(5.0)
    said = chaos.said()
    assert said.count("has not answered for") == 1 and said.count("answers again after") == 1, said[-2000:]


# docs/scale.md: else Ray gives a node up within a minute, and what was given up never comes back.
PATIENT = {"RAY_health_check_failure_threshold": "20", "RAY_gcs_rpc_server_reconnect_timeout_s": "240"}


class Islands:
    """Two machines as network namespaces have them: a head here, and a node of its own network that a cable joins to it."""

    def __init__(self) -> None:
        own = os.getpid() % 250
        self.here, self.there = f"10.231.{own}.1", f"10.231.{own}.2"
        self.address = f"{self.here}:{6200 + own}"
        self.name = f"azr{os.getpid()}"
        self.cable = f"{self.name}a"
        self.folder = tempfile.mkdtemp(prefix="azr")  # sockets in it must have short names
        self.nodes: list[subprocess.Popen[bytes]] = []

    def begin(self) -> None:
        for command in (
            f"ip netns add {self.name}",
            f"ip link add {self.cable} type veth peer name eth0 netns {self.name}",
            f"ip addr add {self.here}/24 dev {self.cable}",
            f"ip link set {self.cable} up",
            f"ip -n {self.name} addr add {self.there}/24 dev eth0",
            f"ip -n {self.name} link set eth0 up",
            f"ip -n {self.name} link set lo up",
        ):
            subprocess.run(command.split(), check=True)
        host, _, port = self.address.partition(":")
        self._start(["--head", f"--node-ip-address={host}", f"--port={port}", "--include-dashboard=false"])
        while True:
            with contextlib.suppress(OSError), socket.create_connection((host, int(port)), 1.0):
                break
            assert self.nodes[0].poll() is None, "the head did not begin"
            time.sleep(0.2)
        inside = ["ip", "netns", "exec", self.name]
        self._start([f"--address={self.address}", f"--node-ip-address={self.there}"], inside)

    def _start(self, options: list[str], inside: Sequence[str] = ()) -> None:
        """A node that ends with the process which is begun here."""
        ray = [sys.executable, "-m", "ray.scripts.scripts", "start", "--block", "--disable-usage-stats", "--num-cpus=1"]
        if "--head" in options:
            ray.append(f"--temp-dir={self.folder}")
        self.nodes.append(
            subprocess.Popen(
                [*inside, *ray, *options],
                env={**os.environ, **PATIENT},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )

    def part(self, apart: bool) -> None:
        """Every packet between the two is dropped, without a word to either."""
        subprocess.run(["ip", "link", "set", self.cable, "down" if apart else "up"], check=True)

    def close(self) -> None:
        for node in reversed(self.nodes):
            node.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                node.wait(20.0)
        subprocess.run(["ip", "netns", "del", self.name])  # and its end of the cable, and so the other
        shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture
def islands(monkeypatch) -> Iterator[Islands]:
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("network namespaces need root and the program ip")
    # As docs/scale.md says. Unset, the mode would depend on whether the user of this machine has a token.
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_AUTH_TOKEN", "a-token-of-this-test-alone-0123456789")
    made = Islands()
    try:
        made.begin()
        yield made
    finally:
        made.close()


def test_a_network_that_is_parted_for_a_minute_is_told_and_heals(islands, tmp_path):
    training = Training(tmp_path, islands.address)
    try:
        end = time.monotonic() + 120.0
        while training.said().count(" plays on ") < 2:
            training.wait_until_it_goes_on()
            assert time.monotonic() < end, training.said()[-2000:]
        islands.part(True)
        end = time.monotonic() + 60.0
        while time.monotonic() < end:
            training.wait_until_it_goes_on()  # the worker on this side plays on
        islands.part(False)
        end = time.monotonic() + 120.0
        while "answers again after" not in training.said():
            training.wait_until_it_goes_on()
            assert time.monotonic() < end, training.said()[-2000:]
        said = training.said()
        assert said.count("has not answered for") == 1 and " is lost: " not in said, said[-2000:]
        training.check_games()
    finally:
        training.close()
