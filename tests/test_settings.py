"""Settings: which one wins, and what is said of one that makes no sense."""

import datetime as dt
import subprocess
import sys
import zoneinfo
from pathlib import Path

import duckdb
import pytest

from boxoffice.errors import ConfigProblem
from boxoffice.settings import load_settings


def write(root: Path, name: str, text: str) -> None:
    (root / ".dlt").mkdir(exist_ok=True)
    (root / ".dlt" / name).write_text(text)


def test_the_five_variables_are_enough(tmp_path: Path) -> None:
    settings = load_settings(
        {
            "BOXOFFICE_DATA_DIR": str(tmp_path / "d"),
            "TICKETOR_BUFFER": "/srv/webhooks",
            "TICKET_TAILOR_API_KEY": "k",
            "TICKET_TAILOR_BASE_URL": "http://127.0.0.1:1",
            "BOXOFFICE_TIME_ZONE": "Europe/London",
        },
        tmp_path,
    )
    [site], [office] = settings.sites, settings.box_offices
    assert (site.name, site.buffer, site.time_zone) == ("main", "/srv/webhooks", "Europe/London")
    assert (office.name, office.api_key, office.base_url) == ("main", "k", "http://127.0.0.1:1")
    assert settings.warehouse == tmp_path / "d" / "warehouse.duckdb"
    assert settings.published == tmp_path / "d" / "boxoffice.duckdb"


def test_defaults(tmp_path: Path) -> None:
    settings = load_settings({"TICKET_TAILOR_API_KEY": "k"}, tmp_path)
    assert settings.data_dir == tmp_path / "data"
    assert settings.box_offices[0].base_url == "https://api.tickettailor.com"
    assert not settings.sites


def test_several_accounts_in_files_and_the_environment_over_them(tmp_path: Path) -> None:
    write(
        tmp_path,
        "config.toml",
        """
        [boxoffice]
        time_zone = "Europe/Paris"
        [ticketor.sites.arena]
        buffer = "hooks"
        time_zone = "America/New_York"
        [ticketor.sites.club]
        buffer = "s3://hooks/club"
        [ticket_tailor.box_offices.studio]
        reread_hourly_days = 3
        """,
    )
    write(tmp_path, "secrets.toml", '[ticket_tailor.box_offices.studio]\napi_key = "from the file"\n')
    settings = load_settings({"TICKET_TAILOR__BOX_OFFICES__STUDIO__API_KEY": "from the environment"}, tmp_path)
    assert {site.name: (site.buffer, site.time_zone) for site in settings.sites} == {
        "arena": (str(tmp_path / "hooks"), "America/New_York"),
        "club": ("s3://hooks/club", "Europe/Paris"),
    }
    [office] = settings.box_offices
    assert (office.api_key, office.reread_hourly_days) == ("from the environment", 3)


def test_the_short_variables_win_over_the_files_and_stand_for_one_account(tmp_path: Path) -> None:
    write(tmp_path, "config.toml", '[ticketor.sites.arena]\nbuffer = "hooks"\n')
    [site] = load_settings({"TICKETOR_BUFFER": "/elsewhere"}, tmp_path).sites
    assert (site.name, site.buffer) == ("main", "/elsewhere")


def test_how_long_an_account_may_be_silent_and_who_is_told(tmp_path: Path) -> None:
    write(tmp_path, "config.toml", '[ticketor.sites.arena]\nbuffer = "hooks"\nquiet_after = "36h"\n')
    write(tmp_path, "secrets.toml", '[boxoffice]\non_failure = "https://hooks.example.org/secret"\n')
    settings = load_settings({"TICKET_TAILOR_API_KEY": "k"}, tmp_path)
    assert settings.sites[0].quiet_after == dt.timedelta(hours=36)
    assert settings.box_offices[0].quiet_after == dt.timedelta(days=14)
    assert settings.on_failure == "https://hooks.example.org/secret"
    assert "secret" not in repr(settings)


