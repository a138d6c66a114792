"""InceptionV3 of TensorFlow's ``inception-2015-12-05`` graph: pooled features and logits.

The network is Szegedy et al. 2015 (https://arxiv.org/abs/1512.00567) as that graph has it, which
is not torchvision's: average pools leave the padding out of the mean, the last block pools by
maximum, and there are 1008 classes. Weights come in the layout of torch-fidelity's
``FeatureExtractorInceptionV3``. The values are torch-fidelity's to float32 rounding; the work is
less: batch normalisation (eps 1e-3) is inside the convolutions, a block's 1x1 convolutions of one
input are one convolution, average pools come after their 1x1 convolution (both are linear), and
tensors are channels_last.

Shapes: B images, H rows, W columns, C channels.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from recapbench.errors import DataError
from recapbench.networks.convolution import conv2d

INPUT_SIZE: Final = 299
FEATURE_DIM: Final = 2048
LOGIT_DIM: Final = 1008

_BATCH_NORM_EPS = 1e-3


class _Conv(NamedTuple):
    """A convolution, batch normalisation and ReLU, by its name in the published state dict."""

    name: str
    inputs: int
    outputs: int
    kernel: tuple[int, int] = (1, 1)
    stride: int = 1
    padding: tuple[int, int] = (0, 0)


def _square(
    name: str, inputs: int, outputs: int, side: int, stride: int = 1, padding: int = 0
) -> _Conv:
    return _Conv(name, inputs, outputs, (side, side), stride, (padding, padding))


def _row(name: str, inputs: int, outputs: int, length: int) -> _Conv:
    return _Conv(name, inputs, outputs, (1, length), 1, (0, length // 2))


def _column(name: str, inputs: int, outputs: int, length: int) -> _Conv:
    return _Conv(name, inputs, outputs, (length, 1), 1, (length // 2, 0))


class _Branch(NamedTuple):
    """One path through a block.

    Attributes:
        head: its first convolution, 1x1 for all paths but one; None for a pool alone.
        tail: those that follow.
        fork: two convolutions of the tail's output, side by side.
        pool: "mean" or "max": a 3x3 pool before the head; a max pool alone has stride 2.
    """

    head: _Conv | None
    tail: tuple[_Conv, ...] = ()
    fork: tuple[_Conv, ...] = ()
    pool: str = ""

    @property
    def convolutions(self) -> tuple[_Conv, ...]:
        return (*((self.head,) if self.head else ()), *self.tail, *self.fork)

    @property
    def joined(self) -> bool:
        """Whether the head is one of the block's joined 1x1 convolutions."""
        return self.head is not None and self.head.kernel == (1, 1) and self.pool != "max"


_STEM = (
    _square("Conv2d_1a_3x3", 3, 32, 3, stride=2),
    _square("Conv2d_2a_3x3", 32, 32, 3),
    _square("Conv2d_2b_3x3", 32, 64, 3, padding=1),
)
_SECOND_STEM = (_Conv("Conv2d_3b_1x1", 64, 80), _square("Conv2d_4a_3x3", 80, 192, 3))


def _block_35(name: str, inputs: int, pooled: int) -> tuple[_Branch, ...]:
    return (
        _Branch(_Conv(f"{name}.branch1x1", inputs, 64)),
        _Branch(
            _Conv(f"{name}.branch5x5_1", inputs, 48),
            (_square(f"{name}.branch5x5_2", 48, 64, 5, padding=2),),
        ),
        _Branch(
            _Conv(f"{name}.branch3x3dbl_1", inputs, 64),
            (
                _square(f"{name}.branch3x3dbl_2", 64, 96, 3, padding=1),
                _square(f"{name}.branch3x3dbl_3", 96, 96, 3, padding=1),
            ),
        ),
        _Branch(_Conv(f"{name}.branch_pool", inputs, pooled), pool="mean"),
    )


def _to_17(name: str, inputs: int) -> tuple[_Branch, ...]:
    return (
        _Branch(_square(f"{name}.branch3x3", inputs, 384, 3, stride=2)),
        _Branch(
            _Conv(f"{name}.branch3x3dbl_1", inputs, 64),
            (
                _square(f"{name}.branch3x3dbl_2", 64, 96, 3, padding=1),
                _square(f"{name}.branch3x3dbl_3", 96, 96, 3, stride=2),
            ),
        ),
        _Branch(None, pool="max"),
    )


def _block_17(name: str, width: int) -> tuple[_Branch, ...]:
    return (
        _Branch(_Conv(f"{name}.branch1x1", 768, 192)),
        _Branch(
            _Conv(f"{name}.branch7x7_1", 768, width),
            (
                _row(f"{name}.branch7x7_2", width, width, 7),
                _column(f"{name}.branch7x7_3", width, 192, 7),
            ),
        ),
        _Branch(
            _Conv(f"{name}.branch7x7dbl_1", 768, width),
            (
                _column(f"{name}.branch7x7dbl_2", width, width, 7),
                _row(f"{name}.branch7x7dbl_3", width, width, 7),
                _column(f"{name}.branch7x7dbl_4", width, width, 7),
                _row(f"{name}.branch7x7dbl_5", width, 192, 7),
            ),
        ),
        _Branch(_Conv(f"{name}.branch_pool", 768, 192), pool="mean"),
    )


