"""The overview by mail: tables and pictures that mail programs show, the same as text, and the whole page attached.

Mail programs know no style sheets, no SVG and no scripts: every element has its own style here, and pictures are PNG.
"""

import contextlib
import dataclasses
import datetime as dt
import json
import re
import smtplib
import ssl
from collections.abc import Sequence
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import NamedTuple

from markupsafe import Markup

from boxoffice import redaction
from boxoffice.errors import Problem
from boxoffice.report import attention, charts, coming, comparison_tables, comparisons, formatting, page, sales
from boxoffice.report.figures import Figures
from boxoffice.report.report import as_of, figures_of, overview, published, warnings
from boxoffice.settings import Mail, Settings
from boxoffice.warehouse import set_aside
from boxoffice.warehouse.query import open_published

PATIENCE = 60.0  # seconds for each answer of the server
STALE = dt.timedelta(days=2)  # data that end so long before the mail is sent are said to
_LISTED = 12  # performances

_STYLES = {
    "body": "margin:0 auto;max-width:720px;padding:16px;background:#fff;color:#1f2933;font:15px/1.4 Arial,sans-serif",
    "h1": "font-size:22px;line-height:1.2;margin:0 0 6px",
    "h2": "font-size:18px;margin:28px 0 6px",
    "p": "margin:6px 0",
    "table": "width:100%;border-collapse:collapse;margin:8px 0;font-size:14px",
    "caption": "text-align:left;padding-bottom:4px",
    "th": "text-align:left;vertical-align:top;padding:6px 0 6px 8px;border-bottom:1px solid #dde3e8;font-weight:normal",
    "td": "text-align:left;vertical-align:top;padding:6px 0 6px 8px;border-bottom:1px solid #dde3e8",
    "small": "color:#5b6770;font-size:12px",
    "ul": "margin:8px 0;padding:8px 12px 8px 28px;background:#f3f6f8",
    "img": "width:100%;max-width:720px;height:auto",
}
_CLASSES = {
    "n": "text-align:right",
    "ahead": "color:#2c7a5c;font-weight:bold",
    "behind": "color:#b3353f;font-weight:bold",
} | {name: f"color:{colour}" for name, colour in charts.LIGHT.items()}


class Sent(NamedTuple):
    """Addresses that the server has taken the mail for, and those that it refused, with its reason."""

    to: list[str]
    refused: dict[str, str]


def send(
    settings: Settings, *, weekly: bool = False, since: dt.date | None = None, currency: str | None = None
) -> Sent:
    """Mails the overview of what is published to each of ``[boxoffice.mail] to``.

    ``weekly`` leaves out whoever it was sent to in this week, so that a schedule can call until the server takes it.
    Raises Problem when no server is set, nothing is published, or the server takes the mail for no one; then nothing is
    remembered, and the next call tries again.
    """
    mail = settings.mail
    if not mail:
        raise Problem(
            "No mail server is set, so nothing was sent. Set host, sender, to and user in [boxoffice.mail] of "
            ".dlt/config.toml, and password in .dlt/secrets.toml."
        )
    now = dt.datetime.now(dt.UTC)
    already = _sent_this_week(settings, now) if weekly else []
    to = [address for address in mail.to if address not in already]
    if not to:
        return Sent([], {})
    if weekly:  # before anything is sent: what cannot be remembered would be sent again by each call
        settings.mailed_file.with_suffix(".new").touch(0o600)
    with open_published(settings) as db:
        figures = figures_of(db, since, currency)
        message = compose(figures, set_aside.in_words(db), now)
    message["From"], message["To"] = mail.sender, ", ".join(to)
    try:
        refused = _deliver(mail, message, to)
    except (OSError, smtplib.SMTPException) as error:
        raise Problem(redaction.without(_not_sent(mail, error), settings.secrets)) from None
    sent = [address for address in to if address not in refused]
    if weekly:
        _remember(settings, now, [*already, *sent])
    return Sent(sent, redaction.without(refused, settings.secrets))


