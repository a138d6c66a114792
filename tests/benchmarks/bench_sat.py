"""SAT against the literal loop over parts and one dense masked attention: ``python bench_sat.py``.

One sample, 256 channels at 64x64, 20 parts, one thread, float32. The label maps are those of two
pictures of one person of the built-in set. All sides are timed in turn in one run, by CPU time;
the ratios of the medians are the figures. Peak memory is what one call adds to its own process.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from recapbench.mannequin import plan, render
from recapbench.methods.sat_lgr.sat import segment_attention

CHANNELS, SIDE, PARTS = 256, 64, 20

Attention = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], Tensor]


def literal(
    query_JK: Tensor, key_IK: Tensor, value_IC: Tensor, labels_J: Tensor, labels_I: Tensor
) -> Tensor:
    """Equations (1)-(2) part by part, each over all positions under a mask."""
    out_JC = torch.zeros_like(value_IC)
    for part in range(PARTS):
        inside_I, inside_J = labels_I == part, labels_J == part
        if not bool(inside_I.any()):
            continue
        scores_JI = (query_JK @ key_IK.T).masked_fill(~inside_I, -torch.inf)
        moved_JC = torch.softmax(scores_JI, dim=1) @ value_IC
        out_JC = out_JC + moved_JC * inside_J[:, None]
    return out_JC


def dense(
    query_JK: Tensor, key_IK: Tensor, value_IC: Tensor, labels_J: Tensor, labels_I: Tensor
) -> Tensor:
    """One attention over all pairs of positions, masked where the labels differ."""
    same_JI = labels_J[:, None] == labels_I
    scores_JI = (query_JK @ key_IK.T).masked_fill(~same_JI, -torch.inf)
    present_J = same_JI.any(dim=1)
    weights_JI = torch.softmax(scores_JI.masked_fill(~present_J[:, None], 0.0), dim=1)
    return (weights_JI @ value_IC) * present_J[:, None]


VARIANTS: dict[str, Attention] = {
    "literal": literal,
    "dense": dense,
    "segments": segment_attention,
}


def labels() -> tuple[Tensor, Tensor]:
    """Target and source parts at 64x64 of two pictures of one person, (J,) and (I,) int64."""
    shots = plan.shots("mannequin", 0, "train")
    found = []
    for shot in (shots[0], shots[3]):
        drawn = render.render(
            shot.identity, shot.pose, shot.view, shot.figure, shot.outfit, (256, 256)
        )
        found.append(torch.from_numpy(drawn.labels[::4, ::4].astype(np.int64)).flatten())
    return found[0], found[1]


def inputs() -> list[Tensor]:
    """Queries and keys (4096, 32), values (4096, 256)."""
    random = torch.Generator().manual_seed(0)
    sizes = (CHANNELS // 8, CHANNELS // 8, CHANNELS)
    return [
        torch.randn(SIDE * SIDE, size, generator=random).mul_(0.3).requires_grad_()
        for size in sizes
    ]


def call(name: str, features: list[Tensor], where: tuple[Tensor, Tensor], backward: bool) -> Tensor:
    for feature in features:
        feature.grad = None
    out_JC = VARIANTS[name](*features, *where)
    if backward:
        out_JC.square().sum().backward()
    return out_JC


def timed(rounds: int, backward: bool) -> dict[str, float]:
    """Median CPU seconds of each variant, in turn."""
    features, where = inputs(), labels()
    seconds: dict[str, list[float]] = {name: [] for name in VARIANTS}
    for round_ in range(rounds + 1):
        for name in VARIANTS:
            start = time.process_time()
            call(name, features, where, backward)
            if round_:
                seconds[name].append(time.process_time() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


def peak(name: str) -> float:
    """MiB that forward and backward of one variant add to a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, "--peak", name], capture_output=True, text=True, check=True
    )
    return float(done.stdout.split()[-1])


def measure_peak(name: str) -> None:
    features, where = inputs(), labels()
    before = high_water_mark()
    call(name, features, where, backward=True)
    print(high_water_mark() - before)


def high_water_mark() -> float:
    """Largest resident size of this process so far, in MiB (Linux)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("/proc/self/status has no VmHWM")


def differences() -> None:
    """Largest difference from the literal loop, of the output and of the gradients."""
    features, where = inputs(), labels()
    found: dict[str, list[Tensor]] = {}
    for name in VARIANTS:
        out_JC = call(name, features, where, backward=True)
        found[name] = [out_JC.detach(), *(f.grad for f in features if f.grad is not None)]
    for name in ("dense", "segments"):
        gaps = [
            float((a - b).abs().max()) for a, b in zip(found[name], found["literal"], strict=True)
        ]
        print(f"{name}: largest difference {gaps[0]:.1e}, of gradients {max(gaps[1:]):.1e}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peak", choices=VARIANTS, help="print one variant's peak memory")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.peak:
        measure_peak(options.peak)
        return
    differences()
    for what, backward in (("forward", False), ("forward and backward", True)):
        seconds = timed(options.rounds, backward)
        ours = seconds["segments"]
        rows = ", ".join(f"{name} {1e3 * value:.1f} ms" for name, value in seconds.items())
        print(
            f"{what}: {rows}; literal / segments {seconds['literal'] / ours:.1f}, "
            f"dense / segments {seconds['dense'] / ours:.1f}"
        )
    memory = {name: peak(name) for name in VARIANTS}
    rows = ", ".join(f"{name} {value:.0f} MiB" for name, value in memory.items())
    print(
        f"peak memory, forward and backward: {rows}; literal / segments "
        f"{memory['literal'] / max(memory['segments'], 1):.1f}"
    )


if __name__ == "__main__":
    main()
