"""`recapbench manifest`: build, verify and audit lists of pairs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recapbench.cli.console import messages, print_json, print_plain, progress
from recapbench.cli.options import DatasetName, Json, Preset
from recapbench.errors import DataError, UsageError

if TYPE_CHECKING:
    from recapbench.data.audit import Audit, Shared, Summary
    from recapbench.data.locks import Verdict
    from recapbench.data.manifest import Manifest
    from recapbench.data.protocols import Protocol

manifest_app = typer.Typer(help="Lists of pairs: build, verify, audit.", no_args_is_help=True)

File = Annotated[Path, typer.Argument(help="CSV of a manifest, its header beside it.")]


@manifest_app.command("build")
def manifest_build(
    dataset: DatasetName,
    protocol: Annotated[str, typer.Option(help="How pairs are made; see `list protocols`.")],
    split: Annotated[str, typer.Option(help="Split of the dataset.")],
    out: Annotated[Path, typer.Option(help="CSV to write; its header is written beside it.")],
    keypoints: Annotated[
        Path | None, typer.Option(help="Keypoints of the split: CSV, OpenPose's or COCO's JSON.")
    ] = None,
    names: Annotated[
        Path | None, typer.Option(help="A bare list of names instead: no keypoint filter.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Make the pairs of a split from its keypoint file or from a list of names."""
    from recapbench.data import locks, pairing
    from recapbench.data.manifest import write_manifest

    chosen = _protocol(dataset, protocol, split)
    if (keypoints is None) == (names is None):
        raise UsageError("expected one of --keypoints and --names")
    _check_out(out, keypoints or names)
    if keypoints is not None:
        built = pairing.from_keypoints(dataset, chosen, split, keypoints)
    else:
        assert names is not None
        built = pairing.from_names(dataset, chosen, split, names)
    manifest = built.manifest
    verdict = _verdict(manifest)
    if verdict.same_input and not verdict.agrees:
        raise DataError(
            f"these are not the pairs of the lock, made from the same file; nothing written: "
            f"{'; '.join(verdict.differences)}"
        )
    write_manifest(manifest, out)
    row = {
        "file": str(out),
        **_head(manifest),
        "images": built.images,
        "kept": built.kept,
        "ordered_pairs": built.ordered_pairs,
        "pairs": len(manifest),
        "identities": manifest.identities,
        "sha256": manifest.sha256,
        "md5": locks.md5(manifest),
        "lock": _lock_text(verdict),
    }
    _print(row, as_json)
    _warn(verdict, str(out))


@manifest_app.command("verify")
def manifest_verify(
    file: File,
    preset: Preset = None,
    files: Annotated[
        bool, typer.Option("--files/--no-files", help="Also read the images, if they are here.")
    ] = True,
    as_json: Json = False,
) -> None:
    """Compare a manifest with its header, its lock and the images."""
    from recapbench.data.manifest import read_manifest

    manifest = read_manifest(file)
    verdict = _verdict(manifest)
    if not verdict.agrees and verdict.kind != "expected":
        raise DataError(
            f"{file}: not what {_lock_file(manifest)} says: {'; '.join(verdict.differences)}"
        )
    row = {
        "file": str(file),
        **_head(manifest),
        **manifest.counts,
        "sha256": manifest.sha256,
        "lock": _lock_text(verdict),
        "files": _files(manifest, preset) if files else "not read",
    }
    _print(row, as_json)
    _warn(verdict, str(file))


