"""What a request is answered, and what of it is kept: a real process, real HTTP on loopback."""

import base64
import concurrent.futures
import contextlib
import hashlib
import hmac
import http.client
import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from boxoffice.receiver import app
from tests.receiver.running import SECRET, Running, eventually
from tests.ticketor.conftest import Venue

LIMIT = 16 * 2**20
# what a person waits for in earnest takes seconds; the limits are the same code with other numbers
IN_A_HURRY = "from boxoffice.receiver import app, server; app.BODY_SECONDS = server.HEADER_SECONDS = 1"


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with Running(tmp_path_factory.mktemp("receiver"), IN_A_HURRY) as running:
        yield running


def test_what_comes_is_kept_as_it_came(receiver: Running) -> None:
    bodies = [
        b'{"Id":1,"Name":"O\'Neil \\u00e9 \xc3\xa9"}',
        b'[{"Id":1},\r\n {"Id":2}]\n',
        b"Id=1&Amount__Total=5",
        b"",
        b'\xef\xbb\xbf{"Id":1}',
        b"\xff\xfe{\x00",
        b"\x1f\x8b\x08\x00",
        b'{"a":"\x00"}',
        b"null",
    ]
    before = len(receiver.kept())
    for body in bodies:
        assert receiver.post(body, hint="invoice-with-details", Content_Type="text/odd; x=1") == 200
    kept = receiver.kept()[before:]
    assert [one["encoding"] for one in kept] == ["text"] * 5 + ["base64"] * 3 + ["text"]
    for body, one in zip(bodies, kept, strict=True):
        text = str(one["body"])
        assert (base64.b64decode(text) if one["encoding"] == "base64" else text.encode()) == body
        assert one["sha256"] == hashlib.sha256(body).hexdigest()
        assert (one["hint"], one["content_type"]) == ("invoice-with-details", "text/odd; x=1")
        assert str(one["received_at"]).endswith("Z")
        assert "signature" not in one
    assert [one["sequence"] for one in kept] == sorted({one["sequence"] for one in kept})


def test_a_name_or_a_secret_of_the_request_is_in_no_file(receiver: Running) -> None:
    headers = {"Cookie": "c00kie", "Authorization": "Bearer au7h", "X-Forwarded-For": "203.0.113.9"}
    assert receiver.ask("POST", f"/ticketor/{receiver.token}/hint?query=qu3ry", b"{}", headers).status == 200
    for path in receiver.site.rglob("*"):
        content = path.read_bytes() if path.is_file() and path.name != ".reserve" else b""
        for text in (receiver.token, "c00kie", "au7h", "203.0.113.9", "qu3ry"):
            assert text.encode() not in content + str(path).encode()
    [name] = {path.name.count("-") for path in receiver.site.glob("2*/*.jsonl")}
    assert name == 2


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/ticketor",
        "/ticketor/",
        "/ticketor/wrong",
        f"/ticketor/{'A' * 43}",
        "/ticketor/OTHER",
        "/ticket-tailor/TOKEN",
        "/health/wrong",
        f"/health/{'A' * 43}",
        "/TICKETOR/TOKEN",
        "/ticketor/TOKEN/../x",
        "/ticketor/TOKEN/%2e%2e%2fetc",
        "/ticketor/TOKEN/a%00b",
        "/ticketor/TOKEN%00",
        "/ticketor/TOKEN/Hint",
        f"/ticketor/TOKEN/{'a' * 41}",
        f"/ticketor/TOKEN/{'a' * 8192}",
        "//ticketor/TOKEN",
        "/x/../ticketor/TOKEN",
    ],
)
@pytest.mark.parametrize("method", ["POST", "GET", "TRACE"])
def test_whatever_is_wrong_with_an_address_it_is_not_found(receiver: Running, path: str, method: str) -> None:
    before = len(receiver.kept()), receiver.refusals()
    path = path.replace("TOKEN", receiver.token).replace("OTHER", receiver.office_token)
    answer, reference = receiver.ask(method, path, b"{}"), receiver.ask("POST", "/nothing")
    assert (answer.status, answer.content) == (404, b"")
    # an unread body closes the connection or not, as it happens to have come
    assert {*answer.getheaders()} ^ {*reference.getheaders()} <= {("connection", "close"), *dates(answer, reference)}
    assert (len(receiver.kept()), receiver.refusals()) == before


