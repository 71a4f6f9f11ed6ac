"""The configuration of a run: typed, validated, every default with its reason.

A YAML file has the sections below; unknown keys, wrong types and values out of range are refused with one line that names
the key: `configs/go.yaml: search.simulations must be >= 1, got 0`.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
import types
import typing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from alphazero._core import search_bounds
from alphazero.errors import UserError
from alphazero.files import is_there
from alphazero.text import clean

SEARCH_BOUNDS = search_bounds()  # {setting: (least, greatest)}: what a search counts with; the core alone knows
MOST_SIMULATIONS = int(SEARCH_BOUNDS["simulations"][1])


class ConfigError(UserError):
    """A configuration that cannot be used; the text names the file, the key, what is wrong and what would be right."""


def _f(
    default: Any,
    reason: str,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
    resume: str = "taken over",
) -> Any:
    """A field with its default, the reason for it, and its bounds.

    resume: what a resumed run does with a new value. "taken over": it holds from now on. "converted": likewise, and the
    state of the run is fitted to it. "fixed": the run refuses it before anything is written.
    """
    meta = {"reason": reason, "low": low, "high": high, "choices": choices, "resume": resume}
    if isinstance(default, (list, dict)):
        return field(default_factory=lambda: type(default)(default), metadata=meta)
    return field(default=default, metadata=meta)


def _s(setting: str, default: float, reason: str) -> Any:
    """A field that is a number among the search's settings: its bounds are the core's."""
    low, high = SEARCH_BOUNDS[setting]
    return _f(default, reason, low=low, high=high)


@dataclass(frozen=True)
class GameConfig:
    name: str = _f("go", "as in `alphazero.games()`", resume="fixed")
    options: dict[str, Any] = _f({}, "the game's own options, e.g. board_size: 9; the rules check them", resume="fixed")


@dataclass(frozen=True)
class NetworkConfig:
    blocks: int = _f(4, "a laptop evaluates this size by the ten thousand a second", low=1, high=100)
    channels: int = _f(32, "likewise", low=4, high=2048)
    global_pooling: bool = _f(True, "1.6x less data in KataGo's ablation (Wu 2019, table 2)")
    value_hidden: int = _f(64, "width of the value head; more brings nothing", low=8, high=4096)
    ownership: bool | None = _f(None, "null: where the game has areas (Go); with score 1.65x less data (Wu 2019)")
    score: bool | None = _f(None, "null: where the game has areas (Go)")
    plies_left: bool | None = _f(None, "null: where the game has no areas; how far the end is (lc0's moves left)")
    reply: bool = _f(
        True, "a second policy, of the opponent's reply: 1.3x less data in KataGo's ablation; training only"
    )


@dataclass(frozen=True)
class SearchConfig:
    kind: str = _f("gumbel", "learns from few simulations (Danihelka et al. 2022)", choices=("gumbel", "puct"))
    simulations: int = _s("simulations", 32, "Gumbel learns from 16 on; 32 is a good trade on small boards")
    c_base: float = _s("c_base", 19652.0, "AlphaZero's pseudo-code")
    c_init: float = _s("c_init", 1.25, "AlphaZero's pseudo-code")
    fpu: str = _f(
        "reduction", "an untried move is a little worse than its parent (KataGo)", choices=("reduction", "value")
    )
    fpu_value: float = _s("fpu_value", 0.2, "KataGo's reduction")
    noise_epsilon: float = _s("noise_epsilon", 0.25, "AlphaZero; PUCT only")
    noise_alpha: float = _s("noise_alpha", 0.0, "0: 10 / legal moves, AlphaZero's rule over its games; PUCT only")
    considered: int = _s("considered", 16, "Gumbel's m, as in the paper")
    c_visit: float = _s("c_visit", 50.0, "as in the paper")
    c_scale: float = _s("c_scale", 1.0, "as in the paper for board games, Q mapped to [0, 1]")
    rescale_q: bool = _f(False, "stretching tiny differences of Q to [0, 1] amplifies noise in drawn positions")
    find_wins: bool = _f(True, "a leaf with a win on the spot (chess: mate in one) is exact and needs no evaluation")
    policy_temperature: float = _s(
        "policy_temperature",
        1.0,
        "who plays the network with PUCT flattens its priors so much (lc0's PolicyTemperature); self-play does not",
    )
    virtual_loss: float = _s("virtual_loss", 1.0, "one lost visit for each simulation under way")


@dataclass(frozen=True)
class SelfplayConfig:
    games_in_flight: int = _f(
        0,
        "0: as the machine asks: equal to batch_size on a CPU (search and network alternate), 4 times it on a GPU",
        low=0,
        high=65536,
    )
    batch_size: int = _f(
        0, "leaves a batch; 0: 128 on a CPU (past 64 a small network gains little), 1024 on a GPU", low=0, high=16384
    )
    threads: int = _f(0, "search threads; 0: half the cores on a CPU, all but two beside a GPU", low=0, high=256)
    opening_plies: int = _f(0, "each game starts with 0..N random moves: diversity at little cost", low=0, high=100)
    starts: list[Any] = _f([], "positions, as text, for games to begin from: endings or openings to learn more of")
    start_share: float = _f(1.0, "share of the games that begin at one of them", low=0.0, high=1.0)
    variants: list[Any] = _f(
        [],
        "[{share: 0.2, board_size: 7}, ...]: this share of the evaluations with other options of the game: one network for all",
        resume="fixed",
    )
    temperature_plies: int = _f(
        0, "PUCT: moves drawn from the visit counts for so long (AlphaZero: 30); Gumbel needs none", low=0, high=10**6
    )
    symmetry: bool = _f(True, "each leaf is turned at random: averages the network's asymmetries away")
    cache_megabytes: int = _f(
        64, "answers kept to be used again: a Gumbel search repeats a third of the last one; 0: none", low=0, high=65536
    )
    resign_threshold: float = _f(
        -1.0, "root value below which a side resigns, at most; -1: never (small boards end fast)", low=-1.0, high=0.0
    )
    resign_keep: float = _f(0.1, "share of games that never resign, to measure wrong resignations", low=0.0, high=1.0)
    resign_wrong: float = _f(
        0.05, "the threshold is lowered until so few resignations are wrong (AlphaGo Zero's bound)", low=0.0, high=1.0
    )
    resign_from: float = _f(0.1, "of the run: before, values are too raw to resign by", low=0.0, high=1.0)
    full_search_fraction: float = _f(
        1.0, "playout cap randomisation (Wu 2019); off for Gumbel at few simulations", low=0.01, high=1.0
    )
    fast_simulations: int = _f(0, "simulations of the other moves", low=0, high=MOST_SIMULATIONS)
    simulations_schedule: list[Any] = _f([], "progressive simulation: [[fraction of the run, simulations], ...]")


@dataclass(frozen=True)
class ReplayConfig:
    window_min: int = _f(20000, "positions in the window at first (c of KataGo's power law)", low=100)
    window_exponent: float = _f(0.75, "KataGo: the window grows ever slower than the run", low=0.01, high=1.0)
    min_positions: int = _f(5000, "positions before training begins", low=1)
    chunk_games: int = _f(64, "games a chunk file", low=1, high=100000)
    reuse: float = _f(
        4.0, "samples drawn a new position: KataGo 4-8; more overfits", low=0.01, high=100.0, resume="converted"
    )
    surprise: float = _f(
        0.5,
        "share of the samples drawn by how much the search surprised the network (KataGoMethods: policy surprise weighting)",
        low=0.0,
        high=1.0,
    )


@dataclass(frozen=True)
class TrainingConfig:
    start_from: str = _f(
        "",
        "a run, a checkpoint or pretrained:GAME whose network the run begins with; empty: a random one",
        resume="fixed",
    )
    batch_size: int = _f(
        256, "small steps often, on a CPU; 1024 and more on a GPU", low=2, high=65536, resume="converted"
    )
    optimizer: str = _f("adamw", "learns faster than SGD in short runs", choices=("adamw", "sgd"), resume="converted")
    learning_rate: float = _f(2e-3, "the peak; AdamW", low=1e-8, high=10.0)
    weight_decay: float = _f(1e-4, "AlphaZero's L2", low=0.0, high=1.0)
    momentum: float = _f(0.9, "SGD only", low=0.0, high=0.999)
    warmup_steps: int = _f(100, "until AdamW's second moments are known", low=0)
    schedule: str = _f(
        "cosine",
        "decays with the budget: the drop at the end is worth 100 Elo and more",
        choices=("cosine", "constant", "step"),
    )
    final_fraction: float = _f(0.05, "of the peak rate, at the end", low=0.0, high=1.0)
    clip_norm: float = _f(1.0, "gradients are clipped to this norm", low=0.001)
    ema_decay: float = _f(0.99, "averaged weights play: about the last 100 steps", low=0.0, high=0.99999)
    value_weight: float = _f(1.0, "weight of the value loss", low=0.0)
    ownership_weight: float = _f(0.5, "of the ownership loss, a mean over the board", low=0.0)
    score_weight: float = _f(0.1, "of the score loss (score in units of 20 points)", low=0.0)
    plies_left_weight: float = _f(0.1, "of the loss in log(1 + plies to the end)", low=0.0)
    reply_weight: float = _f(0.15, "of the reply's cross-entropy (Wu 2019, section 3.4)", low=0.0)
    z_weight: float = _f(
        1e-4,
        "of (log of the sum of exp(policy logits))^2: logits otherwise drift beyond what bf16 resolves (PaLM, section 5)",
        low=0.0,
    )
    value_blend: float = _f(0.33, "share of the search's values in the value target (dlshogi)", low=0.0, high=1.0)
    budget_minutes: float = _f(0.0, "the run ends after so long; 0: no such bound", low=0.0)
    budget_games: int = _f(0, "likewise in games", low=0)
    budget_positions: int = _f(0, "likewise in positions", low=0)
    budget_evaluations: int = _f(0, "likewise in network evaluations of self-play: what comparisons hold equal", low=0)
    checkpoint_every: int = _f(500, "steps", low=1)
    amp: bool = _f(
        True,
        "bf16 mixed precision where there are units for it: CUDA, and AMX or AVX512-BF16 on a CPU (1.1 to 2.3 times faster)",
    )


@dataclass(frozen=True)
class RatingConfig:
    checkpoints: int = _f(8, "so many of the run's checkpoints are rated, evenly spread", low=2, high=100)
    games: int = _f(40, "games a pairing, each opening with both colours", low=2, high=1_000_000)
    simulations: int = _f(32, "a move, for every network alike", low=1, high=MOST_SIMULATIONS)
    opening_plies: int = _f(2, "random moves at the start, so that games differ", low=0, high=100)
    opponents: list[str] = _f(["random", "mcts:100"], "yardsticks from outside the run")
    form: str = _f(
        "neighbours",
        "each checkpoint meets the next two; ladder: rounds of pairings where a game says most, for many checkpoints",
        choices=("neighbours", "ladder"),
    )
    rounds: int = _f(8, "of a ladder; each has as many pairings as fill all chairs", low=1, high=10000)
    during: float = _f(
        0.0,
        "share of the time in which the newest checkpoint is rated while training goes on; 0: none",
        low=0.0,
        high=0.5,
    )


@dataclass(frozen=True)
class Config:
    game: GameConfig = field(default_factory=GameConfig)
    network: NetworkConfig = field(default_factory=NetworkConfig)
    search: SearchConfig = field(default_factory=SearchConfig)
    selfplay: SelfplayConfig = field(default_factory=SelfplayConfig)
    replay: ReplayConfig = field(default_factory=ReplayConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    rating: RatingConfig = field(default_factory=RatingConfig)
    seed: int = _f(0, "names the run's random numbers", low=0, high=2**31, resume="fixed")


def resume_changes(old: Config, new: Config) -> dict[str, tuple[str, Any, Any]]:
    """What differs between a run's configuration and the one it is resumed with: {key: (resume class, then, now)}."""
    changes: dict[str, tuple[str, Any, Any]] = {}

    def compare(then: Any, now: Any, prefix: str, fixed: bool) -> None:
        for each in dataclasses.fields(then):
            key, a, b = f"{prefix}{each.name}", getattr(then, each.name), getattr(now, each.name)
            if dataclasses.is_dataclass(a):
                compare(
                    a, b, f"{key}.", fixed or each.name == "network"
                )  # a network's every key says what its weights are
            elif a != b:
                changes[key] = ("fixed" if fixed else each.metadata["resume"], a, b)

    compare(old, new, "", False)
    return changes


