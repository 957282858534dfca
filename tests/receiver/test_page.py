"""docs/receiver.md: its recipes are run as they are printed there, and the loader reads what they write."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from boxoffice.receiver import samples
from boxoffice.receiver.accounts import new_token
from boxoffice.settings import ROOT
from boxoffice.ticketor import webhooks
from tests.ticketor.conftest import Venue

PAGE = (ROOT / "docs" / "receiver.md").read_text()
TOKEN, SHA256 = new_token()
SAMPLES = {name: json.dumps(sample).encode() for name, sample in samples.WEBHOOKS.items()}

# what Cloudflare calls: fetch(request, env), with R2 as a folder
WORKER = """
import fs from "node:fs";
import path from "node:path";
import worker from "./worker.mjs";
const calls = JSON.parse(fs.readFileSync(0));
const answers = [];
for (const [method, url, body, isBroken] of calls) {
  const BUCKET = {
    async put(name, text) {
      if (isBroken) throw new Error("R2 is not available");
      fs.mkdirSync(path.join("buffer", path.dirname(name)), { recursive: true });
      fs.writeFileSync(path.join("buffer", name), text);
    },
  };
  const content = body === null ? undefined : Buffer.from(body, "base64");
  const request = new Request(url, { method, body: content, headers: { "content-type": "application/json" } });
  answers.push((await worker.fetch(request, { BUCKET, TOKEN_SHA256: process.env.TOKEN_SHA256 })).status);
}
console.log(JSON.stringify(answers));
"""
# S3 as a folder, where AWS's own library is imported
BOTO3 = """
from pathlib import Path
class client:
    def __init__(self, name): pass
    def put_object(self, Bucket, Key, Body):
        path = Path(Bucket) / Key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(Body)
