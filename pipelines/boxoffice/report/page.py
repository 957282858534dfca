"""HTML of the report: one file, no script, nothing fetched; light, dark and paper by its style sheet."""

import html
from collections.abc import Sequence
from typing import NamedTuple

from boxoffice.report.charts import DARK, LIGHT


class Column(NamedTuple):
    """A table's column; ``number`` aligns it to the right."""

    title: str
    number: bool = True


def text(value: object) -> str:
    """Text as HTML."""
    return html.escape(str(value), quote=False)


def paragraph(content: str, kind: str = "") -> str:
    return f'<p class="{kind}">{content}</p>' if kind else f"<p>{content}</p>"


def small(content: object) -> str:
    return f"<small>{text(content)}</small>"


def share_bar(share: float | None, label: str) -> str:
    """A number with a bar as long as its share (0 to 1) behind it, for a cell."""
    if share is None:
        return text(label)
    return f'<span class="bar" style="--share:{max(0.0, min(share, 1.0)) * 100:.1f}%">{text(label)}</span>'


def table(caption: str, columns: Sequence[Column], lines: Sequence[Sequence[str]], kind: str = "") -> str:
    """A table; ``lines`` hold HTML, the first cell of each names its row."""
    head = "".join(f'<th scope="col"{" class=n" if column.number else ""}>{column.title}</th>' for column in columns)
    body = []
    for line in lines:
        cells = [f'<th scope="row"{" class=n" if columns[0].number else ""}>{line[0]}</th>']
        cells += [
            f"<td{' class=n' if column.number else ''}>{cell}</td>"
            for column, cell in zip(columns[1:], line[1:], strict=True)
        ]
        body.append(f"<tr>{''.join(cells)}</tr>")
    opening = f'<table class="{kind}">' if kind else "<table>"
    return (
        f'<div class="scroll">{opening}<caption>{caption}</caption><thead><tr>{head}</tr></thead>\n'
        f"<tbody>{chr(10).join(body)}</tbody></table></div>"
    )


def figure(title: str, drawing: str, keys: Sequence[tuple[str, str]] = (), note: str = "") -> str:
    """A chart under its title; ``keys`` are (colour, words) of its series."""
    legend = "".join(f'<li><i class="key {colour}"></i>{text(words)}</li>' for colour, words in keys)
    legend = f'<ul class="legend">{legend}</ul>' if legend else ""
    under = f'<p class="note">{note}</p>' if note else ""
    return f"<figure><figcaption>{text(title)}</figcaption>{legend}\n{drawing}\n{under}</figure>"


def section(identity: str, title: str, *content: str, level: int = 2) -> str:
    inner = "\n".join(part for part in content if part)
    return f'<section id="{identity}"><h{level}>{text(title)}</h{level}>\n{inner}\n</section>'


def document(title: str, header: str, body: str, footer: str) -> str:
    """The whole file."""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<link rel="icon" href="data:,">
<title>{text(title)}</title>
<style>
{_style()}
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
"""


def _variables(colours: dict[str, str], paper: str, band: str) -> str:
    named = "".join(f"--{name}:{value};" for name, value in colours.items())
    return f"{named}--paper:{paper};--band:{band};"


def _style() -> str:
    light = _variables(LIGHT, "#fff", "#f3f6f8")
    dark = _variables(DARK, "#151b20", "#1e262d")
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
.bar{{display:block;min-width:72px;padding:0 4px;
  background:linear-gradient(to right,
    color-mix(in srgb,var(--s1) 30%,transparent) var(--share),var(--band) var(--share))}}
figure{{margin:18px 0 6px}}
figcaption{{margin-bottom:2px}}
.legend{{list-style:none;margin:0 0 4px;padding:0;display:flex;flex-wrap:wrap;gap:0 16px}}
.key{{display:inline-block;width:12px;height:12px;margin-right:6px;vertical-align:-1px;border-radius:2px}}
.key.ink,.key.soft{{height:0;border-radius:0;background:none;border-top:2px solid var(--ink);vertical-align:4px}}
.key.soft{{border-top:2px dashed var(--soft)}}
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
.optional{{display:none}}
.bar{{min-width:56px}}
svg.wide{{display:none}}
svg.narrow{{display:block}}
}}
@media print{{
body{{max-width:none;padding:0;font-size:11pt}}
nav{{display:none}}
figure,tr,caption{{break-inside:avoid}}
h2,h3,caption,figcaption{{break-after:avoid}}
.bar,.key,svg *,.warn{{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
}}
""".strip()
