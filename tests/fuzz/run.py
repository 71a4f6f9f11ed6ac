"""Fuzzes every target for so long, two at a time, and prints a table: `python tests/fuzz/run.py --seconds 600`, `make fuzz`.

Exit 1 where one of them found something; the inputs stand in the folder that is named. The core (core.cpp) is built with
AddressSanitizer and UndefinedBehaviorSanitizer: as a libFuzzer harness where clang can, else with its own main by c++.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import targets

ROOT = Path(__file__).parent.parent.parent
HERE = Path(__file__).parent
CORE = ("texts", "records")
FLAGS = ("-std=c++20", "-O1", "-g", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer", f"-I{ROOT}", "-pthread")
OVERTIME = 300  # seconds past its time after which a target counts as hung


@dataclass
class Outcome:
    """How a target's run ended."""

    name: str
    inputs: int
    seconds: float
    code: int
    output: str


def build_core(folder: Path) -> Path:
    """The harness of the core; made anew where its sources are newer."""
    program = folder / "fuzz-core"
    source = HERE / "core.cpp"
    sources = [source, *(path for part in ("cpp", "games", "tests/cpp") for path in (ROOT / part).rglob("*.h"))]
    if program.exists() and all(path.stat().st_mtime < program.stat().st_mtime for path in sources):
        return program
    print("building the core with sanitizers: a minute or two", flush=True)
    attempts = [
        ["clang++", *FLAGS, "-fsanitize=fuzzer,address,undefined"],
        ["c++", *FLAGS, "-DAZ_FUZZ_MAIN", "-fsanitize=address,undefined"],
    ]
    said = "no C++ compiler under the name clang++ or c++"
    for command in attempts:
        if shutil.which(command[0]) is None:
            continue
        made = subprocess.run([*command, str(source), "-o", str(program)], capture_output=True, text=True, check=False)
        if made.returncode == 0:
            return program
        said = made.stderr
    raise SystemExit(said[-3000:])


def command_of(name: str, seconds: float, seed: int, folder: Path, program: Path | None) -> list[str]:
    """What fuzzes a target: readers.py, or the core's harness for the targets of the core."""
    if name not in CORE:
        options = ["--seconds", str(seconds), "--seed", str(seed), "--folder", str(folder)]
        return [sys.executable, str(HERE / "readers.py"), name, *options]
    corpus = folder / "corpus" / name
    corpus.mkdir(parents=True, exist_ok=True)
    flags = [f"-max_total_time={seconds:.0f}", f"-seed={seed}", "-max_len=20000", "-timeout=90", "-rss_limit_mb=4096"]
    prefix = f"-artifact_prefix={folder / 'findings' / name}-"
    places = [str(corpus), str(HERE / "seeds" / name), str(HERE / "regressions" / name)]
    return [str(program), f"--target={name}", *flags, prefix, *(place for place in places if Path(place).is_dir())]


def fuzz(name: str, seconds: float, seed: int, folder: Path, program: Path | None) -> Outcome:
    begin = time.monotonic()
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with (folder / f"{name}.log").open("w+", encoding="utf-8", errors="replace") as log:
        try:
            code = subprocess.run(
                command_of(name, seconds, seed, folder, program),
                stdout=log,
                stderr=subprocess.STDOUT,
                timeout=seconds + OVERTIME,
                env=environment,
                check=False,
            ).returncode
        except subprocess.TimeoutExpired:
            code = 124
        log.seek(0)
        output = log.read()
    counts = re.findall(r"Done (\d+) |number_of_executed_units: (\d+)|: (\d+) inputs in", output)
    inputs = int("".join(counts[-1])) if counts else 0
    passed = time.monotonic() - begin
    print(f"{name}: {'ok' if code == 0 else 'FOUND'}, {inputs} inputs in {passed:.0f} s", flush=True)
    return Outcome(name, inputs, passed, code, output)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*", help="default: all")
    parser.add_argument("--seconds", type=float, default=60.0, help="for each target")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--at-a-time", type=int, default=2)
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "fuzz")
    args = parser.parse_args()
    known = [*CORE, *targets.TARGETS]
    chosen = args.targets or known
    unknown = [name for name in chosen if name not in known]
    if unknown:
        parser.error(f"no target '{unknown[0]}'; targets are: {', '.join(known)}")
    folder = args.folder.absolute()
    (folder / "findings").mkdir(parents=True, exist_ok=True)
    program = build_core(folder) if set(chosen) & set(CORE) else None
    with ThreadPoolExecutor(args.at_a_time) as pool:
        outcomes = list(pool.map(lambda name: fuzz(name, args.seconds, args.seed, folder, program), chosen))
    print(f"\n{'target':12} {'inputs':>10} {'a second':>9}  seed {args.seed}")
    for each in outcomes:
        print(f"{each.name:12} {each.inputs:10} {each.inputs / each.seconds:9.0f}  {'' if each.code == 0 else 'FOUND'}")
    print(f"{'all':12} {sum(each.inputs for each in outcomes):10}")
    found = [each for each in outcomes if each.code != 0]
    for each in found:
        print(f"\n--- {each.name} (exit {each.code}):\n{each.output[-3000:]}")
    if found:
        print(f"\n{len(found)} of {len(outcomes)} targets found something; the inputs are in {folder / 'findings'}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
