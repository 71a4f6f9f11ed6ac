"""The configuration of a run: typed, validated, every default with its reason.

A YAML file has the sections of `Config`. Unknown keys, wrong types and values out of range are refused with one line that
names the key: `configs/go.yaml: search.simulations must be >= 1, got 0`. pydantic is imported only when a file is read.
"""

from alphazero.config.checks import check_whole
from alphazero.config.entries import Step, Variant
from alphazero.config.keys import CLOSED, Bool, Float, Int, ListOf, Section, Text, key
from alphazero.config.learning import NetworkConfig, ReplayConfig, TrainingConfig
from alphazero.config.models import ClusterConfig, Config, RatingConfig
from alphazero.config.playing import GameConfig, SearchConfig, SelfplayConfig
from alphazero.config.reading import build, load_config, to_plain, to_yaml
from alphazero.config.resume import resume_changes
from alphazero.config.yaml_files import ConfigError, parse_yaml, read_yaml, read_yaml_file

__all__ = [
    "CLOSED",
    "Bool",
    "ClusterConfig",
    "Config",
    "ConfigError",
    "Float",
    "GameConfig",
    "Int",
    "ListOf",
    "NetworkConfig",
    "RatingConfig",
    "ReplayConfig",
    "SearchConfig",
    "Section",
    "SelfplayConfig",
    "Step",
    "Text",
    "TrainingConfig",
    "Variant",
    "build",
    "check_whole",
    "key",
    "load_config",
    "parse_yaml",
    "read_yaml",
    "read_yaml_file",
    "resume_changes",
    "to_plain",
    "to_yaml",
]
