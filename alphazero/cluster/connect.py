"""Ray, begun on this machine or found: the only place that knows how. Nothing listens beyond this machine unless asked.

A cluster that is begun here (`--ray local`) ends with this process, listens on 127.0.0.1 alone, has no dashboard and reports
nothing to anyone. Whoever begins a cluster of several machines (`ray start`) says himself what it does.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from alphazero.cluster.places import Node
from alphazero.errors import UserError
from alphazero.machine import cores

LOCAL = "127.0.0.1"
PREFIX = "azr-"  # of the folder of a cluster that was begun here; sockets in it must have short names
OBJECTS_BYTES = (
    512 << 20
)  # of memory that a cluster begun here shares: a few copies of the weights, chunks on their way
HEAD_SECONDS = 5.0  # between looks whether the head is there
HEAD_LOST_SECONDS = 20.0  # without it: the head is gone. Ray itself would end this process after 60, without a word
END_SECONDS = 15.0  # that leaving the cluster may take


def require_ray() -> None:
    """UserError where Ray is not installed."""
    if importlib.util.find_spec("ray") is None:
        raise UserError("workers need Ray, which is not installed: pip install 'alphazero-engine[ray]'")


class HeadLostError(UserError):
    """The head of the cluster is gone, and the cluster with it."""


class Head:
    """The head node's address, and whether something still answers there."""

    def __init__(self, address: str):
        self.address = address
        host, _, port = address.rpartition(":")
        self.lost = False
        self._where = (host.strip("[]"), int(port))
        self._seen = self._looked = time.monotonic()

    def mind(self) -> None:
        """HeadLostError where it has not answered for HEAD_LOST_SECONDS; looks now and then."""
        now = time.monotonic()
        if now - self._looked < HEAD_SECONDS:
            return
        self._looked = now
        with suppress(OSError), socket.create_connection(self._where, timeout=2.0):
            self._seen = now
        if now - self._seen >= HEAD_LOST_SECONDS:
            self.lost = True
            raise HeadLostError(
                f"the head of the Ray cluster ({self.address}) has not answered for {now - self._seen:.0f} seconds; "
                "the same command resumes once there is a cluster again"
            )


@contextmanager
def connected(where: str) -> Iterator[Head]:
    """In a cluster: "local" begins one that ends with the block, "auto" and HOST:PORT join one. UserError: there is none."""
    # Before the import, which reads them. Usage statistics would go to another company's server.
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ.setdefault("RAY_IGNORE_UNHANDLED_ERRORS", "1")  # calls to workers that are gone are told by us
    if where == "local":
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"  # as there: Ray takes and listens on 127.0.0.1 alone
        os.environ.setdefault("RAY_worker_niceness", "0")  # else workers have what the training leaves over
    import ray

    if ray.is_initialized():  # by the caller, who also ends it
        yield Head(ray.get_runtime_context().gcs_address)
        return
    folder = None
    if where == "local":
        _remove_left_folders()
        folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
    try:
        _begin(where, folder)
        # Ray prints a paragraph to standard output for each process that dies; we tell it in a line (fleet.py).
        if hasattr(ray._private.worker, "print_to_stdstream"):
            ray._private.worker.print_to_stdstream = lambda *_, **__: None
        yield Head(ray.get_runtime_context().gcs_address)
    finally:
        # Without a head it would wait for minutes.
        end = threading.Thread(target=ray.shutdown, daemon=True)
        end.start()
        end.join(END_SECONDS)
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


def _begin(where: str, folder: Path | None) -> None:
    import ray

    quiet = {"log_to_driver": False, "logging_level": "ERROR"}
    try:
        if where == "local":
            ray.init(
                address="local",  # or a file that a dead cluster left would be believed
                num_cpus=cores(),
                include_dashboard=False,
                object_store_memory=OBJECTS_BYTES,
                _node_ip_address=LOCAL,
                _temp_dir=str(folder),
                **quiet,
            )
            return
        if where != "auto" and not re.fullmatch(r"[^\s/]+:\d{1,5}", where):
            raise UserError(
                f"--ray {where}: expected local, auto or HOST:PORT of a cluster's head, such as 10.0.0.1:6379"
            )
        ray.init(address=where, **quiet)
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        if where == "local":
            raise UserError(f"--ray local: Ray does not start on this machine: {first_line(error)}") from error
        raise UserError(
            f"--ray {where}: no Ray cluster answers here ({first_line(error)}); begin one with `ray start --head` and join "
            "it from this machine, or use --ray local. One that asks for a token needs RAY_AUTH_MODE=token here, and the "
            "token of its head in ~/.ray/auth_token"
        ) from error


def first_line(error: BaseException) -> str:
    """What an error says, as part of a line."""
    lines = str(error).strip().splitlines()
    return lines[0][:300].rstrip(".") if lines else type(error).__name__


def _remove_left_folders() -> None:
    """Those of clusters that a killed process began: the cluster died with it."""
    for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        pid = path.name.removeprefix(PREFIX).partition("-")[0]
        if pid.isdigit() and not Path(f"/proc/{pid}").exists() and Path("/proc/self").exists():
            shutil.rmtree(path, ignore_errors=True)


def nodes() -> list[Node]:
    """The cluster's machines, those with GPUs first."""
    import ray

    found = []
    for each in ray.nodes():
        if each["Alive"]:
            has = each["Resources"]
            found.append(
                Node(each["NodeID"], each["NodeManagerHostname"], int(has.get("CPU", 0)), float(has.get("GPU", 0)))
            )
    return sorted(found, key=lambda node: (-node.gpus, -node.cores, node.id))
