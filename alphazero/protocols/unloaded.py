"""Players of engines: a GUI's handshake is answered before the network is loaded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import cast

from alphazero import pretrained
from alphazero.files import read_json
from alphazero.game import Game, OptionValue, games, make
from alphazero.player import NETWORK_BATCH, Player, as_tuned, load
from alphazero.runs.meta import Meta
from alphazero.search_settings import SettingValue


class Unloaded(Player):
    """A network's player before its network is loaded: what a handshake tells of it. load() gives the one that plays."""

    def __init__(self, name: str, game: Game, meta: Meta, load: Callable[[Unloaded], Player], **settings: SettingValue):
        super().__init__(name, game, **{"batch_size": NETWORK_BATCH, **settings})
        self.meta = meta
        self._load = load

    def load(self) -> Player:
        return self._load(self)

    def search_settings(self, **settings: SettingValue) -> dict[str, SettingValue]:
        return as_tuned(super().search_settings(**settings), self.meta)

    def with_options(self, **options: OptionValue) -> Player:
        game = make(self.game.name, {**self.game.options, **options})
        other = Unloaded(self.name, game, self.meta, self._load, **self.settings)
        other.threads = self.threads
        return other


def described(model: str) -> Meta:
    """A checkpoint's meta.json where it is plain to see, without what it takes to load a network; else nothing."""
    place = pretrained.path_of(model) or Path(model)
    try:
        if not (place / "meta.json").exists():
            place = place / "checkpoints" / (place / "checkpoints" / "latest").read_text().strip()
        meta = read_json(place / "meta.json")
        if not (place / "model.safetensors").exists():
            return Meta()
    except (OSError, ValueError):
        return Meta()
    return cast("Meta", meta) if isinstance(meta, dict) else Meta()


def open_player(model: str, device: str, game: Game | None, **settings: SettingValue) -> Player:
    """The player, its network still to be loaded where meta.json says enough of it. UserError as `load` has it."""
    meta = described(model)
    name, options = meta.get("game"), meta.get("options")
    known = name in games() and isinstance(options, dict) and (game is None or game.name == name)
    if not known:
        return load(model, device, game=game, **settings)

    def load_it(player: Unloaded) -> Player:
        return load(model, device, game=player.game, **player.settings)

    return Unloaded(model, game or make(str(name), options), meta, load_it, **settings)