def _not_sent(mail: Mail, error: OSError | smtplib.SMTPException) -> str:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        why = "it refused all of " + ", ".join(error.recipients)
    elif isinstance(error, smtplib.SMTPResponseException):
        why = f"it answered {error.smtp_code} {_text(error.smtp_error)}"
    else:
        why = str(error) or type(error).__name__
    return (
        f"The report was not sent by {mail.host}, port {mail.port_number}: {why}. Nothing is lost: the next call "
        "sends it."
    )


def _text(said: bytes | str) -> str:
    return said.decode(errors="replace") if isinstance(said, bytes) else said


def _deliver(mail: Mail, message: EmailMessage, to: Sequence[str]) -> dict[str, str]:
    """The addresses that the server refused, with its reason; SMTPRecipientsRefused where these are all."""
    trusted = ssl.create_default_context()
    with contextlib.ExitStack() as stack:
        if mail.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(mail.host, mail.port_number, timeout=PATIENCE, context=trusted)
        else:
            server = smtplib.SMTP(mail.host, mail.port_number, timeout=PATIENCE)
        stack.callback(server.close)
        if mail.security == "starttls":
            server.starttls(context=trusted)
        if mail.user:
            server.login(mail.user, mail.password)
        refused = server.send_message(message, to_addrs=list(to))
        # the server has it: what goes wrong from here on is no reason to send it twice
        with contextlib.suppress(OSError, smtplib.SMTPException):
            server.quit()
    return {address: f"{code} {_text(said)}" for address, (code, said) in refused.items()}


def _week(now: dt.datetime) -> str:
    return f"{now.astimezone():%G-W%V}"


def _sent_this_week(settings: Settings, now: dt.datetime) -> list[str]:
    try:
        kept = json.loads(settings.mailed_file.read_text())
        return kept["to"] if kept["week"] == _week(now) else []
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _remember(settings: Settings, now: dt.datetime, to: Sequence[str]) -> None:
    fresh = settings.mailed_file.with_suffix(".new")
    fresh.write_text(json.dumps({"week": _week(now), "to": list(to)}))
    fresh.replace(settings.mailed_file)


def compose(figures: Figures, missing: str | None, now: dt.datetime) -> EmailMessage:
    """The mail, without sender and recipients, as it is sent at ``now``."""
    week = comparisons.week(figures)
    title = f"Box office, week of {week.periods[0]}"
    stale = figures.data_until and now - figures.data_until > STALE
    warned = warnings(figures, missing)
    if stale and figures.data_until:
        warned.insert(0, f"The data end on {formatting.moment(figures.data_until, figures.zone)}: nothing came since.")
    needs_attention = attention.section(figures, warned, {})
    tables = comparison_tables.last_week(figures)
    if performances := figures.performances.coming[:_LISTED]:
        tables.append(coming.table(figures, performances, {}))
    pictures = _pictures(figures)

    message = EmailMessage()
    message["Subject"] = title
    message["Date"] = formatdate(now.timestamp())
    message["Message-ID"] = make_msgid(domain="boxoffice.invalid")
    parts = [title, as_of(figures), "\n".join(f"- {line}" for line in _lines(needs_attention))]
    message.set_content("\n\n".join([*parts, *map(_table_as_text, tables), "The whole page is attached."]) + "\n")

    ids = [make_msgid(domain="boxoffice.invalid") for _ in pictures]
    shown = [
        page.tag("h2", name)
        + _legend(keys)
        + Markup('<img alt="{}" src="cid:{}">').format(f"{name}: in the attached page.", one[1:-1])
        for one, (name, keys, _) in zip(ids, pictures, strict=True)
    ]
    body = [
        page.tag("h1", title),
        page.paragraph(as_of(figures)),
        page.tag("h2", "Needs attention"),
        needs_attention,
        *(page.table(*table) for table in tables),
        *shown,
        page.paragraph("The whole page is attached. " + published(figures)),
    ]
    html = page.tag("html", page.tag("body", page.lines(body)), lang="en")
    message.add_alternative(f"<!doctype html>\n{_styled(html)}\n", subtype="html")
    _, alternative = message.get_payload()
    for one, (_, _, picture) in zip(ids, pictures, strict=True):
        alternative.add_related(picture, "image", "png", cid=one, disposition="inline")
    message.add_attachment(overview(figures, missing, {}), subtype="html", filename="boxoffice.html")
    return message