class _Loader(yaml.SafeLoader):
    """YAML as people write configurations: 1e-3 is a number, a key stands once, and nothing grows beyond what was written."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, "aliases (*name) are not read here", mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        seen: set[Any] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "a key must be one word", key.start_mark)
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"'{key.value}' stands here twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


# YAML 1.1, which PyYAML reads, takes 1e-3 for text; YAML 1.2 (section 10.3.2) for a number, as everyone means it.
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)[eE][-+]?[0-9]+$"),
    list("-+.0123456789"),
)


def _number(loader: _Loader, node: yaml.ScalarNode) -> int | float | str:
    """YAML 1.1 takes 0100 for octal and 1:40 for 100, base 60; YAML 1.2 and everyone for a hundred and for text."""
    text = node.value.replace("_", "")
    if ":" in text:
        return str(node.value)
    if node.tag.endswith(":float"):
        return float(loader.construct_yaml_float(node))
    return int(text) if re.fullmatch("[-+]?[0-9]+", text) else int(text, 0)


_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"[-+]?[0-9]+$"), list("-+0123456789"))
for _tag in ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float"):
    _Loader.add_constructor(_tag, _number)


def parse_yaml(text: str) -> Any:
    """YAML text as plain values. yaml.YAMLError: it cannot be read."""
    try:
        return yaml.load(text, _Loader)
    except RecursionError:
        raise yaml.YAMLError("nested too deeply") from None
    except (ValueError, OverflowError) as error:  # a date or a number that there cannot be
        raise yaml.YAMLError(str(error)) from None


def load_config(path: Path, overrides: typing.Sequence[str] = ()) -> Config:
    """Reads and checks a YAML file; overrides such as "search.simulations=64" come on top. ConfigError says what is wrong."""
    config: Config = build(Config, read_yaml(path, overrides), str(path))
    _check_whole(config, str(path))
    return config


def read_yaml_file(path: Path, what: str) -> Any:
    """A YAML file as plain values; ConfigError in one line, with the line of the file, where `what` cannot be read from it."""
    try:
        return parse_yaml(path.read_text("utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot read {what}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not text in UTF-8 (byte {error.start})") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark else ""
        problem = getattr(error, "problem", None) or str(error)
        raise ConfigError(f"{path}: {where}not valid YAML: {clean(problem)}") from error


def read_yaml(path: Path, overrides: typing.Sequence[str] = ()) -> dict[str, Any]:
    """A YAML file of sections, with overrides on top, unchecked. ConfigError where it cannot be read."""
    data = read_yaml_file(path, "the configuration")
    if data is None:
        data = {}
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: a mapping of sections is expected, got {_kind(data)}")
    for override in overrides:
        key, equals, value = override.partition("=")
        if not equals or not key:
            raise ConfigError(f"{clean(override)}: an override is KEY=VALUE, e.g. search.simulations=64")
        try:
            parsed = parse_yaml(value)
        except yaml.YAMLError as error:
            raise ConfigError(f"{clean(override)}: the value is not valid YAML") from error
        at = data
        parts = key.split(".")
        for part in parts[:-1]:
            if at.get(part) is None:
                at[part] = {}
            at = at[part]
            if not isinstance(at, dict):
                raise ConfigError(f"{clean(override)}: '{part}' is not a section")
        at[parts[-1]] = parsed
    return data


def _check_whole(config: Config, where: str) -> None:
    """What no single key can say."""
    training = config.training
    if not any(getattr(training, f"budget_{unit}") for unit in ("minutes", "games", "positions", "evaluations")):
        raise ConfigError(
            f"{where}: set training.budget_minutes (or _games, _positions, _evaluations): when should the run end?"
        )
    if config.selfplay.full_search_fraction < 1.0 and config.selfplay.fast_simulations < 1:
        raise ConfigError(f"{where}: selfplay.fast_simulations must be >= 1 where full_search_fraction is below 1")
    _check_variants(config, where)
    if config.selfplay.starts:
        from alphazero.game import make

        variants = [v for v in config.selfplay.variants if isinstance(v, dict)]
        for variant in [{}, *variants]:
            options = {key: value for key, value in variant.items() if key != "share"}
            try:
                game = make(config.game.name, {**config.game.options, **options})
                for text in config.selfplay.starts:
                    game.position(str(text))
            except ValueError as error:
                here = f" (in the variant {options})" if options else ""
                raise ConfigError(f"{where}: selfplay.starts: {error}{here}") from error
    for number, entry in enumerate(config.selfplay.simulations_schedule):
        fits = isinstance(entry, list) and len(entry) == 2
        fits = fits and type(entry[0]) in (int, float) and 0 <= entry[0] <= 1  # type(): true is no number here
        fits = fits and type(entry[1]) is int and 1 <= entry[1] <= MOST_SIMULATIONS
        if not fits:
            raise ConfigError(
                f"{where}: selfplay.simulations_schedule[{number}]: simulations_schedule holds "
                f"[fraction of the run, simulations], got {entry}"
            )
    for number, opponent in enumerate(config.rating.opponents):
        if not isinstance(opponent, str) or not _is_player(opponent):
            raise ConfigError(
                f"{where}: rating.opponents[{number}] must be random, uniform, mcts:N, a checkpoint or an engine such as "
                f"uci:COMMAND, got {_kind(opponent)}"
            )


def _is_player(text: str) -> bool:
    """Whether a player's text can mean one; whether an engine starts is seen when it plays."""
    kind, colon, rest = text.partition(":")
    if kind == "mcts" and colon:
        return rest.isascii() and rest.isdigit() and 1 <= int(rest[:10]) <= MOST_SIMULATIONS
    if kind in ("uci", "usi", "gtp", "xboard") and colon:
        return bool(rest.strip())
    return text in ("random", "uniform") or (kind == "pretrained" and bool(rest)) or is_there(text)


