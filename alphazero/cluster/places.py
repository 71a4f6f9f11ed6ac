"""Which worker goes where: one for each GPU, the others so that each has as many cores as can be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Node:
    """A machine of the cluster. cores, gpus: that workers may have, used or not."""

    id: str
    host: str
    cores: int
    gpus: float = 0.0


@dataclass(frozen=True)
class Place:
    """Where a worker runs. cores: which of the node's, counted from 0."""

    node: str
    host: str
    cores: tuple[int, ...]
    gpus: float = 0.0


def find_places(
    nodes: Sequence[Node], taken: Sequence[Place], wanted: int, *, cores: int = 0, gpus: float = 1.0
) -> list[Place]:
    """Places for up to `wanted` further workers beside those that are taken.

    cores: of each worker; 0: workers that come to one node together share its free cores evenly. gpus: of each worker on a
    node with GPUs; 0: no worker gets one.
    """
    free = {node.id: [*range(node.cores)] for node in nodes}
    for place in taken:
        if place.node in free:
            free[place.node] = [core for core in free[place.node] if core not in place.cores]
    found: list[Place] = []
    plain: list[Node] = []
    for node in nodes:
        if gpus > 0.0 and node.gpus >= gpus:
            found += _beside_gpus(node, free[node.id], taken, wanted - len(found), cores, gpus)
        else:
            plain.append(node)
    counts = _spread(plain, free, wanted - len(found), cores)
    for node in plain:
        count = counts[node.id]
        for number in range(count):
            share = cores or len(free[node.id]) // (count - number)
            found.append(Place(node.id, node.host, tuple(free[node.id][:share])))
            del free[node.id][:share]
    return found


def _beside_gpus(
    node: Node, free: list[int], taken: Sequence[Place], wanted: int, cores: int, gpus: float
) -> list[Place]:
    """Places of a node with GPUs, each with its part of the node's cores."""
    most = int(node.gpus / gpus + 1e-6)
    there = sum(1 for place in taken if place.node == node.id)
    share = cores or max(1, node.cores // most)
    found: list[Place] = []
    while len(found) < min(wanted, most - there) and len(free) >= share:
        found.append(Place(node.id, node.host, tuple(free[:share]), gpus))
        del free[:share]
    return found


def _spread(nodes: Sequence[Node], free: dict[str, list[int]], wanted: int, cores: int) -> dict[str, int]:
    """How many workers each node gets: one after another where it will have the most cores."""
    counts = {node.id: 0 for node in nodes}
    for _ in range(wanted):
        open_nodes = [node for node in nodes if len(free[node.id]) >= (counts[node.id] + 1) * max(1, cores)]
        if not open_nodes:
            break
        best = max(open_nodes, key=lambda node: len(free[node.id]) / (counts[node.id] + 1))
        counts[best.id] += 1
    return counts
