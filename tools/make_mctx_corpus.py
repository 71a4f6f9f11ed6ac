"""Records Gumbel searches of mctx (google-deepmind/mctx, the authors' own code) as tests/data/mctx_gumbel.jsonl.

    pip install mctx jax jaxlib; python tools/make_mctx_corpus.py tests/data/mctx_gumbel.jsonl

Each case is a search over Connect Four positions with a random network: logits and values in a table, keyed by the stones.
The priors are multiples of 2^-12, which the tree stores exactly; lines that end the game inside the search are left out
(mctx knows no proven results).
"""

from __future__ import annotations

import contextlib
import functools
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import jax
import jax.numpy as jnp
import mctx
import numpy as np

import alphazero as az

ACTIONS = 7


def key_of(position: az.Position) -> str:
    planes = position.planes()
    return "".join("X" if a else "O" if b else "." for a, b in zip(planes[0].flat, planes[1].flat, strict=True))


class World:
    """The random network's table and the tree of positions that one search visits."""

    def __init__(self, seed: int, spread: float, root: az.Position):
        self.rng = np.random.default_rng(seed)
        self.spread = spread
        self.table: dict[str, tuple[list[float], float]] = {}
        self.nodes = [root]
        self.ended = False

    def look(self, position: az.Position) -> tuple[np.ndarray, float]:
        """Logits of the legal moves and the value for the side to move."""
        key = key_of(position)
        if key not in self.table:
            count = len(position.legal_moves())
            weights = np.exp(self.spread * self.rng.standard_normal(count))
            parts = np.maximum(1, np.floor(weights / weights.sum() * 4096)).astype(int)
            parts[parts.argmax()] += 4096 - parts.sum()
            value = float(np.float32(self.rng.uniform(-1, 1)))
            self.table[key] = ([float(np.float32(x)) for x in np.log(parts / 4096)], value)
        logits, value = self.table[key]
        return np.array(logits, np.float32), value

    def dense(self, position: az.Position) -> tuple[np.ndarray, np.float32]:
        logits, value = self.look(position)
        out = np.full(ACTIONS, -1e30, np.float32)
        out[position.policy_indices()] = logits
        return out, np.float32(value)

    def step(self, embedding: np.ndarray, action: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        position = self.nodes[int(embedding[0])].copy()
        position.play("abcdefg"[int(action[0])])
        if position.outcome is not None:
            self.ended = True
            return np.array([0], np.int32), np.zeros((1, ACTIONS), np.float32), np.zeros(1, np.float32)
        self.nodes.append(position)
        logits, value = self.dense(position)
        return np.array([len(self.nodes) - 1], np.int32), logits[None], np.array([value], np.float32)


@dataclass(frozen=True)
class Settings:
    """A search's settings, drawn at random. scale: mctx's value_scale."""

    simulations: int
    considered: int
    rescale: bool
    scale: float

    @staticmethod
    def draw(rng: np.random.Generator) -> Settings:
        simulations = int(rng.choice([2, 4, 8, 16, 24, 32, 64]))
        considered = int(rng.choice([2, 3, 4, 7, 16]))
        rescale = bool(rng.integers(0, 2))
        return Settings(simulations, considered, rescale, 0.1 if rescale else float(rng.choice([0.05, 0.25])))


@contextlib.contextmanager
def noise(gumbel: np.ndarray) -> Iterator[None]:
    """mctx draws its own noise: gumbel_scale * gumbel(rng). Its generator is replaced by our numbers meanwhile."""
    original = jax.random.gumbel
    jax.random.gumbel = lambda *args, **kwargs: jnp.asarray(gumbel)[None]
    try:
        yield
    finally:
        jax.random.gumbel = original


def search(world: World, root: az.Position, settings: Settings, seed: int, gumbel: np.ndarray) -> mctx.PolicyOutput:
    """mctx's search of the root."""
    legal = root.legal_moves()
    logits, value = world.dense(root)

    def recurrent(params, key, action, embedding):
        shapes = (
            jax.ShapeDtypeStruct((1,), jnp.int32),
            jax.ShapeDtypeStruct((1, ACTIONS), jnp.float32),
            jax.ShapeDtypeStruct((1,), jnp.float32),
        )
        node, prior, values = jax.pure_callback(world.step, shapes, embedding, action)
        output = mctx.RecurrentFnOutput(reward=jnp.zeros(1), discount=-jnp.ones(1), prior_logits=prior, value=values)
        return output, node

    with noise(gumbel):
        return mctx.gumbel_muzero_policy(
            params=None,
            rng_key=jax.random.PRNGKey(seed),
            root=mctx.RootFnOutput(
                prior_logits=jnp.asarray(logits)[None], value=jnp.asarray([value]), embedding=jnp.zeros(1, jnp.int32)
            ),
            recurrent_fn=recurrent,
            num_simulations=settings.simulations,
            invalid_actions=jnp.asarray([[m not in legal for m in "abcdefg"]]),
            max_num_considered_actions=settings.considered,
            gumbel_scale=1.0,
            qtransform=functools.partial(
                mctx.qtransform_completed_by_mix_value,
                value_scale=settings.scale,
                maxvisit_init=50.0,
                rescale_values=settings.rescale,
            ),
        )


def record(seed: int) -> dict | None:
    """A case, or None where its search does not serve."""
    rng = np.random.default_rng(10_000 + seed)
    game = az.Game("connect4")
    root = game.position()
    for move in root.random_playout(seed)[1][: int(rng.integers(0, 12))]:
        root.play(move)
    if root.outcome is not None:
        return None
    world = World(seed, float(rng.choice([0.5, 1.0, 2.0])), root)
    settings = Settings.draw(rng)
    gumbel = rng.gumbel(size=ACTIONS).astype(np.float32)
    output = search(world, root, settings, seed, gumbel)
    if world.ended:
        return None
    # mctx counts illegal moves among the untried ones when it rescales; ours has none. Keep what both define alike.
    if settings.rescale and any(len(node.legal_moves()) < ACTIONS for node in world.nodes):
        return None
    indices = [int(i) for i in root.policy_indices()]
    visits = np.asarray(output.search_tree.summary().visit_counts[0])
    return {
        "position": root.text,
        "simulations": settings.simulations,
        "considered": settings.considered,
        "c_visit": 50.0,
        # mctx works on Q in [-1, 1]; our unrescaled form maps Q to [0, 1], so its scale is twice mctx's.
        "c_scale": settings.scale if settings.rescale else 2 * settings.scale,
        "rescale_q": settings.rescale,
        "gumbel": [float(gumbel[i]) for i in indices],
        "visits": [int(visits[i]) for i in indices],
        "weights": [float(np.asarray(output.action_weights[0])[i]) for i in indices],
        "action": "abcdefg"[int(output.action[0])],
        "table": [[key, logits, value] for key, (logits, value) in world.table.items()],
    }


def main() -> None:
    cases = []
    seed = 0
    while len(cases) < 200:
        case = record(seed)
        seed += 1
        if case is not None:
            cases.append(case)
    Path(sys.argv[1]).write_text("".join(json.dumps(case) + "\n" for case in cases))
    print(f"{len(cases)} cases from {seed} seeds")


if __name__ == "__main__":
    main()
