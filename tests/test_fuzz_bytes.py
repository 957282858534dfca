"""The fuzzer's targets on its corpus, and the fuzzer itself for a moment: ``make fuzz-bytes`` goes on for an hour."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from boxoffice.settings import ROOT
from boxoffice.ticket_tailor import pages
from boxoffice.ticketor import splitter
from tests.fuzz_bytes.targets import TARGETS

CORPUS = Path(__file__).parent / "fuzz_bytes" / "corpus"


@pytest.mark.parametrize("target", TARGETS)
def test_what_must_hold_of_any_bytes_holds_of_the_corpus(target: str) -> None:
    files = sorted((CORPUS / target).iterdir())
    assert len(files) > 10
    for path in files:
        TARGETS[target](path.read_bytes())


def test_the_targets_see_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are not satisfied with anything."""
    monkeypatch.setattr(splitter._Splitter, "_broken", lambda *_: 1 / 0)
    with pytest.raises(AssertionError, match="could not be read"):
        TARGETS["buffer"](b"\x00{broken")
    monkeypatch.setattr(pages, "_items", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        TARGETS["page"](b'\x00{"data": [NaN]}')


@pytest.mark.skipif(not importlib.util.find_spec("atheris"), reason="there is no wheel of atheris for this machine")
@pytest.mark.parametrize("target", ["buffer", pytest.param("page", marks=pytest.mark.house)])
def test_the_fuzzer_runs_and_finds_nothing(target: str, tmp_path: Path) -> None:
    fuzz = [sys.executable, "-m", "tests.fuzz_bytes", target, "--seconds", "1", "--found", str(tmp_path)]
    ran = subprocess.run(fuzz, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == 0, ran.stderr[-3000:]
    assert "INITED" in ran.stderr and not list(tmp_path.iterdir())
