"""LPIPS v0.1: how far apart two images are for a network, weighted by human judgement.

Source: Zhang et al. 2018, The unreasonable effectiveness of deep features as a perceptual metric;
the module is that of the ``lpips`` package, which brings the weights of the linear layers. The
backbone's are those of torchvision.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from recapbench.errors import DataError
from recapbench.evaluation.arrays import Image, require_pair
from recapbench.evaluation.base import BatchMeasure
from recapbench.evaluation.networks import NetworkFailure
from recapbench.evaluation.pairs import Pair

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

    from recapbench.evaluation.networks import Networks

_UNUSED = "classifier."  # the end of torchvision's networks, which LPIPS does not look at


@dataclass(frozen=True)
class LpipsNetwork:
    """A backbone of LPIPS.

    Attributes:
        name: what the ``lpips`` package calls it.
        title: what it is, in a line.
        backbone: name of the record of the backbone's weights.
        linear: name of the record of the linear layers' weights.
        side: smallest side of an image in pixels that it can see.
    """

    name: str
    title: str
    backbone: str
    linear: str
    side: int

    def fits(self, image: Image) -> bool:
        """Whether an image (H,W,3) is large enough."""
        return min(image.shape[:2]) >= self.side


ALEX: Final = LpipsNetwork("alex", "AlexNet", "alexnet", "lpips_alex", side=31)
VGG: Final = LpipsNetwork("vgg", "VGG-16", "vgg16", "lpips_vgg", side=16)


class Lpips:
    """LPIPS of pairs, one at a time: a value does not depend on the other pairs.

    Args:
        network: which backbone.
        backbone: file of its weights, a state dict of torchvision.
        linear: file of the linear layers' weights, as in the ``lpips`` package.
        device: where it runs, as torch names it.

    Raises:
        DataError: if a file is damaged or its tensors are not those of the network.
    """

    def __init__(
        self, network: LpipsNetwork, backbone: Path, linear: Path, device: str = "cpu"
    ) -> None:
        self._network = network
        self._device = device
        self._module = _unfilled(network)
        _fill(self._module.net, backbone, f"torchvision's {network.title}", _layer_names)
        _fill(self._module.lins, linear, f"LPIPS on {network.title}", _linear_names)
        self._module.to(device)

    def __call__(self, generated: Image, target: Image) -> float:
        """The distance of two images uint8 (H,W,3), H and W at least the network's ``side``.

        Raises:
            DataError: if the images are not uint8 RGB of one size, or too small.
        """
        require_pair(generated, target)
        if not self._network.fits(generated):
            side, (height, width) = self._network.side, generated.shape[:2]
            raise DataError(
                f"lpips.{self._network.name} needs images of at least {side}x{side} pixels, "
                f"got {width}x{height}"
            )
        with _single_threaded():
            return self._distance(generated, target)

    def of_pairs(self, pairs: Sequence[Pair]) -> list[float | None]:
        """The distance of each pair; None where the images are too small.

        On the CPU each pair is worked on by a thread of its own: a network that is spread over
        several threads adds up in an order that depends on their number.

        Raises:
            NetworkFailure: if the network fails, as for want of memory.
        """
        if self._device != "cpu":
            return [self._of_pair(pair) for pair in pairs]
        with _single_threaded() as threads, _pool(threads) as pool:
            return list(pool.map(self._of_pair, pairs))

    def _of_pair(self, pair: Pair) -> float | None:
        if not self._network.fits(pair.generated):
            return None
        try:
            return self._distance(pair.generated, pair.target)
        except RuntimeError as error:
            line = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise NetworkFailure(f"LPIPS on {self._network.title} failed: {line}") from error

    def _distance(self, generated: Image, target: Image) -> float:
        import torch

        with torch.inference_mode(), _exact(self._device):
            return float(self._module(self._input(generated), self._input(target)))

    def _input(self, image: Image) -> Tensor:
        """The image as the network wants it: float32 (1,3,H,W) in [-1, 1]."""
        import torch

        pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1)[None]
        return (pixels.double() / 127.5 - 1.0).float().to(self._device)


def opener(network: LpipsNetwork) -> Callable[[Networks], BatchMeasure]:
    """What loads the network for a metric."""

    def open_network(networks: Networks) -> BatchMeasure:
        files = (networks.locate(network.backbone), networks.locate(network.linear))
        return Lpips(network, *files, device=networks.device).of_pairs

    return open_network


@contextmanager
def _single_threaded() -> Iterator[int]:
    """Torch works with one thread; gives the number that it had and will have again."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield threads
    finally:
        torch.set_num_threads(threads)


def _pool(threads: int) -> ThreadPoolExecutor:
    """Threads in each of which torch works with one thread.

    Of some releases of torch that number is each thread's own, and a new thread has the first one.
    """
    import torch

    return ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,))


def _exact(device: str) -> AbstractContextManager[None]:
    """On a GPU, convolutions in full float32 and by methods that repeat their bits."""
    import torch

    if device == "cpu":
        return nullcontext()
    return torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False)


def _unfilled(network: LpipsNetwork) -> Any:
    """The module without weights. It takes no memory, no random numbers and no download."""
    import torch
    from lpips import LPIPS

    with warnings.catch_warnings(), torch.device("meta"):
        warnings.simplefilter("ignore")  # the package names torchvision's options in the old way
        return LPIPS(
            net=network.name, version="0.1", pretrained=False, pnet_rand=True, verbose=False
        )


def _fill(
    module: Module, path: Path, title: str, names: Callable[[Module], dict[str, str]]
) -> None:
    """Load the tensors of a file.

    Args:
        module: whose parameters are replaced.
        path: a state dict.
        title: what the file should hold.
        names: of the module's parameters -> how the file calls them.
    """
    state = _state(path, title)
    named = names(module)
    expected = {named[name]: tensor for name, tensor in module.state_dict().items()}
    for name, tensor in expected.items():
        got = tuple(state[name].shape) if name in state else "none"
        if got != tuple(tensor.shape):
            raise DataError(
                f"{path}: expected the weights of {title} with {name} of shape "
                f"{tuple(tensor.shape)}, got {got}"
            )
    surplus = sorted(n for n in state if n not in expected and not n.startswith(_UNUSED))
    if surplus:
        raise DataError(f"{path}: expected the weights of {title}, got {surplus[0]} besides them")
    own = {name: state[theirs].float() for name, theirs in named.items()}
    module.load_state_dict(own, strict=True, assign=True)


def _state(path: Path, title: str) -> Mapping[str, Tensor]:
    """The tensors of a file by name."""
    import torch

    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load raises many kinds; each means the file is not usable
        line = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise DataError(f"{path}: expected the weights of {title}: {line}") from error
    if not isinstance(state, Mapping) or not all(
        isinstance(name, str) and isinstance(tensor, torch.Tensor) for name, tensor in state.items()
    ):
        raise DataError(f"{path}: expected the weights of {title}, a state dict of tensors")
    return state


def _layer_names(net: Module) -> dict[str, str]:
    """``slice2.3.weight`` of the package is ``features.3.weight`` of torchvision."""
    return {name: f"features.{name.split('.', 1)[1]}" for name in net.state_dict()}


def _linear_names(lins: Module) -> dict[str, str]:
    """``2.model.1.weight`` is ``lin2.model.1.weight`` in the package's file."""
    return {name: f"lin{name}" for name in lins.state_dict()}
