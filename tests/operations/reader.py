"""A reader who will not let go of the published file: ``python -m tests.operations.reader FILE``.

Opens it again and again, keeps some connections open while runs publish, and asks each time whether what it sees is
whole. Ends when its standard input does, and prints what it found as one JSON object.
"""

import contextlib
import json
import random
import sys
import threading
from pathlib import Path

import duckdb

MARTS = {path.stem for path in (Path(__file__).parents[2] / "models" / "marts").glob("*.sql")}
MARTS |= {"orders_set_aside", "run_info"}

AGREE = """
    with lines as (
        select platform, account, currency, sum(amount) as charged
        from marts.fct_order_lines where booked_at is not null and line_kind not in ('refund', 'credited') group by all
    ),
    days as (select platform, account, currency, sum(charged_total) as charged from marts.rpt_daily_sales group by all)
    select platform, account, currency, lines.charged, days.charged
    from lines full join days using (platform, account, currency)
    where coalesce(lines.charged, 0) <> coalesce(days.charged, 0)
"""
SEEN = """
    select (select published_at from marts.run_info), (select count(*) from marts.fct_orders),
        (select sum(amount) from marts.fct_order_lines), (select count(*) from marts.fct_tickets)
"""


def look(path: Path) -> tuple[duckdb.DuckDBPyConnection, tuple, list[str]]:
    """A connection, what it shows, and what is wrong with it."""
    # a name of its own: within a process, connections to one path share one database, the old one
    db = duckdb.connect(":memory:")
    db.execute(f"attach '{path}' as boxoffice (read_only)")
    db.execute("use boxoffice")
    named = "select table_name from information_schema.tables where table_schema = 'marts'"
    tables = {name for (name,) in db.execute(named).fetchall()}
    wrong = [f"tables are missing: {sorted(MARTS - tables)}"] if MARTS - tables else []
    if not wrong:
        wrong += [f"reports disagree: {row}" for row in db.execute(AGREE).fetchall()]
    return db, db.execute(SEEN).fetchall()[0], wrong


def main(path: Path, seed: int) -> None:
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    chance = random.Random(seed)
    looks, wrong, shown = 0, [], set()
    with contextlib.ExitStack() as held:
        first, first_seen, wrong_at_first = look(path)
        held.callback(first.close)
        wrong += wrong_at_first
        while not ended.is_set():
            try:
                db, seen, found = look(path)
            except duckdb.Error as error:
                wrong.append(f"cannot be read: {error}")
                continue
            looks += 1
            wrong += found
            if shown and seen[0] < max(shown):
                wrong.append(f"went back from {max(shown)} to {seen[0]}")
            shown.add(seen[0])
            ended.wait(chance.uniform(0.05, 1.5))
            if db.execute(SEEN).fetchall()[0] != seen:
                wrong.append("changed under an open connection")
            db.close()
        if first.execute(SEEN).fetchall()[0] != first_seen:
            wrong.append("the connection held all the time sees something else now")
    sys.stdout.write(json.dumps({"looks": looks, "published": len(shown), "wrong": wrong}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
