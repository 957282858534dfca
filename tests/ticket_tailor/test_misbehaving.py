"""Answers that do not end, and answers that spell our secrets back: over real HTTP, on loopback."""

import base64
import contextlib
import json
import ssl
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import quote

import pytest

from boxoffice import redaction
from boxoffice.errors import Problem
from boxoffice.raw import answers
from boxoffice.settings import ROOT, BoxOffice, Settings, Site
from boxoffice.ticket_tailor import api as clients
from boxoffice.ticket_tailor.api import MOST_PAUSES, Client
from boxoffice.ticket_tailor.budget import DOCUMENTED_SECONDS, Budget
from boxoffice.ticket_tailor.errors import RequestRefused
from boxoffice.ticketor import api as ticketor
from tests.ticket_tailor.loads import Clock
from tests.ticket_tailor.misbehaving import TOO_LONG, TOO_SLOW, Misbehaving
from tests.ticket_tailor.scripted import KEY, Reply, Scripted, page

SECONDS = 0.4


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "LONGEST", SECONDS)


def client(url: str) -> Client:
    clock = Clock(1_700_000_000)
    return Client(url, KEY, clock=clock, sleep=clock.sleep, budget=Budget(clock.monotonic))


@pytest.mark.parametrize("answer", TOO_SLOW)
def test_an_answer_that_takes_too_long_is_ended(answer: str, impatient: None) -> None:
    with Misbehaving(answer) as server:
        began = time.monotonic()
        with pytest.raises(Problem, match=r"did not end its answer to GET /v1/orders"):
            client(server.url).page("/v1/orders")
        assert time.monotonic() - began < SECONDS + 2
        assert server.asked == 1, "the time is that of all tries together"


def test_ticketors_answer_that_takes_too_long_is_ended(impatient: None) -> None:
    with Misbehaving("headers byte by byte") as server:
        site = Site("arena", "/nowhere", host=server.url, client_id="7", user="u", password="p")
        with pytest.raises(Problem, match="does not end: its time is over"):
            ticketor.call(site, "GET", "webhooks")


