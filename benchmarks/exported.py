"""The bundled prior whose network runs in another library, to time it beside torch.

They are not dependencies of ours: ``pip install openvino onnxruntime onnx onnxscript``.
"""

import tempfile
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.backends import nnpack

from inverse.denoise import Prior
from inverse.levels import Level
from inverse.priors import bundled


class Exported(Prior):
    """The bundled prior whose network runs in another library, traced for pictures of one size.

    ``openvino`` or ``onnxruntime``.
    """

    def __init__(self, library: str) -> None:
        super().__init__()
        self.prior, self.library = bundled(), library
        self.prior.network = _Foreign(self.prior.network, library)

    def denoise(self, x: Tensor, level: Level) -> Tensor:
        return self.prior.denoise(x, level)


class _Foreign(nn.Module):
    """A network that is exported at its first call."""

    def __init__(self, network: nn.Module, library: str) -> None:
        super().__init__()
        self.network, self.library = network, library
        self.run: Callable[[list], Any] | None = None

    def forward(self, *inputs: Tensor) -> Tensor:
        if self.run is None:
            with nnpack.flags(enabled=False):
                self.run = EXPORTS[self.library](self.network, inputs)
        arrays = [x.contiguous().numpy() for x in inputs]
        return torch.from_numpy(self.run(arrays))


def _openvino(network: nn.Module, inputs: tuple[Tensor, ...]) -> Callable[[list], Any]:
    import openvino  # pyright: ignore[reportMissingImports]

    model = openvino.convert_model(network, example_input=inputs)
    options = {"INFERENCE_NUM_THREADS": torch.get_num_threads(), "INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.Core().compile_model(model, "CPU", options)
    return lambda arrays: compiled(arrays)[0]


def _onnxruntime(network: nn.Module, inputs: tuple[Tensor, ...]) -> Callable[[list], Any]:
    import onnxruntime  # pyright: ignore[reportMissingImports]

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    with tempfile.NamedTemporaryFile(suffix=".onnx") as file:
        torch.onnx.export(network, inputs, file.name, dynamo=False, opset_version=17)
        session = onnxruntime.InferenceSession(file.name, options)
    names = [given.name for given in session.get_inputs()]
    return lambda arrays: session.run(None, dict(zip(names, arrays, strict=True)))[0]


EXPORTS = {"openvino": _openvino, "onnxruntime": _onnxruntime}
