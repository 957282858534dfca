"""The README says only what is true: its commands exist, its tables are all there, its questions have answers."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from boxoffice import cli
from boxoffice.settings import ROOT
from tests.report.test_notebooks import python as notebooks_python
from tests.worlds import Worlds

README = (ROOT / "README.md").read_text()
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("benchmarks/*.md")])


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.S)


def test_every_verb_is_told_and_every_verb_told_exists() -> None:
    told = set(re.findall(r"(?:^|`|bin/)boxoffice ([a-z-]+)", README, re.M))
    assert told <= {*cli.main.commands}, "a verb that does not exist"
    assert {*cli.main.commands} <= told, "a verb that is not told"


@pytest.mark.parametrize("verb", sorted(cli.main.commands))
def test_every_verb_shows_an_example_in_its_help(verb: str) -> None:
    told = subprocess.run(
        [sys.executable, "-m", "boxoffice.cli", verb, "--help"], capture_output=True, text=True, check=True
    ).stdout
    assert f"boxoffice {verb}" in told.split("\n", 1)[1]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_names_exists(page: Path) -> None:
    text = page.read_text()
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    assert set(re.findall(r"(?:^|`)make ([a-z]+)", text, re.M)) <= targets
    for path in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (page.parent / path).exists(), path
    for anchor in re.findall(r"\]\(#([^)]+)\)", text):
        assert anchor in {re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-") for title in titles(text)}, anchor
    for reference in re.findall(r"\]\[([^\]]+)\]", text):
        assert f"\n[{reference}]: https://" in text, reference


def titles(text: str) -> list[str]:
    return re.findall(r"^#+ (.+)$", text, re.M)


def test_the_layout_is_that_of_the_repository() -> None:
    layout = (ROOT / "CONTRIBUTING.md").read_text()
    named = re.findall(r"^  ([a-z_]+(?:\.py|/)) ", layout, re.M)
    assert len(named) > 7
    for name in named:
        assert (ROOT / "pipelines" / "boxoffice" / name).exists(), name


@pytest.mark.parametrize("script", blocks("python"))
def test_the_first_chart_is_drawn(worlds: Worlds, tmp_path: Path, script: str) -> None:
    (tmp_path / "data").symlink_to(worlds.settings.data_dir)
    subprocess.run([notebooks_python(), "-c", script], cwd=tmp_path, check=True)
    assert (tmp_path / "chart.png").read_bytes().startswith(b"\x89PNG")


def test_every_published_table_is_told(worlds: Worlds) -> None:
    with worlds.open() as db:
        published = {name for (name,) in db.execute("select table_name from information_schema.tables").fetchall()}
    named = re.findall(r"`((?:fct|dim|rpt)_[a-z_]+|refused_records|orders_set_aside|run_info)`", README)
    assert set(named) == published


@pytest.mark.parametrize("query", blocks("sql"))
def test_every_question_has_an_answer(worlds: Worlds, query: str) -> None:
    with worlds.open() as db:
        answer = db.execute(query)
        assert answer.description
        if "current_date" not in query:
            assert answer.fetchall()
