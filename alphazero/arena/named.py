"""Players as users name them, until their game is known and they can be loaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType

from alphazero import checkpoint
from alphazero.arena.match import Entrant, entrant
from alphazero.arena.registry import Players, Search, spec_of
from alphazero.errors import UserError
from alphazero.game import Game, make
from alphazero.runs.meta import Meta
from alphazero.search_settings import SettingValue
from alphazero.text import MOST_OF_A_NAME, clean


@dataclass(frozen=True)
class NamedPlayer:
    """A player of a match or tournament: what the user wrote, and what it stands for."""

    text: str
    spec: str
    players: Players

    @staticmethod
    def of(text: str, players: Players | None) -> NamedPlayer:
        """players: those of `--players FILE`, which the text may name."""
        return NamedPlayer(text, spec_of(text, players or {}), players or {})

    @cached_property
    def meta(self) -> Meta | None:
        """What its checkpoint says of itself, where it is one."""
        return checkpoint.meta_of(self.spec)

    def entrant(
        self,
        game: Game,
        device: str,
        simulations: int | None,
        kind: str | None,
        name: str | None = None,
        settings: Mapping[str, SettingValue] = MappingProxyType({}),
    ) -> Entrant:
        """The player, loaded. simulations, kind: of its search; None: as its checkpoint was trained, else 100 with PUCT.

        settings: further ones of its search.
        """
        search = {**settings, **self._search(simulations, kind)}
        return entrant(self.text, game, device, search, name=name, players=self.players)

    def _search(self, simulations: int | None, kind: str | None) -> Search:
        search: Search = {"kind": "puct", "simulations": 100}
        if self.meta is not None:
            search = {"kind": "gumbel", "simulations": int(self.meta.get("simulations", 100))}
        if simulations is not None:
            if simulations < 1:
                raise UserError(f"match: --simulations must be >= 1, got {simulations}")
            search["simulations"] = simulations
        if kind is not None:
            search["kind"] = kind
        return search


def game_of(players: Sequence[NamedPlayer]) -> Game:
    """The game that the first checkpoint among these plays; UserError where there is none."""
    for player in players:
        spec, meta = player.spec, player.meta
        if meta is not None:
            return make(meta["game"], meta["options"])
        if not (spec in ("random", "uniform") or ":" in spec):
            raise UserError(
                f"{spec}: no such checkpoint; players are a checkpoint or run directory, random, uniform, mcts:N"
            )
    raise UserError("match: pass --game (neither player is a checkpoint)")


def entrants_of(
    pair: Sequence[NamedPlayer],
    game: Game,
    device: str,
    simulations: int | None,
    kind: str | None,
    *,
    settings: Mapping[str, SettingValue] = MappingProxyType({}),
) -> list[Entrant]:
    """The two players of a match, loaded (see NamedPlayer.entrant) and under different names: a player that meets itself is
    "NAME (B)" the second time.
    """
    a, b = (each.entrant(game, device, simulations, kind, settings=settings) for each in pair)
    return [a, replace(b, name=f"{clean(b.name, MOST_OF_A_NAME - 4)} (B)") if a.name == b.name else b]