def _to_8(name: str) -> tuple[_Branch, ...]:
    return (
        _Branch(
            _Conv(f"{name}.branch3x3_1", 768, 192),
            (_square(f"{name}.branch3x3_2", 192, 320, 3, stride=2),),
        ),
        _Branch(
            _Conv(f"{name}.branch7x7x3_1", 768, 192),
            (
                _row(f"{name}.branch7x7x3_2", 192, 192, 7),
                _column(f"{name}.branch7x7x3_3", 192, 192, 7),
                _square(f"{name}.branch7x7x3_4", 192, 192, 3, stride=2),
            ),
        ),
        _Branch(None, pool="max"),
    )


def _block_8(name: str, inputs: int, pool: str) -> tuple[_Branch, ...]:
    def fork(stem: str) -> tuple[_Conv, ...]:
        return (_row(f"{name}.{stem}a", 384, 384, 3), _column(f"{name}.{stem}b", 384, 384, 3))

    return (
        _Branch(_Conv(f"{name}.branch1x1", inputs, 320)),
        _Branch(_Conv(f"{name}.branch3x3_1", inputs, 384), fork=fork("branch3x3_2")),
        _Branch(
            _Conv(f"{name}.branch3x3dbl_1", inputs, 448),
            (_square(f"{name}.branch3x3dbl_2", 448, 384, 3, padding=1),),
            fork("branch3x3dbl_3"),
        ),
        _Branch(_Conv(f"{name}.branch_pool", inputs, 192), pool=pool),
    )


_BLOCKS = (
    _block_35("Mixed_5b", 192, 32),
    _block_35("Mixed_5c", 256, 64),
    _block_35("Mixed_5d", 288, 64),
    _to_17("Mixed_6a", 288),
    _block_17("Mixed_6b", 128),
    _block_17("Mixed_6c", 160),
    _block_17("Mixed_6d", 160),
    _block_17("Mixed_6e", 192),
    _to_8("Mixed_7a"),
    _block_8("Mixed_7b", 1280, "mean"),
    _block_8("Mixed_7c", 2048, "max"),
)


def _convolutions() -> Iterator[_Conv]:
    """All of them, in the order of the network."""
    yield from (*_STEM, *_SECOND_STEM)
    for block in _BLOCKS:
        for branch in block:
            yield from branch.convolutions


class _Fused(nn.Module):
    """Convolutions of one input, with their batch normalisation inside, and ReLU if ``active``."""

    weight: Tensor
    bias: Tensor

    def __init__(
        self, convs: Sequence[_Conv], state: Mapping[str, Tensor], active: bool = True
    ) -> None:
        super().__init__()
        parts = [_fused(conv, state) for conv in convs]
        weight = torch.cat([part[0] for part in parts])
        self.register_buffer("weight", weight.contiguous(memory_format=torch.channels_last))
        self.register_buffer("bias", torch.cat([part[1] for part in parts]))
        self.stride, self.padding, self.active = convs[0].stride, convs[0].padding, active

    def forward(self, x: Tensor) -> Tensor:
        x = conv2d(x, self.weight, self.bias, (self.stride, self.stride), self.padding)
        return x.relu_() if self.active else x


