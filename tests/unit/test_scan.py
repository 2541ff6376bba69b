"""Secrets in texts: what is found where, and that nothing of a value comes out."""

from __future__ import annotations

import base64
import html
import json
import time
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seatrial.scan import Hit, fingerprints, redact, scan, scan_arguments, scan_pairs
from seatrial.scan.formats import formats
from seatrial.scan.known import needles
from seatrial.words import Secret
from tests import corpus

NAMED = "value of a secret's name"
VALUE = 'Sea/Trial+77&<x>"é?'


@pytest.fixture(autouse=True, scope="module")
def key_of_this_test(tmp_path_factory):
    """Fingerprints under a key of their own, so that no test writes among the settings of whoever runs it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("settings")))
        fingerprints._key.cache_clear()
        yield
    fingerprints._key.cache_clear()


def told(hits):
    return [(hit.line, hit.key, hit.kind) for hit in hits]


def test_nested_keys_are_dotted_and_lines_counted():
    assert told(scan('{\n "db": {"users": [{"password": "moor-Ing-7"}]},\n "token_limit": 4096\n}')) == [
        (2, "db.users.password", NAMED)
    ]
    assert told(scan("a:\n  b:\n    api_key: Kq82mZpL91xTz\n")) == [(3, "a.b.api_key", NAMED)]
    assert told(scan('[a.b]\nx = 1\npassword = "moor-Ing-7"\n')) == [(3, "a.b.password", NAMED)]
    assert told(scan("[a]\npassword: moor-Ing-7\n", format="ini")) == [(2, "a.password", NAMED)]


def test_a_list_of_assignments_is_an_environment():
    text = "services:\n  api:\n    environment:\n      - NAME=api\n      - DB_PASSWORD=moor-Ing-7\n"
    assert told(scan(text)) == [(5, "services.api.environment.DB_PASSWORD", NAMED)]


def test_a_unit_file_has_several_assignments_on_a_line():
    text = '[Service]\nEnvironment="LOG=info" "API_TOKEN=moor-Ing-7" \'DB_PASSWORD=other-Pw-8\'\n'
    assert told(scan(text, format="ini")) == [(2, "API_TOKEN", NAMED), (2, "DB_PASSWORD", NAMED)]


def test_a_secret_of_kubernetes_is_decoded():
    plain = "apiVersion: v1\nkind: Secret\ndata:\n  password: {}\n  username: {}\n"
    text = plain.format(base64.b64encode(b"minioadmin").decode(), base64.b64encode(b"ops").decode())
    assert [(hit.key, hit.weak) for hit in scan(text)] == [("data.password", "default of MinIO")]


def test_a_url_is_told_under_the_name_that_holds_it():
    (hit,) = scan("DATABASE_URL=postgres://app:qL8vTz2nRk@db/app\n")
    assert (hit.kind, hit.key, hit.weak) == ("password in a URL", "DATABASE_URL", "")


def test_a_place_has_one_hit():
    (hit,) = scan("API_TOKEN=" + "gh" + "p_" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hI6\n")
    assert (hit.kind, hit.key) == ("GitHub token", "API_TOKEN")


def test_a_placeholder_is_a_weak_secret_once_it_is_in_use():
    assert scan("API_KEY=your_api_key\n") == []
    assert [hit.weak for hit in scan("API_KEY=your_api_key\n", effective=True)] == ["a placeholder"]
    assert [hit.weak for hit in scan_pairs([("API_KEY", "your_api_key")])] == ["a placeholder"]


@pytest.mark.parametrize(
    ("pairs", "weak"),
    [
        ([("MINIO_ROOT_PASSWORD", "minioadmin")], "default of MinIO"),
        ([("RABBITMQ_DEFAULT_PASS", "guest")], "default of RabbitMQ"),
        ([("POSTGRES_PASSWORD", "postgres")], "default of PostgreSQL"),
        ([("GF_SECURITY_ADMIN_PASSWORD", "admin")], "default of Grafana"),
        ([("REDIS_PASSWORD", "redis")], "default of Redis"),
        ([("ELASTIC_PASSWORD", "changeme")], "default of Elasticsearch"),
        ([("DB_PASSWORD", "qwerty123")], "one of the most used passwords"),
        ([("DB_USER", "quayside"), ("DB_PASSWORD", "quayside")], "the same as its user or service"),
        ([("S3_USER", "harbour"), ("S3_PASSWORD", "harboursecret")], "made of its own name and common words"),
        ([("DB_PASSWORD", "k7#Qz")], "shorter than 8 characters"),
        ([("DB_PASSWORD", "ababababab")], "repeated characters"),
        ([("DB_PASSWORD", "qwertzuiop12")], ""),
        ([("DB_PASSWORD", "kelpforest")], "letters only, and short"),
        ([("DB_PASSWORD", "8305628193")], "digits only"),
        ([("DB_PASSWORD", "q7#Lw92!xkPd")], ""),
        ([("MQ_URL", "amqp://guest:guest@mq/")], "default of RabbitMQ"),
    ],
)
def test_weak_values_are_told_with_the_reason(pairs, weak):
    assert [hit.weak for hit in scan_pairs(pairs)] == [weak]


def test_the_environment_of_ordinary_images_holds_no_secret():
    """Names and values as they are in images everybody runs."""
    names = (
        "GPG_KEY=A035C8C19219BA821ECEA86B64E628F8D684696D NGINX_GPGKEYS=573BFD6B3D8FBC641079A6ABABF5BD827BD9BF62"
        " PYTHON_GET_PIP_SHA256=dfe9fd5c28dc98b5ac17979a953ea550cec37ae1b47a5116007395bfacff2ab9 MINIO_ROOT_PASSWORD_FILE=secret_key"
        " MINIO_UPDATE_MINISIGN_PUBKEY=RWTx5Zr1tiHQLwG9keckT0c45M3AGeHD6IvimQHpyRywVWGbP1aVSGav KUBERNETES_PORT=tcp://10.96.0.1:443"
        " AWS_WEB_IDENTITY_TOKEN_FILE=/var/run/secrets/eks/token INVOCATION_ID=0a1b2c3d4e5f60718293a4b5c6d7e8f9 PASSWORD_HASHERS=argon2"
        " SECRET_BACKEND=vault SESSION_COOKIE_NAME=sid PASSWORDLESS_LOGIN=true PASS_MAX_DAYS=99999 KEYBOARD=us AUTHOR=bob"
        " PASSENGER_APP_ENV=production COMPASS_URI=http://x/ PGPASSFILE=/root/.pgpass MYSQL_RANDOM_ROOT_PASSWORD=yes API_KEY_HEADER=X-Api-Key"
        " JWT_PUBLIC_KEY=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA1 KEY_ROTATION_DAYS=90 SSH_AUTH_SOCK=/run/user/1000/keyring/ssh"
    )
    assert scan_pairs([(name, value) for name, _, value in (pair.partition("=") for pair in names.split())]) == []


def test_no_whole_token_stands_in_the_corpus():
    """A host's push protection reads the file as it is: what looks like a provider's token there would stop a push."""
    assert list(formats(corpus.FILE.read_text())) == []


def test_arguments():
    assert [(h.key, h.line) for h in scan_arguments(["redis-server", "--requirepass", "moor-Ing-7"])] == [
        ("requirepass", 0)
    ]
    assert [h.key for h in scan_arguments(["x", "--db-password=moor-Ing-7", "--port=1"])] == ["db-password"]
    assert scan_arguments(["x", "--token-file", "/run/secrets/token", "--password", "--verbose"]) == []
    assert scan_arguments([]) == []


CLOTHINGS = {
    "raw": VALUE,
    "URL": quote(VALUE, safe=""),
    "URL, slashes kept": quote(VALUE),
    "form": quote_plus(VALUE),
    "URL in lower case": quote(VALUE, safe="").replace("%2F", "%2f").replace("%2B", "%2b").replace("%3C", "%3c").replace("%3E", "%3e").replace("%C3%A9", "%c3%a9").replace("%3F", "%3f"),
    "JSON": json.dumps(VALUE)[1:-1],
    "JSON, not only ASCII": json.dumps(VALUE, ensure_ascii=False)[1:-1],
    "JSON, slashes escaped": json.dumps(VALUE)[1:-1].replace("/", "\\/"),
    "JSON in JSON": json.dumps(json.dumps(VALUE)[1:-1])[1:-1],
    "HTML": html.escape(VALUE),
    **{
        f"base64 after {before} bytes, {kind}": encode(b"u" * before + VALUE.encode() + b"z" * after).decode()
        for before in range(4)
        for after in (0, 1, 2)
        for kind, encode in (("standard", base64.b64encode), ("URL", base64.urlsafe_b64encode))
    },
    "Basic": base64.b64encode(f"ops:{VALUE}".encode()).decode(),
}  # fmt: skip


@pytest.mark.parametrize("clothing", CLOTHINGS.values(), ids=CLOTHINGS.keys())
def test_a_known_secret_is_found_in_any_clothing(clothing):
    known = [("db", Secret(VALUE))]
    text = f"first line\nsecond [{clothing}] end\n"
    assert [(hit.kind, hit.line) for hit in scan(text, format="log", known=known)] == [("known secret db", 2)]
    assert clothing not in redact(text, known=known)
    assert [hit.kind for hit in scan_pairs([("ANY", clothing)], known=known)] == ["known secret db"]
    assert [hit.kind for hit in scan_arguments(["x", clothing], known=known)] == ["known secret db"]


def test_a_short_known_secret_is_found_only_as_a_whole():
    known = [("pin", Secret("ab1"))]
    assert scan("crab12 ab1", format="log", known=known) == []
    assert [hit.kind for hit in scan_pairs([("X", "ab1"), ("Y", "cab1")], known=known)] == ["known secret pin"]
    assert [hit.kind for hit in scan("x: ab1\ny: cab1\n", format="yaml", known=known)] == ["known secret pin"]
    assert [hit.kind for hit in scan_arguments(["x", "ab1", "--n=ab1"], known=known)] == ["known secret pin"] * 2
    assert scan("anything", known=[("empty", Secret(""))]) == []


def test_the_same_value_has_the_same_fingerprint_everywhere():
    known = [("db", Secret("moor-Ing-77"))]
    places = [
        *scan("DB_PASSWORD=moor-Ing-77"), *scan("postgres://a:moor-Ing-77@h/x"), *scan_pairs([("TOKEN", "moor-Ing-77")]),
        *scan_arguments(["--password=moor-Ing-77"]), *scan(base64.b64encode(b"moor-Ing-77").decode(), known=known),
        *scan("Authorization: Basic " + base64.b64encode(b"ops:moor-Ing-77").decode()),
    ]  # fmt: skip
    assert len(places) == 6
    assert len({hit.fingerprint for hit in places}) == 1


@pytest.mark.parametrize(
    ("text", "format"),
    [
        ("app:moor-Ing-77@tcp(db:3306)/app", "text"), ("NEO4J_AUTH=neo4j/moor-Ing-77", "env"), ("SOME_AUTH=ops:moor-Ing-77", "env"),
        ('{"auths": {"r": {"auth": "' + base64.b64encode(b"ops:moor-Ing-77").decode() + '"}}}', "json"),
        ("ldapsearch -x -D cn=admin -w moor-Ing-77 -b dc=x", "text"), ("htpasswd -nb ops moor-Ing-77", "text"),
        ('store.setPassword("moor-Ing-77");', "text"), ("<td>DB_PASSWORD</td><td>moor-Ing-77</td>", "text"),
        ("curl -su ops:moor-Ing-77 http://x", "text"), ("mysqldump -u root -pmoor-Ing-77 app", "text"),
        ("password: |\n  moor-Ing-77\n", "yaml"), ("export DB_PASSWORD='moor-Ing-77' # old", "env"),
        ("redis-cli -h r -a moor-Ing-77 ping", "text"), ("rabbitmqctl add_user ops moor-Ing-77", "text"),
    ],
)  # fmt: skip
def test_ways_of_writing_a_password(text, format):
    (hit,) = scan(text, format=format)
    assert hit.fingerprint == fingerprints.fingerprint("moor-Ing-77")
    assert "moor-Ing-77" not in redact(text)


def test_a_session_in_a_cookie():
    (hit,) = scan("> Cookie: theme=dark; PHPSESSID=q7lw92xkpd83mz01vb5t; lang=en", format="log")
    assert (hit.kind, hit.key) == ("session cookie", "PHPSESSID")
    assert scan("Set-Cookie: theme=dark; Path=/; Max-Age=3600", format="log") == []


def test_redact():
    assert redact("dial password=moor-Ing-7 host=db") == "dial password=<secret> host=db"
    assert redact("x postgres://app:moor-Ing-7@db/app y") == "x postgres://app:<secret>@db/app y"
    assert redact("a line with nothing in it, tokens=12") == "a line with nothing in it, tokens=12"
    assert redact('{"password": "a\\"b7C", "n": 1}') == '{"password": "<secret>", "n": 1}'
    assert redact("") == ""


@pytest.mark.parametrize("value", ["secret", "<secret>", "cret", "sec", "aaaa", "abab", "<…>", "xxxx"])
def test_redact_leaves_no_known_value_even_of_its_own_mark(value):
    known = [("odd", Secret(value))]
    for text in (value, value * 3, f"a{value}b", value[:-1] + value + value[-1:], f"password={value}"):
        cleaned = redact(text, known=known)
        assert len(value) < 4 or value not in cleaned


CANARY = "Zq7#canary-Wv93xLk"
SURFACES = [
    f"DB_PASSWORD={CANARY}", f'{{"password": "{CANARY}"', f"password: {CANARY}\n\t- x", f"a://u:{CANARY}@h", f"password = '{CANARY}",
    f"{CANARY}: password", f'{{"token": {{"{CANARY}": 1}}}}', f"[{CANARY}]\npassword=otherPw77", f"Basic {CANARY}", f"password: !{CANARY} x",
    f"password: &{CANARY} x\nb: *{CANARY}x", "a: [\n" + CANARY, f"%YAML {CANARY}\n---\na: b", f'"\\u12{CANARY}"', f'{{"a": "\\q{CANARY}"}}',
]  # fmt: skip


@pytest.mark.parametrize("format", ["", "env", "yaml", "json", "toml", "ini", "log", "text"])
@pytest.mark.parametrize("text", SURFACES)
def test_no_hit_holds_a_value(text, format):
    known = [("canary", Secret(CANARY))]
    for hits in (scan(text, format=format), scan(text, format=format, known=known), scan_pairs([("A_TOKEN", text)])):
        assert "canary-W" not in repr(hits)
    assert CANARY not in redact(text, known=known)
    assert any(hit.kind == "known secret canary" for hit in scan(text, format=format, known=known))


def test_a_name_that_is_a_token_itself_is_not_told():
    name = "gh" + "p_" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hI6"
    assert name not in repr(scan(json.dumps({"tokens": {name: {"password": "moor-Ing-7"}}})))


def test_the_inside_shows_nothing_in_its_repr():
    from seatrial.scan.pairs import Pair
    from seatrial.scan.search import text_spots

    for thing in (Pair("k", CANARY, 0, 1), *text_spots(f"password={CANARY}", "", (), False)):
        assert CANARY not in repr(thing)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 200_000, "{" * 200_000, '{"a":' * 200_000, "- " * 100_000, "a: {" * 100_000, "\n".join(" " * n + "a:" for n in range(1000)),
        "[" * 200_000 + "password=moor-Ing-7",
    ],
    ids=range(7),
)  # fmt: skip
@pytest.mark.parametrize("format", ["", "json", "yaml", "toml"])
def test_depth_is_no_danger(text, format):
    hits = scan(text, format=format)
    assert len(hits) == text.count("password")


def _base64(size):
    import random

    return base64.b64encode(random.Random(1).randbytes(size * 3 // 4)).decode()


ADVERSARIES = {
    "a=": "a=" * 500_000, "://:@": "://:@" * 200_000, "base64": _base64(1_000_000), "pass": "pass" * 250_000, "token=": "token=" * 160_000,
    "password ": "password " * 110_000, "one long line": "password" + " " * 1_000_000, "eyJ": "eyJ" * 330_000, "xoxb-": "xoxb-" * 200_000,
    "PEM": "-----BEGIN PRIVATE KEY-----" + "-a" * 500_000, "PEMs": "-----BEGIN PRIVATE KEY-----\n" * 35_000, "backslashes": 'password="' + "\\" * 1_000_000,
    "quotes": 'password="' * 100_000, "curl": "curl " * 200_000, "braces": "password=${" * 90_000, "elements": "<password>" * 100_000,
    "sections": "[a]\n" + 'b="""\n' * 160_000, "lists": "a:\n" * 330_000, "zeros": "\0" * 1_000_000, "letters that grow": "\u0130password=Xyz1" * 70_000,
}  # fmt: skip