def _legend(keys: Sequence[tuple[str, str]]) -> Markup:
    return page.paragraph(Markup(" ").join(page.tag("span", "■", kind=colour) + f" {name}" for colour, name in keys))


def _pictures(figures: Figures) -> list[tuple[str, list[tuple[str, str]], bytes]]:
    """Titles, (colour, text) of what is drawn, and charts as PNG. No names: the font lacks letters."""
    found = []
    if drawn := coming.drawn(figures):
        curves, days = coming.draw(figures, drawn)
        panels = [
            dataclasses.replace(curve, title=formatting.day(one.starts_on, weekday=True, year=False), under_title="")
            for curve, one in zip(curves, drawn, strict=True)
        ]
        name = f"The next performances: tickets in the house, from {days} days before"
        keys = coming.legend(panels, "those before them")
        found.append((name, keys, charts.picture(lambda width: charts.curves(width, panels, days))))
    if figures.main:
        currency = figures.main[0]
        days_sold, by_account, refunds, before = sales.daily(figures, currency)
        name = f"Sales by day, {currency}, {figures.recent}"
        if any(by_account.values()):
            by_day = charts.picture(
                lambda width: charts.sales_by_day(width, days_sold, by_account, refunds, before, currency)
            )
            found.append((name, sales.keys(by_account, refunds, before), by_day))
    return found


def _styled(html: str) -> str:
    """Each element with the style that it has, and without what a mail program does not know.

    Text in ``html`` is escaped, so whatever looks like an element is one of ours.
    """
    html = re.sub(r"<summary>.*?</summary>|</?(?:details|bdi)[^>]*>|<a [^>]*>|</a>", "", html)

    def style(found: re.Match[str]) -> str:
        name, attributes = found[1], dict(re.findall(r' ([\w-]+)="([^"]*)"', found[2]))
        classes = attributes.pop("class", "").split()
        attributes.pop("style", None)
        styles = [_STYLES.get(name, ""), *(_CLASSES.get(one, "") for one in classes)]
        if styled := ";".join(filter(None, styles)):
            attributes["style"] = styled
        written = "".join(f' {key}="{value}"' for key, value in attributes.items())
        return f"{'<br>' if name == 'small' else ''}<{name}{written}>"

    return re.sub(r'<([a-z]\w*)((?: [\w-]+="[^"]*")*)>', style, html)


def _lines(html: str) -> list[str]:
    """The items of a list, or the one paragraph, as text."""
    return [_as_text(item) for item in re.findall(r"<(?:li|p)\b[^>]*>(.*?)</(?:li|p)>", html)]


def _as_text(html: str) -> str:
    html = re.sub(r"<summary>.*?</summary>", "", html)
    html = html.replace("<small>", " (").replace("</small>", ")")
    return Markup(html).striptags()


def _table_as_text(table: page.Table) -> str:
    """A row a line, each number with its column's name: this is also read aloud."""
    heads = [_as_text(str(column.title)) for column in table.columns]
    lines = [_as_text(str(table.caption))]
    for first, *cells in ([_as_text(str(Markup.escape(cell))) for cell in row] for row in table.rows):
        values = [f"{head}: {cell}" for head, cell in zip(heads[1:], cells, strict=True)]
        lines.append(f"- {first}\n  " + "; ".join(values))
    return "\n".join(lines)