def _check_variants(config: Config, where: str) -> None:
    from alphazero.game import make

    left = 1.0
    seen: list[dict[str, Any]] = []
    for number, variant in enumerate(config.selfplay.variants):
        name = f"{where}: selfplay.variants[{number}]"
        share = variant.get("share") if isinstance(variant, dict) else None
        if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0.0 < share < 1.0:
            raise ConfigError(f"{name} has a share, between 0 and 1, and options of the game, got {variant}")
        left -= share
        options = {key: value for key, value in variant.items() if key != "share"}
        try:
            if not seen:
                seen.append(make(config.game.name, config.game.options).options)
            full = make(config.game.name, {**config.game.options, **options}).options
        except ValueError as error:
            raise ConfigError(f"{name}: {error}") from error
        if full in seen:
            raise ConfigError(f"{name}: the same game as another table's; a variant differs in its options")
        seen.append(full)
    if left < 0.01:
        raise ConfigError(f"{where}: the shares of selfplay.variants leave nothing to the game itself")


def to_yaml(config: Config) -> str:
    """The configuration with every key, as YAML that load_config reads back."""
    return str(yaml.safe_dump(dataclasses.asdict(config), sort_keys=False))


def build(cls: Any, data: dict[str, Any], where: str, prefix: str = "") -> Any:
    """A dataclass of fields made by _f() from a mapping; ConfigError names the key that is unknown or wrong."""
    hints = typing.get_type_hints(cls)
    fields = {f.name: f for f in dataclasses.fields(cls)}
    values = {}
    for key, value in data.items():
        name = f"{prefix}{key}"
        if key not in fields:
            near = difflib.get_close_matches(str(key), fields, 1)
            hint = f"did you mean {prefix}{near[0]}?" if near else f"keys are: {', '.join(fields)}"
            raise ConfigError(f"{where}: unknown key {name}; {hint}")
        if dataclasses.is_dataclass(hints[key]):
            if value is None:
                value = {}
            if not isinstance(value, dict):
                raise ConfigError(f"{where}: {name} must be a section with keys, got {_kind(value)}")
            values[key] = build(hints[key], value, where, f"{name}.")
        else:
            values[key] = _value(hints[key], value, fields[key].metadata, f"{where}: {name}")
    return cls(**values)


