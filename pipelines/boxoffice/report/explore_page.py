"""The page of `boxoffice explore`, a marimo notebook: choose above, read charts and table below.

Names come from outside: they reach the page as options of a menu, data of a chart or escaped HTML, never as Markdown.
"""

import marimo

app = marimo.App(width="full", app_title="Box office")


@app.cell
def _():
    import os
    from decimal import Decimal

    import altair as alt
    import marimo as mo
    from markupsafe import Markup, escape

    from boxoffice.report import drilldown, formatting
    from boxoffice.report.charts import LIGHT, series_colour
    from boxoffice.settings import load_settings

    # a chart's menu saves a picture; it offers no editor, which would be on the internet
    alt.renderers.set_embed_options(actions={"export": True, "source": False, "compiled": False, "editor": False})
    settings = load_settings(os.environ)
    offered = drilldown.options(settings)
    mo.stop(
        not offered.currencies,
        mo.callout(mo.plain_text("Nothing has been sold yet. How fresh each account is: boxoffice status"), "neutral"),
    )
    return Decimal, LIGHT, Markup, alt, drilldown, escape, formatting, mo, offered, series_colour, settings


@app.cell
def _(mo, offered):
    currency = mo.ui.dropdown(offered.currencies, offered.currencies[0], label="Currency")
    accounts = mo.ui.multiselect(list(offered.accounts), list(offered.accounts), label="Sold through")
    days = mo.ui.date_range(offered.begins, offered.today, value=(offered.begins, offered.today), label="Sold from, to")
    when = mo.ui.dropdown({"all": "all", "to come": "coming", "past": "past"}, "all", label="Performances")
    # season, show and performance: chosen in the menus, or by a row of the table
    path, go_to = mo.state((None, None, None))
    return accounts, currency, days, go_to, path, when


@app.cell
def _(go_to, mo, offered, path):
    def _menu(label, place, names):
        """``names`` by value; "all" is None, and a change forgets what was chosen below it."""
        values = {"all": None} | {name: value for value, name in names.items()}
        now = next((name for name, value in values.items() if value == path()[place]), "all")
        return mo.ui.dropdown(
            values,
            now,
            label=label,
            searchable=True,
            on_change=lambda value: go_to((*path()[:place], value, *(None,) * (2 - place))),
        )

    _season, _show, _ = path()
    _within = [one for one in offered.performances if _season in (None, one.season)]
    _seasons = {one.season: one.season or "No season" for one in offered.performances}
    menus = [
        *([_menu("Season", 0, _seasons | {"": "No season"})] if any(_seasons) else []),
        _menu("Show", 1, {one.show: one.show for one in _within} | {"": "Sold without an event"}),
        _menu("Performance", 2, {one.key: one.label for one in _within if _show in (None, one.show)}),
    ]
    return (menus,)


@app.cell
def _(accounts, currency, days, mo, menus, when):
    mo.vstack(
        [
            mo.Html("<b style='font-size:1.75rem'>Box office</b>"),
            mo.hstack([currency, accounts, days, when], justify="start", wrap=True),
            mo.hstack(menus, justify="start", wrap=True),
        ]
    )
    return


@app.cell
def _(accounts, currency, days, drilldown, offered, path, settings, when):
    _season, _show, _performance = path()
    choice = drilldown.Choice(
        currency.value,
        *days.value,
        offered.today,
        {name: offered.accounts[name] for name in accounts.value},
        when.value,
        _season,
        _show,
        _performance,
    )
    shown, keys = drilldown.table(settings, choice)
    data_until = drilldown.options(settings).data_until
    performance = next((one for one in offered.performances if one.key == _performance), None)
    return choice, data_until, keys, performance, shown


@app.cell
def _(Decimal, Markup, choice, data_until, formatting, mo, shown):
    def _total(name):
        values = shown[name].to_pylist() if name in shown.column_names else []
        return (
            formatting.count(sum(values))
            if name == "Tickets"
            else formatting.money(sum(values, Decimal()), choice.currency)
        )

    _figures = [
        (name.partition(",")[0], _total(name))
        for name in shown.column_names
        if name == "Tickets" or name.startswith(("Gross", "Refunds", "Net"))
    ]
    mo.vstack(
        [
            mo.hstack(
                [
                    mo.Html(Markup("<div>{}<br><b style='font-size:1.5rem'>{}</b></div>").format(*figure))
                    for figure in _figures
                ],
                justify="start",
                gap=1.5,
                wrap=True,
            ),
            mo.Html(
                Markup("<small>Sales of {}. Data until {}.</small>").format(
                    formatting.span(choice.first, choice.last), data_until
                )
            ),
        ]
    )
    return


