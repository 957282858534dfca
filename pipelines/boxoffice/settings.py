"""Accounts, paths and options: the only module that reads configuration and the environment.

Where a setting may stand, the first that has it wins:

1. ``TICKETOR_BUFFER``, ``TICKET_TAILOR_API_KEY``, ``TICKET_TAILOR_BASE_URL``, ``BOXOFFICE_TIME_ZONE`` and
   ``BOXOFFICE_DATA_DIR``: all that a job with one account a platform needs; that account is called ``main``;
2. the environment in dlt's spelling: ``TICKET_TAILOR__BOX_OFFICES__<NAME>__API_KEY`` and the like;
3. ``.dlt/secrets.toml``, then ``.dlt/config.toml``: ``[ticketor.sites.<name>]``, ``[ticket_tailor.box_offices.<name>]``
   and ``[boxoffice]``.

The files are read with the standard library: dlt takes half a second to import, an idle run has no use for it, and dlt
would go on to look for a missing key under ever shorter names, down to a bare ``API_KEY`` that is somebody else's.
"""

import dataclasses
import datetime as dt
import functools
import itertools
import os
import re
import string
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from boxoffice import redaction
from boxoffice.errors import ConfigProblem

PACKAGE = Path(__file__).resolve().parent
_IS_WHEEL = (PACKAGE / "dbt").is_dir()
# Holds `.dlt`, and relative paths start here: the checkout, wherever it is called from, or else the working directory.
ROOT = Path.cwd() if _IS_WHEEL else PACKAGE.parents[1]
DBT_PROJECT = PACKAGE / "dbt" if _IS_WHEEL else ROOT
TICKET_TAILOR_URL = "https://api.tickettailor.com"
SINGLE_ACCOUNT = "main"
# an account that has told nothing for so long wants a look: a webhook may have been switched off
QUIET_AFTER = dt.timedelta(days=14)
SMTP_PORTS = {"starttls": 587, "tls": 465, "none": 25}
OPTIONS = {"data_dir", "time_zone", "published_mode", "on_failure", "set_aside_at_most", "memory_limit", "mail"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class FileBounds:
    """What one file of a buffer may cost, for whoever knows the receiver's address may send anything, and whether
    links lead out of the buffer.

    ``max_record_mb``      a record that is longer is refused; an invoice of a thousand tickets has half a megabyte
    ``max_file_mb``        a file that is larger is refused and not read; Firehose writes 128 MB at most
    ``max_inflated_mb``, ``max_inflation``  a gzip file that unfolds to more, or to more than so many times its size
                           (but no less than a record), is refused; JSON Lines shrink to a tenth or a thirtieth
    ``max_refused``        so many refused records of one file become rows; of the others their number is kept
    """

    follow_links: bool = False
    max_record_mb: int = 16
    max_file_mb: int = 256
    max_inflated_mb: int = 1024
    max_inflation: int = 100
    max_refused: int = 1000

    def inflated_bytes(self, size: int) -> int:
        """To how many bytes a gzip file of ``size`` bytes may unfold."""
        return min(self.max_inflated_mb << 20, max(self.max_inflation * size, self.max_record_mb << 20))


@dataclasses.dataclass(frozen=True)
class Site(FileBounds):
    """A Ticketor site: the folder (or bucket address) its webhooks are buffered in.

    ``token_sha256`` are the SHA-256 of the tokens that `boxoffice receive` takes its webhooks with.
    ``host`` (such as arena.ticketor.com), ``client_id``, ``user`` and ``password`` serve `boxoffice call` alone.
    """

    name: str
    buffer: str
    time_zone: str | None = None
    settle_seconds: float = 5.0
    quiet_after: dt.timedelta = QUIET_AFTER
    token_sha256: tuple[str, ...] = ()
    host: str = ""
    client_id: str = ""
    user: str = ""
    password: str = dataclasses.field(default="", repr=False)


@dataclasses.dataclass(frozen=True)
class BoxOffice(FileBounds):
    """A Ticket Tailor box office: one key is one box office.

    ``lists`` None means every list; ticket_tailor/planning.py says what the re-reads are for. ``buffer`` is the folder
    (or bucket address) of its webhooks, empty for none; ``token_sha256`` as of a Site; ``webhook_secret`` what Ticket
    Tailor signs them with (several while one replaces another). ``webhook_max_age``: webhooks that were signed longer
    ago are refused; 0, none is, because Ticket Tailor tries again for three days.
    """

    name: str
    api_key: str = dataclasses.field(default="", repr=False)
    base_url: str = TICKET_TAILOR_URL
    time_zone: str | None = None
    lists: tuple[str, ...] | None = None
    quiet_after: dt.timedelta = QUIET_AFTER
    reread_seconds: int = 7200
    reread_hourly_days: int = 7
    reread_daily_days: int = 90
    buffer: str = ""
    settle_seconds: float = 5.0
    token_sha256: tuple[str, ...] = ()
    webhook_secret: tuple[str, ...] = dataclasses.field(default=(), repr=False)
    webhook_max_age: dt.timedelta = dt.timedelta(0)


@dataclasses.dataclass(frozen=True)
class Receiver:
    """Where `boxoffice receive` listens, and its limits, in bytes. ``per_second`` (deliveries) and ``per_day`` (bytes)
    are of one account: far more than a venue sells, so that they only stop who has got hold of a token. With less than
    ``min_free`` left on the disk (or a twentieth of it, if that is less) large bodies are refused."""

    listen: str = "127.0.0.1:8480"
    largest_body: int = 16 * 2**20
    per_second: int = 500
    per_day: int = 2 * 2**30
    min_free: int = 2 * 2**30


@dataclasses.dataclass(frozen=True)
class Mail:
    """The server that `boxoffice report --mail` sends by, and from and to whom.

    ``security`` is starttls (port 587 unless one is set), tls (465) or none (25); none takes a password to no other
    machine. Without a ``user`` there is no login.
    """

    host: str
    sender: str
    to: tuple[str, ...]
    user: str = ""
    password: str = dataclasses.field(default="", repr=False)
    security: str = "starttls"
    port: int = 0

    @property
    def port_number(self) -> int:
        return self.port or SMTP_PORTS[self.security]


@dataclasses.dataclass(frozen=True)
class Settings:
    """Everything a run needs to know. ``data_dir`` is absolute and holds all that Boxoffice writes.

    ``on_failure`` is a command, an address, or several of Apprise with blanks between them, empty for none; like a key
    it may be a secret.
    ``set_aside_at_most`` counts orders that may be missing from what is published; None is the larger of 50 and one
    in a hundred. ``memory_limit`` is what DuckDB may hold in memory while it builds, such as `4GB`, before it writes to
    the disk; None is 6 GB, or four fifths of what the machine has if that is less.
    """

    data_dir: Path
    sites: tuple[Site, ...] = ()
    box_offices: tuple[BoxOffice, ...] = ()
    published_mode: int = 0o400
    on_failure: str = dataclasses.field(default="", repr=False)
    set_aside_at_most: int | None = None
    memory_limit: str | None = None
    receiver: Receiver = Receiver()
    mail: Mail | None = None

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no message, log or notification may hold: keys, and passwords with and without their user."""
        users = [*self.sites, *([self.mail] if self.mail else [])]
        passwords = [(one.user, one.password) for one in users if one.password]
        return (
            *(secret for office in self.box_offices for secret in (office.api_key, *office.webhook_secret)),
            *(secret for user, password in passwords for secret in (password, f"{user}:{password}")),
            *redaction.of_addresses(self.on_failure),
        )

    @property
    def warehouse(self) -> Path:
        """The pipeline's own file: dlt and dbt write it."""
        return self.data_dir / "warehouse.duckdb"

    @property
    def published(self) -> Path:
        """The readers' copy: marts only, replaced whole."""
        return self.data_dir / "boxoffice.duckdb"

    @property
    def dlt_dir(self) -> Path:
        return self.data_dir / "dlt"

    @property
    def person_key_file(self) -> Path:
        """The secret behind ``person_key``."""
        return self.data_dir / "person.key"

    @property
    def logs(self) -> Path:
        return self.data_dir / "logs"

    @property
    def runs_file(self) -> Path:
        return self.data_dir / "runs.jsonl"

    @property
    def told_file(self) -> Path:
        """What ``on_failure`` was told last."""
        return self.data_dir / "told.json"

    @property
    def mailed_file(self) -> Path:
        """In which week the report was mailed last, and to whom."""
        return self.data_dir / "mailed.json"

    @property
    def reserve(self) -> Path:
        """Room on the disk, given back when the line of a run finds none."""
        return self.data_dir / "reserve"

    @property
    def clean_marker(self) -> Path:
        return self.data_dir / "clean"

    @property
    def rebuilding(self) -> Path:
        """There while raw lacks something that a rebuild has not read again yet."""
        return self.data_dir / "rebuilding"

    def require_accounts(self) -> None:
        """Raises ConfigProblem when there is nothing to run."""
        if not self.sites and not self.box_offices:
            raise ConfigProblem(
                "Nothing is configured, so there is nothing to run.\n"
                "Set TICKETOR_BUFFER (the folder your Ticketor webhooks land in) or TICKET_TAILOR_API_KEY, or both,\n"
                "or name your accounts in .dlt/config.toml and .dlt/secrets.toml (see .dlt/example.secrets.toml).\n"
                "To look around first: make demo. (The example and the demo are in a checkout.)"
            )


def load_settings(environ: Mapping[str, str], root: Path = ROOT, *, receiving: bool = False) -> Settings:
    """Reads the environment and the two files below ``root/.dlt``. The user who is ``receiving`` needs no API key.

    Raises ConfigProblem, with the setting's name, for a value that makes no sense.
    """
    tree = _merge(_read_toml(root / ".dlt" / "config.toml"), _read_toml(root / ".dlt" / "secrets.toml"))
    options = {**_table(tree, "boxoffice"), **_from_environment(environ, "BOXOFFICE").get("", {})}
    data_dir = Path(environ.get("BOXOFFICE_DATA_DIR") or options.get("data_dir") or "data").expanduser()
    on_failure = options.get("on_failure") or ""
    if isinstance(on_failure, list):
        on_failure = " ".join(map(str, on_failure))
    settings = Settings(data_dir=root / data_dir, on_failure=str(on_failure).strip())
    try:
        return _complete(settings, tree, options, environ, root, "buffer" if receiving else "api_key")
    except ConfigProblem as problem:
        problem.settings = settings
        raise


def _complete(
    settings: Settings,
    tree: dict[str, Any],
    options: dict[str, Any],
    environ: Mapping[str, str],
    root: Path,
    of_box_office: str,
) -> Settings:
    if unknown := sorted(set(options) - OPTIONS):
        raise ConfigProblem(f"[boxoffice] does not know {', '.join(unknown)}. It knows: {', '.join(sorted(OPTIONS))}.")
    zone = environ.get("BOXOFFICE_TIME_ZONE") or options.get("time_zone")
    if set("%'") & set(str(settings.data_dir)):
        raise ConfigProblem(
            f"The data folder {settings.data_dir} has a % or ' in its path, where dlt cannot write. Set another."
        )

    sites = _accounts(tree, environ, ("ticketor", "sites"))
    if buffer := environ.get("TICKETOR_BUFFER"):
        sites = {SINGLE_ACCOUNT: {**sites.get(SINGLE_ACCOUNT, {}), "buffer": buffer}}
    offices = _accounts(tree, environ, ("ticket_tailor", "box_offices"))
    if api_key := environ.get("TICKET_TAILOR_API_KEY"):
        offices = {SINGLE_ACCOUNT: {**offices.get(SINGLE_ACCOUNT, {}), "api_key": api_key}}
    if base_url := environ.get("TICKET_TAILOR_BASE_URL"):
        offices = {name: {**office, "base_url": base_url} for name, office in offices.items()}

    complete = dataclasses.replace(
        settings,
        sites=tuple(
            _build(Site, name, values, zone, "ticketor.sites", "buffer", root) for name, values in sites.items()
        ),
        box_offices=tuple(
            _build(BoxOffice, name, values, zone, "ticket_tailor.box_offices", of_box_office, root)
            for name, values in offices.items()
            if of_box_office == "api_key" or values.get("token_sha256")
        ),
        published_mode=_mode(options.get("published_mode", "400")),
        set_aside_at_most=_count(options.get("set_aside_at_most"), "boxoffice.set_aside_at_most"),
        memory_limit=_size(options.get("memory_limit"), "boxoffice.memory_limit"),
        mail=_mail({**_table(options, "mail"), **_from_environment(environ, "BOXOFFICE").get("mail", {})}),
        receiver=_receiver({**_table(tree, "receiver"), **_from_environment(environ, "RECEIVER").get("", {})}),
    )
    _refuse_twins(complete)
    return complete


def _refuse_twins(settings: Settings) -> None:
    """Raises ConfigProblem for two names of one account: all that it sells would count twice."""
    for one, other in itertools.combinations(settings.box_offices, 2):
        if one.api_key and (one.api_key, one.base_url.rstrip("/")) == (other.api_key, other.base_url.rstrip("/")):
            raise ConfigProblem(
                f"[ticket_tailor.box_offices.{one.name}] and [ticket_tailor.box_offices.{other.name}] have the same "
                "api_key, which is that of one box office: all its sales would count twice. Nothing was run. "
                "Keep one of them, or give the other its own key."
            )
    places = {f"[ticketor.sites.{site.name}]": _place(site.buffer) for site in settings.sites}
    places |= {
        f"[ticket_tailor.box_offices.{office.name}]": _place(office.buffer)
        for office in settings.box_offices
        if office.buffer
    }
    data_dir = os.path.realpath(settings.data_dir)
    for name, place in places.items():
        is_made_up = f"{place}/".startswith(f"{data_dir}/sandbox/")
        if f"{data_dir}/".startswith(f"{place}/") or (f"{place}/".startswith(f"{data_dir}/") and not is_made_up):
            raise ConfigProblem(
                f"The buffer of {name}, {place}, and the data folder {data_dir} are the same or one "
                "lies in the other: what Boxoffice writes would be read as webhooks. Nothing was run. Give each a "
                "folder of its own."
            )
    for one, other in itertools.permutations(places, 2):
        if f"{places[other]}/".startswith(f"{places[one]}/"):
            how = "is the folder" if places[one] == places[other] else "lies in the folder"
            raise ConfigProblem(
                f"The buffer of {other} {how} of {one}, {places[one]}: all that lies "
                "in both would count twice. Nothing was run. Keep one of them, or give each a folder beside the other."
            )


def _place(buffer: str) -> str:
    """One spelling for a folder, whatever links lead to it, and for a bucket's address."""
    address = buffer.removeprefix("file://")
    if "://" not in address:
        return os.path.realpath(address).rstrip("/")
    scheme, _, path = address.partition("://")
    return f"{scheme.lower()}://{'/'.join(part for part in path.split('/') if part)}"


def duration(text: str) -> dt.timedelta:
    """90s, 15m, 36h, 30d as a timedelta. Raises ValueError for anything else."""
    unit = {"s": 1, "m": 60, "h": 3600, "d": 86400}.get(text[-1:])
    if not unit or not text[:-1].isdigit() or not int(text[:-1]):
        raise ValueError(f"{text!r}: give a time such as 90s, 15m, 36h or 30d.")
    found = int(text[:-1]) * unit
    if found > 36_525 * 86_400:
        raise ValueError(f"{text!r} is more than a hundred years.")
    return dt.timedelta(seconds=found)


def _build(
    kind: type, name: str, values: dict[str, Any], zone: str | None, table: str, required: str, root: Path
) -> Any:
    where = f"[{table}.{name}]"
    fields = {field.name: field for field in dataclasses.fields(kind)}
    if unknown := sorted(set(values) - set(fields)):
        known = ", ".join(sorted(set(fields) - {"name"}))
        raise ConfigProblem(f"{where} does not know {', '.join(unknown)}. It knows: {known}.")
    if not _trimmed(values.get(required) or ""):
        raise ConfigProblem(f"{where} has no {required}. Set it there, or remove the table.")
    converted = {key: _convert(value, fields[key].type, f"{where} {key}") for key, value in values.items()}
    converted["time_zone"] = _time_zone(converted.get("time_zone") or _trimmed(zone or ""), where)
    if not all(converted.get("webhook_secret", ())):
        raise ConfigProblem(f"{where} webhook_secret: one of them is empty, with which anyone could sign.")
    if converted.get("buffer") and "://" not in converted["buffer"]:
        converted["buffer"] = str(root / Path(converted["buffer"]).expanduser())
    for token in converted.get("token_sha256", ()):
        if not re.fullmatch(r"[0-9a-f]{64}", token):
            raise ConfigProblem(
                f"{where} token_sha256: a SHA-256 is 64 characters of 0-9 and a-f. It is not the token itself: "
                "boxoffice receive --new-token prints both."
            )
    return kind(name=name, **converted)


def _mail(values: dict[str, Any]) -> Mail | None:
    if not values:
        return None
    where, fields = "[boxoffice.mail]", {field.name: field for field in dataclasses.fields(Mail)}
    if unknown := sorted(set(values) - set(fields)):
        raise ConfigProblem(f"{where} does not know {', '.join(unknown)}. It knows: {', '.join(sorted(fields))}.")
    values = {**values, "to": [values["to"]] if isinstance(values.get("to"), str) else values.get("to")}
    if "," in str(values["to"]) and len(values["to"]) == 1:
        values["to"] = values["to"][0].split(",")
    if missing := [name for name in ("host", "sender", "to") if not values.get(name)]:
        raise ConfigProblem(f"{where} has no {missing[0]}. Set host, sender and to, or remove the table.")
    made = {name: _convert(value, fields[name].type, f"{where} {name}") for name, value in values.items()}
    made["to"] = tuple(_trimmed(address) for address in values["to"])
    for address in (made["sender"], *made["to"]):
        if not re.fullmatch(r"[^@\s]+@[^@\s]+", address):
            raise ConfigProblem(f"{where}: {address!r} is no address of a mailbox, such as office@example.org.")
    if made.get("security", "starttls") not in SMTP_PORTS:
        raise ConfigProblem(f"{where} security is {made['security']!r}, and should be one of {', '.join(SMTP_PORTS)}.")
    mail = Mail(**made)
    if mail.password and mail.security == "none" and mail.host not in ("localhost", "127.0.0.1", "::1"):
        raise ConfigProblem(f"{where}: security none would send the password for all to read. Take starttls or tls.")
    return mail


def _receiver(values: dict[str, Any]) -> Receiver:
    fields = {field.name: field.default for field in dataclasses.fields(Receiver)}
    if unknown := sorted(set(values) - set(fields)):
        raise ConfigProblem(f"[receiver] does not know {', '.join(unknown)}. It knows: {', '.join(sorted(fields))}.")
    numbers = {name: _bytes(value, f"receiver.{name}") for name, value in values.items() if name != "listen"}
    return Receiver(**{**values, **numbers})


def _bytes(value: Any, where: str) -> int:
    """16MB or 2GiB as a number of bytes; a plain number is taken as it is."""
    if str(value).isdigit():
        return int(value)
    amount, factor, unit = re.fullmatch(r"([\d.]+)([MGT])(i?)B", str(_size(value, where)), re.IGNORECASE).groups()
    return int(float(amount) * (1024 if unit else 1000) ** (2 + "MGT".index(factor.upper())))


def _convert(value: Any, wanted: Any, where: str) -> Any:
    """Environment variables are text; a file's values have types already."""
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
        # a blank that came along with a copied key would make it a wrong one
        return value if where.endswith(" password") else _trimmed(value)
    try:
        number = wanted(value)
    except (TypeError, ValueError):
        raise ConfigProblem(f"{where} is {value!r}, and should be a number.") from None
    if number < 1 and "max_" in where:
        raise ConfigProblem(f"{where} is {value!r}, and should be 1 or more.")
    return number


def _trimmed(value: Any) -> str:
    return str(value).strip(string.whitespace + "\xa0\u200b\ufeff")


def _time_zone(name: str, where: str) -> str | None:
    if name and not is_time_zone(name):
        raise ConfigProblem(
            f"{where}: {name!r} is no time zone, or none that DuckDB knows. Use a plain name such as Europe/London or "
            "America/Los_Angeles."
        )
    return name or None


@functools.cache
def is_time_zone(name: str) -> bool:
    """Whether Python and DuckDB both know it: Python also takes any file of the system's zones, such as localtime, and
    DuckDB abbreviations. Costs 10 ms, in which DuckDB starts."""
    import duckdb

    try:
        ZoneInfo(name)
        with duckdb.connect(config={"threads": 1}) as db:
            db.execute("select timezone($1, timestamptz '2000-01-01 00:00:00+00')", [name])
    except (KeyError, ValueError, OSError, duckdb.Error):
        return False
    return True


def _size(value: Any, where: str) -> str | None:
    if value in (None, ""):
        return None
    text = str(value).replace(" ", "")
    if not re.fullmatch(r"[1-9]\d*(\.\d+)?(MB|GB|TB|MiB|GiB|TiB)", text, re.IGNORECASE):
        raise ConfigProblem(f"{where}: {value!r} is no size. Write it as 4GB or 800MB.")
    return text


def _count(value: Any, where: str) -> int | None:
    if value in (None, ""):
        return None
    if not str(value).isdigit():
        raise ConfigProblem(f"{where} is {value!r}, and should be a whole number.")
    return int(value)


def _mode(value: Any) -> int:
    try:
        return int(str(value), 8)
    except ValueError:
        raise ConfigProblem(f"boxoffice.published_mode is {value!r}, and should be a file mode such as 444.") from None


def _accounts(tree: dict[str, Any], environ: Mapping[str, str], path: tuple[str, str]) -> dict[str, dict[str, Any]]:
    accounts = {name: dict(values) for name, values in _table(_table(tree, path[0]), path[1]).items()}
    for name, values in _from_environment(environ, "__".join(path).upper()).items():
        if name:
            accounts.setdefault(name, {}).update(values)
    for name in accounts:
        check_name(f"[{'.'.join(path)}.{name}]", name)
    return accounts


def check_name(where: str, name: str) -> None:
    """Raises ConfigProblem for what cannot be an account's name."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", name):
        raise ConfigProblem(f"{where}: an account's name is made of a-z, 0-9, _ and -.")


def _from_environment(environ: Mapping[str, str], prefix: str) -> dict[str, dict[str, str]]:
    """``PREFIX__NAME__KEY=value`` as {name: {key: value}}; ``PREFIX__KEY`` stands under the empty name."""
    found: dict[str, dict[str, str]] = {}
    for variable, value in environ.items():
        if variable.startswith(prefix + "__"):
            name, _, key = variable.removeprefix(prefix + "__").lower().rpartition("__")
            found.setdefault(name, {})[key] = value
    return found


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigProblem(f"{path} cannot be read as TOML: {error}. Nothing was run.") from None
    except OSError as error:
        raise ConfigProblem(f"{path} cannot be read: {error.strerror}. Nothing was run.") from None


def _table(tree: dict[str, Any], name: str) -> dict[str, Any]:
    table = tree.get(name, {})
    if not isinstance(table, dict):
        raise ConfigProblem(f"{name} in .dlt should be a table such as [{name}].")
    return table


def _merge(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    merged = dict(one)
    for key, value in other.items():
        merged[key] = (
            _merge(merged[key], value) if isinstance(value, dict) and isinstance(merged.get(key), dict) else value
        )
    return merged
