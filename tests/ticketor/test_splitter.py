"""Any layout, any mixture, any fault: every record is loaded or refused, and no fault is a neighbour's."""

import gzip
import itertools
import json
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boxoffice.raw import file_store
from tests.ticketor import deliveries as d


@pytest.mark.parametrize("layout", d.LAYOUTS)
@pytest.mark.parametrize("count", [1, 2, 7])
def test_every_layout_gives_every_payload_once(tmp_path: Path, layout: str, count: int) -> None:
    items = d.payloads(count, seed=count)
    found = d.read(tmp_path, {"file-without-extension": d.LAYOUTS[layout](items)})
    assert [row["outcome"] for row in found] == ["loaded"] * count, [row["reason"] for row in found]
    assert d.documents(found) == items
    assert [row["position"] for row in found] == list(range(count))


def test_a_record_is_the_bytes_of_the_file(tmp_path: Path) -> None:
    odd = '{ "Id":7 , "SignupDate":null,"SMSPermission":1e0, "x":1.10, "big":18446744073709551615}'
    spaced = [odd, '{"Id": 8,\t"SignupDate": "a\\u00e9"}']
    for name, content in {
        "one": odd,
        "lines": "\n".join(spaced),
        "list": "[ " + " ,\n ".join(spaced) + " ]",
        "together": "".join(spaced),
        "wrapped": '{"body" : ' + odd + "}",
    }.items():
        d.put(tmp_path, name, content.encode())
    texts = [row["document"] for row in d.rows(tmp_path)]
    assert set(texts) == set(spaced)


@given(seed=st.integers(0, 10**6), data=st.data())
@settings(max_examples=60, deadline=None)
def test_layouts_can_be_mixed_in_one_file(
    tmp_path_factory: pytest.TempPathFactory, seed: int, data: st.DataObject
) -> None:
    plain = [name for name in d.LAYOUTS if "gzip" not in name and "mark" not in name]
    items = d.payloads(6, seed)
    cuts = sorted(data.draw(st.lists(st.integers(0, 6), max_size=3)))
    parts = [items[a:b] for a, b in itertools.pairwise([0, *cuts, 6])]
    content = b"\n".join(d.LAYOUTS[data.draw(st.sampled_from(plain))](part) for part in parts if part)
    if data.draw(st.booleans()):
        content = gzip.compress(content)
    found = d.read(tmp_path_factory.mktemp("mixed"), {"mixed": content})
    assert d.documents(found) == items, [(row["reason"], row["raw"]) for row in found if row["outcome"] != "loaded"]


@pytest.mark.parametrize("layout", d.LAYOUTS)
def test_a_file_larger_than_a_window(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, layout: str) -> None:
    monkeypatch.setattr(file_store, "WHOLE", 4_000)
    items = d.payloads(60, seed=3)
    found = d.read(tmp_path, {"large": d.LAYOUTS[layout](items)})
    assert d.documents(found) == items, [(row["reason"], row["raw"]) for row in found if row["outcome"] != "loaded"]


@pytest.mark.parametrize(
    "layout", ["lines", "back to back", "indented", "list", "indented list", "lines ending in commas"]
)
@pytest.mark.parametrize("where", [0, 2, 4])
@pytest.mark.parametrize("keep", [0.2, 0.5, 0.9])
def test_a_truncated_record_costs_itself_alone(tmp_path: Path, layout: str, where: int, keep: float) -> None:
    items = [d.invoice(random.Random(n), n) | {"Notes": ""} for n in range(1, 6)]
    whole = d.LAYOUTS[layout](items)
    texts = [d.LAYOUTS[layout]([item]).strip(b"[]\n, ") for item in items]
    assert texts[where] in whole or layout == "indented list"
    if layout == "indented list":
        texts = [json.dumps(item, indent=1).replace("\n", "\n ").encode() for item in items]
    broken = whole.replace(texts[where], texts[where][: int(len(texts[where]) * keep)])
    found = d.read(tmp_path, {"file": broken})
    assert d.documents(found) == items[:where] + items[where + 1 :]
    assert len([row for row in found if row["outcome"] == "refused"]) == 1


def test_a_writer_that_died_and_went_on_in_the_same_line(tmp_path: Path) -> None:
    items = d.payloads(3)
    content = d.compact(d.invoice(random.Random(1), 9))[:200] + "\n".join(map(d.compact, items))
    found = d.read(tmp_path, {"file": content.encode()})
    assert d.documents(found) == items
    assert [row["outcome"] for row in found].count("refused") == 1


