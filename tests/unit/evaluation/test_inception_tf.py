"""Our Inception against torch-fidelity's, and files that are something else."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from random_inception import torch_fidelitys
from torch_fidelity.interpolate_compat_tensorflow import (
    interpolate_bilinear_2d_like_tensorflow1x,
)

from recapbench.errors import DataError
from recapbench.networks.inception_tf import load_inception_tf, resize_matrix


@pytest.fixture(scope="module")
def network(inception_file):
    return load_inception_tf(inception_file)


def test_equals_torch_fidelitys(network, inception_file, crops):
    batch = torch.from_numpy(np.stack(crops[:8])).permute(0, 3, 1, 2)
    with torch.inference_mode():
        got, theirs = network(batch), torch_fidelitys(inception_file)(batch)
    for ours, other in zip(got, theirs, strict=True):
        assert ours.shape == other.shape
        assert float(other.std(0).mean()) > 1e-2  # features that tell images apart
        np.testing.assert_allclose(ours, other, rtol=0, atol=2e-6 * float(other.abs().max()))


@pytest.mark.parametrize("size", [(256, 256), (128, 64), (299, 299), (256, 176), (301, 7), (1, 1)])
def test_resize_is_that_of_tensorflow_1(network, size):
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 256, (2, 3, *size), dtype=np.uint8)
    images = torch.from_numpy(pixels)
    theirs = interpolate_bilinear_2d_like_tensorflow1x(images.float(), (299, 299), None, False)
    expected = ((theirs - 128) / 128).double()
    assert float((network.resized(images) - expected).abs().max()) < 2e-6


def test_rows_of_the_resize_sum_to_one():
    for side in (1, 64, 176, 256, 640):
        torch.testing.assert_close(resize_matrix(side).sum(1), torch.ones(299))


class TestFiles:
    @pytest.fixture
    def state(self, inception_file):
        return torch.load(inception_file, weights_only=True)

    def refused(self, content, tmp_path, match):
        path = tmp_path / "mine.pth"
        torch.save(content, path)
        with pytest.raises(DataError, match=rf"mine\.pth: expected the TF weights .*{match}"):
            load_inception_tf(path)

    def test_other_names(self, state, tmp_path):
        state["Mixed_5b.other.conv.weight"] = state.pop("Mixed_5b.branch1x1.conv.weight")
        self.refused(state, tmp_path, "without Mixed_5b.branch1x1.conv.weight")

    def test_more_names(self, state, tmp_path):
        self.refused(state | {"AuxLogits.fc.bias": torch.zeros(3)}, tmp_path, "with AuxLogits")

    def test_other_shapes(self, state, tmp_path):
        state["fc.weight"] = state["fc.weight"][:1000]
        self.refused(state, tmp_path, r"fc.weight is \(1000, 2048\), not \(1008, 2048\)")

    def test_torchvisions(self, tmp_path):
        from torchvision.models import inception_v3

        network = inception_v3(weights=None, init_weights=False)
        self.refused(network.state_dict(), tmp_path, "with AuxLogits")

    @pytest.mark.parametrize("content", [[1, 2], torch.zeros(3), {"fc.weight": "text"}])
    def test_no_state_dict(self, tmp_path, content):
        self.refused(content, tmp_path, "no state dict")

    def test_no_pytorch_file(self, tmp_path):
        path = tmp_path / "mine.pth"
        path.write_bytes(b"not weights")
        with pytest.raises(DataError, match=r"mine\.pth"):
            load_inception_tf(path)

    def test_a_file_that_runs_code(self, tmp_path, capsys):
        class Bomb:
            def __reduce__(self):
                return (print, ("code ran while weights were read",))

        self.refused({"fc.weight": Bomb()}, tmp_path, "")
        assert "code ran" not in capsys.readouterr().out

    def test_counters_of_batches_may_be_missing(self, state, tmp_path):
        path = tmp_path / "mine.pth"
        kept = {k: v for k, v in state.items() if not k.endswith("num_batches_tracked")}
        assert len(kept) < len(state)
        torch.save(kept, path)
        assert load_inception_tf(path).classifier.shape == (1008, 2048)
