"""SAT against the literal loop over parts and one dense masked attention: ``python bench_sat.py``.

One sample, 256 channels at 64x64, 20 parts, one thread. Two kinds of label maps:

- ``even``: the map cut into 20 regions around random points, every part in source and target;
- ``person``: two pictures of one person of the built-in set; five of six positions are background,
  which attends to background whatever is done: no way of sorting can do less than 0.76 of the
  products of one dense attention.

All sides are timed in turn in one run, by CPU time; the ratios of the medians are the figures. Peak
memory is what one call adds to its own process.
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
from recapbench.methods.sat_lgr.attention import segment_attention, soft_attention

CHANNELS, SIDE, PARTS = 256, 64, 20

Attention = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], Tensor]


def literal(
    query_JK: Tensor, key_IK: Tensor, value_IC: Tensor, labels_J: Tensor, labels_I: Tensor
) -> Tensor:
    """Equations (1)-(2) part by part, each over all positions under a mask."""
    out_JC = torch.zeros_like(value_IC)
    for part in range(PARTS):
        out_JC = out_JC + of_part(query_JK, key_IK, value_IC, labels_I == part) * (
            labels_J == part
        ).unsqueeze(1)
    return out_JC


def literal_soft(
    query_JK: Tensor, key_IK: Tensor, value_IC: Tensor, member_JN: Tensor, labels_I: Tensor
) -> Tensor:
    """The same, every part weighted by its probability at the target position."""
    out_JC = torch.zeros_like(value_IC)
    for part in range(PARTS):
        moved_JC = of_part(query_JK, key_IK, value_IC, labels_I == part)
        out_JC = out_JC + moved_JC * member_JN[:, part, None]
    return out_JC


def of_part(query_JK: Tensor, key_IK: Tensor, value_IC: Tensor, inside_I: Tensor) -> Tensor:
    """What every target position would get from one part; zeros if the source lacks it."""
    if not bool(inside_I.any()):
        inside_I = torch.ones_like(inside_I)
        value_IC = torch.zeros_like(value_IC)
    scores_JI = (query_JK @ key_IK.T).masked_fill(~inside_I, -torch.inf)
    return torch.softmax(scores_JI, dim=1) @ value_IC


def dense(
    query_JK: Tensor, key_IK: Tensor, value_IC: Tensor, labels_J: Tensor, labels_I: Tensor
) -> Tensor:
    """One attention over all pairs of positions, masked where the labels differ."""
    same_JI = labels_J[:, None] == labels_I
    scores_JI = (query_JK @ key_IK.T).masked_fill(~same_JI, -torch.inf)
    present_J = same_JI.any(dim=1)
    weights_JI = torch.softmax(scores_JI.masked_fill(~present_J[:, None], 0.0), dim=1)
    return (weights_JI @ value_IC) * present_J[:, None]


def in_bfloat16(
    query_JK: Tensor, key_IK: Tensor, value_IC: Tensor, labels_J: Tensor, labels_I: Tensor
) -> Tensor:
    return segment_attention(query_JK, key_IK, value_IC.bfloat16(), labels_J, labels_I)


def soft(
    query_JK: Tensor, key_IK: Tensor, value_IC: Tensor, member_JN: Tensor, labels_I: Tensor
) -> Tensor:
    return soft_attention(query_JK[None], key_IK, value_IC, member_JN, labels_I)


HARD: dict[str, Attention] = {
    "literal": literal,
    "dense": dense,
    "segments": segment_attention,
    "segments bf16": in_bfloat16,
}
SOFT: dict[str, Attention] = {"literal soft": literal_soft, "soft": soft}
ALL = HARD | SOFT


def labels(kind: str) -> tuple[Tensor, Tensor]:
    """Target and source parts at 64x64, (J,) and (I,) int64."""
    if kind == "even":
        return around_points(0), around_points(1)
    shots = plan.shots("mannequin", 0, "train")
    found = []
    for shot in (shots[0], shots[3]):
        drawn = render.render(
            shot.identity, shot.pose, shot.view, shot.figure, shot.outfit, (256, 256)
        )
        found.append(torch.from_numpy(drawn.labels[::4, ::4].astype(np.int64)).flatten())
    return found[0], found[1]


def around_points(seed: int) -> Tensor:
    """The nearest of 20 random points at each position."""
    points_N2 = torch.rand(PARTS, 2, generator=torch.Generator().manual_seed(seed)) * SIDE
    places_I2 = torch.cartesian_prod(torch.arange(SIDE), torch.arange(SIDE)).float()
    return torch.cdist(places_I2, points_N2).argmin(dim=1)


def inputs() -> list[Tensor]:
    """Queries and keys (4096, 32), values (4096, 256)."""
    random = torch.Generator().manual_seed(0)
    sizes = (CHANNELS // 8, CHANNELS // 8, CHANNELS)
    return [
        torch.randn(SIDE * SIDE, size, generator=random).mul_(0.3).requires_grad_()
        for size in sizes
    ]


def where(name: str, kind: str) -> tuple[Tensor, Tensor]:
    """What says where parts are: labels of target and source, or memberships and labels."""
    layout_J, labels_I = labels(kind)
    if name not in SOFT:
        return layout_J, labels_I
    random = torch.Generator().manual_seed(2)
    member_JN = torch.randn(len(layout_J), PARTS, generator=random).softmax(dim=1)
    return member_JN.requires_grad_(), labels_I


def call(
    name: str, features: list[Tensor], places: tuple[Tensor, Tensor], backward: bool
) -> list[Tensor]:
    """The output, and with ``backward`` the gradients of all that has one."""
    leaves = [tensor for tensor in (*features, *places) if tensor.requires_grad]
    for leaf in leaves:
        leaf.grad = None
    out_JC = ALL[name](*features, *places)
    if not backward:
        return [out_JC.detach()]
    out_JC.float().square().sum().backward()
    return [out_JC.detach().float(), *(leaf.grad for leaf in leaves if leaf.grad is not None)]


def timed(names: dict[str, Attention], kind: str, rounds: int, backward: bool) -> dict[str, float]:
    """Median CPU seconds of each variant, in turn."""
    features = inputs()
    places = {name: where(name, kind) for name in names}
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for round_ in range(rounds + 1):
        for name in names:
            start = time.process_time()
            call(name, features, places[name], backward)
            if round_:
                seconds[name].append(time.process_time() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


def peak(name: str, kind: str) -> float:
    """MiB that forward and backward of one variant add to a process of its own."""
    command = [sys.executable, __file__, "--peak", name, "--maps", kind]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def measure_peak(name: str, kind: str) -> None:
    features, places = inputs(), where(name, kind)
    before = high_water_mark()
    call(name, features, places, backward=True)
    print(high_water_mark() - before)


def high_water_mark() -> float:
    """Largest resident size of this process so far, in MiB (Linux)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("/proc/self/status has no VmHWM")