def test_truncated_gzip_gives_what_stands_before_the_cut(tmp_path: Path) -> None:
    items = d.payloads(400)
    content = gzip.compress(d.LAYOUTS["lines"](items))
    found = d.read(tmp_path, {"cut.gz": content[: len(content) * 2 // 3]})
    loaded = d.documents(found)
    assert loaded == items[: len(loaded)] and len(loaded) > 50
    assert [row["outcome"] for row in found[len(loaded) :]] == ["refused"]
    assert found[-1]["reason"].startswith("truncated")


def test_damaged_gzip_is_not_trusted(tmp_path: Path) -> None:
    content = bytearray(gzip.compress(d.LAYOUTS["lines"](d.payloads(50))))
    content[-6] ^= 1  # the checksum
    (row,) = d.read(tmp_path, {"damaged.gz": bytes(content)})
    assert (row["outcome"], row["reason"]) == ("refused", "damaged gzip file")


def test_something_after_the_end_of_a_gzip_file_is_told(tmp_path: Path) -> None:
    items = d.payloads(3)
    found = d.read(tmp_path, {"a.gz": d.LAYOUTS["gzip of many members"](items) + b"\0\0\0\0", "b": gzip.compress(b"")})
    assert d.documents(found) == items and [row["outcome"] for row in found] == [*["loaded"] * 3, "empty file"]
    found = d.read(tmp_path, {"a.gz": d.LAYOUTS["gzip"](items) + b"and more"})
    assert d.documents(found) == items and found[3]["reason"].endswith("something follows the end of a gzip file")


@pytest.mark.parametrize(("content", "reason"), [(b"", "empty file"), (b" \n\n", "empty file"), (b"[]", "no records")])
def test_nothing_in_it(tmp_path: Path, content: bytes, reason: str) -> None:
    (row,) = d.read(tmp_path, {"nothing": content})
    assert (row["outcome"], row["reason"], row["raw"]) == ("empty file", reason, b"")


def test_a_page_of_html_is_one_refusal(tmp_path: Path) -> None:
    page = b"<html>\n<body>\n" + b"<p>502 Bad Gateway</p>\n" * 40 + b"</body></html>\n"
    (row,) = d.read(tmp_path, {"page": page})
    assert row["outcome"] == "refused" and row["raw"] == page.strip()


def test_line_separators_inside_strings_part_nothing(tmp_path: Path) -> None:
    items = [d.user(random.Random(1), 1) | {"FirstName": "a\u2028b\u2029c\u0085d\x0b\x0ce"} for _ in range(3)]
    content = "\n".join(d.compact(item) for item in items).encode()
    assert "\u2028".encode() in content
    assert d.documents(d.read(tmp_path, {"file": content})) == items


GOOD = d.compact(d.user(random.Random(5), 5)).encode()
FRAGMENTS = st.sampled_from(
    [
        *(b"{", b"}", b"[", b"]", b",", b":", b'"', b"\n", b" ", b"\\", b"1", b"null", b'"Id":1', b'{"a":', b"}{"),
        *(GOOD, b"\n" + GOOD + b"\n", GOOD[:40], GOOD[40:], b"\xff", b"\x00", b"a=1&b=2", b"\r\n", b'"Tickets":['),
        *(b'{"requests": [', b"NaN", b'{"body": "', b"\xef\xbb\xbf", b"\x1f\x8b", gzip.compress(GOOD), b"\xff\xfe"),
        *(b"__", b'"\\ud800"', b'{"body":[', b"},{"),
    ]
)


@given(fragments=st.lists(FRAGMENTS, max_size=14), window=st.sampled_from([30, 200, 2**20]))
@settings(max_examples=600, deadline=None)
def test_no_rubbish_breaks_it_and_no_byte_gets_lost_unseen(
    tmp_path_factory: pytest.TempPathFactory, fragments: list[bytes], window: int
) -> None:
    content = b"".join(fragments)
    folder = tmp_path_factory.mktemp("rubbish")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(file_store, "WHOLE", window)
        found = d.read(folder, {"rubbish": content})
    assert found, "every file leaves a trace"
    for row in found:
        if row["outcome"] == "loaded":
            assert json.loads(row["document"])["Id"] == 5
        elif row["outcome"] == "refused":
            assert row["reason"]
    # a record that fills a line is read, unless what stands before it has opened something that it may be a part of
    before, good, _ = (b"\n" + content + b"\n").partition(b"\n" + GOOD + b"\n")
    if good and not any(opening in before for opening in (b"[", b"{", b"\x1f\x8b", b"\xff\xfe")):
        assert GOOD.decode() in [row["document"] for row in found], [(row["reason"], row["raw"]) for row in found]