def _value(hint: Any, value: Any, meta: typing.Mapping[str, Any], where: str) -> Any:
    """`value` as the type of the hint, or a ConfigError."""
    allowed = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    if value is None and type(None) in allowed:
        return None
    kind = next(t for t in allowed if t is not type(None))
    kind = typing.get_origin(kind) or kind
    names = {
        bool: "true or false",
        int: "an integer",
        float: "a number",
        str: "text",
        list: "a list",
        dict: "a section",
    }
    whole = isinstance(value, float) and value.is_integer() and kind is int
    right = isinstance(value, (int, float) if kind is float else kind) and (kind is bool or not isinstance(value, bool))
    if not right and not whole:
        raise ConfigError(f"{where} must be {names[kind]}, got {_kind(value)}")
    if kind in (int, float):
        try:
            value = kind(value)
        except OverflowError:
            raise ConfigError(f"{where} must be {names[kind]} that fits 64 bits") from None
        if kind is int and not -(2**63) <= value < 2**63:
            raise ConfigError(f"{where} must be an integer that fits 64 bits")
        if value != value:
            raise ConfigError(f"{where} must be a number, got nan")
        low, high = meta["low"], meta["high"]
        if low is not None and value < low:
            raise ConfigError(f"{where} must be >= {low:.12g}, got {value}")
        if high is not None and value > high:
            raise ConfigError(f"{where} must be <= {high:.12g}, got {value}")
    if meta["choices"] and value not in meta["choices"]:
        raise ConfigError(f"{where} must be one of {', '.join(meta['choices'])}, got '{value}'")
    return value


def _kind(value: Any) -> str:
    """A value as an error line shows it."""
    if value is None:
        return "nothing"
    if isinstance(value, int) and abs(value) >= 2**63:
        return "a number beyond 64 bits"
    if isinstance(value, dict):
        return "a section"
    if isinstance(value, list):
        return "a list"
    return (
        f"'{value[:80]}'" if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
    )
