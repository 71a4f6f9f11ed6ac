"""Rules of Go by the names that KGS and KataGo have for them, as options of the game.

What can be chosen is the ko rule and whether suicide is allowed. Scoring is by area, dead stones are taken by play.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from alphazero.game import OptionValue
from alphazero.text import clean

KO_RULES = ("positional", "situational", "simple")
RULES: dict[str, tuple[str, bool]] = {  # by name: the ko rule, and whether suicide of several stones is allowed
    "tromp-taylor": ("positional", True),
    "chinese": ("simple", False),
    "chinese-ogs": ("positional", False),
    "chinese-kgs": ("positional", False),
    "aga": ("situational", False),
    "bga": ("situational", False),
    "french": ("situational", False),
    "new-zealand": ("situational", True),
    "japanese": ("simple", False),
    "korean": ("simple", False),
}
IN_SGF = {
    "nz": "new-zealand",
    "cn": "chinese",
    "jp": "japanese",
    "ko": "korean",
    "tt": "tromp-taylor",
}  # RU's other names
WRITTEN = {  # RU by ko rule and suicide; KGS's Chinese rules, since KataGo's have the simple ko
    ("positional", True): "Tromp-Taylor",
    ("positional", False): "Chinese-KGS",
    ("simple", False): "Chinese",
    ("situational", True): "NZ",
    ("situational", False): "AGA",
}
BY_TERRITORY = ("japanese", "korean")
# The other fields of KataGo's rules: each has one value here.
FIXED: dict[str, object] = {
    "scoring": "AREA",
    "tax": "NONE",
    "hasButton": False,
    "whiteHandicapBonus": "0",
    "friendlyPassOk": False,
}
SUPPORTED = "ko POSITIONAL, SITUATIONAL or SIMPLE; suicide true or false; " + "; ".join(
    f"{name} {json.dumps(value).strip(chr(34))}" for name, value in FIXED.items()
)


def by_name(name: str) -> dict[str, OptionValue]:
    """The options of named rules. ValueError lists the names."""
    known = name.strip().lower().replace("_", "-").replace(" ", "-")
    if known not in RULES:
        raise ValueError(f"unknown rules '{name[:40]}': {', '.join(RULES)}")
    ko, suicide = RULES[known]
    return {"ko": ko, "suicide": suicide}


def warning(name: str) -> str:
    """What differs from the named rules, "" where nothing does."""
    known = name.strip().lower().replace("_", "-")
    return f"{known} rules: scored by area, not by territory" if known in BY_TERRITORY else ""


def by_sgf(text: str) -> tuple[dict[str, OptionValue], str]:
    """The options that an SGF file's RU stands for, none where it says nothing known; and what is to be told of them."""
    known = text.strip().lower().replace("_", "-").replace(" ", "-")
    known = IN_SGF.get(known, known)
    if known in RULES:
        return by_name(known), warning(known)
    fields = re.fullmatch(
        r"ko(positional|situational|simple)score(area|territory)tax(\w+?)sui([01])(.*)", known
    )  # KataGo's
    if fields:
        # What follows are a button, a bonus for handicap stones, and passes that may end the game early.
        same = fields[2] == "area" and fields[3] == "none" and not re.search(r"button1|whb(?!0)", fields[5])
        told = "" if same else f"RU '{clean(text, 80)}': scored by area alone"
        return {"ko": fields[1], "suicide": fields[4] == "1"}, told
    return {}, f"RU '{clean(text, 80)}' is not known: the rules stay as they are" if known else ""


def sgf_name(options: Mapping[str, object]) -> str:
    """The rules as RU has them; in KataGo's words where no name fits."""
    ko, suicide = str(options["ko"]), bool(options["suicide"])
    return WRITTEN.get((ko, suicide)) or f"ko{ko.upper()}scoreAREAtaxNONEsui{int(suicide)}"


def by_fields(fields: Mapping[str, object]) -> dict[str, OptionValue]:
    """The options that KataGo's fields stand for. ValueError names a field or value that is not supported."""
    options: dict[str, OptionValue] = {}
    for name, value in fields.items():
        word = str(value).upper()
        if name == "ko" and word.lower() in KO_RULES:
            options["ko"] = word.lower()
        elif name == "suicide" and word in ("TRUE", "FALSE"):
            options["suicide"] = word == "TRUE"
        elif word != str(FIXED.get(name, "")).upper() or name not in FIXED:
            raise ValueError(f"unsupported rule '{name[:40]} {str(value)[:40]}'; supported: {SUPPORTED}")
    return options


def by_text(text: str) -> dict[str, OptionValue]:
    """The options of rules by name, or by a JSON object of KataGo's fields."""
    if not text.lstrip().startswith("{"):
        return by_name(text)
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"rules: no JSON object, such as {fields_of({'ko': 'simple', 'suicide': False})}") from error
    return by_fields(fields)


def fields_of(options: Mapping[str, object]) -> str:
    """The game's options as KataGo writes rules: one line of JSON."""
    fields = {"ko": str(options["ko"]).upper(), "suicide": bool(options["suicide"]), **FIXED}
    return json.dumps(fields, sort_keys=True, separators=(",", ":"))
