"""`boxoffice report --mail` to a real SMTP server on this machine, with a certificate and a password of its own."""

import dataclasses
import email
import email.policy
import json
import os
import re
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

from boxoffice.errors import ConfigProblem, Problem
from boxoffice.report import mail
from boxoffice.report.report import report
from boxoffice.settings import ROOT, Mail, Settings, load_settings
from tests.report.conftest import copied
from tests.report.test_report import Page

PASSWORD = "c0rrect-h0rse"


class Office:
    """A mail server: keeps what it takes, for all but those whom it ``refuses``; knows one password."""

    def __init__(self, certificate: Path) -> None:
        self.taken: list[tuple[list[str], EmailMessage]] = []
        self.refuses: set[str] = set()
        trusted = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        trusted.load_cert_chain(certificate, certificate.with_suffix(".key"))
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        asks_for = {"auth_required": True, "authenticator": self.knows, "require_starttls": True}
        self.controller = Controller(self, "127.0.0.1", self.port, tls_context=trusted, **asks_for)

    def knows(self, _server: SMTP, _session: Any, _envelope: Any, _mechanism: str, given: Any) -> AuthResult:
        if (given.login, given.password) == (b"box", PASSWORD.encode()):
            return AuthResult(success=True)
        return AuthResult(success=False, handled=False, message=f"535 wrong: {given.password.decode()}")

    async def handle_RCPT(self, _server: SMTP, _session: Any, envelope: Any, address: str, _options: list[str]) -> str:
        if address in self.refuses:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Any, envelope: Any) -> str:
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.taken.append((envelope.rcpt_tos, message))
        return "250 OK"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tls") / "office.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += [
        "-addext",
        "subjectAltName=DNS:localhost,IP:127.0.0.1",
        "-keyout",
        path.with_suffix(".key"),
        "-out",
        path,
    ]
    subprocess.run(command, check=True, capture_output=True)
    return path


