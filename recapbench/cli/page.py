"""`recapbench page`: the board as a static site."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from recapbench.cli.console import messages, print_plain
from recapbench.cli.options import Leaderboards


def page(
    out: Annotated[Path, typer.Option(help="Folder for the site: new, or that of an earlier one.")],
    root: Leaderboards = None,
) -> None:
    """Write leaderboards, methods, comparisons and the paper's tables as a static site."""
    from recapbench.leaderboard.board import read_board
    from recapbench.page.site import write_site

    written = write_site(read_board(root), out)
    messages.print(f"wrote {len(written)} pages to {out}", soft_wrap=True)
    print_plain(str(written[0]))
