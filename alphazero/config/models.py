"""A run's configuration: its sections, each a frozen dataclass.

Every key is declared once, with its type, default, bounds, reason and what a resumed run does with a new value.
`alphazero config`, docs/configuration.md and configs/schema.json show what stands here, in playing.py and in learning.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from alphazero.config.entries import PlayerText
from alphazero.config.keys import CLOSED, Float, Int, ListOf, Section, key
from alphazero.config.learning import NetworkConfig, ReplayConfig, TrainingConfig
from alphazero.config.playing import GameConfig, SearchConfig, SelfplayConfig
from alphazero.search_settings import MOST_SIMULATIONS


@dataclass(frozen=True)
class RatingConfig:
    """The tournament that rates a run's checkpoints."""

    __pydantic_config__: ClassVar = CLOSED
    checkpoints: Int = key(
        8, "How many of the run's checkpoints are rated. They are spread evenly over the run.", low=2, high=100
    )
    games: Int = key(
        40, "Games of each pairing. Every opening is played twice, with colours swapped.", low=2, high=1_000_000
    )
    simulations: Int = key(
        32,
        "Simulations a move, the same for every network. Ratings then compare networks and not search time.",
        low=1,
        high=MOST_SIMULATIONS,
    )
    opening_plies: Int = key(
        2,
        "Random moves at the start of each pair of games. Without them two networks would repeat one game.",
        low=0,
        high=100,
    )
    opponents: ListOf[PlayerText] = key(
        ["random", "mcts:100"],
        "Players from outside the run that checkpoints also meet: random, uniform, mcts:N, a checkpoint, or an engine "
        "such as uci:COMMAND. They show how strong the first checkpoints are.",
    )
    form: Literal["neighbours", "ladder"] = key(
        "neighbours",
        "neighbours: each checkpoint meets the next two. ladder: rounds of the pairings whose results say most, for many "
        "checkpoints.",
    )
    rounds: Int = key(8, "Rounds of a ladder. Each round has one pairing for every two players.", low=1, high=10000)
    during: Float = key(
        0.0,
        "Share of the time in which the newest checkpoint is rated while training goes on. "
        "0 means that ratings are made only at the end.",
        low=0.0,
        high=0.5,
    )


@dataclass(frozen=True)
class ClusterConfig:
    """Self-play by workers in processes of their own, here or on other machines, through Ray (docs/scale.md)."""

    __pydantic_config__: ClassVar = CLOSED
    workers: Int = key(
        0,
        "Processes that play, one for each GPU or share of cores. 0 means that the training process plays itself, which "
        "needs no Ray and is as fast on one machine without a GPU or with one.",
        low=0,
        high=10_000,
    )
    cores: Int = key(
        0,
        "CPU cores of each worker. 0 means that the workers of a machine share its cores evenly; a worker uses all of its "
        "cores, so one worker of many cores does as well as many workers.",
        low=0,
        high=1024,
    )
    gpus: Float = key(
        1.0,
        "GPUs of each worker on a machine that has GPUs. One process feeds one GPU, so more than 1 gains nothing; 0.5 lets "
        "two workers share a GPU, and 0 leaves the GPUs to the learner.",
        low=0.0,
        high=1.0,
    )
    learners: Int = key(
        1,
        "Processes on the training machine that share each training step, each with a GPU or some cores of its own. "
        "One GPU learns faster than dozens play, so 1 is enough for most runs.",
        low=1,
        high=64,
    )
    chunk_seconds: Float = key(
        5.0,
        "Seconds of finished games that a worker collects before it sends them. A worker that is killed loses so much at "
        "most; shorter chunks cost more messages and gain little.",
        low=0.05,
        high=3600.0,
    )


@dataclass(frozen=True)
class Config:
    """A training run."""

    __pydantic_config__: ClassVar = CLOSED
    game: Section[GameConfig] = field(default_factory=GameConfig)
    network: Section[NetworkConfig] = field(default_factory=NetworkConfig)
    search: Section[SearchConfig] = field(default_factory=SearchConfig)
    selfplay: Section[SelfplayConfig] = field(default_factory=SelfplayConfig)
    replay: Section[ReplayConfig] = field(default_factory=ReplayConfig)
    training: Section[TrainingConfig] = field(default_factory=TrainingConfig)
    rating: Section[RatingConfig] = field(default_factory=RatingConfig)
    cluster: Section[ClusterConfig] = field(default_factory=ClusterConfig)
    seed: Int = key(
        0,
        "Names the run's random numbers. Two runs with different seeds play different games.",
        low=0,
        high=2**31,
        resume="fixed",
    )
