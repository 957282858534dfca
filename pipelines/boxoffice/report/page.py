"""HTML of the report: one file, no script, nothing fetched; light, dark and paper by its style sheet.

HTML is ``Markup`` here and text is ``str``: whatever is not ``Markup`` is escaped where it enters HTML, so that no
caller has to remember to. ``tag``, ``Markup.format`` and ``+`` keep it so; an f-string of HTML is text again, and shown
as such.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from markupsafe import Markup, escape

from boxoffice.report.charts import DARK, LIGHT


class Column(NamedTuple):
    """A table's column; ``number`` aligns it to the right."""

    title: str
    number: bool = True


class Table(NamedTuple):
    """What ``table`` takes, for a page, a mail and plain text; the first cell of each row names it."""

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    kind: str = ""


def tag(name: str, *content: object, kind: str = "", **attributes: str) -> Markup:
    """An element; ``kind`` is its class, and an attribute without a value is left out. Names are constants of ours."""
    given = {"class": kind, **attributes}
    written = [Markup(' {}="{}"').format(key, value) for key, value in given.items() if value]
    return Markup("<{}{}>{}</{}>").format(name, Markup("").join(written), Markup("").join(map(escape, content)), name)


def lines(parts: Iterable[str]) -> Markup:
    """Those of the parts that are not empty, each on a line of its own."""
    return Markup("\n").join(part for part in parts if part)


def bold(content: object) -> Markup:
    return tag("b", content)


def small(content: object) -> Markup:
    return tag("small", content)


def paragraph(content: str, kind: str = "") -> Markup:
    return tag("p", content, kind=kind)


def name(text: str) -> Markup:
    """A name from outside: in whichever direction it is written, what is around it keeps its own."""
    return tag("bdi", text)


def share_bar(share: float | None, label: str) -> Markup:
    """A number with a bar as long as its share (0 to 1) behind it, for a cell."""
    if share is None:
        return escape(label)
    return tag("span", label, kind="bar", style=f"--share:{max(0.0, min(share, 1.0)) * 100:.1f}%")


def table(caption: str, columns: Sequence[Column], rows: Sequence[Sequence[str]], kind: str = "") -> Markup:
    """A table; the first cell of each row names it."""
    aligned = ["n" if column.number else "" for column in columns]
    heads = [tag("th", column.title, scope="col", kind=side) for column, side in zip(columns, aligned, strict=True)]
    body = [
        tag(
            "tr",
            tag("th", row[0], scope="row", kind=aligned[0]),
            *(tag("td", cell, kind=side) for cell, side in zip(row[1:], aligned[1:], strict=True)),
        )
        for row in rows
    ]
    inner = [tag("caption", caption), tag("thead", tag("tr", *heads)), "\n", tag("tbody", lines(body))]
    return tag("div", tag("table", *inner, kind=kind), kind="scroll")


def figure(title: str, drawing: str, keys: Sequence[tuple[str, str]] = (), note: str = "") -> Markup:
    """A chart under its title; ``keys`` are (colour, words) of its series."""
    legend = [tag("li", tag("i", kind=f"key {colour}"), words) for colour, words in keys]
    above = [tag("figcaption", title), tag("ul", *legend, kind="legend") if legend else ""]
    return tag("figure", *above, "\n", drawing, "\n", paragraph(note, "note") if note else "")


def section(identity: str, title: str, content: str) -> Markup:
    return tag("section", tag("h2", title), "\n", content, "\n", id=identity)


# no script, nothing fetched, and nothing that would send a reader or what a reader types elsewhere
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"


