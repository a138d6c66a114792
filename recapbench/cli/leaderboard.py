"""`recapbench leaderboard`: check the records, and file new ones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recapbench.cli.console import messages, print_plain, progress
from recapbench.cli.options import FileNames, Leaderboards, Strips
from recapbench.errors import UsageError

if TYPE_CHECKING:
    from recapbench.leaderboard.outputs import FindImages

leaderboard_app = typer.Typer(
    help="The shipped records: verify them, add one.", no_args_is_help=True
)


@leaderboard_app.command("verify")
def verify_records(root: Leaderboards = None) -> None:
    """Find every edit of records and of the files that they vouch for; exit code 3 if there is one.

    Checked are digests, unlisted and missing files, schemas, and whether values, samples, weights
    and pairs are those of the records.
    """
    from recapbench.errors import EXIT_DATA
    from recapbench.leaderboard.verify import verify

    folder = _folder(root)
    wrong = verify(folder)
    for line in wrong:
        messages.print(line, soft_wrap=True)
    if wrong:
        count = "1 problem" if len(wrong) == 1 else f"{len(wrong)} problems"
        print_plain(f"{folder}: {count}")
        raise typer.Exit(EXIT_DATA)
    print_plain(f"{folder}: as its index and its records say")


@leaderboard_app.command("add")
def add(
    result: Annotated[
        Path,
        typer.Argument(help="result.json of a run or of scored images, values.csv beside it."),
    ],
    root: Leaderboards = None,
    generated: Annotated[
        Path | None,
        typer.Option(help="Folder of the images, where no run saved them beside the record."),
    ] = None,
    name: FileNames = None,
    strips: Strips = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Take the place of a record that is there.")
    ] = False,
    partial: Annotated[
        bool, typer.Option("--partial", help="Take a record of some of the pairs, or of others.")
    ] = False,
) -> None:
    """Check a record and file it: record, values of single pairs, and a dozen samples."""
    from recapbench.leaderboard.filing import Filing, add_record

    images = _images(generated, name, strips)
    filing = Filing(result, _folder(root), replace, partial, images)
    with progress() as report:
        folder, left_out = add_record(filing, report)
    for line in left_out:
        messages.print(line, soft_wrap=True)
    print_plain(str(folder))


@leaderboard_app.command("index")
def index(root: Leaderboards = None) -> None:
    """Write the index anew after files were changed by hand or by a script, and say which."""
    from recapbench.leaderboard.verify import update_index

    changed = update_index(_folder(root))
    for name in changed:
        print_plain(name)
    messages.print(f"{len(changed)} entries changed")


def _images(generated: Path | None, name: str | None, strips: str | None) -> FindImages | None:
    """What finds the images, if they do not lie beside the record."""
    from recapbench.scoring.generated import image_finder

    if generated is not None:
        return image_finder(generated, name, strips)
    for option, value in (("name", name), ("strips", strips)):
        if value is not None:
            raise UsageError(f"--{option} needs --generated, the folder of the images")
    return None


def _folder(root: Path | None) -> Path:
    from recapbench.paths import shipped

    return shipped("leaderboards") if root is None else root
