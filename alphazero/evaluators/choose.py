"""Which evaluator a machine should use: CUDA where there is one, else the fastest of what is installed, measured once.

What was measured is remembered in `~/.cache/alphazero/evaluators.json` (XDG_CACHE_HOME moves it), by processor, versions
and network size. ALPHAZERO_EVALUATOR=NAME, one of `CPU_BACKENDS`, spares "auto" and "cpu" the choice.

That OpenVINO computes what a checkpoint's network says is proven against torch, once, and remembered in `proven/` beside it.
From then on this checkpoint is loaded without torch.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from alphazero import weights
from alphazero.devices import BACKENDS, DEVICES, Backend
from alphazero.errors import UserError
from alphazero.evaluators.base import Evaluator, LanedEvaluator, agrees, fastest, proof_planes, says_the_same
from alphazero.files import read_json, write_atomically
from alphazero.machine import cache_folder, processor
from alphazero.runs.meta import Meta

if TYPE_CHECKING:
    import torch

    from alphazero.network import Network

MEASURED_BATCH = 32  # between an engine's few leaves and self-play's hundred
MOST_PROVEN = 1000  # checkpoints remembered as proven, a small file each


def _make(backend: Backend, precision: str, network: Network) -> Evaluator:
    made: Evaluator = _module(backend).make(network, precision)
    return made


def _module(backend: Backend) -> ModuleType:
    return importlib.import_module(f"alphazero.evaluators.{backend.module}")


def _missing(backend: Backend) -> str:
    """The first of its packages that is not installed; "": all are."""
    return next((each for each in backend.packages if importlib.util.find_spec(each) is None), "")


CPU_BACKENDS: dict[str, Callable[[Network], Evaluator]] = {
    f"{name}-{precision}": partial(_make, backend, precision)
    for name, backend in BACKENDS.items()
    for precision in backend.precisions
}


def make_evaluator(network: Network, device: torch.device | str = "auto") -> Evaluator:
    """The evaluator for a device, one of DEVICES: "auto" is "cuda" where there is a GPU, else "cpu", the fastest backend
    of the processor; "torch", "openvino" and "onnx" name a backend of the processor. UserError: it is not there.
    """
    import torch

    name = str(device)
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name.startswith("cuda"):
        if not torch.cuda.is_available():
            raise UserError("device cuda: torch sees no CUDA GPU here; use cpu, or auto")
        from alphazero.evaluators.torch_packed import PackedTorchEvaluator

        half = PackedTorchEvaluator(network, name)
        return half if agrees(half, network, bf16=True) else PackedTorchEvaluator(network, name, torch.float32)
    return _best(network, _fitting(network, _wanted(name)))


def load_evaluator(folder: Path, meta: Meta, device: str = "auto") -> Evaluator:
    """The evaluator of a checkpoint, as make_evaluator gives it; without torch where that was proven here before."""
    key = _proof(folder, meta, device)
    name = _proven(key) if key else ""
    if name:
        from alphazero.evaluators.openvino_cpu import OpenVinoEvaluator

        return OpenVinoEvaluator(weights.read(folder, meta["network"]), name.removeprefix("openvino-"))
    if importlib.util.find_spec("torch") is None:
        return _without_torch(folder, meta, device)
    from alphazero import checkpoint

    evaluator = make_evaluator(checkpoint.load(folder).network, device)
    if key:
        _remember_proof(key, evaluator)
    return evaluator


def _without_torch(folder: Path, meta: Meta, device: str) -> Evaluator:
    """OpenVINO, which plays where torch is not installed. bf16 is measured against its own fp32."""
    if device not in ("auto", "cpu", "openvino"):
        raise UserError(f"device {device}: this needs torch; pip install 'alphazero-engine[train]'")
    if package := _missing(BACKENDS["openvino"]):
        raise UserError(f"no {package} and no torch to run networks with: pip install 'alphazero-engine[play]'")
    from alphazero.evaluators.openvino_cpu import OpenVinoEvaluator, has_bf16

    if meta["network"].get("kind"):
        raise UserError(
            f"{meta['network']['kind']}: a network from outside needs torch; pip install 'alphazero-engine[train]'"
        )
    folded = weights.read(folder, meta["network"])
    plain = OpenVinoEvaluator(folded, "fp32")
    if not has_bf16():
        return plain
    half = OpenVinoEvaluator(folded, "bf16")
    planes = proof_planes(folded.shape, 32)
    logits, wdl = plain.evaluate(planes)
    return half if says_the_same(half.evaluate(planes), (logits, wdl), bf16=True) else plain


def _wanted(name: str) -> list[str]:
    """The backends of the processor that a device's name, "cpu" or one of _PACKAGES, leaves to choose from."""
    if name == "cpu":
        wanted = os.environ.get("ALPHAZERO_EVALUATOR", "")
        if wanted and wanted not in CPU_BACKENDS:
            raise UserError(f"ALPHAZERO_EVALUATOR={wanted}: it is one of {', '.join(CPU_BACKENDS)}")
        return [wanted] if wanted else candidates()
    if name in BACKENDS:
        if package := _missing(BACKENDS[name]):
            raise UserError(
                f"device {name}: {package} is not installed; pip install 'alphazero-engine[{BACKENDS[name].extra}]'"
            )
        return [each for each in candidates() if each.startswith(name)]
    raise UserError(f"unknown device '{name}'; it is one of {', '.join(DEVICES)}")