@pytest.fixture
def office(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    office = Office(certificate)
    office.controller.start()
    yield office
    office.controller.stop()


def mailing(settings: Settings, folder: Path, port: int, **more: Any) -> Settings:
    """The published file in a folder of its own, mailed by the server on ``port``."""
    given = {"host": "localhost", "sender": "box@example.org", "to": ("anna@example.org", "ben@example.org")}
    given |= {"user": "box", "password": PASSWORD, "port": port}
    return dataclasses.replace(copied(settings, folder), mail=Mail(**given | more))


def test_a_mail_program_shows_it(demo: Settings, office: Office, tmp_path: Path) -> None:
    settings = mailing(demo, tmp_path / "data", office.port)
    assert mail.send(settings) == (["anna@example.org", "ben@example.org"], {})
    [(to, message)] = office.taken
    assert to == ["anna@example.org", "ben@example.org"]
    assert (message["From"], message["Subject"]) == ("box@example.org", "Box office, week of 26 May – 1 Jun 2025")

    [attached] = message.iter_attachments()
    written = report(demo, tmp_path / "page.html")
    assert attached.get_filename() == "boxoffice.html" and attached.get_content().split() == written.read_text().split()
    overview = Page(written.read_text())

    html = message.get_body(("html",)).get_content()
    pictures = {
        part["Content-ID"]: part.get_content() for part in message.walk() if part.get_content_type() == "image/png"
    }
    assert {f"<{name}>" for name in re.findall(r'src="cid:([^"]+)"', html)} == {*pictures} and len(pictures) == 2
    assert all(picture.startswith(b"\x89PNG") for picture in pictures.values())
    assert not re.search(r"<style|<svg|<script|<a |class=|var\(|details", html)
    body = Page(re.sub(r"<img[^>]*>", "", html))
    for caption in ("Last week, GBP", "The next performances"):
        shown = [[cell.replace(" by where it is sold", "") for cell in row] for row in overview.table(caption)]
        assert body.table(caption) == shown[: len(body.table(caption))] and len(shown) > 1

    text = message.get_body(("plain",)).get_content()
    for first, now, *_ in overview.table("Last week, GBP")[1:]:
        assert first in text and now.split(" |")[0] in text
    assert "<" not in text.replace("<br>", "") and "26 May – 1 Jun 2025" in text


def test_a_schedule_calls_until_it_is_taken(thin: Settings, office: Office, tmp_path: Path) -> None:
    """A server that is down, then refuses one address, then neither; and then it is another week."""
    settings = mailing(thin, tmp_path / "data", office.port)
    down = dataclasses.replace(settings, mail=dataclasses.replace(settings.mail, port=1))
    with pytest.raises(Problem, match=r"not sent by localhost, port 1: .*refused.* the next call sends it"):
        mail.send(down, weekly=True)
    office.refuses = {"ben@example.org"}
    first = mail.send(settings, weekly=True)
    assert (first.to, first.refused) == (["anna@example.org"], {"ben@example.org": "550 no such mailbox"})
    office.refuses = set()
    assert mail.send(settings, weekly=True).to == ["ben@example.org"]
    assert mail.send(settings, weekly=True) == ([], {})
    assert [to for to, _ in office.taken] == [["anna@example.org"], ["ben@example.org"]]
    assert settings.mailed_file.stat().st_mode & 0o077 == 0
    kept = json.loads(settings.mailed_file.read_text())
    settings.mailed_file.write_text(json.dumps(kept | {"week": "2020-W01"}))
    assert mail.send(settings, weekly=True).to == list(settings.mail.to)


def test_no_password_is_shown_or_sent_in_the_clear(thin: Settings, office: Office, tmp_path: Path) -> None:
    settings = mailing(thin, tmp_path / "data", office.port, password=PASSWORD[:-1])
    with pytest.raises(Problem, match="it answered 535 wrong: …") as failed:
        mail.send(settings)
    assert "c0rrect" not in str(failed.value)
    # an untrusted certificate ends it before the password is sent
    os.environ["SSL_CERT_FILE"] = "/nothing"
    with pytest.raises(Problem, match="certificate verify failed"):
        mail.send(settings)
    assert office.taken == []


def test_it_is_called_as_people_call_it(thin: Settings, office: Office, tmp_path: Path) -> None:
    settings = mailing(thin, tmp_path / "data", office.port)
    here = os.environ | {"BOXOFFICE_DATA_DIR": str(settings.data_dir)}
    by = {
        "HOST": "localhost", "PORT": str(office.port), "SENDER": "box@example.org", "USER": "box",
        "PASSWORD": PASSWORD, "TO": "anna@example.org, ben@example.org",
    }  # fmt: skip
    mailed = {f"BOXOFFICE__MAIL__{name}": value for name, value in by.items()}

    def called(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "boxoffice.cli", "report", *arguments]
        return subprocess.run(command, cwd=ROOT, env=here | more, capture_output=True, text=True, check=False)

    assert "No mail server is set" in called("--mail").stderr
    office.refuses = {"ben@example.org"}
    some = called("--mail", "--weekly", **mailed)
    assert (some.returncode, some.stdout) == (1, "sent to anna@example.org\n")
    assert some.stderr == "ben@example.org was refused: 550 no such mailbox\n"
    failed = called("--mail", **mailed | {"BOXOFFICE__MAIL__PORT": "1"})
    assert (failed.returncode, failed.stdout) == (1, "") and PASSWORD not in failed.stderr
    assert called("--weekly").returncode == called("--mail", "--event", "x", **mailed).returncode == 2


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"HOST": "h"}, "has no sender"),
        ({"HOST": "h", "SENDER": "a@b.org", "TO": "c@d.org", "COLOUR": "red"}, "does not know colour"),
        ({"HOST": "h", "SENDER": "a@b.org\nBcc: x@y.z", "TO": "c@d.org"}, "is not an e-mail address"),
        ({"HOST": "h", "SENDER": "a@b.org", "TO": "c@d.org", "SECURITY": "ssl"}, "one of starttls, tls, none"),
        (
            {"HOST": "h", "SENDER": "a@b.org", "TO": "c@d.org", "SECURITY": "none", "PASSWORD": "p"},
            "sent unencrypted",
        ),
    ],
)
def test_settings_that_make_no_sense(given: dict[str, str], says: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigProblem, match=says):
        load_settings({f"BOXOFFICE__MAIL__{name}": value for name, value in given.items()}, tmp_path)