"""


def block(language: str) -> str:
    [found] = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.M | re.S)
    return found


def expect_all_loaded(folder: Path, odd: bytes) -> None:
    venue = Venue(folder)
    venue.load_without_dlt()
    rows = {row["webhook"]: row for row in venue.rows()}
    refused = rows.pop(None)
    assert {name: json.loads(row["document"]) for name, row in rows.items()} == {
        name.replace("-", "_"): sample for name, sample in samples.WEBHOOKS.items()
    }
    assert {row["received_at_basis"] for row in rows.values()} == {"envelope"}
    assert odd in refused["raw"] or refused["document"] is None


def test_lambda(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "boto3.py").write_text(BOTO3)
    (tmp_path / "lambda_function.py").write_text(block("python"))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BUCKET", "buffer")
    monkeypatch.setenv("TOKEN_SHA256", SHA256)
    import lambda_function

    def call(path: str, body: str | None, method: str = "POST", **more: Any) -> int:
        http = {"path": path, "method": method}
        event = {"requestContext": {"http": http}, "headers": {"content-type": "application/json"}, "body": body}
        return lambda_function.lambda_handler(event | more, None)["statusCode"]

    for name, sample in SAMPLES.items():
        assert call(f"/ticketor/{TOKEN}/{name}", sample.decode()) == 200
    assert call(f"/ticketor/{TOKEN}", "/wA=", isBase64Encoded=True) == 200
    assert [call("/ticketor/wrong", "{}"), call(f"/x/{TOKEN}", "{}"), call("/", None), call("", None)] == [404] * 4
    assert call(f"/ticketor/{TOKEN}", None, "GET") == 405
    expect_all_loaded(tmp_path, b"\xff\x00")
    sys.modules.pop("lambda_function")
    sys.modules.pop("boto3")


@pytest.mark.skipif(not shutil.which("node"), reason="needs node")
def test_worker(tmp_path: Path) -> None:
    import base64

    (tmp_path / "worker.mjs").write_text(block("js"))
    (tmp_path / "cloudflare.mjs").write_text(WORKER)

    def at(path: str, body: bytes | None = b"{}", method: str = "POST", is_broken: bool = False) -> list[Any]:
        content = None if body is None else base64.b64encode(body).decode()
        return [method, f"https://hooks.example.org{path}", content, is_broken]

    good = [at(f"/ticketor/{TOKEN}/{name}", sample) for name, sample in SAMPLES.items()]
    good += [at(f"/ticketor/{TOKEN}", b"\xff\x00" * 40_000)]
    bad = [at("/ticketor/wrong"), at("/"), at(f"/ticket-tailor/{TOKEN}"), at(f"/ticketor/{TOKEN}", None, "GET")]
    bad += [at(f"/ticketor/{TOKEN}", is_broken=True)]
    done = subprocess.run(
        ["node", "cloudflare.mjs"],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin:/usr/local/bin", "TOKEN_SHA256": SHA256},
        input=json.dumps(good + bad),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [200] * 7 + [404, 404, 404, 405, 503]
    expect_all_loaded(tmp_path, b"\xff\x00")


@pytest.mark.parametrize("language", ["js", "python"])
def test_the_recipes_are_short(language: str) -> None:
    assert len(block(language).splitlines()) <= 40


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
def test_the_units(tmp_path: Path) -> None:
    units = re.findall(r"^```systemd\n# /etc/systemd/system/(\S+)\n(.*?)^```", PAGE, re.M | re.S)
    assert len(units) == 2
    for name, text in units:
        text = text.replace("/srv/boxoffice/.venv/bin/boxoffice", sys.executable).replace("User=boxoffice", "User=root")
        (tmp_path / name).write_text(text.replace("/srv/boxoffice", str(tmp_path)))
    command = ["systemd-analyze", "security", "--offline=true", tmp_path / "boxoffice-receiver.service"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    [exposure] = re.findall(r"Overall exposure level .*: ([\d.]+)", answer)
    assert float(exposure) < 2
    command = ["systemd-analyze", "verify", *(tmp_path / name for name, _ in units)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False).stderr
    assert not [line for line in answer.splitlines() if str(tmp_path) in line or "boxoffice" in line], answer


def test_the_samples_are_the_six_webhooks() -> None:
    found = [webhooks.check(json.loads(json.dumps(sample)))[0] for sample in samples.WEBHOOKS.values()]
    assert found == [name.replace("-", "_") for name in samples.WEBHOOKS]
    assert samples.ROWS.keys() == samples.WEBHOOKS.keys()


@pytest.mark.house
def test_the_check_follows_the_samples_into_the_marts(tmp_path: Path) -> None:
    settings = {
        "PATH": "/usr/bin:/bin",
        "BOXOFFICE_DATA_DIR": str(tmp_path / "data"),
        "TICKETOR__SITES__ARENA__BUFFER": str(tmp_path / "buffer"),
        "TICKETOR__SITES__ARENA__TOKEN_SHA256": SHA256,
    }

    def check(prelude: str = "") -> subprocess.CompletedProcess[str]:
        code = f"{prelude}\nfrom boxoffice.cli import main\nmain(prog_name='boxoffice')"
        return subprocess.run(
            [sys.executable, "-c", code, "receive", "--check"],
            cwd=ROOT, env=settings, capture_output=True, text=True, check=False,
        )  # fmt: skip

    done = check()
    assert (done.returncode, "6 of 6 samples were received, loaded and published" in done.stderr) == (0, True)
    assert {path.name for path in tmp_path.iterdir()} == {"buffer"}
    assert [path.name for path in (tmp_path / "buffer").iterdir()] == [".reserve"]
    lost = "from boxoffice.receiver import samples; samples.ROWS['user'] = 'select 1 where false'"
    done = check(lost)
    assert (done.returncode, "no row of the sample of: user" in done.stderr) == (1, True)
    broken = (
        "from boxoffice.receiver import buffer\ndef fail(*_): raise OSError(5, 'broken')\nbuffer.Buffer.write = fail"
    )
    done = check(broken)
    assert (done.returncode, "was answered 503" in done.stderr) == (1, True)
