"""Where a network may run, as `--device` and `az.load(device=...)` name it. Apart, because torch takes a second to load."""

DEVICES = ("auto", "cpu", "cuda", "torch", "openvino", "onnx")
DEVICE_HELP = (
    "auto: a GPU, or the fastest backend of the processor, measured once (default); torch, openvino, onnx: that one"
)
