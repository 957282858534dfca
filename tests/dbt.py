"""dbt as a person calls it, in this process: starting it takes longer than building little."""

import contextlib
import gc
from pathlib import Path

import pytest

from boxoffice.settings import ROOT
from boxoffice.warehouse import dbt_project, templates
from tests import once


def dbt(data_dir: Path, target: Path, *words: str, well: bool = True, project: Path = ROOT) -> str:
    """What dbt says; ``well``: whether it has to succeed."""
    from dbt.cli.main import dbtRunner

    once.parsed_for_dbt(target, data_dir)
    said: list[str] = []
    variables = {
        "BOXOFFICE_DATA_DIR": str(data_dir),
        "DBT_TARGET_PATH": str(target),
        "DBT_LOG_PATH": str(target / "logs"),
        # no one reads them, and writing them is a tenth of a build
        "DBT_LOG_LEVEL_FILE": "none",
        "DBT_WRITE_JSON": "0",
    }
    with pytest.MonkeyPatch.context() as patch, contextlib.chdir(project):
        for name, value in variables.items():
            patch.setenv(name, value)
        # as `boxoffice run` does
        gc.disable()
        try:
            with templates.kept(target / "templates.marshal", dbt_project.text_of_program()):
                result = dbtRunner(callbacks=[lambda event: said.append(event.info.msg)]).invoke(["--quiet", *words])
        finally:
            gc.enable()
            dbt_project.let_go()
    said.append(str(result.exception or ""))
    assert result.success == well, "\n".join(said[-40:])
    return "\n".join(said)
