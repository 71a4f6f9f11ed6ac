"""The entries of a configuration's lists, each checked on its own when the file is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from alphazero.config.keys import Before, Number, Shaped, Text, UnfitError, kind_of
from alphazero.errors import UserError
from alphazero.game import Game
from alphazero.search_settings import MOST_SIMULATIONS
from alphazero.text import clean

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic_core.core_schema import CoreSchema


@dataclass(frozen=True)
class Variant:
    """The same game with other options, and its share of the evaluations. In YAML: `{share: 0.2, board_size: 7}`."""

    share: float
    options: dict[str, Any]  # those in which it differs from game.options

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        from pydantic_core import core_schema as of

        share = of.float_schema(gt=0.0, lt=1.0, strict=True)
        fields = {"share": of.typed_dict_field(share)}
        entry = of.typed_dict_schema(fields, extra_behavior="allow")
        return of.no_info_after_validator_function(cls._of, entry)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(schema), "description": "share: of the evaluations; other keys: options of the game"}

    @classmethod
    def _of(cls, entry: dict[str, Any]) -> Variant:
        return cls(float(entry["share"]), {name: value for name, value in entry.items() if name != "share"})


class Step(NamedTuple):
    """From this fraction of the budget on, so many simulations a move."""

    fraction: Annotated[float, Number(0.0, 1.0)]
    simulations: Annotated[int, Number(1, MOST_SIMULATIONS)]


PLAYERS = "random, uniform, mcts:N, a checkpoint or an engine such as uci:COMMAND"


def read_player(value: Any) -> str:
    """A player's text as the arena reads it, whether or not the player is on this machine."""
    from alphazero.arena.registry import check_player

    if not isinstance(value, str):
        raise UnfitError(f" must be {PLAYERS}, got {kind_of(value)}")
    try:
        check_player(value)
    except UserError as error:
        reason = clean(str(error).removeprefix(f"{value}: "))
        raise UnfitError(f" must be {PLAYERS}, got {kind_of(value)} ({reason})") from None
    return value


def find_player(text: str, game: Game) -> None:
    """UnfitError where the player is not on this machine, or does not play the game."""
    from alphazero.arena.registry import check_player, is_named

    if not is_named(text):
        raise UnfitError(f" must be {PLAYERS}, got {kind_of(text)} (there is no such checkpoint)")
    try:
        check_player(text, game)
    except UserError as error:
        raise UnfitError(f": {error}") from None


def _text(value: Any) -> Any:
    """YAML takes a start such as 44 for a number."""
    return str(value) if type(value) is int and abs(value) < 2**63 else value


VariantEntry = Annotated[Variant, Shaped(" has a share, between 0 and 1, and options of the game")]
StepEntry = Annotated[Step, Shaped(": simulations_schedule holds [fraction of the run, simulations]")]
PlayerText = Annotated[Text, Before(read_player)]
StartText = Annotated[Text, Before(_text)]