@app.cell
def _(LIGHT, alt, choice, drilldown, formatting, mo, offered, series_colour, settings):
    _grain, _bars = drilldown.over_time(settings, choice)
    _form = {"day": "%-d %b", "week": "%-d %b", "month": "%b %Y"}[_grain]
    _label = f"utcFormat(toDate(datum.value), '{_form}')"
    _chart = (
        alt.Chart(
            alt.Data(
                values=[
                    {
                        "begins": bar.begins.isoformat(),
                        "account": bar.account,
                        "sales": float(bar.gross),
                        "amount": formatting.money(bar.gross, choice.currency),
                        "day": formatting.day(bar.begins, weekday=_grain == "day"),
                        "whole": bar.whole,
                    }
                    for bar in _bars
                ]
            ),
            title=f"Gross sales by {_grain}, {choice.currency}",
        )
        .mark_bar()
        .encode(
            alt.X("begins:O", title=None, axis=alt.Axis(labelExpr=_label, labelOverlap=True, labelAngle=0)),
            alt.Y("sales:Q", title=None),
            alt.Color(
                "account:N",
                title=None,
                scale=alt.Scale(
                    domain=list(offered.accounts),
                    range=[LIGHT[series_colour(number)] for number, _ in enumerate(offered.accounts)],
                ),
                legend=alt.Legend(orient="top"),
            ),
            opacity=alt.condition("datum.whole", alt.value(1), alt.value(0.4)),
            tooltip=[alt.Tooltip("day:N"), alt.Tooltip("account:N"), alt.Tooltip("amount:N")],
        )
        .properties(width="container", height=220, background="transparent")
        .configure_view(strokeWidth=0)
        .configure_axis(gridOpacity=0.3)
    )
    mo.vstack(
        [
            mo.ui.altair_chart(_chart, chart_selection=False, legend_selection=False),
            mo.Html(f"<small>Pale: a part of a {_grain}.</small>" if not all(bar.whole for bar in _bars) else ""),
        ]
    )
    return


@app.cell
def _(LIGHT, alt, drilldown, mo, offered, performance, settings):
    mo.stop(performance is None)
    _curves = drilldown.curves(settings, performance, offered.today)
    mo.stop(performance.key not in _curves, mo.plain_text("No sales curve: it has no date, or has sold nothing yet."))
    _labels = {one.key: one.label for one in offered.performances}
    _chart = (
        alt.Chart(
            alt.Data(
                values=[
                    {
                        "key": key,
                        "name": _labels[key],
                        "days left": left,
                        "tickets": tickets,
                        "own": key == performance.key,
                    }
                    for key, points in sorted(_curves.items(), key=lambda curve: curve[0] == performance.key)
                    for left, tickets in points
                ]
            ),
            title="Tickets in the house by days left",
        )
        .mark_line(interpolate="step-after")
        .encode(
            alt.X("days left:Q", title="days left", scale=alt.Scale(reverse=True), axis=alt.Axis(tickMinStep=1)),
            alt.Y("tickets:Q", title=None, axis=alt.Axis(tickMinStep=1)),
            detail="key:N",
            color=alt.condition("datum.own", alt.value(LIGHT["s3"]), alt.value("#9aa5ae")),
            size=alt.condition("datum.own", alt.value(3), alt.value(0.8)),
            tooltip=[alt.Tooltip("name:N"), alt.Tooltip("days left:Q"), alt.Tooltip("tickets:Q")],
        )
        .properties(width="container", height=220, background="transparent")
        .configure_view(strokeWidth=0)
        .configure_axis(gridOpacity=0.3)
    )
    mo.vstack(
        [
            mo.ui.altair_chart(_chart, chart_selection=False, legend_selection=False),
            mo.Html("<small>Grey: the show's other performances.</small>"),
        ]
    )
    return


@app.cell
def _(choice, drilldown, escape, formatting, go_to, keys, mo, path, shown):
    _level = shown.column_names[0]

    def _go(rows):
        place = ("Season", "Show", "Performance").index(_level)
        for row in rows:
            go_to((*path()[:place], keys[row[_level]], *(None,) * (2 - place)))

    def _shown_as(name):
        if name == _level:  # HTML, or an address in it would become a link
            return lambda value: mo.Html(str(escape(value.removeprefix(f"{choice.show}, "))))
        if name == "Full":
            return formatting.percent
        return lambda value: formatting.amount(value, choice.currency) if "," in name else formatting.count(value)

    _table = mo.ui.table(
        shown.to_pylist(),
        selection="single" if keys else None,
        on_change=_go,
        page_size=20,
        format_mapping={name: _shown_as(name) for name in shown.column_names},
        wrapped_columns=[_level],
        column_widths={_level: 240}
        | {name: 98 if "," in name or name == "Performances" else 78 for name in shown.column_names[1:]},
        text_justify_columns=dict.fromkeys(shown.column_names[1:], "right"),
        show_column_summaries=False,
        show_data_types=False,
        show_download=False,  # its CSV would be run by a spreadsheet
    )
    _notes = [
        ("Currency", choice.currency),
        ("Sales from", choice.first.isoformat()),
        ("to", choice.last.isoformat()),
        ("Sold through", ", ".join(choice.accounts)),
        ("Performances", choice.when),
        ("Season", choice.season or "all"),
        ("Show", choice.show or "all"),
    ]
    mo.vstack(
        [
            _table,
            mo.hstack(
                [
                    mo.download(
                        lambda: drilldown.as_workbook(shown, _notes),
                        "boxoffice.xlsx",
                        mimetype="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
                        label="Excel workbook",
                    ),
                    mo.download(lambda: drilldown.as_csv(shown), "boxoffice.csv", mimetype="text/csv", label="CSV"),
                ],
                justify="start",
            ),
            mo.Html(
                "<small>Choose a row to go into it. Tickets: sold, without comps. Full: sold and comps, less returned, "
                "of what the house holds, up to now and through all accounts; – is not known.</small>"
            ),
        ]
    )
    return
