"""What people take away from the published file: a report, an order explained, a month for the bookkeeper.

Every module here reads the published file through ``query.open_published``, schema marts, and nothing else.

- ``report``: the overview as one HTML file, with a page for each event (``events``) if it is a folder; ``figures`` and
  ``performances`` ask for its numbers, ``charts`` draws them, ``sections``, ``coming`` and ``behind`` (what to know of
  the data) make text and tables of them, ``page`` writes HTML.
- ``mail``: the overview by SMTP.
- ``explain``: one order in words.
- ``export``: one month as a workbook or as CSV files.
- ``formatting``: amounts, days and names as people read them.
"""
