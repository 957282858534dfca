"""`boxoffice report`: its numbers are those of the published tables, and its HTML is whole."""

import datetime as dt
import html
import html.parser
import os
import re
import subprocess
import sys
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from boxoffice.errors import Problem
from boxoffice.report import sales_queries
from boxoffice.report.figures import Figures, Period
from boxoffice.report.report import report
from boxoffice.settings import Settings
from boxoffice.warehouse.query import open_published
from tests.report.conftest import OPENED, copied, opened

VOID = {"meta", "link", "br", "path", "use"}


class Page(html.parser.HTMLParser):
    """What the report's HTML holds: tables by caption, ids, elements; complains of what is left open."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.tables: list[list[list[str]]] = []
        self.captions: list[str] = []
        self.words: list[str] = []
        self.links: tuple[list[dict[str, str | None]], list[str]] = ([], [])
        self.feed(text)
        assert not self.open, self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "a":
            self.links[0].append(dict(attrs))
        if tag == "table":
            self.tables.append([])
            self.captions.append("")
        if tag == "tr":
            self.tables[-1].append([])
        if tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag, tag

    def handle_data(self, data: str) -> None:
        if "style" in self.open:
            return
        self.words.append(data)
        if "a" in self.open:
            self.links[1].append(data)
        if "caption" in self.open:
            self.captions[-1] += data
        elif "small" in self.open and "table" in self.open:
            self.tables[-1][-1][-1] += f" | {data}"
        elif "td" in self.open or "th" in self.open:
            self.tables[-1][-1][-1] += data

    def table(self, caption: str) -> list[list[str]]:
        (found,) = [rows for name, rows in zip(self.captions, self.tables, strict=True) if name.startswith(caption)]
        return found

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def path(demo: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return report(demo, tmp_path_factory.mktemp("report") / "overview.html")


@pytest.fixture(scope="module")
def page(path: Path) -> Page:
    return Page(path.read_text())


def number(text: str) -> Decimal:
    return Decimal(text.split(" |")[0].replace(",", "").replace("−", "-"))


def test_the_headline_is_the_last_complete_week_and_month(page: Page, demo: Settings) -> None:
    """The demo was opened on Monday 2 June 2025: the week of 26 May, the month of May."""
    spans = {
        "Last week, GBP": (
            ("2025-05-26", "2025-06-01"),
            ("2025-05-19", "2025-05-25"),
            ("2024-05-27", "2024-06-02"),
        ),
        "Last month, GBP": (
            ("2025-05-01", "2025-05-31"),
            ("2025-04-01", "2025-04-30"),
            ("2024-05-01", "2024-05-31"),
        ),
    }
    measures = {
        "Tickets sold": "sum(tickets_sold)",
        "Sales": "sum(gross_sales)",
        "Refunds": "sum(refunds)",
        "Sales less refunds and credit": "sum(net_sales)",
        "Average ticket": """(select sum(amount) from fct_order_lines where line_kind = 'ticket' and currency = 'GBP'
            and booked_on between $1::date and $2::date) / sum(tickets_sold)""",
    }
    with open_published(demo) as db:
        for caption, periods in spans.items():
            head, *rows = page.table(caption)
            assert len(head) == 4
            assert {row[0] for row in rows} == {*measures}
            for row in rows:
                for cell, (first, last) in zip(row[1:], periods, strict=True):
                    expected = db.execute(
                        f"select {measures[row[0]]} from rpt_daily_sales where currency = 'GBP' "
                        "and sales_on between $1::date and $2::date",
                        [first, last],
                    ).fetchone()[0]
                    assert abs(number(cell) - Decimal(expected)) <= Decimal("0.01") and expected >= 0
            now, before = (number(cell) for cell in rows[0][1:3])
            change = f"{abs(now - before) / before * 100:.0f} % on the {caption[5:-5]} before"
            assert change in rows[0][1]  # beside the present number, not the past one
    assert page.text.startswith("Box office, week of 26 May – 1 Jun 2025")
    assert "Data until 2 Jun 2025, 09:00 (Europe/London)" in page.text


def test_it_begins_with_what_a_manager_asks_first(page: Page) -> None:
    links = {attrs["href"]: words for attrs, words in zip(*page.links, strict=True) if words}
    sections = [attrs["id"] for tag, attrs in page.elements if tag == "section"]
    assert sections[:4] == ["attention", "last-week", "coming", "season"]
    assert {f"#{identity}" for identity in sections} <= {*links}


def test_small_currencies_have_a_line_each_and_no_pictures(page: Page, demo: Settings) -> None:
    rows = {row[0]: row for row in page.table("Each by itself, never added up")[1:]}
    assert sorted(rows) == ["JPY", "KWD"]
    with open_published(demo) as db:
        for currency, row in rows.items():
            expected = db.execute(
                "select sum(gross_sales), sum(refunds) from rpt_daily_sales "
                "where currency = $1 and sales_on between '2025-04-07' and '2025-06-01'",
                [currency],
            ).fetchone()
            assert [number(cell) for cell in row[3:]] == list(expected)
    assert re.fullmatch(r"[\d,]+", rows["JPY"][3]) and re.fullmatch(r"[\d,]+\.\d{3}", rows["KWD"][3])


def test_channels_and_days_tell_the_same_sales(demo: Settings) -> None:
    with open_published(demo) as db:
        figures = Figures(db)
        assert (figures.today, figures.data_until) == (OPENED.date(), OPENED)
        assert figures.recent == Period(dt.date(2025, 4, 7), dt.date(2025, 6, 1))
        for currency in figures.currencies:
            days = sum(row.gross_sales for row in sales_queries.days(figures, currency, figures.recent))
            assert sum(row.gross_sales for row in sales_queries.channels(figures, currency, figures.recent)) == days > 0


def test_what_was_refused_and_does_not_add_up_is_shown(page: Page, demo: Settings) -> None:
    with open_published(demo) as db:
        reasons = {reason for (reason,) in db.execute("select reason from refused_records").fetchall()}
        identities = db.execute("select identity, count(*) from rpt_reconciliation group by all").fetchall()
    assert {row[0].split(" |")[0] for row in page.table("Refused records")[1:]} == reasons != set()
    shown: Counter[str] = Counter()
    for row in page.table("To look into")[1:]:
        shown[row[0].split(" |")[0]] += int(row[1])
    assert shown == dict(identities) != {}


def test_the_page_is_whole_and_stands_alone(path: Path, page: Page) -> None:
    text = path.read_text()
    tags = Counter(tag for tag, _ in page.elements)
    assert tags["script"] == 0 and tags["img"] == 0 and tags["iframe"] == 0
    assert not re.findall(r'(?:href|src|action)="(?!#|data:,")[^"]*"', text)
    assert set(re.findall(r"https?://[^\s\"<]+", text)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    assert not re.search(r"@import|url\((?!#)", text)
    ids = [attrs["id"] for _, attrs in page.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    wanted = set(re.findall(r'(?:url\(|href=")#([^")]+)', text))
    assert wanted <= set(ids)
    assert all(attrs.get("scope") in ("row", "col") for tag, attrs in page.elements if tag == "th")
    drawings = [attrs for tag, attrs in page.elements if tag == "svg"]
    assert len(drawings) == 2 * tags["figure"] == 2 * tags["figcaption"] == 8  # days, months, refunds, coming
    assert all(drawing["role"] == "img" and len(drawing["aria-label"]) > 30 for drawing in drawings)
    assert len(text) < 600_000


def test_every_bar_tells_its_amount(page: Page, path: Path, demo: Settings) -> None:
    with open_published(demo) as db:
        amount = db.execute(
            "select gross_sales from rpt_daily_sales where sales_on = '2025-05-20' and currency = 'GBP' "
            "and platform = 'ticketor'"
        ).fetchone()[0]
    tip = f"<title>Tue 20 May 2025, Ticketor: {amount:,.2f} GBP</title>"
    assert path.read_text().count(tip) == 2  # for a page and for a phone


def test_the_same_file_gives_the_same_bytes(path: Path, demo: Settings, tmp_path: Path) -> None:
    assert report(demo, tmp_path / "again" / "overview.html").read_bytes() == path.read_bytes()


def test_a_thin_and_an_empty_warehouse_have_a_report(thin: Settings, empty: Settings, tmp_path: Path) -> None:
    little = Page(report(thin, tmp_path / "thin.html").read_text()).text
    assert "Everything adds up: 1 order, nothing to report." in little
    assert "Nothing: every record that came was read." in little
    nothing = Page(report(empty, tmp_path / "empty.html").read_text()).text
    assert "Nothing has been sold yet." in nothing
    assert "No event to come has sold anything yet." in nothing
    assert "Nothing needs attention." in nothing
    assert "UTC: no time zone is set" in nothing


def test_names_from_outside_stay_text(pounds: Settings, tmp_path: Path) -> None:
    evil = '<script>alert("1")</script>&amp;"><img src=x onerror=alert(1)>'
    with opened(pounds) as db:
        db.execute("update dim_events set event_name = $1", [evil])
        db.execute("update refused_records set file = $1, reason = $1", [evil])
        db.execute("update rpt_reconciliation set in_words = $1", [evil])
    text = report(pounds, tmp_path / "evil.html").read_text()
    page = Page(text)
    assert not {"script", "img"} & {tag for tag, _ in page.elements}
    assert evil in "".join(page.words)


def test_what_is_no_currency_is_shown_by_itself(pounds: Settings, tmp_path: Path) -> None:
    """Each text in a row of its own, added to nothing else and drawn nowhere; the headline is that of the pounds."""
    before = Page(report(pounds, tmp_path / "before.html").read_text())
    with opened(pounds) as db:
        for number, currency in enumerate(['GBP"><h1>', "COINS", *(f"c{number}" for number in range(30))], start=1):
            db.execute(
                "insert into rpt_daily_sales by name select * replace ($1 as currency, $2 as gross_sales, "
                "1000 - $2 as orders, 'key' || $1 as daily_sales_key) from rpt_daily_sales limit 1",
                [currency, number],
            )
    page = Page(report(pounds, tmp_path / "coins.html").read_text())
    _head, *rows = page.table("Unknown currencies")
    assert [row[:2] for row in rows[:2]] == [['GBP"><h1>', "1.00"], ["COINS", "2.00"]]
    assert len(rows) == 20 and "12 further texts of this sort." in page.text
    assert [link for link in page.links[1] if link != "Unknown currencies"] == before.links[1]
    for caption in ("Last week, GBP", "Last month, GBP", "Where it was sold"):
        assert page.table(caption) == before.table(caption)
    assert Counter(tag for tag, _ in page.elements)["svg"] == Counter(tag for tag, _ in before.elements)["svg"]


def test_the_name_of_an_event_is_no_formula(pounds: Settings, tmp_path: Path) -> None:
    names = ["a$^$b", "$5 and $10", "\\frac{1}{2} \\$", "\a \x1b[31m"]
    with opened(pounds) as db:
        coming = db.execute(
            "select event_key from dim_events where starts_on >= $1 and event_key in "
            "(select event_key from rpt_sales_curve where tickets_sold > 0) order by starts_on limit 4",
            [OPENED.date()],
        ).fetchall()
        for (key,), name in zip(coming, names, strict=True):
            db.execute("update dim_events set event_name = $2 where event_key = $1", [key, name])
    text = report(pounds, tmp_path / "formulas.html").read_text()
    drawn = [html.unescape(name) for name in re.findall(r"<text[^>]*>([^<]*)</text>", text)]
    shown = [*names[:3], "\\u0007 \\u001b[31m"]
    assert [drawn.count(name) for name in shown] == [2, 2, 2, 2]


def test_what_has_no_currency_has_a_section_of_its_own(thin: Settings, tmp_path: Path) -> None:
    little = copied(thin, tmp_path / "data")
    with opened(little) as db:
        for table in ("rpt_daily_sales", "rpt_daily_event_sales", "rpt_event_sales", "rpt_sales_curve"):
            db.execute(f"update {table} set currency = 'XXX'")
        db.execute("update fct_order_lines set currency = null")
        db.execute("update run_info set data_until = (select max(sales_on) + interval 36 hour from rpt_daily_sales)")
    page = Page(report(little, tmp_path / "none.html").read_text())
    assert "Sales without a currency" in page.text
    assert len(page.table("Where it was sold")) == 2


def test_more_accounts_than_colours(pounds: Settings, tmp_path: Path) -> None:
    with opened(pounds) as db:
        for number in range(2, 8):
            for table, key in (("dim_accounts", "account_key"), ("rpt_daily_sales", "daily_sales_key")):
                db.execute(
                    f"insert into {table} select * replace ('hall_{number}' as account, {key} || '{number}' as {key}) "
                    f"from {table} where platform = 'ticketor' and account = 'sandbox_hall'"
                )
    text = report(pounds, tmp_path / "many.html").read_text()
    by_day = text[text.index("<figcaption>Sales by day") :]
    legend = re.findall(r'<li><i class="key (\w+)"></i>([^<]*)</li>', by_day)[:6]
    assert legend == [
        *(("s1", "Ticket Tailor"), ("s2", "Ticketor · hall_2"), ("s3", "Ticketor · hall_3")),
        *(("s4", "Ticketor · hall_4"), ("s5", "all others"), ("bad", "refunds")),
    ]


def test_a_silent_account_is_said(pounds: Settings, tmp_path: Path) -> None:
    with opened(pounds) as db:
        db.execute(
            "update dim_accounts set last_record_at = last_record_at - interval 3 day where platform = 'ticketor'"
        )
    text = Page(report(pounds, tmp_path / "silent.html").read_text()).text
    assert "Nothing new has come from Ticketor since 30 May 2025." in text


def test_a_record_dated_in_the_future_is_said_and_moves_no_week(pounds: Settings, tmp_path: Path) -> None:
    before = Page(report(pounds, tmp_path / "before.html").read_text())
    with opened(pounds) as db:
        db.execute("update dim_accounts set last_record_at = timestamptz '2031-05-01' where platform = 'ticketor'")
        db.execute("update run_info set data_until = timestamptz '2031-05-01'")
    after = Page(report(pounds, tmp_path / "ahead.html").read_text())
    assert "a clock is wrong: Ticketor (1 May 2031, 01:00)." in after.text
    week = "Last week, GBP"
    assert after.table(week) == before.table(week)
    assert "Nothing new has come" not in after.text


def test_the_year_before_is_compared_where_it_is_known(pounds: Settings, tmp_path: Path) -> None:
    """52 weeks back for the week, the same month for the month; in part where the history begins within it."""
    with opened(pounds) as db:
        db.execute("delete from rpt_daily_sales where platform <> 'ticketor' or sales_on < '2025-01-01'")
        for day, gross in (("2024-05-27", 400), ("2024-05-02", 100), ("2025-05-26", 1000)):
            db.execute("delete from rpt_daily_sales where sales_on = $1", [day])
            db.execute(
                "insert into rpt_daily_sales by name select * replace ($1::date as sales_on, $2 as gross_sales, "
                "$1 as daily_sales_key) from rpt_daily_sales where sales_on = '2025-06-01'",
                [day, gross],
            )
        db.execute("delete from rpt_daily_sales where sales_on between '2025-05-27' and '2025-06-01'")
        db.execute("update dim_accounts set history_from = '2024-05-02 09:00:00+00'")
        db.execute("delete from dim_accounts where platform <> 'ticketor'")
    page = Page(report(pounds, tmp_path / "year.html").read_text())
    week, month = page.table("Last week, GBP"), page.table("Last month, GBP")
    assert week[2][3] == "400.00" and week[2][1].endswith("| +150 % on a year ago")
    assert month[2][3] == "500.00 | in part" and "a year ago" not in month[2][1]
    assert (
        "Not like with like: the data of Ticketor begins within the days that this month is compared with." in page.text
    )


def test_what_is_missing_is_told(thin: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Problem, match="boxoffice run"):
        report(Settings(tmp_path), tmp_path / "x.html")
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")
    with pytest.raises(Problem, match="cannot be written"):
        report(thin, in_the_way / "x.html")
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(Problem, match="need matplotlib"):
        report(thin, tmp_path / "x.html")
    assert list(tmp_path.iterdir()) == [in_the_way]


def test_coming_performances_show_their_waiting_lists(page: Page, demo: Settings) -> None:
    rows = page.table("Waiting lists")[1:]
    with open_published(demo) as db:
        expected = db.execute(
            "select count(*) from fct_waitlist_signups join dim_events using (event_key) "
            "where starts_on >= '2025-06-02' and fct_waitlist_signups.missing_since is null group by event_key"
        ).fetchall()
    assert expected and sorted(number(row[1]) for row in rows) == sorted(count for (count,) in expected)


def test_tables_of_another_version_are_not_said_to_be_damaged(thin: Settings, tmp_path: Path) -> None:
    older = copied(thin, tmp_path / "data")
    with opened(older) as db:
        db.execute("alter table dim_events drop column target")
    ran = subprocess.run(
        [sys.executable, "-m", "boxoffice.cli", "report", "--out", str(tmp_path / "page.html")],
        env=os.environ | {"BOXOFFICE_DATA_DIR": str(older.data_dir)},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 1 and "`boxoffice run` or `boxoffice transform` builds them again" in ran.stderr
    assert "damaged" not in ran.stderr
