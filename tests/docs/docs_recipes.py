"""How the commands of README and docs are run in a test: what is changed, and what cannot run."""

from __future__ import annotations

import re

CHANGES: list[tuple[str, str]] = [
    # Fewer steps, pairs and pixels.
    (r"--steps \d+", "--steps 3"),
    (r"--limit \d+", "--limit 2"),
    (r"--preset small", "--preset tiny"),
    (r"--pairs 3 --points 4", "--pairs 1 --points 1"),
    (
        r"--set width=32",
        "--set width=8 --set geometry_width=8 --set discriminator_width=8 --set batch_size=1",
    ),
    (r"--generated DIR/images --dataset mannequin", r"\g<0> --limit 2"),
    # The images of the page's run stand for somebody else's.
    (
        r"--generated DIR --dataset mannequin --label",
        "--generated RUN/images --dataset mannequin --limit 2 --label",
    ),
    (r"(add SCORED/result.json) --generated DIR", r"\1 --generated RUN/images --partial"),
    # A page's DIR may stand for two folders of one command.
    (r"--generated DIR (--manifest .*) --images DIR", r"--generated generated \1 --images images"),
    # A run of the tiny set is not one of all the pairs that are shipped, so it is partial; and it
    # is of a method that has its record.
    (r"leaderboard add RUN/result.json", r"\g<0> --partial --replace"),
    (r"leaderboard add RUN/sat_lgr/result.json", r"\g<0> --partial"),
    (r"--method copy_source,pg2,def_gan,patn,sat_lgr", "--method sat_lgr,pg2"),
    (r"plot (breakdown|grid) .*RUN/patn RUN/sat_lgr", r"plot \1 RUN/pg2 RUN/sat_lgr"),
    (r"--by turn --metrics l1,mask_ssim.def_gan", "--by turn --metrics l1"),
    # Each method of a comparison is a process of its own: two are enough.
    (r"--method copy_source,pg2,sat_lgr", "--method copy_source,pg2"),
    (r"compare DIR/pg2 DIR/sat_lgr OTHER/sat_lgr", "compare DIR/pg2 DIR/copy_source"),
    (r"--method copy_source,smooth,sat_lgr", "--method copy_source,smooth"),
    # Of Table 4 two rows: Basic, which the page trains by itself, and the full model. Records are
    # those of the command before.
    (
        r"sweep --methods table4 (.*)mannequin,mannequin_street (.*--out trained)",
        r"sweep --methods sat_lgr \1mannequin_street \2",
    ),
    (
        r"plot ablation --dataset mannequin_street --out plots",
        r"plot ablation --dataset mannequin_street --out plots --metrics l1,ssim.def_gan "
        r"--root leaderboards",
    ),
]
"""Patterns in a command and what stands in their place, one after another."""

ADDED: dict[str, list[tuple[str, str]]] = {
    "run": [("--limit", "2"), ("--metrics", "l1")],
    "score": [("--metrics", "l1,ssim.def_gan")],
    "train": [("--steps", "3"), ("--sample-every", "0")],
    "sweep": [("--sample-every", "0")],
}
"""Options that a verb gets unless the command has them."""

EXIT_CODES: dict[str, tuple[int, str]] = {
    "recapbench manifest verify market-test.csv": (
        3,
        "the lock tells the painted keypoint file from Market-1501's",
    ),
}
"""Commands that end with another code than 0 here, and why."""

NOT_HERE: list[tuple[str, str]] = [
    (r"pip install", "tests/packaging installs wheel and template in an environment of their own"),
    (r"pytest", "it runs this test"),
    (r".*(train|sweep) .*--dataset (deepfashion|market1501)", "needs the data set, and GPUs"),
    (
        r".*torchrun --standalone",
        "tests/unit/training/test_shared_training.py starts two processes",
    ),
    (r"recapbench (check|(train|run) --method) trained\b", "tests/packaging/test_plugins_page.py"),
    (r"recapbench check loaded", "tests/packaging/test_plugins_page.py"),
    (r"recapbench .*shift_zoom", "tests/packaging/test_template.py"),
]
"""Patterns of commands that are not run here, with the reason. Their options must exist."""


def reason(text: str) -> str | None:
    """Why a command is not run here; None if it is."""
    return next((why for pattern, why in NOT_HERE if re.match(pattern, text)), None)


def changed(text: str) -> str:
    """The command as it is run here."""
    for pattern, replacement in CHANGES:
        text = re.sub(pattern, replacement, text)
    verb = text.split()[1] if text.startswith("recapbench ") else ""
    for option, value in ADDED.get(verb, []):
        if option not in text:
            text = f"{text} {option} {value}"
    return text
