"""What the machines of a cluster have and do: for `alphazero doctor --ray`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from alphazero._core import __version__
from alphazero.cluster.connect import first_line, nodes
from alphazero.cluster.messages import code_digest
from alphazero.cluster.places import Node, Place, find_places
from alphazero.cluster.slots import Ray
from alphazero.cluster.worker import pin

ANSWER_SECONDS = 180.0  # that a machine may take: backends are measured the first time


@dataclass(frozen=True)
class Seen:
    """A machine. program: its alphazero. problem: why it gets no workers, or "". rate: positions/s of one worker."""

    node: Node
    workers: int
    program: str
    problem: str = ""
    rate: float = 0.0


def measured(cores: tuple[int, ...], measure: bool) -> tuple[str, str, float]:
    """On a machine: the core's version, the digest of the package's files, and the positions/s of a worker with these cores."""
    if not measure:
        return __version__, code_digest(), 0.0
    pin(cores)
    from alphazero.config import NetworkConfig
    from alphazero.evaluators import make_evaluator
    from alphazero.evaluators.base import fastest, proof_planes, side_by_side
    from alphazero.feeding import lanes_for
    from alphazero.game import make
    from alphazero.network import make_network, shape_of

    network = make_network(shape_of(make("go", {"board_size": 9})), NetworkConfig(blocks=4, channels=64))
    evaluator = make_evaluator(network, "auto")
    planes = proof_planes(network.shape, 64)
    lanes = lanes_for([evaluator], len(cores))
    if lanes > 1:
        rate = side_by_side(evaluator, planes, lanes, 0.5)
    else:
        rate = 64 / fastest(lambda: evaluator.evaluate(planes))
    return __version__, code_digest(), rate


def survey(*, measure: bool) -> Iterator[Seen]:
    """Each machine of the cluster that this process is in."""
    import ray as package

    ray: Ray = package
    affinity = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy
    for node in nodes():
        # As many workers as a run would have there: one a GPU, else one with all cores.
        places = find_places([node], [], max(1, int(node.gpus)))
        place = places[0] if places else Place(node.id, node.host, ())
        task = ray.remote(measured).options(
            num_cpus=len(place.cores),
            num_gpus=place.gpus,
            scheduling_strategy=affinity(node.id, soft=False),
            max_retries=0,
        )
        try:
            version, code, rate = ray.get(task.remote(place.cores, measure), timeout=ANSWER_SECONDS)
        except ray.exceptions.GetTimeoutError:
            yield Seen(node, len(places), "", f"no answer for {ANSWER_SECONDS:.0f} seconds; its cores may be in use")
            continue
        except Exception as error:  # whatever it lacks: Ray tells it as the error that came there
            yield Seen(node, len(places), "", first_line(getattr(error, "cause", None) or error))
            continue
        problem = (
            "" if (version, code) == (__version__, code_digest()) else "its alphazero has other files than this one"
        )
        yield Seen(node, len(places), f"alphazero {version} ({code})", problem, rate)
