"""What people take away from the published file: a report, an order explained, a month for the bookkeeper.

Every module here reads the published file through ``query.open_published``, schema marts, and nothing else.

- ``report``: the overview as one HTML file; ``figures`` and ``upcoming_events`` ask for its numbers, ``charts``
  draws them, ``sections`` puts them in words, ``page`` writes HTML.
- ``explain``: one order in words.
- ``export``: one month as a workbook or as CSV files.
- ``formatting``: amounts, days and names as people read them.
"""
