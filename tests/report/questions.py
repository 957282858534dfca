"""docs/questions.md and docs/ticket-tailor-dashboard.md: their queries, and the answers written below them.

``python -m tests.report.questions`` opens the demo and writes them again.
"""

import re
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from boxoffice.warehouse.query import open_published

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE, DASHBOARD = DOCS / "questions.md", DOCS / "ticket-tailor-dashboard.md"
_QUERY = re.compile(
    r"^```sql\n(?P<query>.*?)\n```\n(?P<answer>(?:\n\|[^\n]*(?:\n\|[^\n]*)*\n)?)", re.DOTALL | re.MULTILINE
)


def titled(page: str) -> list[tuple[str, str, str]]:
    """(question, query, the answer as it stands on the page) of each query."""
    found = []
    for match in _QUERY.finditer(page):
        title = page[: match.start()].rsplit("\n## ", 1)[1].split("\n", 1)[0]
        found.append((title, match["query"], match["answer"].strip()))
    return found


def answer(db: duckdb.DuckDBPyConnection, query: str) -> str:
    """What the published file answers, as a Markdown table; amounts with two decimals, or more where they have them."""
    cursor = db.execute(query)
    names = [column[0] for column in cursor.description]
    rows = cursor.fetchall()
    is_number = [
        all(isinstance(row[place], int | float | Decimal | None) and not isinstance(row[place], bool) for row in rows)
        for place in range(len(names))
    ]
    head = f"| {' | '.join(names)} |\n|{'|'.join(' ---: ' if number else ' --- ' for number in is_number)}|"
    return "\n".join([head, *(f"| {' | '.join(map(_cell, row))} |" for row in rows)])


def with_answers(page: str, db: duckdb.DuckDBPyConnection) -> str:
    """The page with each query's answer of now."""
    return _QUERY.sub(lambda match: f"```sql\n{match['query']}\n```\n\n{answer(db, match['query'])}\n", page)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Decimal | float):
        number = Decimal(str(value)).normalize()
        return f"{number.quantize(Decimal('0.01')) if number.as_tuple().exponent > -2 else number:f}"
    return str(value).replace("|", "\\|")


if __name__ == "__main__":
    from tests.report.conftest import open_demo

    with tempfile.TemporaryDirectory() as folder, open_published(open_demo(Path(folder) / "data")) as published:
        for page in (PAGE, DASHBOARD):
            page.write_text(with_answers(page.read_text(), published))
