"""Pages with queries: each runs on the demo, and answers what the page says.

After a change that is meant, ``.venv/bin/python -m tests.report.questions`` writes the answers again.
"""

import pytest

from boxoffice.settings import Settings
from boxoffice.warehouse.query import open_published
from tests.report import questions

PAGES = {page.stem: page.read_text() for page in (questions.PAGE, questions.DASHBOARD)}


def test_there_are_twenty_and_one_more() -> None:
    titles = [title for title, _, _ in questions.titled(questions.PAGE.read_text())]
    assert [title.split(". ")[0] for title in titles[:20]] == [str(number) for number in range(1, 21)]
    assert len(titles) == 21 and all(title.endswith("?") for title in titles)
    assert all(len(questions.titled(text)) == text.count("```sql") for text in PAGES.values())


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        pytest.param(query, answer, id=f"{page}: {title}")
        for page, text in PAGES.items()
        for title, query, answer in questions.titled(text)
    ],
)
def test_the_demo_answers_what_the_page_says(demo: Settings, query: str, answer: str) -> None:
    with open_published(demo) as db:
        assert questions.answer(db, query) == answer
        assert answer.count("\n") >= 2  # an answer without a row shows nothing


def test_they_run_where_there_is_nothing(thin: Settings, empty: Settings) -> None:
    for settings in (thin, empty):
        with open_published(settings) as db:
            for text in PAGES.values():
                for _, query, _ in questions.titled(text):
                    questions.answer(db, query)
