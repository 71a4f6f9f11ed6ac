"""The sections that say which game is played, and how self-play plays it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeVar

from alphazero.config.entries import StartText, StepEntry, VariantEntry
from alphazero.config.keys import CLOSED, Bool, Float, Int, ListOf, Text, key
from alphazero.search_settings import FIELDS, MOST_SIMULATIONS, SearchSettings, SettingValue

T = TypeVar("T")
KINDS: dict[type, object] = {bool: Bool, int: Int, float: Float}


@dataclass(frozen=True)
class GameConfig:
    """The game that is learned."""

    __pydantic_config__: ClassVar = CLOSED
    name: Text = key("go", "The name of the game, one of `alphazero.games()`.", resume="fixed")
    options: dict[Text, Any] = key(
        {},
        "The game's own options, such as `board_size: 9`. The game's rules check their names and values.",
        resume="fixed",
    )


# Where self-play's default is not the search's own, and why.
SELFPLAY: dict[str, tuple[SettingValue, str]] = {
    "kind": (
        "gumbel",
        "The search algorithm. Gumbel AlphaZero (Danihelka et al. 2022) learns from few simulations; "
        "PUCT is AlphaZero's own.",
    ),
    "simulations": (32, "Simulations a move. Gumbel search learns from 16 on; 32 is a good trade on small boards."),
}


def _keys_of_the_table(cls: type[T]) -> type[T]:
    """Makes the class a section with a key for each setting of a search."""
    for each in FIELDS.values():
        default, reason = SELFPLAY.get(each.name, (each.default, each.reason))
        low, high = (each.low, each.high) if each.is_number else (None, None)
        cls.__annotations__[each.name] = (
            KINDS[type(default)] if not each.choices else Literal[tuple(sorted(each.choices))]
        )
        setattr(cls, each.name, key(default, reason, low=low, high=high))
    return dataclass(frozen=True)(cls)


@_keys_of_the_table
class SearchConfig(SearchSettings):
    """The tree search of self-play, and of the games that rate a run's checkpoints."""

    __pydantic_config__: ClassVar = CLOSED

    def settings(self, simulations: int) -> dict[str, SettingValue]:
        """What a pool's player searches with. policy_temperature is left out: a checkpoint's meta.json brings it where one plays."""
        own = self.replace(simulations=simulations).as_dict()
        del own["policy_temperature"]
        return own


@dataclass(frozen=True)
class SelfplayConfig:
    """How games are made: how many at a time, from which positions, with how much search, and when they are resigned."""

    __pydantic_config__: ClassVar = CLOSED
    games_in_flight: Int = key(
        0,
        "Games played at a time. 0 means a batch of games for each core on a CPU, where search and network alternate, and "
        "four batches on a GPU.",
        low=0,
        high=65536,
    )
    batch_size: Int = key(
        0,
        "Leaves that the network evaluates at a time. 0 means 16 to 128 on a CPU, by the size of the planes and of the "
        "network (`alphazero doctor` tells why), and 1024 on a GPU.",
        low=0,
        high=16384,
    )
    threads: Int = key(
        0,
        "Threads of the search alone. 0 means none on a CPU, where each core searches and evaluates by turns, and all "
        "cores but two beside a GPU.",
        low=0,
        high=256,
    )
    opening_plies: Int = key(
        0,
        "Each game starts with a random number of random moves, at most this many. "
        "Random openings make games different at little cost.",
        low=0,
        high=100,
    )
    starts: ListOf[StartText] = key(
        [],
        "Positions, as text, from which games begin, such as endings or openings to learn more of. "
        "An empty list means the game's start position.",
    )
    start_share: Float = key(
        1.0,
        "Share of the games that begin at one of the positions in `starts`. The others begin at the game's start position.",
        low=0.0,
        high=1.0,
    )
    variants: ListOf[VariantEntry] = key(
        [],
        "Other options of the same game and the share of the evaluations that each gets, as in "
        "`[{share: 0.2, board_size: 7}]`. One network then learns all of them, for example several board sizes.",
        resume="fixed",
    )
    temperature_plies: Int = key(
        0,
        "PUCT: for so many plies, moves are drawn in proportion to the visit counts; later the most visited one is played. "
        "AlphaZero used 30; Gumbel search needs none.",
        low=0,
        high=10**6,
    )
    symmetry: Bool = key(
        True,
        "Each leaf is turned or mirrored at random where the game allows it. "
        "This averages out what the network sees differently from different sides.",
    )
    cache_megabytes: Int = key(
        64,
        "Memory for evaluations that are kept and used again; 0 means none. "
        "A third of a Gumbel search's positions were in the move's before.",
        low=0,
        high=65536,
    )
    resign_threshold: Float = key(
        -1.0,
        "A side resigns when the root's value is below this; the run may lower the threshold by itself. "
        "-1 means that nobody resigns, which suits small boards, where games end soon.",
        low=-1.0,
        high=0.0,
    )
    resign_keep: Float = key(
        0.1,
        "Share of the games in which nobody resigns. They show how many resignations would have been wrong.",
        low=0.0,
        high=1.0,
    )
    resign_wrong: Float = key(
        0.05,
        "The run lowers the resignation threshold until at most this share of resignations is wrong. "
        "5 % is AlphaGo Zero's bound.",
        low=0.0,
        high=1.0,
    )
    resign_from: Float = key(
        0.1,
        "Fraction of the budget before which nobody resigns. Early values are too inaccurate to resign by.",
        low=0.0,
        high=1.0,
    )
    full_search_fraction: Float = key(
        1.0,
        "Share of the moves that get a full search; the others get `fast_simulations` (playout cap randomisation, Wu 2019). "
        "1 turns it off, because it does not help Gumbel search at few simulations.",
        low=0.01,
        high=1.0,
    )
    fast_simulations: Int = key(
        0,
        "Simulations of the moves without a full search. Needed only where `full_search_fraction` is below 1.",
        low=0,
        high=MOST_SIMULATIONS,
    )
    simulations_schedule: ListOf[StepEntry] = key(
        [],
        "Simulations a move by fraction of the budget, ascending, as in `[[0.0, 16], [0.25, 32]]` (MiniZero's progressive "
        "simulation). Many quick games come first, while the network's values are still noise.",
    )