def document(title: str, header: str, body: str, footer: str) -> Markup:
    """The whole file."""
    return Markup("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<link rel="icon" href="data:,">
<title>{title}</title>
<style>
{style}
</style>
</head>
<body>
<header>
{header}
</header>
<main>
{body}
</main>
<footer>
{footer}
</footer>
</body>
</html>
""").format(title=title, header=header, body=body, footer=footer, policy=_POLICY, style=Markup(_style()))


def _variables(colours: dict[str, str], band: str) -> str:
    named = "".join(f"--{name}:{value};" for name, value in colours.items())
    return f"{named}--band:{band};"


def _style() -> str:
    light = _variables(LIGHT, "#f3f6f8")
    dark = _variables(DARK, "#1e262d")
    keys = "".join(f".key.{name}{{background:var(--{name})}}" for name in LIGHT)
    return f"""
:root{{color-scheme:light dark;{light}}}
@media (prefers-color-scheme:dark){{:root{{{dark}}}}}
@media print{{:root{{color-scheme:light;{light}}}}}
*{{box-sizing:border-box}}
body{{margin:0 auto;max-width:784px;padding:24px 32px 48px;background:var(--paper);color:var(--ink);
  font:16px/1.45 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;overflow-wrap:break-word}}
h1{{font-size:1.7rem;line-height:1.2;margin:0 0 4px;letter-spacing:-.01em}}
h2{{font-size:1.3rem;margin:44px 0 8px;padding-top:14px;border-top:2px solid var(--ink)}}
h3{{font-size:1.05rem;margin:30px 0 6px}}
p{{margin:6px 0}}
a{{color:var(--s1)}}
header p:not(.lead):not(.warn),.note,footer,caption,figcaption+.legend{{color:var(--soft);font-size:.875rem}}
.lead{{font-size:1.0625rem;margin:10px 0}}
.note{{margin:4px 0 0}}
.warn{{border-left:4px solid var(--bad);background:var(--band);padding:8px 12px;margin:12px 0;font-size:.9375rem}}
nav ul{{list-style:none;margin:14px 0 0;padding:0;display:flex;flex-wrap:wrap;gap:4px 16px;font-size:.9375rem}}
nav a{{display:inline-block;padding:4px 0}}
/* a table fits a phone; one with enormous amounts scrolls by itself and leaves the page in its place */
.scroll{{overflow-x:auto}}
table{{width:100%;border-collapse:collapse;margin:14px 0 6px;font-size:.9375rem;font-variant-numeric:tabular-nums}}
caption{{text-align:left;padding-bottom:4px}}
caption b,figcaption{{color:var(--ink);font-size:1rem;font-weight:600}}
th,td{{text-align:left;vertical-align:top;padding:6px 0 6px 12px;border-bottom:1px solid var(--line);font-weight:400}}
th:first-child,td:first-child{{padding-left:0}}
thead th{{color:var(--soft);font-size:.8125rem;vertical-align:bottom;border-bottom:1px solid var(--soft)}}
.n{{text-align:right;white-space:nowrap}}
thead .n{{white-space:normal}}
td,th small{{overflow-wrap:anywhere}}
td.n{{overflow-wrap:normal}}
td small,th small{{display:block;color:var(--soft);font-size:.8125rem;white-space:normal}}
.head tbody td:nth-child(2){{font-weight:650}}
.ahead,.behind{{font-weight:650}}
.ahead{{color:var(--s3)}}
.behind{{color:var(--bad)}}
.attention{{margin:12px 0;padding:8px 12px 8px 30px;background:var(--band);border-left:4px solid var(--s2);
  font-size:.9375rem}}
.attention li{{margin:3px 0}}
.fine{{color:var(--soft)}}
.head td small{{font-weight:400}}
details{{font-size:.8125rem}}
summary{{color:var(--soft);cursor:pointer}}
section>details>summary{{font-size:.9375rem;margin:8px 0}}
.bar{{display:block;min-width:72px;padding:0 4px;
  background:linear-gradient(to right,
    color-mix(in srgb,var(--s1) 30%,transparent) var(--share),var(--band) var(--share))}}
figure{{margin:18px 0 6px}}
figcaption{{margin-bottom:2px}}
.legend{{list-style:none;margin:0 0 4px;padding:0;display:flex;flex-wrap:wrap;gap:0 16px}}
.key{{display:inline-block;width:12px;height:12px;margin-right:6px;vertical-align:-1px;border-radius:2px}}
.key.ink,.key.soft{{height:0;border-radius:0;background:none;border-top:2px solid var(--ink);vertical-align:4px}}
.key.soft{{border-top:2px dashed var(--soft)}}
.key.pale{{background:var(--s1);opacity:.4}}
.key.full,.key.goal{{height:0;border-radius:0;border-top:1px solid var(--soft);vertical-align:4px}}
.key.goal{{border-color:var(--s3)}}
{keys.replace(".key.ink{background:var(--ink)}", "").replace(".key.soft{background:var(--soft)}", "")}
svg{{display:block;width:100%;height:auto}}
svg *{{stroke-linejoin:round;stroke-linecap:butt}}
svg.narrow{{display:none}}
dl{{margin:8px 0;font-size:.9375rem}}
dt{{font-weight:600;margin-top:10px}}
dd{{margin:0;color:var(--soft)}}
footer{{margin-top:44px;border-top:1px solid var(--line);padding-top:10px}}
@media (max-width:600px){{
body{{padding:16px 16px 32px}}
h1{{font-size:1.4rem}}
table{{font-size:.875rem}}
th,td{{padding-left:8px}}
.bar{{min-width:56px}}
svg.wide{{display:none}}
svg.narrow{{display:block}}
}}
@media (max-width:360px){{
body{{padding:16px 10px 32px}}
table{{font-size:.8125rem}}
td small,th small{{font-size:.75rem}}
th,td{{padding-left:5px}}
.bar{{min-width:0}}
}}
@media print{{
body{{max-width:none;padding:0;font-size:11pt}}
nav{{display:none}}
figure,tr,caption{{break-inside:avoid}}
h2,h3,caption,figcaption{{break-after:avoid}}
.bar,.key,svg *,.warn{{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
}}
""".strip()
