"""Matches between players that live in this process: all games at once, in one pool.

Every game of every pairing runs in the same compiled pool, and each network answers the leaves of all its games in shared
batches: a ladder of a dozen checkpoints costs little more than one match.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import dataclass, field

from alphazero._core import RANDOM, ROLLOUT, UNIFORM, Game, GameRecord, Pool
from alphazero.arena.registry import ENGINE_GAMES, Players, Search, require_engine_plays, spec_of
from alphazero.arena.time_control import TimeControl
from alphazero.evaluators import Evaluator
from alphazero.feeding import Feed, batch_layout, lanes_for
from alphazero.machine import cores
from alphazero.player import OWN_SETTINGS, NetworkPlayer, Player, RandomPlayer, RolloutPlayer
from alphazero.protocols.client import EngineSpec
from alphazero.text import player_name

DRAWN = {"temperature", "temperature_plies"}  # what a player of a pool takes beside the settings of its search


@dataclass(frozen=True)
class Entrant:
    """A player under the name that results give it, with the search it uses (`seconds`: a move's, instead of simulations)."""

    name: str
    player: Player | EngineSpec  # an EngineSpec plays in a process of its own (arena.clocked)
    search: Search = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", player_name(self.name))  # a command's text may hold anything


@dataclass(frozen=True)
class Pairing:
    """One game to play: entrants by index, the first of them moving first. `pair` joins the two games of an opening."""

    first: int
    second: int
    opening: str
    pair: int


def colour_balanced(a: int, b: int, openings: Iterable[str], first_pair: int = 0) -> list[Pairing]:
    """Each opening twice, with colours swapped."""
    out = []
    for pair, opening in enumerate(openings, first_pair):
        out += [Pairing(a, b, opening, pair), Pairing(b, a, opening, pair)]
    return out


def played_by_hand(entrants: list[Entrant], time_control: TimeControl | None) -> bool:
    """Whether games between these go move by move (an engine, a clock or a time a move is in it) and not in the pool."""
    timed = any(isinstance(each.player, EngineSpec) or "seconds" in each.search for each in entrants)
    return time_control is not None or timed


class Table:
    """These pairings, by number, on one pool: step() until it says False, take_finished() in between, close() at the end.

    The seed and a game's number name its random numbers, whatever else is played and on however many threads.
    """

    def __init__(
        self,
        game: Game,
        entrants: list[Entrant],
        pairings: dict[int, Pairing],
        *,
        seed: int = 0,
        batch_size: int = 64,
        threads: int = 0,
    ):
        evaluators: list[Evaluator] = []
        names: list[str] = []
        players = [_pool_player(entrant, evaluators, names) for entrant in entrants]
        in_flight = min(len(pairings), batch_size * max(1, min(4, len(evaluators))))
        lanes = lanes_for(evaluators, min(cores(), in_flight))  # a lone game's leaf has all cores to itself
        if lanes > 1:
            batch_size = min(batch_size, max(8, in_flight // (lanes * len(evaluators))))
        layout = batch_layout(evaluators)
        settings = {
            "games_in_flight": in_flight,
            "batch_size": batch_size,
            "threads": threads or (0 if lanes > 1 else min(2, cores())),
            "seed": seed,
            "symmetry": True,
            "record_policy": False,
            "layout": layout,
        }
        games = [(p.first, p.second, p.opening, number) for number, p in pairings.items()]
        self._pool = Pool(game, settings, players, games)
        self._feed = Feed(self._pool, evaluators, layout, lanes=lanes, names=names)

    def step(self) -> bool:
        """Answers at most one batch; False once all games are over."""
        return self._feed.step() or not self._pool.done

    def rest(self) -> None:
        """Answers nothing more until the next step()."""
        self._feed.drain()

    def take_finished(self) -> list[GameRecord]:
        """The games that ended since the last call, in no fixed order."""
        return self._pool.take_finished()

    def close(self) -> None:
        """Ends the games under way."""
        self._feed.abandon()
        self._pool.close()


def play(
    game: Game,
    entrants: list[Entrant],
    pairings: dict[int, Pairing],
    *,
    seed: int = 0,
    batch_size: int = 64,
    threads: int = 0,
) -> Generator[tuple[int, GameRecord], None, None]:
    """Plays these pairings, by number, and hands out each game with its number as it ends, in no fixed order."""
    if not pairings:
        return
    table = Table(game, entrants, pairings, seed=seed, batch_size=batch_size, threads=threads)
    try:
        going = True
        while going:
            going = table.step()
            for record in table.take_finished():
                yield record.number, record
    finally:
        table.close()


def _pool_player(entrant: Entrant, evaluators: list[Evaluator], names: list[str]) -> dict[str, object]:
    player = entrant.player
    assert isinstance(player, Player)
    drawn = {name: value for name, value in entrant.search.items() if name in DRAWN}
    wanted = player.search_settings(
        **{name: entrant.search[name] for name in entrant.search.keys() - DRAWN - {"seconds"}}
    )
    search = {**{name: value for name, value in wanted.items() if name not in OWN_SETTINGS}, **drawn}
    if isinstance(player, RandomPlayer):
        return {**search, "evaluator": RANDOM}
    if isinstance(player, RolloutPlayer):
        return {"kind": "puct", "simulations": int(player.settings["simulations"]), "evaluator": ROLLOUT}
    if not isinstance(player, NetworkPlayer):
        return {**search, "evaluator": UNIFORM}
    if not any(player.evaluator is each for each in evaluators):  # one network under several names shares its batches
        evaluators.append(player.evaluator)
        names.append(entrant.name if entrant.name == player.name else f"{entrant.name} ({player.name})")
    number = next(i for i, each in enumerate(evaluators) if each is player.evaluator)
    return {**search, "evaluator": number}


def entrant(
    spec: str,
    game: Game | None,
    device: str,
    search: Search,
    name: str | None = None,
    players: Players | None = None,
) -> Entrant:
    """A player named on the command line, as an entrant; players: those of `--players FILE`, by name.

    What the file says of a player's search goes before `search`.
    """
    from alphazero.player import load

    listed = (players or {}).get(spec)
    if listed is not None:
        name = name or spec
        spec, search = spec_of(spec, players or {}), {**search, **listed.search}
    protocol = spec.partition(":")[0]
    if protocol in ENGINE_GAMES:
        if game is not None:
            require_engine_plays(spec, game)
        return Entrant(name or spec.partition(":")[2], listed.engine() if listed else EngineSpec.parse(spec), {})
    player = load(spec, device, game=game)
    if isinstance(player, RolloutPlayer):  # "mcts:N" says itself how long it searches, and how
        search = {name: value for name, value in search.items() if name == "seconds"}
    return Entrant(name or player.short_name(), player, search)
