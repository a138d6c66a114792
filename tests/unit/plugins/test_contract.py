"""The boundary: what a method raises, returns and does to its inputs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from recapbench.data.datasets import find_dataset
from recapbench.data.query import Query
from recapbench.errors import DataError, UsageError
from recapbench.methods.base import ImageSpec, LayoutMethod, MethodConfig
from recapbench.methods.contract import generate_checked, move_checked, open_checked
from recapbench.methods.find import find_method
from recapbench.methods.reference import CopySource
from recapbench.registry import PluginError
from recapbench.request import RunRequest
from recapbench.run import open_method

SPEC = ImageSpec(8, 4, 7, "market1501")
WHO = r"method 'bad_{}' of recapbench-bad 1\.0 \(recapbench_bad\.\w+:\w+\) "


def query(count: int = 2) -> Query:
    names = [f"{number}.png" for number in range(count)]
    image = torch.linspace(-1, 1, count * 96).view(count, 3, 8, 4)
    parsing = torch.arange(count * 32).view(count, 8, 4) % 7
    return Query(
        tuple(f"a{name}" for name in names),
        tuple(f"b{name}" for name in names),
        {"source_image": image, "target_parsing": parsing},
    )


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (
            "generate",
            r"failed to generate \(pair a0.png -> b0.png and 1 more\): ValueError",
        ),
        ("exit", r"failed to generate \(pair .*\): SystemExit: 0"),
        ("nan", r"returned values that are not finite: expected all of them, got 1 that are not"),
        ("shape", r"returned images of shape \(2, 8, 4, 3\), expected \(2, 3, 8, 4\) \(pair a0"),
        ("dtype", r"returned images of float64, expected float32"),
        ("range", r"returned values out of range: expected \[-1, 1\], got \[0, 255\]"),
        ("mutate", r"changed its inputs in place: .* got another source_image \(pair a0.png"),
    ],
)
def test_a_bad_method_is_named(
    bad_plugins: Path, monkeypatch: pytest.MonkeyPatch, kind: str, said: str
) -> None:
    monkeypatch.syspath_prepend(bad_plugins)
    method = open_checked(find_method(f"bad_{kind}"), "any", SPEC)
    with pytest.raises(PluginError, match=WHO.format(kind) + said):
        generate_checked(method, query(), SPEC)


def test_weights_that_cannot_be_loaded(bad_plugins: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(bad_plugins)
    request = RunRequest("bad_load", "mannequin_street", Path("nowhere"))
    with pytest.raises(PluginError, match=WHO.format("load") + "failed to open .*too heavy") as up:
        open_method(request, find_dataset("mannequin_street"))
    assert isinstance(up.value.__cause__, RuntimeError)


def copying(monkeypatch: pytest.MonkeyPatch, **methods: Callable[..., Any]) -> CopySource:
    """The reference method with some of its methods replaced."""
    for name, function in methods.items():
        monkeypatch.setattr(CopySource, name, function)
    return open_checked(CopySource, "any", SPEC)


def test_sound_images_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    images = query().source_image * 1.0009
    method = copying(monkeypatch, generate=lambda self, query: images.requires_grad_())
    made = generate_checked(method, query(), SPEC)
    assert made.layouts is None
    assert not made.images.requires_grad
    assert torch.equal(made.images, images)


def test_the_query_itself_may_be_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    method = copying(monkeypatch, generate=lambda self, query: query.source_image)
    generate_checked(method, query(), SPEC)


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (None, "returned no images: expected a torch.Tensor, got NoneType"),
        ([1, 2], "got list"),
        (torch.full((2, 3, 8, 4), -torch.inf), "not finite: expected all of them, got 192"),
        (torch.full((2, 3, 8, 4), 1.002), r"got \[1\.002, 1\.002\]"),
        (torch.zeros(3, 3, 8, 4), r"shape \(3, 3, 8, 4\), expected \(2, 3, 8, 4\)"),
        (torch.zeros(2, 3, 8, 4, dtype=torch.bfloat16), "bfloat16, expected float32"),
    ],
)
def test_images_that_are_none(monkeypatch: pytest.MonkeyPatch, made: Any, said: str) -> None:
    method = copying(monkeypatch, generate=lambda self, query: made)
    with pytest.raises(PluginError, match=said):
        generate_checked(method, query(), SPEC)


def test_an_interruption_is_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(self: CopySource, query: Query) -> Tensor:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate_checked(copying(monkeypatch, generate=interrupted), query(), SPEC)


def test_an_error_of_ours_raised_while_generating_names_the_method(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(self: CopySource, query: Query) -> Tensor:
        raise DataError("no such file")

    method = copying(monkeypatch, generate=refuse)
    with pytest.raises(PluginError, match=r"'copy_source' of recapbench .*DataError: no such file"):
        generate_checked(method, query(), SPEC)


def test_a_changed_view_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def scribble(self: CopySource, query: Query) -> Tensor:
        with torch.inference_mode():
            query.target_parsing[0, 0].zero_()
        return query.source_image

    method = copying(monkeypatch, generate=scribble)
    with pytest.raises(PluginError, match="got another target_parsing"):
        generate_checked(method, query().rows(slice(1, 2)), SPEC)


def test_refusals_of_opening_stay_what_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="unknown configuration key of copy_source 'width'"):
        open_checked(CopySource, "any", SPEC, None, {"width": 3})
    with pytest.raises(UsageError, match="has no weights to load"):
        open_checked(CopySource, "any", SPEC, Path("weights"))


def test_a_method_without_the_base_class_set_up(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PluginError, match="expected config of MethodConfig as Method"):
        copying(monkeypatch, __init__=lambda self, config, spec: None)


def test_opening_something_else(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PluginError, match="expected open to return a CopySource, got <class 'int'"):
        copying(monkeypatch, open=lambda *arguments: 3)


def test_a_device_that_cannot_be_moved_to(monkeypatch: pytest.MonkeyPatch) -> None:
    def stay(self: CopySource, device: torch.device) -> None:
        raise RuntimeError("I stay")

    method = copying(monkeypatch, to=stay)
    with pytest.raises(PluginError, match="failed to move to cpu: RuntimeError: I stay"):
        move_checked(method, torch.device("cpu"))


class Laying(LayoutMethod[MethodConfig]):
    """Returns a layout that a test sets."""

    name = "laying"
    title = "Laying"
    inputs = frozenset({"source_image"})
    result: Any = None

    def generate_with_layout(self, query: Query) -> tuple[Tensor, Tensor]:
        return query.source_image.clone(), self.result


@pytest.mark.parametrize(
    ("layout", "said"),
    [
        (None, "returned no layouts: expected a torch.Tensor, got NoneType"),
        (torch.zeros(2, 4, 8).long(), r"layouts of shape \(2, 4, 8\), expected \(2, 8, 4\)"),
        (torch.zeros(2, 8, 4).int(), "layouts of int32, expected int64"),
        (torch.full((2, 8, 4), 7), "labels out of range: expected 0 to 6, got 7 to 7"),
        (torch.full((2, 8, 4), -1), "expected 0 to 6, got -1 to -1"),
        (
            torch.zeros(2, 8, 4).long(),
            "another layout: expected the given one, got 54 other pixels",
        ),
    ],
)
def test_layouts(layout: Any, said: str) -> None:
    method = Laying(MethodConfig(), SPEC)
    method.result = layout
    with pytest.raises(PluginError, match=f"method 'laying' .*{said}"):
        generate_checked(method, query(), SPEC)


def test_a_given_layout_comes_back() -> None:
    method = Laying(MethodConfig(), SPEC)
    given = query()
    method.result = given.target_parsing.clone()
    made = generate_checked(method, given, SPEC)
    assert made.layouts is not None
    assert torch.equal(made.layouts, given.target_parsing)
