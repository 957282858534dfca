"""Accounts, paths and options: the only module that reads configuration and the environment.

A setting may be in several places; the first that has it wins:

1. ``TICKETOR_BUFFER``, ``TICKET_TAILOR_API_KEY``, ``TICKET_TAILOR_BASE_URL``, ``BOXOFFICE_TIME_ZONE`` and
   ``BOXOFFICE_DATA_DIR``: enough for one account on each platform; that account is called ``main``;
2. environment variables in dlt's spelling: ``TICKET_TAILOR__BOX_OFFICES__<NAME>__API_KEY`` and the like;
3. ``.dlt/secrets.toml``, then ``.dlt/config.toml``: ``[ticketor.sites.<name>]``, ``[ticket_tailor.box_offices.<name>]``
   and ``[boxoffice]``.

The files are read with the standard library: an idle run does not need dlt, which takes half a second to import and
would look for a missing key under ever shorter names, down to a bare ``API_KEY`` that belongs to something else.
"""

import dataclasses
import datetime as dt
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from boxoffice import account_conflicts, redaction
from boxoffice.errors import ConfigProblem
from boxoffice.setting_values import byte_count, check_name, convert, file_mode, size, time_zone, trimmed, whole_number

PACKAGE = Path(__file__).resolve().parent
_IS_WHEEL = (PACKAGE / "dbt").is_dir()
# Holds `.dlt`, and relative paths start here: the checkout, wherever it is called from, or the working directory.
ROOT = Path.cwd() if _IS_WHEEL else PACKAGE.parents[1]
DBT_PROJECT = PACKAGE / "dbt" if _IS_WHEEL else ROOT
TICKET_TAILOR_URL = "https://api.tickettailor.com"
SINGLE_ACCOUNT = "main"
# an account that has sent nothing for so long needs attention: a webhook may have been switched off
QUIET_AFTER = dt.timedelta(days=14)
SMTP_PORTS = {"starttls": 587, "tls": 465, "none": 25}
OPTIONS = {"data_dir", "time_zone", "published_mode", "on_failure", "set_aside_at_most", "memory_limit", "mail"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class FileBounds:
    """Limits for one file of a buffer, since anyone who knows the receiver's address may send anything; and whether
    links that lead out of the buffer are followed.

    ``max_record_mb``      a longer record is refused; an invoice of a thousand tickets has half a megabyte
    ``max_file_mb``        a larger file is refused and not read; Firehose writes 128 MB at most
    ``max_inflated_mb``, ``max_inflation``  a gzip file that inflates to more, or to more than so many times its size
                           (but no less than a record), is refused; JSON Lines shrink to a tenth or a thirtieth
    ``max_refused``        this many refused records of one file become rows; the others are only counted
    """

    follow_links: bool = False
    max_record_mb: int = 16
    max_file_mb: int = 256
    max_inflated_mb: int = 1024
    max_inflation: int = 100
    max_refused: int = 1000

    def inflated_bytes(self, size: int) -> int:
        """How many bytes a gzip file of ``size`` bytes may inflate to."""
        return min(self.max_inflated_mb << 20, max(self.max_inflation * size, self.max_record_mb << 20))


@dataclasses.dataclass(frozen=True)
class Site(FileBounds):
    """A Ticketor site: the folder (or bucket address) its webhooks are buffered in.

    ``token_sha256`` are the SHA-256 of the tokens in the addresses of its webhooks.
    ``host`` (such as arena.ticketor.com), ``client_id``, ``user`` and ``password`` are used by `boxoffice call` alone.
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
    """A Ticket Tailor box office; each has its own API key.

    ``lists`` None means every list; ticket_tailor/planning.py says what the re-reads are for. ``buffer`` is the folder
    (or bucket address) of its webhooks, empty for none; ``token_sha256`` as of a Site; ``webhook_secret`` is what
    Ticket Tailor signs them with (several while one replaces another). Webhooks signed longer ago than
    ``webhook_max_age`` are refused; none if it is 0, the default, because Ticket Tailor retries for three days.
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
    are for one account: far more than a venue sells, so they only stop someone who abuses a token. With less than
    ``min_free`` left on the disk (or a twentieth of it, if that is less) large bodies are refused."""

    listen: str = "127.0.0.1:8480"
    largest_body: int = 16 * 2**20
    per_second: int = 500
    per_day: int = 2 * 2**30
    min_free: int = 2 * 2**30


@dataclasses.dataclass(frozen=True)
class Mail:
    """The server, sender and recipients of `boxoffice report --mail`.

    ``security`` is starttls (port 587 unless one is set), tls (465) or none (25); with none, a
    password is sent to this machine only. Without a ``user`` there is no login.
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
    """All settings of a run. ``data_dir`` is absolute and holds everything that Boxoffice writes.

    ``on_failure`` is a command, a URL, or several URLs of Apprise separated by spaces; empty for none. It may be
    secret.
    ``set_aside_at_most`` is how many orders may be left out of what is published; None is the larger of 50 and one in a
    hundred. ``memory_limit`` is how much memory DuckDB may use while it builds, such as `4GB`, before it spills to the
    disk; None is 6 GB, or four fifths of the machine's memory if that is less.
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
        """What no message, log or notification may contain: keys, and passwords with and without their user."""
        users = [*self.sites, *([self.mail] if self.mail else [])]
        passwords = [(one.user, one.password) for one in users if one.password]
        return (
            *(secret for office in self.box_offices for secret in (office.api_key, *office.webhook_secret)),
            *(secret for user, password in passwords for secret in (password, f"{user}:{password}")),
            *redaction.of_addresses(self.on_failure),
        )

    @property
    def warehouse(self) -> Path:
        """The pipeline's own file, written by dlt and dbt."""
        return self.data_dir / "warehouse.duckdb"

    @property
    def published(self) -> Path:
        """The published file: marts only, replaced as a whole."""
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
        """The problems that ``on_failure`` was last called with."""
        return self.data_dir / "told.json"

    @property
    def mailed_file(self) -> Path:
        """The week in which the report was last mailed, and its recipients."""
        return self.data_dir / "mailed.json"

    @property
    def reserve(self) -> Path:
        """Reserved disk space, freed when the disk is too full to record a run."""
        return self.data_dir / "reserve"

    @property
    def clean_marker(self) -> Path:
        return self.data_dir / "clean"

    @property
    def rebuilding(self) -> Path:
        """Exists while raw lacks something that a rebuild has not read again yet."""
        return self.data_dir / "rebuilding"

    def require_accounts(self) -> None:
        """Raises ConfigProblem when there is nothing to run."""
        if not self.sites and not self.box_offices:
            raise ConfigProblem(
                "Nothing is configured, so there is nothing to run.\n"
                "Set TICKETOR_BUFFER (the folder of your Ticketor webhooks) or TICKET_TAILOR_API_KEY, or both,\n"
                "or name your accounts in .dlt/config.toml and .dlt/secrets.toml (see .dlt/example.secrets.toml).\n"
                "To look around first: make demo. (The example and the demo are in a checkout.)"
            )


def load_settings(environ: Mapping[str, str], root: Path = ROOT, *, receiving: bool = False) -> Settings:
    """Reads the environment and the two files below ``root/.dlt``. Without API keys if ``receiving``.

    Raises ConfigProblem, with the setting's name, for an invalid value.
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
    _refuse_unknown("[boxoffice]", options, OPTIONS)
    zone = environ.get("BOXOFFICE_TIME_ZONE") or options.get("time_zone")
    if set("%'") & set(str(settings.data_dir)):
        raise ConfigProblem(
            f"The data folder {settings.data_dir} has a % or ' in its path, which dlt cannot handle. Set another."
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
        published_mode=file_mode(options.get("published_mode", "400")),
        set_aside_at_most=whole_number(options.get("set_aside_at_most"), "boxoffice.set_aside_at_most"),
        memory_limit=size(options.get("memory_limit"), "boxoffice.memory_limit"),
        mail=_mail({**_table(options, "mail"), **_from_environment(environ, "BOXOFFICE").get("mail", {})}),
        receiver=_receiver({**_table(tree, "receiver"), **_from_environment(environ, "RECEIVER").get("", {})}),
    )
    account_conflicts.refuse_conflicts(complete)
    return complete


def _refuse_unknown(where: str, given: Iterable[str], known: Iterable[str]) -> None:
    if unknown := sorted(set(given) - set(known)):
        names = ", ".join(sorted(set(known) - {"name"}))
        raise ConfigProblem(f"{where} does not know {', '.join(unknown)}. It knows: {names}.")


def _build(
    kind: type, name: str, values: dict[str, Any], zone: str | None, table: str, required: str, root: Path
) -> Any:
    where = f"[{table}.{name}]"
    fields = {field.name: field for field in dataclasses.fields(kind)}
    _refuse_unknown(where, values, fields)
    if not trimmed(values.get(required) or ""):
        raise ConfigProblem(f"{where} has no {required}. Set it there, or remove the table.")
    converted = {key: convert(value, fields[key].type, f"{where} {key}") for key, value in values.items()}
    converted["time_zone"] = time_zone(converted.get("time_zone") or trimmed(zone or ""), where)
    if not all(converted.get("webhook_secret", ())):
        raise ConfigProblem(f"{where} webhook_secret: one of them is empty, so anyone could sign webhooks.")
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
    _refuse_unknown(where, values, fields)
    values = {**values, "to": [values["to"]] if isinstance(values.get("to"), str) else values.get("to")}
    if "," in str(values["to"]) and len(values["to"]) == 1:
        values["to"] = values["to"][0].split(",")
    if missing := [name for name in ("host", "sender", "to") if not values.get(name)]:
        raise ConfigProblem(f"{where} has no {missing[0]}. Set host, sender and to, or remove the table.")
    made = {name: convert(value, fields[name].type, f"{where} {name}") for name, value in values.items()}
    made["to"] = tuple(trimmed(address) for address in values["to"])
    for address in (made["sender"], *made["to"]):
        if not re.fullmatch(r"[^@\s]+@[^@\s]+", address):
            raise ConfigProblem(f"{where}: {address!r} is not an e-mail address such as office@example.org.")
    if made.get("security", "starttls") not in SMTP_PORTS:
        raise ConfigProblem(f"{where} security is {made['security']!r}, and should be one of {', '.join(SMTP_PORTS)}.")
    mail = Mail(**made)
    if mail.password and mail.security == "none" and mail.host not in ("localhost", "127.0.0.1", "::1"):
        raise ConfigProblem(f"{where}: with security none the password would be sent unencrypted. Set starttls or tls.")
    return mail


def _receiver(values: dict[str, Any]) -> Receiver:
    fields = {field.name: field.default for field in dataclasses.fields(Receiver)}
    _refuse_unknown("[receiver]", values, fields)
    numbers = {name: byte_count(value, f"receiver.{name}") for name, value in values.items() if name != "listen"}
    return Receiver(**{**values, **numbers})


def _accounts(tree: dict[str, Any], environ: Mapping[str, str], path: tuple[str, str]) -> dict[str, dict[str, Any]]:
    accounts = {name: dict(values) for name, values in _table(_table(tree, path[0]), path[1]).items()}
    for name, values in _from_environment(environ, "__".join(path).upper()).items():
        if name:
            accounts.setdefault(name, {}).update(values)
    for name in accounts:
        check_name(f"[{'.'.join(path)}.{name}]", name)
    return accounts


def _from_environment(environ: Mapping[str, str], prefix: str) -> dict[str, dict[str, str]]:
    """``PREFIX__NAME__KEY=value`` as {name: {key: value}}; ``PREFIX__KEY`` is under the empty name."""
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
