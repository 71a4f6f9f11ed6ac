"""Where a network may run, as `--device` and `az.load(device=...)` name it. Apart, because torch takes a second to load."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Backend:
    """A library that runs networks on the processor.

    module: its file in alphazero/evaluators, with make(network, precision), which gives an Evaluator, and precisions(), which
    says what is worth a try on this processor.
    """

    module: str
    precisions: tuple[str, ...]  # all that make() takes
    packages: tuple[str, ...]  # what it needs; the first is the library
    extra: str = ""  # of ours, which installs them


# By the name that --device takes; in ALPHAZERO_EVALUATOR with the precision, such as openvino-bf16.
BACKENDS = {
    "torch": Backend("torch_plain", ("fp32", "bf16"), ("torch",)),
    "openvino": Backend("openvino_cpu", ("bf16", "fp32"), ("openvino",), "play"),
    "onnx": Backend("onnx_cpu", ("fp32",), ("onnxruntime", "onnx"), "onnx"),
}
DEVICES = ("auto", "cpu", "cuda", *BACKENDS)
DEVICE_HELP = (
    "where the network runs; auto: the GPU, else the fastest CPU backend, which is benchmarked once and cached (default); "
    f"{', '.join(BACKENDS)}: that CPU backend"
)