def _fitting(network: Network, names: list[str]) -> list[str]:
    """Those that can run the network: OpenVINO's graph is built for ours alone. UserError: none."""
    if not network.config.kind:
        return names
    fitting = [each for each in names if not each.startswith("openvino")]
    if not fitting:
        raise UserError(f"device openvino: it cannot run {network.config.kind}; use torch or onnx")
    return fitting


def available() -> list[str]:
    """The backends of the processor that are installed here, by the names that make_evaluator takes."""
    return list(dict.fromkeys(name.split("-")[0] for name in candidates()))


def measured(network: Network, names: list[str]) -> list[tuple[str, float, Evaluator]]:
    """(name, positions/s, evaluator) of those candidates that prove themselves, fastest first."""
    planes = proof_planes(network.shape, MEASURED_BATCH)
    found = []
    for name in names:
        evaluator = CPU_BACKENDS[name](network)
        if agrees(evaluator, network, bf16=name.endswith("bf16")):
            found.append((name, MEASURED_BATCH / fastest(partial(evaluator.evaluate, planes)), evaluator))
    return sorted(found, key=lambda each: -each[1])


def lane_seconds(network: Network, evaluator: Evaluator) -> float | None:
    """What one core takes for a position where each of several lanes answers a batch, in seconds; None: it has no lanes.

    Measured once and remembered, as the choice of the backend is.
    """
    if not isinstance(evaluator, LanedEvaluator):
        return None
    key = f"{_key(network, candidates())}; seconds of a position in a lane: {evaluator.describe()}"
    try:
        known = float(_remembered()[key])
        if 0.0 < known < 60.0:
            return known
    except (KeyError, ValueError):
        pass  # not measured yet, or the file is broken
    planes = proof_planes(network.shape, MEASURED_BATCH)
    # In processor time, which a lane spends on one core: on a busy machine the clock on the wall would mislead for ever after.
    seconds = fastest(lambda: evaluator.evaluate_in_lane(planes), clock=time.process_time) / MEASURED_BATCH
    _remember(key, f"{seconds:.3e}")
    return seconds


def candidates() -> list[str]:
    """What is installed and worth a try here, the plain path first."""
    installed = {name: backend for name, backend in BACKENDS.items() if not _missing(backend)}
    return [f"{name}-{each}" for name, backend in installed.items() for each in _module(backend).precisions()]


def _best(network: Network, names: list[str]) -> Evaluator:
    if len(names) > 1:
        known = _remembered().get(_key(network, names))
        if known in names:
            names = [known]
    if len(names) == 1:
        evaluator = CPU_BACKENDS[names[0]](network)
        if agrees(evaluator, network, bf16=names[0].endswith("bf16")):
            return evaluator
        return CPU_BACKENDS["torch-fp32"](network)
    found = measured(network, names)
    if not found:
        return CPU_BACKENDS["torch-fp32"](network)
    name, _, evaluator = found[0]
    _remember(_key(network, names), name)
    return evaluator


