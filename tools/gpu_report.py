"""Builds the core on a CUDA machine that may be offline, measures every GPU figure, and writes a report, in under 8 minutes.

    tools/gpu_report --out report

needs Python 3.10+, torch with CUDA, numpy, PyYAML, pybind11, scikit-build-core, cmake and ninja, all installed before. It
writes report/figures.jsonl (as they come), report/report.json and report/report.md. On a machine without a GPU it measures a
tiny network on the processor: that shows that the report works, and nothing else.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
NEEDED = ("torch", "numpy", "yaml", "pybind11", "scikit_build_core")
MOST_SECONDS = 460.0  # in all, unless asked otherwise: what has not come by then is left out, and the report says so


def main() -> int:
    begin = time.perf_counter()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("gpu_report"), help="directory of the report")
    parser.add_argument("--seconds", type=float, default=3.0, help="bound of each measurement (default 3)")
    parser.add_argument("--repeat", type=int, default=3, help="runs a figure (default 3)")
    parser.add_argument("--most-seconds", type=float, default=MOST_SECONDS, help="of all together (default 460)")
    parser.add_argument("--no-build", action="store_true", help="measure the alphazero that is installed")
    args = parser.parse_args()
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing and not args.no_build:
        print(f"gpu_report: {sys.executable} lacks {', '.join(missing)}; install them first", file=sys.stderr)
        return 2
    args.out.mkdir(parents=True, exist_ok=True)
    environment = dict(os.environ)
    if not args.no_build:
        site = (args.out / "site").resolve()
        failure = build(site, args.most_seconds)
        if failure:
            print(f"gpu_report: the build failed:\n{failure}", file=sys.stderr)
            return 1
        environment["PYTHONPATH"] = os.pathsep.join([str(site), *filter(None, [os.environ.get("PYTHONPATH")])])
    built = time.perf_counter() - begin
    figures, complete = measure(args, environment, max(1.0, args.most_seconds - built))
    report = {
        **machine(environment),
        "build_seconds": round(built, 1),
        "seconds": round(time.perf_counter() - begin, 1),
        "complete": complete,
        "figures": figures,
    }
    (args.out / "report.json").write_text(json.dumps(report, indent=1))
    (args.out / "report.md").write_text(markdown(report))
    print(markdown(report))
    return 0 if complete else 1


def build(site: Path, seconds: float) -> str:
    """The package with its core, compiled for this machine, into a folder of its own; what went wrong, or ""."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-build-isolation", "--no-deps", "--no-index",
               "--upgrade", "--target", str(site), str(ROOT)]  # fmt: skip
    try:
        made = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=seconds
        )
    except subprocess.TimeoutExpired:
        return f"it took more than {seconds:.0f} s"
    return made.stdout[-3000:] if made.returncode != 0 else ""


def measure(args: argparse.Namespace, environment: dict[str, str], seconds: float) -> tuple[list[dict[str, Any]], bool]:
    """The figures of `alphazero bench device`, and whether all came within `seconds`."""
    command = [sys.executable, "-P", "-m", "alphazero", "bench", "device", "--json",
               "--seconds", str(args.seconds), "--repeat", str(args.repeat)]  # fmt: skip
    if sys.version_info < (3, 11):
        command.remove("-P")  # which keeps the working directory's own alphazero/ out of the way
    path = args.out / "figures.jsonl"
    with path.open("w") as file:
        bench = subprocess.Popen(command, stdout=file, env=environment, cwd=args.out)
        try:
            complete = bench.wait(timeout=seconds) == 0
        except subprocess.TimeoutExpired:
            bench.kill()
            bench.wait()
            complete = False
    lines = path.read_text().splitlines()
    return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")], complete


def machine(environment: dict[str, str]) -> dict[str, Any]:
    """What was measured on."""
    code = (
        "import json, torch; cuda = torch.cuda.is_available();"
        "print(json.dumps({'torch': torch.__version__, 'gpu': torch.cuda.get_device_name() if cuda else None,"
        "'cuda': torch.version.cuda, 'cudnn': torch.backends.cudnn.version() if cuda else None}))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    return {"python": platform.python_version(), "cores": os.cpu_count(), **json.loads(found.stdout)}


def markdown(report: dict[str, Any]) -> str:
    """The report as a page."""
    where = report["gpu"] or "no GPU: a tiny network on the processor"
    lines = [
        f"# {where}",
        "",
        f"{report['cores']} cores, Python {report['python']}, torch {report['torch']}, CUDA {report['cuda']}, "
        f"cuDNN {report['cudnn']}. Built in {report['build_seconds']:.0f} s, measured in {report['seconds']:.0f} s in all"
        + ("." if report["complete"] else "; **not complete**."),
        "",
        "| figure | median | unit | least | greatest |",
        "|---|---|---|---|---|",
    ]
    for each in report["figures"]:
        value, low, high = (f"{each[k]:,.3f}" if each[k] < 10 else f"{each[k]:,.0f}" for k in ("value", "min", "max"))
        lines.append(f"| `{each['name']}` | {value} | {each['unit']} | {low} | {high} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