def dates(*answers: http.client.HTTPResponse) -> list[tuple[str, str | None]]:
    return [("date", answer.getheader("date")) for answer in answers]


def test_wrong_tokens_cost_no_disk_and_no_line_of_a_log(receiver: Running) -> None:
    def written() -> str:
        lines = Path(f"/proc/{receiver.process.pid}/io").read_text().splitlines()
        return next(line for line in lines if line.startswith("write_bytes"))

    time.sleep(1.2)  # whatever earlier tests have made it record
    before, log = written(), len(receiver.log)
    request = b"POST /ticketor/%s HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
    requests = request % (b"A" * 43) + request % b"../nothing"
    with socket.create_connection(("127.0.0.1", receiver.port)) as connection:
        stream = connection.makefile("rb")
        for _ in range(40):
            connection.sendall(requests * 25)
            for _ in range(50):
                assert stream.readline() == b"HTTP/1.1 404 Not Found\r\n"
                while stream.readline() != b"\r\n":
                    pass
    assert (written(), len(receiver.log)) == (before, log)


def test_the_token_may_be_a_password(receiver: Running) -> None:
    before = len(receiver.kept())

    def basic(password: str) -> dict[str, str]:
        return {"Authorization": "Basic " + base64.b64encode(f"any:{password}".encode()).decode()}

    assert receiver.ask("POST", "/ticketor", b"{}", basic(receiver.token)).status == 200
    assert receiver.ask("POST", "/ticketor/invoice", b"{}", basic(receiver.token)).status == 200
    assert receiver.ask("POST", "/ticketor", b"{}", basic("wrong")).status == 404
    assert receiver.ask("POST", "/ticketor", b"{}", {"Authorization": "Basic =("}).status == 404
    assert [one["hint"] for one in receiver.kept()[before:]] == [None, "invoice"]


def test_other_methods_and_codings(receiver: Running) -> None:
    before = len(receiver.refusals())
    path = f"/ticketor/{receiver.token}"
    for method, counted in [("GET", 0), ("HEAD", 0), ("OPTIONS", 0), ("PUT", 1), ("DELETE", 1), ("TRACE", 1)]:
        assert receiver.ask(method, path).status == 405, (method, counted)
    assert receiver.post(b"\x1f\x8b", Content_Encoding="gzip") == 415
    assert receiver.post(b"{}", Content_Encoding="identity") == 200
    assert eventually(lambda: sum(count for _, count in receiver.refusals()[before:]) == 4)
    assert {status for status, _ in receiver.refusals()[before:]} == {405, 415}


def test_a_body_up_to_the_limit_is_kept_and_one_beyond_is_not(receiver: Running) -> None:
    before, refused = len(receiver.kept()), len(receiver.refusals())
    assert receiver.post(b"x" * LIMIT) == 200
    assert len(str(receiver.kept()[-1]["body"])) == LIMIT
    with contextlib.suppress(OSError):  # the connection is closed while the body is on its way
        assert receiver.post(b"x" * (LIMIT + 1)) == 413
    # announced, and refused before it comes
    head = b"POST /ticketor/%s HTTP/1.1\r\nHost: x\r\n" % receiver.token.encode()
    answer, _ = receiver.talk(head + b"Content-Length: 999999999999\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413")
    with socket.create_connection(("127.0.0.1", receiver.port)) as connection:  # chunks without an end
        connection.settimeout(10)
        connection.sendall(head + b"Transfer-Encoding: chunked\r\n\r\n")
        chunk, sent = b"%x\r\n" % 2**20 + b"x" * 2**20 + b"\r\n", 0
        try:
            while sent < 100:
                connection.sendall(chunk)
                sent += 1
            answer = connection.recv(100)
        except OSError:
            answer = b""
        assert sent < 100 or answer.startswith(b"HTTP/1.1 413")
    assert len(receiver.kept()) == before + 1
    assert eventually(lambda: [status for status, _ in receiver.refusals()[refused:]].count(413) >= 1)
    assert eventually(lambda: sum(count for _, count in receiver.refusals()[refused:]) == 3)


