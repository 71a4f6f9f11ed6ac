"""Where a network may run, as `--device` and `az.load(device=...)` name it. Apart, because torch takes a second to load."""

DEVICES = ("auto", "cpu", "cuda", "torch", "openvino", "onnx")
DEVICE_HELP = (
    "where the network runs; auto: the GPU, else the fastest CPU backend, which is benchmarked once and cached (default); "
    "torch, openvino, onnx: that CPU backend"
)
