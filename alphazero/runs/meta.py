"""What a checkpoint's meta.json says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

from alphazero.game import OptionValue
from alphazero.search_settings import SettingValue

Description = Mapping[str, Any]  # of a network, as network.from_description() reads it


class BeganFrom(TypedDict):
    """The checkpoint that a run began with, and what it had seen."""

    name: str
    steps: int
    games: int
    positions: int
    evaluations: int
    seconds: float


class Meta(TypedDict, total=False):
    """meta.json. checkpoint.read_meta() holds it to the first seven keys; the others may be missing in old ones."""

    game: str
    options: dict[str, OptionValue]
    network: Description
    steps: int
    games: int
    positions: int
    seconds: float
    evaluations: int
    simulations: int  # a move of its self-play
    policy_temperature: float  # by which PUCT flattens its priors
    play: dict[str, SettingValue]  # further settings of PUCT for play, tuned for this network
    value_temperature: float  # by which reviews divide the logit of its values
    version: str
    began_from: BeganFrom
    lessons: int  # games of others that it began with
    paid: tuple[int, float]  # positions, and the samples that they paid for
    reuse: float  # replay.reuse when that was counted