def _fused(conv: _Conv, state: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Weight and bias of a convolution and its batch normalisation, made in float64."""
    norm = {
        key: state[f"{conv.name}.bn.{key}"].double()
        for key in ("weight", "bias", "running_mean", "running_var")
    }
    scale = norm["weight"] / torch.sqrt(norm["running_var"] + _BATCH_NORM_EPS)
    weight = state[f"{conv.name}.conv.weight"].double() * scale[:, None, None, None]
    return weight.float(), (norm["bias"] - norm["running_mean"] * scale).float()


class _Tail(nn.Module):
    """What a branch does after its head."""

    def __init__(self, branch: _Branch, state: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.tail = nn.Sequential(*(_Fused([conv], state) for conv in branch.tail))
        self.fork = nn.ModuleList(_Fused([conv], state) for conv in branch.fork)

    def forward(self, x: Tensor) -> list[Tensor]:
        x = self.tail(x)
        return [conv(x) for conv in self.fork] if len(self.fork) else [x]


class _Block(nn.Module):
    """Branches of one input, joined along the channels."""

    def __init__(self, branches: Sequence[_Branch], state: Mapping[str, Tensor]) -> None:
        super().__init__()
        heads = [branch.head for branch in branches if branch.joined and branch.head]
        self.heads = _Fused(heads, state, active=False)
        self.own = nn.ModuleList(
            _Fused([branch.head], state)
            for branch in branches
            if branch.head is not None and not branch.joined
        )
        self.tails = nn.ModuleList(_Tail(branch, state) for branch in branches)
        self.branches = tuple(branches)
        self.widths = [head.outputs for head in heads]

    def forward(self, x: Tensor) -> Tensor:
        joined = iter(self.heads(x).split(self.widths, dim=1))
        own = iter(self.own)
        parts: list[Tensor] = []
        for branch, tail in zip(self.branches, self.tails, strict=True):
            if branch.joined:
                head = next(joined)
                head = (_mean_pool(head) if branch.pool else head).relu()
            elif branch.head is None:
                head = functional.max_pool2d(x, 3, 2)
            else:
                head = next(own)(functional.max_pool2d(x, 3, 1, 1) if branch.pool else x)
            parts += tail(head)
        return torch.cat(parts, dim=1)


def _mean_pool(x: Tensor) -> Tensor:
    """3x3 means over the pixels that are there; a bias stays what it is."""
    return functional.avg_pool2d(x, 3, 1, 1, count_include_pad=False)


class InceptionTf(nn.Module):
    """The network, frozen, from a state dict that `load_inception_tf` has checked."""

    classifier: Tensor

    def __init__(self, state: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.stem = nn.Sequential(*(_Fused([conv], state) for conv in _STEM))
        self.second_stem = nn.Sequential(*(_Fused([conv], state) for conv in _SECOND_STEM))
        self.blocks = nn.Sequential(*(_Block(block, state) for block in _BLOCKS))
        self.register_buffer("classifier", state["fc.weight"].float().contiguous())
        self._matrices: dict[tuple[int, torch.device], Tensor] = {}
        self.eval()

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Features (B,2048) and logits without bias (B,1008) of uint8 (B,3,H,W)."""
        x = self.resized(images).contiguous(memory_format=torch.channels_last)
        x = functional.max_pool2d(self.stem(x), 3, 2)
        x = functional.max_pool2d(self.second_stem(x), 3, 2)
        features = self.blocks(x).mean(dim=(2, 3))
        return features, features @ self.classifier.T

    def resized(self, images: Tensor) -> Tensor:
        """The input of the first convolution: float32 (B,3,299,299) in [-1, 1)."""
        x = (images.float() - 128.0) / 128.0
        rows, columns = (self._matrix(side, x.device) for side in x.shape[2:])
        return rows @ x @ columns.T

    def _matrix(self, side: int, device: torch.device) -> Tensor:
        key = (side, device)
        if key not in self._matrices:
            self._matrices[key] = resize_matrix(side).to(device)
        return self._matrices[key]


def resize_matrix(side: int) -> Tensor:
    """TensorFlow 1's bilinear resize of one axis as a matrix: float32 (299,side).

    Positions are ``index * float32(side / 299)``: corners are not aligned, nothing is smoothed.
    """
    place = torch.arange(INPUT_SIZE, dtype=torch.float32)
    place = place * torch.tensor(side / INPUT_SIZE, dtype=torch.float32)
    low = place.long()
    share = place - low.float()
    index = torch.arange(INPUT_SIZE)
    matrix = torch.zeros(INPUT_SIZE, side)
    matrix[index, low] = 1.0 - share
    matrix[index, (low + 1).clamp_max(side - 1)] += share
    return matrix


def load_inception_tf(path: Path) -> InceptionTf:
    """The network with the weights of a file in torch-fidelity's layout.

    Raises:
        DataError: if the file is damaged or its tensors are not those of this network.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load raises many kinds; each means the file is not usable
        line = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise DataError(f"{path}: expected the TF weights of InceptionV3: {line}") from error
    _require_layout(state, path)
    return InceptionTf(state)


def _require_layout(state: object, path: Path) -> None:
    """Raise a DataError unless these are the tensors of the network, by name and shape."""
    expected = f"{path}: expected the TF weights of InceptionV3 as torch-fidelity has them"
    if not isinstance(state, Mapping) or not all(torch.is_tensor(v) for v in state.values()):
        raise DataError(f"{expected}, got no state dict")
    shapes = _shapes()
    missing = sorted(shapes.keys() - state.keys())
    counters = {name for name in state if str(name).endswith(".num_batches_tracked")}
    extra = sorted(map(str, state.keys() - shapes.keys() - counters))
    if missing or extra:
        what = f"without {missing[0]}" if missing else f"with {extra[0]} beside them"
        raise DataError(f"{expected}, got {len(state)} tensors {what}")
    for name, shape in shapes.items():
        if tuple(state[name].shape) != shape:
            raise DataError(f"{expected}: {name} is {tuple(state[name].shape)}, not {shape}")


def _shapes() -> dict[str, tuple[int, ...]]:
    """Name -> shape of every tensor that the network is made of."""
    shapes: dict[str, tuple[int, ...]] = {}
    for conv in _convolutions():
        shapes[f"{conv.name}.conv.weight"] = (conv.outputs, conv.inputs, *conv.kernel)
        for key in ("weight", "bias", "running_mean", "running_var"):
            shapes[f"{conv.name}.bn.{key}"] = (conv.outputs,)
    return shapes | {"fc.weight": (LOGIT_DIM, FEATURE_DIM), "fc.bias": (LOGIT_DIM,)}
