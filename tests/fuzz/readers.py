"""Fuzzes one reader of the Python package: `python tests/fuzz/readers.py TARGET --seconds 60 --seed 1`, or with files: runs these.

With atheris (extra `fuzz`) inputs follow the coverage of alphazero's code; without it, or with --plain, an input is kept
for further changes where the reader says something new of it. A finding is written to a file and ends the run with 1.
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import hashlib
import io
import os
import re
import resource
import signal
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parent))
from mutator import LONGEST, Mutator

if TYPE_CHECKING:
    from targets import Target

SECONDS_AN_INPUT = 5.0  # of the processor; more is a hang
WAITING = 6.0  # times as long on the clock: a busy machine is none
MEGABYTES_AN_INPUT = 400  # more of them for one input is a finding, too


class Finding(Exception):  # noqa: N818
    """An input that shows a fault; the text says which."""


class Hang(BaseException):
    """No Exception: a reader that catches all of them is not to catch this."""


def _hang(*_: Any) -> None:
    raise Hang


def attempt(target: Target, data: bytes, seconds: float = SECONDS_AN_INPUT) -> str:
    """Runs one input; returns what kind of answer it got ("" where it was accepted). Finding: it shows a fault."""
    from targets import refusal

    threads: list[str] = []
    said = io.StringIO()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    thread_hook = threading.excepthook
    threading.excepthook = lambda args: threads.append("".join(traceback.format_exception(args.exc_value)))
    old = [(each, signal.signal(each, _hang)) for each in (signal.SIGALRM, signal.SIGVTALRM)]
    signal.setitimer(signal.ITIMER_REAL, WAITING * seconds)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    kind = ""
    try:
        with contextlib.redirect_stderr(said):
            target.run(data)
    except Hang as error:
        raise Finding(f"no end within {seconds:g} s\n{traceback.format_exc()}") from error
    except Exception as error:
        text = refusal(target, error)
        if not text:
            raise Finding(traceback.format_exc()) from error
        kind = re.sub(r"'[^']*'|\"[^\"]*\"|[0-9]+|[^ -~]+", "", text)[:200]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        for each, handler in old:
            signal.signal(each, handler)
        threading.excepthook = thread_hook
    if threads:
        raise Finding(threads[0])
    if any(word in said.getvalue() for word in ("failed: ", "Traceback", "Error(")):
        raise Finding(f"on standard error: {said.getvalue()[:2000]}")
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    if grown > MEGABYTES_AN_INPUT:
        raise Finding(f"{grown:.0f} MB for one input of {len(data)} bytes")
    return kind


def run(
    target: Target, seeds: list[bytes], seconds: float, seed: int, current: Path | None = None
) -> tuple[int, bytes, str]:
    """Fuzzes for so long; returns (inputs, the input that shows a fault, what is wrong with it: "" for none)."""
    mutator = Mutator(seeds, seed, target.build)
    seen: set[str] = set()
    count = 0
    end = time.monotonic() + seconds
    waiting = list(seeds)
    while time.monotonic() < end:
        data = waiting.pop() if waiting else mutator.input()
        if current is not None:  # what nothing can catch, a crash of the core, leaves its input there
            current.write_bytes(data)
        count += 1
        try:
            kind = attempt(target, data)
        except Finding as finding:
            return count, data, str(finding)
        if (kind and kind not in seen) or (not kind and mutator.random.random() < 0.05):
            seen.add(kind)
            mutator.keep(data)
    return count, b"", ""


def _with_atheris(name: str, seconds: float, seed: int, folder: Path) -> None:
    """Never returns: libFuzzer ends the process."""
    import atheris

    with atheris.instrument_imports(include=["alphazero"], enable_loader_override=False):
        import targets

    target = targets.TARGETS[name]
    seeds = targets.seeds(name)
    mutator = Mutator(seeds, seed, target.build)

    def one(data: bytes) -> None:
        try:
            attempt(target, data)
        except Finding as finding:
            print(f"finding: {finding}", file=sys.stderr)
            raise

    def change(data: bytes, longest: int, number: int) -> bytes:
        mutator.random.seed(number)
        if number % 4 == 0:
            return bytes(atheris.Mutate(data, longest))
        return mutator.spoil(mutator.input() if number % 8 == 1 else data)[:longest]

    corpus = folder / "corpus" / name
    corpus.mkdir(parents=True, exist_ok=True)
    flags = [
        f"-max_total_time={seconds:.0f}",
        f"-seed={seed or 1}",
        f"-max_len={LONGEST}",
        "-rss_limit_mb=4096",
        "-timeout=90",
    ]
    prefix = f"-artifact_prefix={folder / 'findings' / name}-"
    given = str(Path(__file__).parent / "seeds" / name)
    places = [str(corpus), given] if Path(given).is_dir() else [str(corpus)]
    atheris.Setup([sys.argv[0], *flags, prefix, "-print_final_stats=1", *places], one, custom_mutator=change)
    atheris.Fuzz()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target")
    parser.add_argument("inputs", nargs="*", type=Path, help="files to run instead")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plain", action="store_true", help="without atheris")
    parser.add_argument("--folder", type=Path, default=Path("build/fuzz"), help="for findings and the corpus")
    args = parser.parse_args()
    faulthandler.enable()
    folder = args.folder.absolute()
    (folder / "findings").mkdir(parents=True, exist_ok=True)
    if not args.inputs and not args.plain:
        with contextlib.suppress(ImportError):
            _with_atheris(args.target, args.seconds, args.seed, folder)
    import targets

    if args.target not in targets.TARGETS:
        parser.error(f"no target '{args.target}'; targets are: {', '.join(targets.TARGETS)}")
    target = targets.TARGETS[args.target]
    if args.inputs:
        for path in [path.absolute() for path in args.inputs]:
            print(f"{path}: {attempt(target, path.read_bytes()) or 'accepted'}")
        return 0
    print(f"{args.target}: seed {args.seed}", flush=True)
    begin = time.monotonic()
    current = folder / "findings" / f"{args.target}-current"
    count, data, problem = run(target, targets.seeds(args.target), args.seconds, args.seed, current)
    passed = time.monotonic() - begin
    print(f"{args.target}: {count} inputs in {passed:.0f} s, {count / max(passed, 1e-9):.0f} a second", flush=True)
    current.unlink(missing_ok=True)
    if problem:
        path = folder / "findings" / f"{args.target}-{hashlib.sha256(data).hexdigest()[:12]}"
        path.write_bytes(data)
        print(f"{problem}\n{args.target}: finding: {path}", flush=True)
    return 1 if problem else 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # threads of a search that hung do not keep it
