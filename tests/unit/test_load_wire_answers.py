"""Answers, however they are split, and what is no answer."""

from __future__ import annotations

import itertools
import random

import pytest

from seatrial.load.wire.answers import MOST_HEAD, Reader
from seatrial.load.wire.failures import CLOSED, CUT_OFF, HEAD_TOO_LONG, NO_HTTP, TOO_LONG, Broken

SIMPLE = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n"
CHUNKED = (
    b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
    b'3;name="va;lue"\r\nabc\r\n00A\t;x\r\n0123456789\r\n0;last\r\nX-Sum: 13\r\nX-More: y\r\n\r\n'
)
WAITED = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + SIMPLE

# What comes, whether HEAD was asked; status, body, whether the connection may be used again.
WHOLE = {
    "length": (SIMPLE, False, 200, b"ok\n", True),
    "chunks": (CHUNKED, False, 201, b"abc0123456789", True),
    "plain chunks": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nA\r\n0123456789\r\n0\r\n\r\n", False, 200, b"hello0123456789", True,
    ),
    "waits": (WAITED, False, 200, b"ok\n", True),
    "nothing": (b"HTTP/1.1 204 No Content\r\nServer: x\r\n\r\n", False, 204, b"", True),
    "not modified, with a length": (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 999\r\n\r\n", False, 304, b"", True),
    "HEAD": (b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n", True, 200, b"", True),
    "HEAD of chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", True, 200, b"", True),
    "redirect": (b"HTTP/1.1 302 Found\r\nLocation: /a\r\nContent-Length: 0\r\n\r\n", False, 302, b"", True),
    "no reason": (b"HTTP/1.1 200\r\ncontent-length:3\r\n\r\nok\n", False, 200, b"ok\n", True),
    "close": (b"HTTP/1.1 500 Oh\r\nConnection: Close\r\nContent-Length: 1\r\n\r\nx", False, 500, b"x", False),
    "1.0": (b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", False, 200, b"x", False),
    "1.0 kept": (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx", False, 200, b"x", True),
    "the same length twice": (b"HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\nContent-Length: 1\r\n\r\nx", False, 200, b"x", True),
    "framed in two ways": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\nTransfer-Encoding: gzip, Chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n", False, 200, b"x", False,
    ),
    "switched": (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n", False, 101, b"", False),
    "folded": (b"HTTP/1.1 200 OK\r\nX-A: b\r\n c: d\r\nContent-Length: 0\r\n\r\n", False, 200, b"", True),
}  # fmt: skip


def fed(pieces, *, head=False, most=1 << 20):
    reader = Reader(most)
    reader.begin(bodiless=head)
    whole = [reader.feed(piece) for piece in pieces]
    return reader, whole


@pytest.mark.parametrize("name", WHOLE)
def test_an_answer_is_the_same_wherever_it_is_split(name):
    data, head, status, body, keep = WHOLE[name]
    cuts = [[data], [data[n : n + 1] for n in range(len(data))]]
    cuts += [[data[:n], data[n:]] for n in range(1, len(data))]
    if len(data) < 100:
        cuts += [[data[:n], data[n:m], data[m:]] for n, m in itertools.combinations(range(1, len(data)), 2)]
    for pieces in cuts:
        reader, whole = fed(pieces, head=head)
        assert whole == [False] * (len(pieces) - 1) + [True]
        assert (reader.status, reader.body, reader.keep) == (status, body, keep)
        assert (reader.head[:7], reader.head[-4:]) == (b"HTTP/1.", b"\r\n\r\n")


@pytest.mark.parametrize("name", ["length", "chunks", "nothing"])
def test_answers_follow_one_another_on_a_connection(name):
    data, _, status, body, _ = WHOLE[name]
    reader = Reader()
    for cut in range(1, len(data)):
        reader.begin(bodiless=False)
        assert [reader.feed(data[:cut]), reader.feed(data[cut:])] == [False, True]
        assert (reader.status, reader.body, reader.keep, reader.untouched) == (status, body, True, True)


def test_a_body_without_a_length_ends_with_the_connection():
    data = b"HTTP/1.1 200 OK\r\n\r\nall of it"
    for cut in range(1, len(data)):
        reader, whole = fed([data[:cut], data[cut:]])
        assert whole == [False, False]
        assert reader.ended() is True
        assert (reader.body, reader.keep) == (b"all of it", False)


@pytest.mark.parametrize("name", ["length", "chunks", "nothing", "HEAD"])
def test_what_comes_after_an_answer_ends_the_connection(name):
    data, head, status, body, _ = WHOLE[name]
    for cut in range(1, len(data)):
        reader, whole = fed([data[:cut], data[cut:] + b"HTTP/1.1 200 OK\r\n"], head=head)
        assert whole == [False, True]
        assert (reader.status, reader.body, reader.keep, reader.untouched) == (status, body, False, True)


@pytest.mark.parametrize(
    ("data", "kind"),
    {
        "another protocol": (b"SSH-2.0-OpenSSH_9.2\r\n", NO_HTTP),
        "nearly": (b"HTTP/2.0 200 OK\r\n\r\n", NO_HTTP),
        "no version": (b"HTTP/1.x 200 OK\r\n\r\n", NO_HTTP),
        "no space": (b"HTTP/1.1\t200 OK\r\n\r\n", NO_HTTP),
        "no status": (b"HTTP/1.1 abc OK\r\n\r\n", f"{NO_HTTP}: no status"),
        "status below": (b"HTTP/1.1 099 Low\r\n\r\n", f"{NO_HTTP}: no status"),
        "long status": (b"HTTP/1.1 2000 OK\r\n\r\n", NO_HTTP),
        "no CR": (b"HTTP/1.1 200 OK\nContent-Length: 1\n\nx", f"{NO_HTTP}: its lines end without CR"),
        "no name": (b"HTTP/1.1 200 OK\r\n: x\r\n\r\n", f"{NO_HTTP}: a header line without a name"),
        "no colon": (b"HTTP/1.1 200 OK\r\nabc\r\n\r\n", f"{NO_HTTP}: a header line without a name"),
        "space before the colon": (b"HTTP/1.1 200 OK\r\nContent-Length : 1\r\n\r\n", f"{NO_HTTP}: a header line without a name"),
        "below nothing": (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", f"{NO_HTTP}: Content-Length is no number"),
        "plus": (b"HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n", f"{NO_HTTP}: Content-Length is no number"),
        "no length": (b"HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n", f"{NO_HTTP}: Content-Length is no number"),
        "a million digits": (b"HTTP/1.1 200 OK\r\nContent-Length: %b\r\n\r\n" % (b"9" * 50000), f"{NO_HTTP}: Content-Length is no number"),
        "two lengths": (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx", f"{NO_HTTP}: two lengths"),
        "two lengths in one": (b"HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\nx", f"{NO_HTTP}: Content-Length is no number"),
        "an announced bomb": (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\n", TOO_LONG),
        "an announced chunk": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\n", TOO_LONG),
        "no size": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n;x\r\n", f"{NO_HTTP}: a chunk without a size"),
        "size below nothing": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", f"{NO_HTTP}: a chunk without a size"),
        "size with a prefix": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\n", f"{NO_HTTP}: a chunk without a size"),
        "size too long": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%b1\r\n" % (b"0" * 17), f"{NO_HTTP}: a chunk without a size"),
        "longer than it says": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n", f"{NO_HTTP}: a chunk is not as long as it says"),
    }.values(),
)  # fmt: skip
def test_what_is_no_answer_is_told(data, kind):
    with pytest.raises(Broken) as whole:
        fed([data])
    with pytest.raises(Broken) as bytewise:
        fed([data[n : n + 1] for n in range(len(data))])
    assert (whole.value.kind, bytewise.value.kind) == (kind, kind)


def endless(begin, again):
    yield begin
    while True:
        yield again


@pytest.mark.parametrize(
    ("begin", "again", "kind"),
    [
        (b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n" * 999, HEAD_TOO_LONG),
        (b"HTTP/1.1 200 OK\r\nX-A: ", b"b" * 999, HEAD_TOO_LONG),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n", f"{NO_HTTP}: nothing but answers that say to wait"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 9999, TOO_LONG),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 999, TOO_LONG),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1;" + b"x" * 999, f"{NO_HTTP}: a line between chunks is too long"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"X-A: b\r\n" * 999, HEAD_TOO_LONG),
    ],
)  # fmt: skip
def test_what_does_not_end_is_given_up(begin, again, kind):
    reader = Reader(1 << 20)
    pieces = itertools.islice(endless(begin, again), 4000)
    with pytest.raises(Broken) as broken:
        list(map(reader.feed, filter(None, pieces)))
    assert broken.value.kind == kind


def test_a_head_that_comes_whole_but_too_long_is_refused():
    with pytest.raises(Broken) as broken:
        fed([b"HTTP/1.1 200 OK\r\nX-A: %b\r\nContent-Length: 0\r\n\r\n" % (b"b" * MOST_HEAD)])
    assert broken.value.kind == HEAD_TOO_LONG


def test_an_answer_that_stops_is_cut_off_and_one_that_never_began_is_not():
    for data in (SIMPLE, CHUNKED, WAITED):
        for cut in range(1, len(data)):
            reader, _ = fed([data[:cut]])
            with pytest.raises(Broken) as broken:
                reader.ended()
            assert broken.value.kind == CUT_OFF
    with pytest.raises(Broken) as broken:
        fed([])[0].ended()
    assert broken.value.kind == CLOSED


def result(pieces, head):
    reader = Reader(5000)
    reader.begin(bodiless=head)
    try:
        if any(reader.feed(piece) for piece in pieces) or reader.ended():
            return reader.status, reader.head, reader.body
    except Broken as broken:
        return broken.kind


INSERTED = [b"\r\n", b"\n", b"0", b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"ffff\r\n", b"x" * 6000]


def test_damaged_answers_are_read_the_same_wherever_they_are_split():
    source = random.Random(7)
    for _ in range(1500):
        data, head, *_ = source.choice(list(WHOLE.values()))
        damaged = bytearray(data)
        for _ in range(source.choice([1, 1, 2, 4])):
            at = source.randrange(len(damaged))
            match source.randrange(3):
                case 0:
                    damaged[at] = source.choice(b"\r\n :;,019afFHT\x00\xff-+\t")
                case 1:
                    del damaged[at : at + source.choice([1, 2, 5])]
                case _:
                    damaged[at:at] = source.choice(INSERTED)
            damaged = damaged or bytearray(b"x")
        cuts = [0, *sorted(source.choices(range(len(damaged)), k=3)), len(damaged)]
        pieces = [bytes(damaged[a:b]) for a, b in itertools.pairwise(cuts) if a < b]
        assert result(pieces, head) == result([bytes(damaged)], head), bytes(damaged)


def test_many_heads_are_read_without_keeping_them_all():
    from seatrial.load.wire import answers

    for number in range(2000):
        _, whole = fed([b"HTTP/1.1 200 OK\r\nX-Id: %d\r\nContent-Length: 1\r\n\r\nx" % number])
        assert whole == [True]
    assert len(answers._known) <= answers.MOST_KEPT


def line_by_line(head):
    from seatrial.load.wire.answers import _read_head

    try:
        return _read_head(head)
    except Broken as broken:
        return broken.kind


def test_what_is_read_at_a_glance_is_what_is_read_line_by_line():
    from seatrial.load.wire.answers import _read_plain

    source, glances = random.Random(5), 0
    right = [
        b"HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Length: 3\r\nX-Id: 77\r\n\r\n",
        b"HTTP/1.1 404\r\nConnection: keep-alive\r\ncontent-length:3 \r\n\r\n",
    ]
    added = [
        b"\r\n",
        b" ",
        b"Content-Length: 3\r\n",
        b"Connection: close\r\n",
        b"\r\nTransfer-Encoding: chunked",
        b"\n",
    ]
    for _ in range(5000):
        head = bytearray(source.choice(right))
        for _ in range(source.randrange(3)):
            at = source.randrange(len(head) - 4)
            if source.random() < 0.6:
                head[at] = source.choice(b"\r\n :;,\t0159aZ\x00\xff-+")
            else:
                head[at:at] = source.choice(added)
        if head.find(b"\r\n\r\n") == len(head) - 4 and (glance := _read_plain(bytes(head))) is not None:
            glances += 1
            assert glance == line_by_line(bytes(head)), bytes(head)
    assert glances > 500