@pytest.mark.parametrize("text", ADVERSARIES.values(), ids=ADVERSARIES.keys())
def test_no_text_makes_it_slow(text):
    """A megabyte meant to be slow takes seconds at the worst: what it costs grows with the text's length and no faster."""
    began = time.process_time()
    scan(text)
    assert time.process_time() - began < 15


PIECES = st.sampled_from(
    ["password", "token", "secret", "api_key", "=", ":", ":=", "=>", '"', "'", "`", "\\", "\n", "\t", "{", "}", "[", "]", ",", ";", "&", "?", "://", "@", "${X}", "$(", "<>", "-", "--", "--password", "Basic", "Bearer", "Authorization:", "eyJ", "ghp_", "sk-", "-----BEGIN", "PRIVATE", "KEY-----", "kind:", "Secret", "data:", "name:", "value:", "Environment=", "[Service]", "|", ">", "*a", "&a", "!t", "%", "#", "İ", "�", "🔑", "é"]
)  # fmt: skip
TEXTS = st.one_of(st.text(), st.lists(st.one_of(PIECES, st.text(max_size=8)), max_size=40).map("".join))


@settings(max_examples=300, deadline=None)
@given(
    text=TEXTS,
    format=st.sampled_from(["", "env", "yaml", "json", "toml", "ini", "log", "text"]),
    effective=st.booleans(),
)
def test_it_never_raises(text, format, effective):
    lines = text.count("\n") + 1
    for hit in scan(text, format=format, effective=effective):
        assert isinstance(hit, Hit)
        assert 1 <= hit.line <= lines
    scan_pairs([(text, text), ("PASSWORD", text)])
    scan_arguments([text, "--password", text])
    assert isinstance(redact(text), str)


@settings(max_examples=300, deadline=None)
@given(before=TEXTS, value=st.text(min_size=4, max_size=60), after=TEXTS)
def test_redact_leaves_no_known_value(before, value, after):
    known = [("it", Secret(value))]
    cleaned = redact(
        before + value + after + base64.b64encode(value.encode("utf-8", "surrogatepass")).decode(), known=known
    )
    assert not any(needle in cleaned for needle in needles(value))


@settings(max_examples=200, deadline=None)
@given(value=st.text(st.characters(codec="ascii", min_codepoint=33), min_size=8, max_size=40))
def test_what_is_found_is_not_in_what_is_told(value):
    for hit in scan(f"MY_PASSWORD='Zq7#{value}'\n"):
        assert f"Zq7#{value}" not in repr(hit)