def test_blanks_round_a_key_are_none_of_it(tmp_path: Path) -> None:
    assert load_settings({"TICKET_TAILOR_API_KEY": " sk_1\t\n"}, tmp_path).box_offices[0].api_key == "sk_1"
    write(tmp_path, "secrets.toml", '[ticket_tailor.box_offices.studio]\napi_key = "sk_2 "\n')
    assert load_settings({}, tmp_path).box_offices[0].api_key == "sk_2"
    with pytest.raises(ConfigProblem, match=r"studio.* has no api_key"):
        load_settings({"TICKET_TAILOR__BOX_OFFICES__STUDIO__API_KEY": "  "}, tmp_path)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("hooks", "hooks"),
        ("hooks", "hooks/"),
        ("hooks", "./hooks/../hooks"),
        ("hooks", "link"),
        ("hooks", "file://{root}/hooks"),
        ("hooks", "hooks/club"),
        ("link/club", "hooks"),
        ("s3://hooks/arena", "s3://hooks/arena/"),
        ("s3://hooks", "s3://hooks//club"),
    ],
)
def test_two_sites_of_one_buffer_are_refused(tmp_path: Path, one: str, other: str) -> None:
    (tmp_path / "hooks" / "club").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "hooks")
    sites = {"arena": one, "club": other.format(root=tmp_path)}
    tables = [f'[ticketor.sites.{name}]\nbuffer = "{buffer}"\n' for name, buffer in sites.items()]
    write(tmp_path, "config.toml", "".join(tables))
    with pytest.raises(ConfigProblem, match=r"ticketor\.sites\.(.|\n)*ticketor\.sites\.(.|\n)*count twice") as told:
        load_settings({}, tmp_path)
    assert told.value.exit_code == 2 and "arena" in str(told.value) and "club" in str(told.value)


def test_buffers_side_by_side_are_two(tmp_path: Path) -> None:
    sites = {"arena": "hooks", "club": "hooks-2", "barn": "s3://hooks/barn", "loft": "s3://hooks/barn-2"}
    tables = [f'[ticketor.sites.{name}]\nbuffer = "{buffer}"\n' for name, buffer in sites.items()]
    write(tmp_path, "config.toml", "".join(tables))
    assert len(load_settings({}, tmp_path).sites) == 4


@pytest.mark.parametrize(
    ("buffer", "data_dir"), [("data", "data"), ("here", "here/data"), ("data/hooks", "data"), ("link/hooks", "data")]
)
def test_a_buffer_and_the_data_folder_share_nothing(tmp_path: Path, buffer: str, data_dir: str) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "data")
    text = f'[boxoffice]\ndata_dir = "{data_dir}"\n[ticketor.sites.arena]\nbuffer = "{buffer}"\n'
    write(tmp_path, "config.toml", text)
    with pytest.raises(ConfigProblem, match=r"buffer of \[ticketor\.sites\.arena\].*data folder.*folder of its own"):
        load_settings({}, tmp_path)


@pytest.mark.parametrize("buffer", ["data-2", "hooks", "data/sandbox/webhooks", "s3://hooks/data"])
def test_a_buffer_beside_the_data_folder_is_accepted(tmp_path: Path, buffer: str) -> None:
    write(tmp_path, "config.toml", f'[ticketor.sites.arena]\nbuffer = "{buffer}"\n')
    assert load_settings({}, tmp_path).sites


def test_one_key_under_two_names_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "secrets.toml", '[ticket_tailor.box_offices.a]\napi_key = "sk_secret"\n')
    with pytest.raises(ConfigProblem, match=r"box_offices\.a.*box_offices\.b.*same api_key") as told:
        load_settings({"TICKET_TAILOR__BOX_OFFICES__B__API_KEY": "sk_secret "}, tmp_path)
    assert "sk_secret" not in str(told.value)


def test_an_unrelated_api_key_is_nobodys(tmp_path: Path) -> None:
    settings = load_settings({"API_KEY": "k", "TICKET_TAILOR__API_KEY": "k"}, tmp_path)
    assert not settings.box_offices
    with pytest.raises(ConfigProblem, match="TICKETOR_BUFFER"):
        settings.require_accounts()


def test_the_key_is_not_in_what_settings_print(tmp_path: Path) -> None:
    assert "geheim" not in repr(load_settings({"TICKET_TAILOR_API_KEY": "geheim"}, tmp_path))


