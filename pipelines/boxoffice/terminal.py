"""Output to a terminal: safe text, tables that fit, readable durations. Colour on a terminal only."""

import re
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console


# C0 but tab and the ends of lines, DEL, C1, what turns the direction of text, and bytes that are no UTF-8
_UNSAFE = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]|\r(?!\n)")

LONGEST_RULE = 100  # in a file


def shown(text: object) -> str:
    """Text with each control character as its JSON escape, so that a terminal does not act on it and JSON keeps its
    meaning. For everything that is printed, since names, errors and answers come from outside."""
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", str(text))


def echo(text: object, *, err: bool = False, before: str = "", nl: bool = True, **style: Any) -> None:
    """Prints text as ``shown``, in click's ``style``; after ``before``, which is styled already."""
    import click

    safe = shown(text)
    click.echo(before + (click.style(safe, **style) if style else safe), err=err, nl=nl)


def console(*, stderr: bool = False) -> "Console":
    """Standard output, or standard error. In a pipe or a file lines are never folded."""
    from rich.console import Console

    made = Console(stderr=stderr, highlight=False)
    return made if made.is_terminal else Console(stderr=stderr, highlight=False, width=10_000)


def table(out: "Console", title: str, headers: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """A table with a line under its headers, one space between columns where the terminal is narrow, else three.

    A header that begins with ``>`` is for numbers, aligned to the right; one that ends in ``…`` is for text that
    may take several lines. The other columns are never folded while there is room.
    """
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    rows = [[shown(cell) for cell in row] for row in rows]
    names = [header.strip(">…") for header in headers]
    widest = [max(map(len, column)) for column in zip(names, *rows, strict=True)]
    roomy = sum(widest) + 3 * len(widest) <= out.width
    needed = sum(20 if header.endswith("…") else width + 1 for header, width in zip(headers, widest, strict=True))
    made = Table(
        box=SIMPLE_HEAD if roomy else None,
        padding=(0, 1) if roomy else (0, 1, 0, 0),
        pad_edge=False,
        show_edge=False,
        header_style="bold",
    )
    for name, header, width in zip(names, headers, widest, strict=True):
        made.add_column(
            name,
            justify="right" if header.startswith(">") else "left",
            min_width=width if needed <= out.width and not header.endswith("…") else None,
            overflow="fold",
        )
    for row in rows:
        made.add_row(*map(escape, row))
    if title:
        out.print(f"[bold]{escape(title)}[/bold]", soft_wrap=True)
    with out.capture() as drawn:
        out.print(made)
    # rich fills lines, and rules, up to the table's width: in a file that is noise
    for line in map(str.rstrip, drawn.get().splitlines()):
        is_long_rule = not out.is_terminal and set(line) == {"─"}
        out.file.write(f"{line[:LONGEST_RULE] if is_long_rule else line}\n")


def duration(seconds: float) -> str:
    """Seconds as readable text, such as `5 minutes`; negative ones, from a clock that was set back, as 0."""
    seconds = max(0.0, seconds)
    if seconds < 90:
        return "1 second" if round(seconds) == 1 else f"{seconds:.0f} seconds"
    if seconds < 5400:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:.1f} hours" if seconds < 172_800 else f"{seconds / 86_400:.0f} days"


def left(done: int, total: int, seconds: float) -> str:
    """The estimated remaining time, as `, about 40 seconds left`; empty until there is a basis for it."""
    return f", about {duration(seconds * (total - done) / done)} left" if 0 < done < total and seconds >= 5 else ""


def now_and_then(echo: Callable[[str], None], seconds: float = 10.0) -> Callable[[str], None]:
    """Limits progress to one line every so many ``seconds``; each line has to include what the one before it said."""
    last = time.monotonic()

    def limited(line: str) -> None:
        nonlocal last
        if time.monotonic() - last >= seconds:
            echo(line)
            last = time.monotonic()

    return limited
