"""The command line: verbs that parse, call and print. The only package that prints.

Results go to standard output, progress and messages to standard error. Exit codes: 0 done,
1 failed, 2 usage, 3 bad data, 4 partial, 130 interrupted.
"""

from __future__ import annotations

import io
import os
import sys
from typing import Annotated

import typer

from recapbench.cli.check import check
from recapbench.cli.compare import compare
from recapbench.cli.console import messages, print_plain
from recapbench.cli.data import data_app
from recapbench.cli.doctor import doctor
from recapbench.cli.generate import run
from recapbench.cli.leaderboard import leaderboard_app
from recapbench.cli.manifest import manifest_app
from recapbench.cli.names import list_names
from recapbench.cli.page import page
from recapbench.cli.plot import plot_app
from recapbench.cli.score import score
from recapbench.cli.sweep import sweep
from recapbench.cli.table import table
from recapbench.cli.train import train
from recapbench.errors import EXIT_DONE, EXIT_INTERRUPTED, EXIT_USAGE, RecapbenchError
from recapbench.isolation import parent

app = typer.Typer(
    help="Benchmark of pose-guided person image generation.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(run)
app.command()(compare)
app.command()(score)
app.command()(train)
app.command()(sweep)
app.command()(check)
app.command()(doctor)
app.command()(page)
app.command("list")(list_names)
app.command()(table)
app.add_typer(data_app, name="data")
app.add_typer(manifest_app, name="manifest")
app.add_typer(plot_app, name="plot")
app.add_typer(leaderboard_app, name="leaderboard")


def _show_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        print_plain(f"recapbench {version('recapbench')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Benchmark of pose-guided person image generation."""


def main() -> None:
    """Entry point: runs the command line and turns errors into messages and exit codes."""
    parent()  # if there is one, we end with it
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # whatever a terminal cannot show
    sys.exit(_guarded(sys.argv[1:]))


def _guarded(arguments: list[str]) -> int:
    command = typer.main.get_command(app)
    try:
        returned = command.main(arguments, prog_name="recapbench", standalone_mode=False)
    except RecapbenchError as error:
        if not error.everywhere or os.environ.get("RANK", "0") == "0":
            messages.print(f"error: {error}", soft_wrap=True)
        return error.exit_code
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except Exception as error:
        # Some releases of typer use click, others carry a copy of it: the errors of both are
        # alike and share no class.
        if type(error).__name__ == "Abort":
            return EXIT_INTERRUPTED
        show = getattr(error, "show", None)
        if show is None:
            raise
        show(file=sys.stderr)
        return EXIT_USAGE
    return returned if isinstance(returned, int) else EXIT_DONE