def test_blanks_round_what_was_copied_are_not_part_of_it(tmp_path: Path) -> None:
    write(tmp_path, "config.toml", '[ticket_tailor.box_offices.studio]\napi_key = "\\u200bsk_1_two\\n"\n')
    settings = load_settings(
        {
            "TICKET_TAILOR_BASE_URL": "http://127.0.0.1:1 ",
            "TICKETOR_BUFFER": " /srv/web hooks\t",
            "BOXOFFICE_TIME_ZONE": "Europe/London ",
            "TICKETOR__SITES__MAIN__PASSWORD": " a blank may be meant ",
        },
        tmp_path,
    )
    [site], [office] = settings.sites, settings.box_offices
    assert (office.api_key, office.base_url, office.time_zone) == ("sk_1_two", "http://127.0.0.1:1", "Europe/London")
    assert (site.buffer, site.password) == ("/srv/web hooks", " a blank may be meant ")


# zones that only one of Python and DuckDB knows, or that each reads in its own way
@pytest.mark.parametrize(
    "zone",
    ["localtime", "posixrules", "posix/Asia/Tokyo", "right/Europe/London", "PST", "UTC+3", "+05:00", "Europe", "../x"],
)
def test_a_zone_that_not_everybody_knows_is_refused(tmp_path: Path, zone: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "boxoffice.cli", "run"],
        env={"BOXOFFICE_DATA_DIR": str(tmp_path / "data"), "TICKETOR_BUFFER": "b", "BOXOFFICE_TIME_ZONE": zone},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, f"{zone!r} is not a time zone" in ran.stderr) == (2, True), ran.stderr
    assert not (tmp_path / "data").exists()


def test_a_zone_that_is_accepted_gives_the_same_days_everywhere(tmp_path: Path) -> None:
    accepted = 0
    moments = [dt.datetime(2025, month, 14, hour, 30, tzinfo=dt.UTC) for month in (1, 7) for hour in (1, 9, 17, 22)]
    for zone in [*sorted(zoneinfo.available_timezones())[::5], "localtime", "posix/Asia/Tokyo", "europe/london"]:
        try:
            [site] = load_settings({"TICKETOR_BUFFER": "b", "BOXOFFICE_TIME_ZONE": zone}, tmp_path).sites
        except ConfigProblem:
            continue
        accepted += 1
        in_sql = duckdb.execute(
            "select list(timezone($1, moment) order by moment) from unnest($2::timestamptz[]) as _ (moment)",
            [site.time_zone, moments],
        ).fetchone()
        in_python = [moment.astimezone(zoneinfo.ZoneInfo(zone)).replace(tzinfo=None) for moment in moments]
        assert in_sql == (in_python,), zone
    assert accepted > 80


@pytest.mark.parametrize(
    ("toml", "told"),
    [
        ('[ticketor.sites.a]\nbufer = "x"', "bufer"),
        ("[ticketor.sites.a]\n", "buffer"),
        ('[ticketor.sites.a]\nbuffer = "x"\ntime_zone = "London"', "time zone"),
        ('[ticketor.sites.a]\nbuffer = "x"\nsettle_seconds = "soon"', "settle_seconds"),
        ('[ticketor.sites.a]\nbuffer = "x"\nquiet_after = "36"', "quiet_after"),
        ('[ticketor.sites.a]\nbuffer = "x"\nfollow_links = "perhaps"', "follow_links"),
        ('[ticketor.sites.a]\nbuffer = "x"\nmax_record_mb = 0', "max_record_mb"),
        ('[boxoffice]\non_failur = "x"', "on_failur"),
        ('[boxoffice]\ndata_dir = "50%"', "50%"),
        ('[ticketor.sites."A b"]\nbuffer = "x"', "A b"),
        ('[boxoffice]\npublished_mode = "rw"', "published_mode"),
        ('[boxoffice]\nmemory_limit = "half"', "memory_limit"),
        ("[ticketor", "TOML"),
        ('ticketor = "x"', "table"),
    ],
)
def test_what_makes_no_sense_is_named(tmp_path: Path, toml: str, told: str) -> None:
    write(tmp_path, "config.toml", toml)
    with pytest.raises(ConfigProblem, match=told):
        load_settings({}, tmp_path)