@pytest.mark.parametrize("answer", ["headers byte by byte", "a body byte by byte"])
def test_an_answer_over_tls_that_takes_too_long_is_ended(
    answer: str, impatient: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=127.0.0.1 -keyout key.pem -out"
    names = ["-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*command.split(), certificate.name, *names], cwd=tmp_path, check=True, capture_output=True)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with Misbehaving(answer, context) as server:
        began = time.monotonic()
        with pytest.raises(Problem, match="did not end its answer"):
            client(server.url).page("/v1/orders")
        assert time.monotonic() - began < SECONDS + 2
        assert server.asked == 1


def test_a_deadline_ends_no_request_that_comes_after_it(impatient: None) -> None:
    """On the same connection, which is used again."""
    with Scripted(lambda asked: page({"id": f"a{asked.number}"})) as server:
        asking = client(server.url)
        for number in range(1, 4):
            assert asking.page("/v1/orders").ids == [f"a{number}"]
            time.sleep(SECONDS / 2)


LARGE = """
import json, re, resource, sys
from pathlib import Path
from boxoffice.errors import Problem
from boxoffice.settings import Site
from boxoffice.ticket_tailor import api
from boxoffice.ticketor import api as ticketor
api.RETRIES = api.Retry(total=0)
for url in sys.argv[1:]:
    client, told = api.Client(url, "sk_key_of_a_test"), []
    site = Site("arena", "/nowhere", host=url, client_id="7", user="u", password="p")
    for ask in (lambda: client.page("/v1/orders"), lambda: client.call("GET", "/v1/x"),
                lambda: ticketor.call(site, "GET", "webhooks")):
        try:
            ask()
        except Problem as problem:
            told.append(str(problem))
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if (status := Path("/proc/self/status")).exists():  # the other has what the process had that this was forked from
        most = int(re.search(r"VmHWM:\\s+(\\d+)", status.read_text())[1])
    print(json.dumps([told, most]))
"""


def test_an_answer_that_is_too_large_is_not_held() -> None:
    with contextlib.ExitStack() as servers:
        urls = [servers.enter_context(Misbehaving(answer)).url for answer in TOO_LONG]
        asked = [sys.executable, "-c", LARGE, *urls]
        done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    for answer, line in zip(TOO_LONG, done.stdout.splitlines(), strict=True):
        told, most = json.loads(line)
        if "in a gzip bomb" in answer:
            assert "in an encoding that was not asked for" in told[0]
        else:
            assert ["32 MB" in told[0], "64 MB" in told[1], "64 MB" in told[2]] == [True] * 3, told
        assert most * (1 if sys.platform == "darwin" else 1024) < 200 * 2**20, answer


def test_pauses_come_to_an_end() -> None:
    with Scripted(lambda asked: Reply(status=429, headers={"Retry-After": "0.001"})) as server:
        with pytest.raises(Problem, match=f"asked {MOST_PAUSES + 1} times to wait"):
            client(server.url).page("/v1/orders")
        assert server.count() == MOST_PAUSES + 1


def test_a_limit_that_resets_in_a_thousand_years_is_waited_for_no_longer_than_a_window() -> None:
    def answer(asked):
        limits = {"X-Rate-Limit-Limit": "100", "X-Rate-Limit-Remaining": "0", "X-Rate-Limit-Reset": "1e300"}
        return Reply(page({"id": "a"}, after="a" if asked.number == 1 else None), headers=limits)

    with Scripted(answer) as server:
        asking = client(server.url)
        waited: list[float] = []
        sleep, asking.sleep = asking.sleep, lambda seconds: (waited.append(seconds), sleep(seconds))
        assert sum(one.count for one in asking.pages("/v1/orders")) >= 1
        assert waited and max(waited) <= DOCUMENTED_SECONDS


@pytest.mark.parametrize(
    "body", [b"[" * 5_000 + b"]" * 5_000, b"[" * 900 + b"]" * 900, b"9" * 5_000, b"\xff\xfe", b"1e999"]
)
@pytest.mark.parametrize("content_type", ["application/json", "text/plain; charset=punycode"])
def test_call_shows_any_answer(body: bytes, content_type: str) -> None:
    with Scripted(lambda asked: Reply(body, content_type=content_type)) as server:
        answer = client(server.url).call("GET", "/v1/x")
        assert json.dumps(answer.body, indent=2)


# secrets

BASIC = base64.b64encode(f"{KEY}:".encode()).decode()
SPELLED = [
    KEY,
    KEY.upper(),
    "\x00".join(KEY),
    "\u200b".join(KEY),
    f"Basic {BASIC}",
    base64.b64encode(f'{{"key":"{KEY}"}}'.encode()).decode(),
    base64.b64encode(f"x{KEY}".encode()).decode(),
    KEY.encode().hex(),
    quote(KEY, safe=""),
    "x" * 190 + KEY,
    KEY[:9],
    KEY[-8:],
]


def holds_a_part(text: str, secret: str) -> bool:
    return any(secret[place : place + 8].lower() in text.lower() for place in range(len(secret) - 7))


@pytest.mark.parametrize("said", SPELLED)
def test_no_message_spells_the_key(said: str) -> None:
    answer = Reply({"message": f"no: {said}."}, status=422)
    with Scripted(lambda asked: answer) as server, pytest.raises(RequestRefused) as refused:
        client(server.url).page("/v1/orders")
    told = str(refused.value)
    assert "no: " in told
    for secret in (KEY, BASIC, KEY.encode().hex()):
        assert not holds_a_part(told, secret), told
    if "{" not in said:
        assert "…" in told


def test_a_redirect_spells_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "RETRIES", clients.Retry(total=0))
    for place in (f"https://{KEY}.example.org/", "https://[/"):
        answer = Reply(status=302, headers={"Location": place})
        with Scripted(lambda asked, answer=answer: answer) as server:
            with pytest.raises(Problem, match="a redirect to ") as told:
                client(server.url).page("/v1/orders")
            assert server.count() == 1
        assert not holds_a_part(str(told.value), KEY)


def test_secrets_are_replaced_in_all_that_is_written_down() -> None:
    settings = Settings(
        Path("/nowhere"),
        sites=(Site("arena", "/b", user="ada", password="correct horse/battery"), Site("barn", "/c", password="abc")),
        box_offices=(BoxOffice("studio", KEY),),
    )
    basic = base64.b64encode(b"ada:correct horse/battery").decode()
    line = {"error": f"a {KEY}", "accounts": [{"messages": (f"{basic} and", "correct%20horse%2Fbattery")}], "n": 3}
    assert redaction.without(line, settings.secrets) == {
        "error": "a …",
        "accounts": [{"messages": ["… and", "…"]}],
        "n": 3,
    }
    harmless = "Box office studio refuses the API key (status 401), horse and battery, ABC…"
    assert redaction.without(harmless, settings.secrets) == harmless
    assert redaction.without("pa55word!", ("pa55word!", "")) == "…" and redaction.without("a pin", ("pin4",)) == "a pin"
    assert redaction.without("pin4pin4", ("pin4",)) == "…"
