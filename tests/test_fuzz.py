"""Readers meet inputs that are nearly right: what was found once, and as many new ones as half a second gives.

`make fuzz` runs the same targets for longer, guided by coverage where atheris is installed, and the core under sanitizers.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

FUZZ = Path(__file__).parent / "fuzz"
sys.path.insert(0, str(FUZZ))

import readers  # noqa: E402
import targets  # noqa: E402
from mutator import Mutator  # noqa: E402

SECONDS_IN_ALL = 120  # of the slow test
# Found and not mended yet, each with its reason: "TARGET/FILE".
KNOWN: dict[str, str] = {}


@pytest.fixture(autouse=True)
def here():
    """Engines are run in a folder of their own; the tests go on where they were."""
    folder = Path.cwd()
    yield
    os.chdir(folder)


def regressions() -> list[Path]:
    return sorted(path for path in (FUZZ / "regressions").glob("*/*") if path.parent.name in targets.TARGETS)


@pytest.mark.parametrize("path", regressions(), ids=lambda path: f"{path.parent.name}-{path.name}")
def test_what_was_found_once_stays_mended(path, request):
    reason = KNOWN.get(f"{path.parent.name}/{path.name}")
    if reason:
        request.applymarker(pytest.mark.xfail(reason=reason, strict=True))
    readers.attempt(targets.TARGETS[path.parent.name], path.read_bytes())


@pytest.mark.parametrize("name", targets.TARGETS)
def test_seeds_are_read_and_inputs_near_them_are_read_or_refused_in_one_line(name):
    target = targets.TARGETS[name]
    _, data, problem = readers.run(target, targets.seeds(name), 0.5, 1)
    assert not problem, f"{data!r}: {problem}"


@pytest.mark.slow
@pytest.mark.parametrize("name", targets.TARGETS)
def test_inputs_near_right_ones_are_read_or_refused_in_one_line(name, tmp_path):
    program = [sys.executable, str(FUZZ / "readers.py"), name, "--plain", "--folder", str(tmp_path)]
    seconds = str(SECONDS_IN_ALL / len(targets.TARGETS))
    ran = subprocess.run([*program, "--seconds", seconds, "--seed", "2"], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-4000:]


def test_the_same_seed_gives_the_same_inputs():
    def some(seed: int) -> list[bytes]:
        mutator = Mutator(targets.seeds("gtp"), seed)
        return [mutator.input() for _ in range(200)]

    assert some(1) == some(1) != some(2) and len(set(some(1))) > 150


def broken(data: bytes) -> None:
    """A reader with a fault for each letter."""
    if b"t" in data:
        raise KeyError("x")
    if b"l" in data:
        raise ValueError("two\nlines")
    if b"h" in data:
        while True:
            pass
    if b"r" in data:
        raise targets.UserError("refused")


@pytest.mark.parametrize(("data", "said"), [(b"t", "KeyError"), (b"l", "two"), (b"h", "no end within")])
def test_tracebacks_hangs_and_errors_of_two_lines_are_findings(data, said):
    target = targets.Target(broken, (ValueError,))
    with pytest.raises(readers.Finding, match=said):
        readers.attempt(target, data, 0.2)


def test_memory_beyond_the_bound_is_a_finding(monkeypatch):
    monkeypatch.setattr(readers, "MEGABYTES_AN_INPUT", -1.0)  # the peak of a whole test run may be above any real one
    with pytest.raises(readers.Finding, match="MB for one input"):
        readers.attempt(targets.Target(broken, (ValueError,)), b"a")


def test_a_refusal_in_one_line_and_an_accepted_input_are_none():
    target = targets.Target(broken, (ValueError,))
    assert readers.attempt(target, b"r") == "refused" and readers.attempt(target, b"a") == ""