@manifest_app.command("audit")
def manifest_audit(
    files: Annotated[list[Path], typer.Argument(help="CSVs of manifests; two or more compare.")],
    dataset: Annotated[
        str | None, typer.Option(help="Whose names they are, for CSVs without a header.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Report flaws of lists of pairs, and what several share."""
    from dataclasses import asdict

    from recapbench.data.audit import audit
    from recapbench.data.manifest import header_path, read_manifest, read_rows

    if dataset is not None:
        _check_dataset(dataset)
    manifests = []
    for file in files:
        bare = dataset is not None and not header_path(file).exists()
        manifests.append(read_rows(file, dataset) if bare and dataset else read_manifest(file))
    found = audit([(str(file), one) for file, one in zip(files, manifests, strict=True)])
    if as_json:
        print_json(asdict(found))
    else:
        print_plain(_report(found))


def _check_dataset(name: str) -> None:
    from recapbench.data.names import DATASETS_WITH_NAMES
    from recapbench.errors import unknown

    if name not in DATASETS_WITH_NAMES:
        raise unknown("dataset", name, DATASETS_WITH_NAMES)


def _protocol(dataset: str, name: str, split: str) -> Protocol:
    from recapbench.data.protocols import LISTED, find_protocol
    from recapbench.errors import unknown

    _check_dataset(dataset)
    protocol = find_protocol(name, dataset)
    if protocol is LISTED:
        raise UsageError("protocol 'listed' makes no pairs: a split of it lists its own")
    splits = protocol.splits
    if not splits:
        from recapbench.data.datasets import find_dataset

        splits = find_dataset(dataset).splits
    if split not in splits:
        raise unknown(f"split of {dataset}", split, splits)
    return protocol


def _check_out(out: Path, source: Path | None) -> None:
    """A manifest is a CSV and a JSON beside it; neither may be the file it is made from."""
    from recapbench.data.manifest import header_path

    if out.suffix != ".csv":
        raise UsageError(f"--out: expected a file that ends in .csv, got {out}")
    if source is not None and source.resolve() in (out.resolve(), header_path(out).resolve()):
        raise UsageError(f"--out: {out} would overwrite {source}, which the pairs are made from")


def _head(manifest: Manifest) -> dict[str, Any]:
    return {
        "dataset": manifest.dataset,
        "split": manifest.split,
        "protocol": manifest.protocol,
        "made_from": dict(manifest.made_from),
    }


def _verdict(manifest: Manifest) -> Verdict:
    from recapbench.data.locks import Verdict, compare, find_lock

    lock = find_lock(manifest.dataset, manifest.protocol, manifest.split)
    return compare(manifest, lock) if lock is not None else Verdict("none")


def _lock_file(manifest: Manifest) -> str:
    from recapbench.data.locks import lock_name

    return lock_name(manifest.dataset, manifest.protocol, manifest.split)


_LOCK_TEXTS = {
    "none": "no lock to compare with",
    "proven": "agrees with the lock",
    "bare": "agrees with the lock's figures of the bare list",
    "expected": "has the published count",
}


def _lock_text(verdict: Verdict) -> str:
    return _LOCK_TEXTS[verdict.kind] if verdict.agrees else "; ".join(verdict.differences)


def _warn(verdict: Verdict, file: str) -> None:
    """What the user should know about pairs that are not those of the lock."""
    if verdict.agrees:
        return
    if verdict.kind == "expected":
        text = "the count differs from the published one, which has not been proven here"
    else:
        text = "these are not the field's pairs: the lock was made from another file"
    messages.print(f"{file}: {text}: {'; '.join(verdict.differences)}", soft_wrap=True)


def _files(manifest: Manifest, preset: str | None) -> str:
    """Verify the images of a manifest's split, if the dataset can be opened here."""
    from recapbench.data.datasets import find_dataset

    try:
        record = find_dataset(manifest.dataset)
        record.resolved(manifest.split)
    except (DataError, UsageError) as error:
        messages.print(f"images not read: {error}", soft_wrap=True)
        return "not read: the dataset cannot be opened here"
    with progress() as report:
        split = record.open(
            manifest.split, preset, lambda d, t: report("rendering persons", d, t), verify=False
        )
        split.check(manifest)
        split.verify(lambda d, t: report("reading files", d, t))
    return f"all {len(manifest.names)} images are there, unaltered"


def _print(row: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(row)
        return
    for key, value in row.items():
        lines = [f"{a} {b}" for a, b in value.items()] if isinstance(value, dict) else [str(value)]
        for place, line in enumerate(lines or [""]):
            print_plain(f"{key if place == 0 else '':16}{line}")


def _report(found: Audit) -> str:
    parts = [_summary_lines(one) for one in found.files]
    parts += [_shared_lines(one) for one in found.between]
    return "\n\n".join("\n".join(lines) for lines in parts)


def _line(what: str, count: int, more: str = "") -> str:
    return f"  {what:30}{count:>10,}{f'  {more}' if more else ''}"


def _summary_lines(one: Summary) -> list[str]:
    persons = "outfits" if one.items is not None else "persons"
    title = " ".join(part for part in (one.dataset, one.split, one.protocol) if part)
    unpaired = f"and {one.unpaired_persons:,} that no pair shows" if one.unpaired_persons else ""
    lines = [
        f"{one.file}: {title}",
        _line("pairs", one.pairs),
        _line("images", one.images),
        _line(persons, one.persons, unpaired),
    ]
    if one.items is not None:
        lines.append(_line("item ids", one.items))
    return [
        *lines,
        _line(f"pairs across {persons}", one.across_persons),
        _line("self pairs", one.self_pairs),
        _line("duplicate pairs", one.duplicates),
        _line("distractors", one.distractors),
    ]


def _shared_lines(one: Shared) -> list[str]:
    persons = "persons" if one.outfits is None else "outfits"
    in_pairs = f"{one.persons_in_pairs:,} of them shown by pairs of both" if one.persons else ""
    lines = [
        f"{one.files[0]} and {one.files[1]} share",
        _line("pairs", one.pairs),
        _line("images", one.images),
        _line(persons, one.persons, in_pairs),
    ]
    if one.items is not None:
        in_pairs = f"{one.items_in_pairs:,} of them shown by pairs of both" if one.items else ""
        lines.append(_line("item ids", one.items, in_pairs))
    if one.examples:
        lines.append(f"  such as {', '.join(one.examples)}")
    return lines