# --- memory ---


def _file() -> Path:
    return cache_folder() / "evaluators.json"


def _gpu_is_possible() -> bool:
    """Whether torch has to be asked for a GPU: not where the system has no device of NVIDIA's driver."""
    devices = ("/dev/nvidiactl", "/dev/nvidia0", "/dev/nvhost-ctrl", "/dev/dxg", "/dev/kfd")
    return not sys.platform.startswith("linux") or any(Path(each).exists() for each in devices)


def _proof(folder: Path, meta: Meta, device: str) -> str:
    """All that hangs together where OpenVINO was chosen for a checkpoint and proven, as a name for a file: these weights,
    this program, this processor, these versions, and what was asked for. "" where torch is needed in any case.
    """
    wanted = os.environ.get("ALPHAZERO_EVALUATOR", "")
    if device == "auto" and not _gpu_is_possible():
        device = "cpu"
    asked = (wanted or "openvino") if device == "cpu" else device
    if not asked.startswith("openvino") or importlib.util.find_spec("openvino") is None:
        return ""
    digest = hashlib.blake2b(digest_size=20)
    try:
        files = (folder / "model.safetensors", Path(weights.__file__), Path(__file__).with_name("openvino_cpu.py"))
        for file in files:
            digest.update(hashlib.blake2b(file.read_bytes()).digest())
    except OSError:
        return ""  # whoever loads it says what is wrong
    versions = [
        f"{name}={importlib.metadata.version(backend.packages[0])}"
        for name, backend in BACKENDS.items()
        if importlib.util.find_spec(backend.packages[0]) is not None
    ]
    circumstances = [device, wanted, platform.machine(), processor(), os.cpu_count(), versions, meta["network"]]
    digest.update(json.dumps(circumstances, sort_keys=True).encode())
    return digest.hexdigest()


def _proven(key: str) -> str:
    """The backend that was proven, or "": never, or its file is broken."""
    try:
        name = (cache_folder() / "proven" / key).read_text()
    except (OSError, ValueError):
        return ""
    return name if name.startswith("openvino-") and name in CPU_BACKENDS else ""


def _remember_proof(key: str, evaluator: Evaluator) -> None:
    """Keeps that an evaluator which make_evaluator gave, so a proven one, is OpenVINO's. Not where torch was the choice."""
    from alphazero.evaluators.openvino_cpu import OpenVinoEvaluator

    if not isinstance(evaluator, OpenVinoEvaluator):
        return
    folder = cache_folder() / "proven"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        kept = sorted(folder.iterdir(), key=lambda file: file.stat().st_mtime)
        for old in kept[: max(0, len(kept) - MOST_PROVEN + 1)]:
            old.unlink(missing_ok=True)
        # By a name of its own: engines that start together write at the same time.
        temporary = folder / f"{key}.{os.getpid()}"
        temporary.write_text(f"openvino-{evaluator.precision}")
        temporary.replace(folder / key)
    except OSError:
        pass  # a read-only home, or another process cleans up: proven again next time


def _key(network: Network, names: list[str]) -> str:
    """What a choice holds for: this processor, these versions, a network of this kind and size on this board."""
    shape, config = network.shape, network.config
    versions = [f"{each}={importlib.metadata.version(BACKENDS[each.split('-')[0]].packages[0])}" for each in names]
    size = f"{config.kind or 'residual'} {config.blocks}x{config.channels} {shape.planes}x{shape.height}x{shape.width}->{shape.policy_size}"
    return "; ".join([platform.machine(), processor(), f"{os.cpu_count()} cores", *versions, size])


def _remembered() -> dict[str, str]:
    try:
        return {str(k): str(v) for k, v in read_json(_file()).items()}
    except (OSError, ValueError, AttributeError):
        return {}  # never written, or broken: measured again


def _remember(key: str, name: str) -> None:
    try:
        _file().parent.mkdir(parents=True, exist_ok=True)
        write_atomically(_file(), json.dumps({**_remembered(), key: name}, indent=1).encode())
    except (OSError, UserError):
        pass  # a read-only home: measured again next time