def differences(kind: str) -> None:
    """Differences from the literal loop, of the output and of the gradients."""
    features = inputs()
    for oracle, names in (
        ("literal", ("dense", "segments", "segments bf16")),
        ("literal soft", ("soft",)),
    ):
        wanted = [x.clone() for x in call(oracle, features, where(oracle, kind), True)]
        for name in names:
            found = call(name, features, where(name, kind), True)
            pairs = list(zip(found, wanted, strict=True))
            gaps = [float((a - b).abs().max()) for a, b in pairs]
            shares = [float((a - b).norm() / b.norm()) for a, b in pairs]
            print(
                f"  {name}: largest difference {gaps[0]:.1e}, of gradients {max(gaps[1:]):.1e}, "
                f"relative {max(shares[1:]):.1e}"
            )


def report(kind: str, rounds: int) -> None:
    print(f"{kind} label maps")
    differences(kind)
    for what, backward in (("forward", False), ("forward and backward", True)):
        hard, soft_ = (timed(names, kind, rounds, backward) for names in (HARD, SOFT))
        rows = ", ".join(f"{name} {1e3 * value:.1f} ms" for name, value in (hard | soft_).items())
        print(
            f"  {what}: {rows}\n"
            f"    literal / segments {hard['literal'] / hard['segments']:.1f} (goal 50), "
            f"literal / bf16 {hard['literal'] / hard['segments bf16']:.1f} (goal 100 with "
            f"backward), dense / segments {hard['dense'] / hard['segments']:.1f} (goal "
            f"{4 if backward else 4.5}), soft {soft_['literal soft'] / soft_['soft']:.1f} (goal 20)"
        )
    memory = {name: peak(name, kind) for name in ("literal", "dense", "segments")}
    rows = ", ".join(f"{name} {value:.0f} MiB" for name, value in memory.items())
    share = memory["literal"] / max(memory["segments"], 1)
    print(f"  peak memory, forward and backward: {rows}; literal / segments {share:.1f} (goal 25)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--maps", choices=("even", "person"), help="one kind of label maps")
    parser.add_argument("--peak", choices=ALL, help="print one variant's peak memory")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.peak:
        measure_peak(options.peak, options.maps)
        return
    for kind in [options.maps] if options.maps else ["even", "person"]:
        report(kind, options.rounds)


if __name__ == "__main__":
    main()
