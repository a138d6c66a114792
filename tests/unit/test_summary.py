"""What stands below the tables of `run` and `score`."""

from __future__ import annotations

from recapbench.evaluation.score import Score
from recapbench.results import ManifestPart, MethodPart, OutputsPart, Reference, Result
from recapbench.summary import missing, result_table

INFINITE = "every pair is identical, so the ratio is infinite"
NOT_HERE = "the network is not there"


def score(name: str, value: float | None, reason: str | None = None) -> Score:
    n = 4 if value is not None else 0
    return Score(name=name, value=value, reason=reason, n=n, higher_is_better=True)


def result(psnr: Score, real: Score, method: str = "pg2") -> Result:
    """A method beside the real images; neither has LPIPS."""
    lpips = score("lpips.alex", None, NOT_HERE)
    return Result(
        origin="measured",
        method=MethodPart(name=method, title="PG2", config=None),
        weights=None,
        dataset=None,
        manifest=ManifestPart(sha256="c" * 64, n=4, protocol="given", file=None),
        outputs=OutputsPart(sha256="f" * 64),
        target_parsing=None,
        scores=[psnr, lpips],
        references=[Reference(name="real", title="Real images", scores=[real, lpips])],
        seed=None,
        device="cpu",
        seconds=None,
        versions={},
        commit=None,
    )


KNOWN, UNKNOWN = score("psnr", 20.0), score("psnr", None, INFINITE)


def test_a_figure_that_some_have_says_whose_is_missing() -> None:
    assert missing(result(KNOWN, UNKNOWN)) == [
        f"- lpips.alex: {NOT_HERE}",
        f"- psnr of real: {INFINITE}",
    ]
    assert f"- psnr of pg2: {INFINITE}" in missing(result(UNKNOWN, KNOWN))
    assert f"- psnr: {INFINITE}" in missing(result(UNKNOWN, UNKNOWN))


def test_of_several_results_a_reference_is_named_once() -> None:
    both = (result(KNOWN, UNKNOWN), result(UNKNOWN, UNKNOWN, "patn"))
    assert f"- psnr of real and patn: {INFINITE}" in missing(*both)


def test_there_is_no_n_without_a_value_of_the_method() -> None:
    (*_, n) = result_table(result(KNOWN, UNKNOWN)).columns
    assert list(n.cells) == ["4", ""]