def test_lengths_that_disagree(receiver: Running) -> None:
    head = b"POST /ticketor/%s HTTP/1.1\r\nHost: x\r\n" % receiver.token.encode()
    before = len(receiver.kept())
    for lengths in (
        b"Content-Length: 3\r\nContent-Length: 4\r\n",
        b"Content-Length: -3\r\n",
        b"Content-Length: 3x\r\n",
    ):
        answer, _ = receiver.talk(head + lengths + b"\r\nabcd")
        assert answer.startswith(b"HTTP/1.1 400")
    assert len(receiver.kept()) == before
    # the chunks count, the connection ends with them: what follows is no second request
    smuggled = b"POST /ticketor/%s HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n[]" % receiver.token.encode()
    both = head + b"Content-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    answer, _ = receiver.talk(both + smuggled)
    assert answer.count(b"HTTP/1.1") == 1
    assert [one["body"] for one in receiver.kept()[before:]] in (["{}"], [])


def test_slow_senders_are_closed(receiver: Running) -> None:
    head = b"POST /ticketor/%s HTTP/1.1\r\nHost: x\r\n" % receiver.token.encode()
    refused = len(receiver.refusals())

    def dripped(start: bytes) -> tuple[bytes, float]:
        with socket.create_connection(("127.0.0.1", receiver.port)) as connection:
            connection.settimeout(0.1)
            started = time.monotonic()
            connection.sendall(start)
            while time.monotonic() - started < 8:
                try:
                    connection.sendall(b"x")
                    if (answer := connection.recv(100)) is not None:
                        return answer, time.monotonic() - started
                except TimeoutError:
                    pass
                except OSError:
                    return b"", time.monotonic() - started
        raise AssertionError("still open")

    for start, expected in (
        (b"POST /", b""),  # a byte now and then in the header
        (head + b"Content-Length: 1000\r\n\r\n", b"HTTP/1.1 408"),  # in the body
    ):
        answer, seconds = dripped(start)
        assert answer.startswith(expected)
        assert seconds < 4, start
    for start in (b"", b"POST / HTTP/1.1\r\nHo", b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"):
        _, seconds = receiver.talk(start)
        assert seconds < 4, start
    # half a body, and the sender is gone
    with socket.create_connection(("127.0.0.1", receiver.port)) as connection:
        connection.sendall(head + b"Content-Length: 1000\r\n\r\nhalf")
        time.sleep(0.1)
    assert eventually(lambda: {408, 400} <= {status for status, _ in receiver.refusals()[refused:]})


def test_a_thousand_silent_connections_keep_no_good_one_waiting(receiver: Running) -> None:
    silent = [socket.create_connection(("127.0.0.1", receiver.port)) for _ in range(1000)]
    try:
        started = time.monotonic()
        assert receiver.post(b"{}") == 200
        assert time.monotonic() - started < 1
    finally:
        for connection in silent:
            connection.close()


def test_large_bodies_come_a_few_at_a_time_and_all_are_kept(receiver: Running) -> None:
    before = set(receiver.site.glob("2*/*.jsonl"))
    with concurrent.futures.ThreadPoolExecutor(20) as senders:
        assert list(senders.map(lambda _: receiver.post(b"y" * 2**20), range(40))) == [200] * 40
    commits = [len(path.read_bytes().splitlines()) for path in {*receiver.site.glob("2*/*.jsonl")} - before]
    assert sum(commits) == 40
    assert max(commits) <= app.LARGE_AT_ONCE


def test_health(receiver: Running) -> None:
    answer = receiver.ask("GET", "/health", headers={"X-Forwarded-For": "203.0.113.9"})
    assert (answer.status, answer.content) == (200, b"")
    known = json.loads(receiver.ask("GET", f"/health/{receiver.token}").content)
    assert known["account"] == "ticketor arena"
    assert known["free_bytes"] > 0
    assert known["failed_commits_in_a_row"] == 0


def signed(body: bytes, at: float, secret: str = SECRET, name: str = "v1") -> str:
    text = str(int(at))
    return f"t={text},{name}=" + hmac.new(secret.encode(), text.encode() + body, hashlib.sha256).hexdigest()


def test_ticket_tailor_signs(receiver: Running) -> None:
    body = b'{"id":"wh_1","payload":{"url":"https:\\/\\/example.org"}}'
    now = time.time()
    before, refused = len(receiver.kept(receiver.office)), len(receiver.refusals(receiver.office))

    def post(signature: str | None, content: bytes = body) -> int:
        headers = {} if signature is None else {"Tickettailor-Webhook-Signature": signature}
        return receiver.ask("POST", f"/ticket-tailor/{receiver.office_token}", content, headers).status

    right = signed(body, now)
    good = [right, signed(body, now, "an-older-one"), signed(body, now, name="s"), signed(body, now - 80 * 3600)]
    assert [post(one) for one in good] == [200] * 4
    bad = [
        None,
        "",
        signed(body, now, "another"),
        signed(body, now + 400),
        right.replace("t=", "t=1"),
        right + ",v1=" + "0" * 64,
        right[:-1],
        right.replace("v1", "v2"),
        f"{right.partition(',')[2]},{right.partition(',')[0]}",
    ]
    assert [post(one) for one in bad] == [401] * len(bad)
    assert post(right, body.replace(b"\\/", b"/")) == 401
    kept = receiver.kept(receiver.office)[before:]
    assert [one["signature"] for one in kept] == good
    assert [one["body"] for one in kept] == [body.decode()] * 4
    assert eventually(lambda: sum(n for _, n in receiver.refusals(receiver.office)[refused:]) == len(bad) + 1)


def test_the_loader_reads_what_was_kept(tmp_path: Path) -> None:
    """Each body as a document with its own time of receipt; what is no webhook is refused there, not lost."""
    samples = sorted(Path("tests/fixtures/ticketor").glob("*.json"))
    assert len(samples) == 6
    bodies = [path.read_bytes() for path in samples]
    odd = [b"not a webhook", b"", b"\xff\xfe{\x00", b'{"Id":1', b'{"hello":"world"}']
    with Running(tmp_path) as running:
        for body in [*bodies, *odd]:
            assert running.post(body) == 200
        venue = Venue(tmp_path)
        (tmp_path / "buffer").symlink_to(running.site)
        venue.load_without_dlt()
        rows = venue.rows()
        received = [one["received_at"] for one in running.kept()]
    assert [row["outcome"] for row in rows] == ["loaded"] * 6 + ["refused"] * len(odd)
    assert [json.loads(row["document"]) for row in rows[:6]] == [json.loads(body) for body in bodies]
    assert [f"{row['received_at']:%Y-%m-%dT%H:%M:%S.%fZ}" for row in rows] == received
    assert all(row["reason"] for row in rows[6:])


def test_limits_of_a_token(tmp_path: Path) -> None:
    prelude = "from boxoffice.receiver import app; app.BURST = 1"
    limits = {"RECEIVER__PER_SECOND": "3", "RECEIVER__PER_DAY": "1000", "RECEIVER__LARGEST_BODY": "900"}
    with Running(tmp_path, prelude, **limits) as running:
        assert running.post(b"x" * 901) == 413
        statuses = [running.post(b"x") for _ in range(8)]
        assert statuses[:3] == [200] * 3
        assert 429 in statuses[3:]
        assert eventually(lambda: running.post(b"x") == 200)
        assert running.post(b"x" * 900) == 200 or eventually(lambda: running.post(b"x" * 900) == 200)
        for _ in range(2):  # a second each, so that it is the day's limit
            time.sleep(0.5)
            running.post(b"x" * 900)
        assert eventually(lambda: {status for status, _ in running.refusals()} == {413, 429})
        recorded = running.site / ".refused-deliveries.jsonl"
        assert eventually(lambda: "deliveries a second" in recorded.read_text() and "in a day" in recorded.read_text())
        # an account's limits are its own
        body = b"{}"
        headers = {"Tickettailor-Webhook-Signature": signed(body, time.time())}
        assert running.ask("POST", f"/ticket-tailor/{running.office_token}", body, headers).status == 200


def test_modes_of_what_is_written(tmp_path: Path) -> None:
    previous = os.umask(0)
    try:
        with Running(tmp_path / "new") as running:
            running.post(b"{}")
            running.post(b"{}", Content_Encoding="gzip")
            assert eventually(running.refusals)
            modes = {
                path.relative_to(running.site).parts[-1][-6:]: oct(path.stat().st_mode & 0o7777)
                for path in [running.site, *running.site.rglob("*")]
                if path != running.site
            }
            assert oct(running.site.stat().st_mode & 0o7777) == "0o2750"
            assert oct(running.site.parent.stat().st_mode & 0o7777) == "0o750"
    finally:
        os.umask(previous)
    assert set(modes.values()) == {"0o2750", "0o640", "0o600"}, modes
    assert [name for name, mode in modes.items() if mode == "0o600"] == ["eserve"]
