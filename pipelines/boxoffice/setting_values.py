"""Converts the value of one setting, text from the environment or a TOML value, or raises ConfigProblem."""

import datetime as dt
import functools
import re
import string
from typing import Any
from zoneinfo import ZoneInfo

from boxoffice.errors import ConfigProblem


def duration(text: str) -> dt.timedelta:
    """90s, 15m, 36h, 30d as a timedelta. Raises ValueError for anything else."""
    unit = {"s": 1, "m": 60, "h": 3600, "d": 86400}.get(text[-1:])
    if not unit or not text[:-1].isdigit() or not int(text[:-1]):
        raise ValueError(f"{text!r}: give a time such as 90s, 15m, 36h or 30d.")
    found = int(text[:-1]) * unit
    if found > 36_525 * 86_400:
        raise ValueError(f"{text!r} is more than a hundred years.")
    return dt.timedelta(seconds=found)


def convert(value: Any, wanted: Any, where: str) -> Any:
    """The value as the type of its field. Environment variables are text; a file's values have types already."""
    if "tuple" in str(wanted):
        return tuple(value.replace(" ", "").split(",")) if isinstance(value, str) else tuple(value)
    if wanted is dt.timedelta:
        try:
            return duration(str(value))
        except ValueError as error:
            raise ConfigProblem(f"{where} is {error}") from None
    if wanted is bool:
        if str(value).lower() not in ("true", "false"):
            raise ConfigProblem(f"{where} is {value!r}, and should be true or false.")
        return str(value).lower() == "true"
    if wanted not in (int, float):
        # a space copied along with a key would invalidate it
        return value if where.endswith(" password") else trimmed(value)
    try:
        number = wanted(value)
    except (TypeError, ValueError):
        raise ConfigProblem(f"{where} is {value!r}, and should be a number.") from None
    if number < 1 and "max_" in where:
        raise ConfigProblem(f"{where} is {value!r}, and should be 1 or more.")
    return number


def byte_count(value: Any, where: str) -> int:
    """16MB or 2GiB as a number of bytes; a plain number is taken as it is."""
    if str(value).isdigit():
        return int(value)
    amount, factor, unit = re.fullmatch(r"([\d.]+)([MGT])(i?)B", str(size(value, where)), re.IGNORECASE).groups()
    return int(float(amount) * (1024 if unit else 1000) ** (2 + "MGT".index(factor.upper())))


def size(value: Any, where: str) -> str | None:
    """A size as DuckDB writes it, such as 4GB; None if it is empty."""
    if value in (None, ""):
        return None
    text = str(value).replace(" ", "")
    if not re.fullmatch(r"[1-9]\d*(\.\d+)?(MB|GB|TB|MiB|GiB|TiB)", text, re.IGNORECASE):
        raise ConfigProblem(f"{where}: {value!r} is not a size. Write it as 4GB or 800MB.")
    return text


def whole_number(value: Any, where: str) -> int | None:
    """A whole number; None if it is empty."""
    if value in (None, ""):
        return None
    if not str(value).isdigit():
        raise ConfigProblem(f"{where} is {value!r}, and should be a whole number.")
    return int(value)


def file_mode(value: Any) -> int:
    """Octal digits such as 444 as a file mode."""
    try:
        return int(str(value), 8)
    except ValueError:
        raise ConfigProblem(f"boxoffice.published_mode is {value!r}, and should be a file mode such as 444.") from None


def time_zone(name: str, where: str) -> str | None:
    """The name of a time zone, or None if it is empty."""
    if name and not is_time_zone(name):
        raise ConfigProblem(
            f"{where}: {name!r} is not a time zone, or DuckDB does not know it. Use a name such as Europe/London or "
            "America/Los_Angeles."
        )
    return name or None


@functools.cache
def is_time_zone(name: str) -> bool:
    """Whether Python and DuckDB both know it: Python alone also accepts any file among the system's zones, such as
    localtime, and DuckDB alone abbreviations. Takes 10 ms, to start DuckDB."""
    import duckdb

    try:
        ZoneInfo(name)
        with duckdb.connect(config={"threads": 1}) as db:
            db.execute("select timezone($1, timestamptz '2000-01-01 00:00:00+00')", [name])
    except (KeyError, ValueError, OSError, duckdb.Error):
        return False
    return True


def check_name(where: str, name: str) -> None:
    """Raises ConfigProblem if ``name`` is not valid for an account; ``where`` is the setting, for the message."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", name):
        raise ConfigProblem(f"{where}: an account's name may contain only a-z, 0-9, _ and -.")


def trimmed(value: Any) -> str:
    """Text without white space and invisible characters at its ends."""
    return str(value).strip(string.whitespace + "\xa0\u200b\ufeff")
