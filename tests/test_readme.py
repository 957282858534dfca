"""The README says only what is true: its commands exist, its tables are all there, its questions have answers."""

import re
import subprocess
import sys

import pytest

from pipelines import cli
from pipelines.settings import ROOT
from tests.worlds import Worlds

README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.S)


def test_every_verb_is_told_and_every_verb_told_exists() -> None:
    told = set(re.findall(r"(?:^|`|bin/)boxoffice ([a-z-]+)", README, re.M))
    assert told <= {*cli.main.commands}, "a verb that does not exist"
    assert {*cli.main.commands} <= told, "a verb that is not told"


@pytest.mark.parametrize("verb", sorted(cli.main.commands))
def test_every_verb_shows_an_example_in_its_help(verb: str) -> None:
    told = subprocess.run(
        [sys.executable, "-m", "pipelines.cli", verb, "--help"], capture_output=True, text=True, check=True
    ).stdout
    assert f"boxoffice {verb}" in told.split("\n", 1)[1]


def test_make_targets_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    assert set(re.findall(r"(?:^|`)make ([a-z]+)", README, re.M)) <= targets


def test_the_files_it_names_exist() -> None:
    for path in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / path).exists(), path
    for name in re.findall(r"^  ([a-z_]+(?:\.py|/)) ", README, re.M):
        assert (ROOT / "pipelines" / name).exists(), name


def test_every_published_table_is_told(worlds: Worlds) -> None:
    with worlds.open() as db:
        published = {name for (name,) in db.execute("select table_name from duckdb_tables()").fetchall()}
    assert set(re.findall(r"`((?:fct|dim|rpt)_[a-z_]+|refused_records|run_info)`", README)) == published


@pytest.mark.parametrize("query", blocks("sql"))
def test_every_question_has_an_answer(worlds: Worlds, query: str) -> None:
    with worlds.open() as db:
        answer = db.execute(query)
        assert answer.description
        if "current_date" not in query:
            assert answer.fetchall()
