"""`recapbench score`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from recapbench.cli.console import messages, print_json, print_plain, print_table, progress
from recapbench.cli.options import (
    Device,
    FileNames,
    Json,
    Metrics,
    MetricWeights,
    Preset,
    Strips,
    metric_names,
    weight_files,
)


def score(
    generated: Annotated[Path, typer.Option(help="Folder of generated images, or of strips.")],
    targets: Annotated[
        Path | None, typer.Option(help="Folder of the true images, of the same names.")
    ] = None,
    manifest: Annotated[
        Path | None, typer.Option(help="Pairs, a CSV of from,to; with --images or --dataset.")
    ] = None,
    images: Annotated[
        Path | None, typer.Option(help="Folder of the images that the manifest names.")
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Option(help="A dataset in place of --images: its pairs, images, joints, masks."),
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="Split of the dataset; test by default.")
    ] = None,
    preset: Preset = None,
    keypoints: Annotated[
        Path | None, typer.Option(help="Joints of the targets, for pose masks: the field's CSV.")
    ] = None,
    generated_keypoints: Annotated[
        Path | None, typer.Option(help="Joints found in the generated images, for PCKh.")
    ] = None,
    name: FileNames = None,
    strips: Strips = None,
    train_images: Annotated[
        Path | None, typer.Option(help="Folder of the train images, for FID against them.")
    ] = None,
    metrics: Metrics = None,
    metric_weights: MetricWeights = None,
    pose_estimator: Annotated[
        str | None, typer.Option(help="What finds joints in generated images, for PCKh.")
    ] = None,
    allow_lossy: Annotated[
        bool, typer.Option("--allow-lossy", help="Take generated images in JPEG, with a note.")
    ] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Also say why the protocols' figures differ.")
    ] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first pairs.")] = None,
    label: Annotated[
        str | None, typer.Option(help="The method's name in the record; the folder's by default.")
    ] = None,
    device: Device = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder for result.json and, of known pairs, values.csv; one that holds a result "
            "already is refused."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Score a folder of images that somebody generated."""
    from recapbench.evaluation.networks import POSE_ESTIMATOR
    from recapbench.processes import open_processes
    from recapbench.request import RESULT
    from recapbench.scoring.job import ScoreRequest
    from recapbench.scoring.job import score as execute
    from recapbench.scoring.task import Inputs
    from recapbench.summary import by_size, exit_code, explanation_table, missing, result_table

    def asked() -> ScoreRequest:
        return ScoreRequest(
            inputs=Inputs(
                generated=generated,
                targets=targets,
                manifest=manifest,
                images=images,
                dataset=dataset,
                split=split,
                preset=preset,
                keypoints=keypoints,
                generated_keypoints=generated_keypoints,
                template=name,
                strips=strips,
                limit=limit,
            ),
            metrics=metric_names(metrics),
            train_images=train_images,
            weight_files=weight_files(metric_weights),
            pose_estimator=pose_estimator or POSE_ESTIMATOR,
            allow_lossy=allow_lossy,
            explain=explain,
            device=device,
            label=label,
            out=out,
        )

    processes = open_processes()
    request = processes.together(asked)[processes.rank]
    with progress() as report:
        result = execute(request, report, processes)
    if not processes.first:
        raise typer.Exit(exit_code(result))
    if as_json:
        print_json(result.document())
        raise typer.Exit(exit_code(result))
    print_table(result_table(result))
    for line in by_size(result):
        print_plain(line)
    for note in result.notes:
        print_plain(f"note: {note}")
    if result.explanations:
        print_table(explanation_table(result))
    for line in missing(result):
        messages.print(line, soft_wrap=True)
    if out is not None:
        messages.print(f"result  {out / RESULT}", soft_wrap=True)
    raise typer.Exit(exit_code(result))
