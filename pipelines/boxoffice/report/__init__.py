"""What people take away from the published file: a report, an order explained, a month for the bookkeeper.

Every module here reads the published file through ``query.open_published``, schema marts, and nothing else.

- ``report``: the overview as one HTML file, with a page for each event (``events``) if it is a folder. Its parts:

  - numbers: ``figures`` (accounts, currencies and days of a report), ``comparisons``, ``performances``,
    ``sales_queries``, ``audience_queries``, ``quality_queries``;
  - sections: ``attention``, ``comparison_tables``, ``coming``, ``sales``, ``audience``, and ``behind`` (the data behind
    the numbers);
  - output: ``formatting`` writes amounts, days and names, ``charts`` draws, ``page`` writes HTML.

- ``mail``: the overview by SMTP.
- ``explain``: everything about one order, as text.
- ``export``: one month as a workbook or as CSV files; ``month`` queries its sheets.
- ``journal``: one month for an accounting program.
- ``settle``: one event for a guest company; ``settlement`` has its amounts.
- ``shows``: events on two platforms that may be the same show.
- ``explore``: serves ``explore_page``, a marimo notebook, whose numbers are from ``drilldown``.
"""
