"""Names of variables, keys and options: which of them hold a secret, and how sure that is."""

from __future__ import annotations

import re
from functools import lru_cache

from seatrial.scan.vocabulary import worded

__all__ = ["LIKELY", "NONE", "PASSWORD", "SURE", "benign", "level", "words"]

NONE, LIKELY, SURE, PASSWORD = 0, 1, 2, 3
"""No secret; a secret when the value looks random; a secret; a password, which a person may have chosen: digits count."""

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")

_PASSWORD = {"pass", "pwd", "pw", "passwd", "psw", "pswd", "passcode", "psk", "masterauth", "passwort"}
_PASSWORD_ENDS = ("password", "passwd", "passphrase", "pass", "passwrd")
_NO_PASSWORD = {"bypass", "compass", "trespass", "surpass", "overpass", "underpass", "encompass", "multipass"}
_SURE_ENDS = ("secret", "token", "apikey", "secretkey", "privatekey", "authkey", "accesstoken")
_LIKELY = {
    "key",
    "auth",
    "authorization",
    "credential",
    "cred",
    "accesskey",
    "salt",
    "jwt",
    "bearer",
    "signature",
    "pat",
    "cookie",
}
_SURE_KEYS = {
    "api", "private", "encryption", "encrypt", "signing", "master", "hmac", "jwt", "fernet", "aes", "cookie", "session",
    "security", "auth", "authentication", "shared", "subscription", "unseal", "crypto", "cipher", "license", "hash",
}  # fmt: skip

# What a word after the secret's own turns the name into: a file of it, a limit of it, its kind.
_ABOUT = worded("""
    file files path dir directory folder location limit limits max min maximum minimum count counts counter total
    length len size bytes ttl expiry expire expires expired expiration exp lifetime age duration timeout seconds
    secs sec ms minutes hours days interval period type types kind name names id ids url uri urls endpoint host
    hostname port server prefix suffix policy policies algorithm alg algo format enabled enable disabled disable
    required require requires allowed allow env var variable rotation rotate rotated version header headers field
    column hash hashed hashes hasher hashers digest checksum fingerprint encoding provider issuer audience scope
    scopes ref reference store storage manager class cache generator validator validators validation strength
    reset change changed hint mode usage used use using per rate budget bucket status state valid invalid error
    errors message label placeholder description title regex pattern template arn backend engine driver plugin
    source mount created updated at date time index idx position price cost context window chars input output
    param parameter visible protected encrypted method check attempts retries set exists needed quality complexity
    history lockout group role user username selector namespace annotations rounds iterations cipher level
    separator delimiter ratio threshold overlap chunk chunks pool quota burst logprob logprobs probability
    changedate lastset notbefore notafter throughput bits curve owner email domain region server_url rule rules
    section spec schema model tokenizer counts_total sum average avg p50 p95 p99 refresh_interval script command
    cmd program agent manager_class ring rings space spaces words handler middleware view page form
    """)
# What a word before it turns the name into: a number of them, a mark in a text, a key of a table.
_COUNTED = worded("""
    max min num n total count stop eos bos pad unk sep cls mask special page next continuation sync start end
    prompt completion input output generated chunk overlap context used remaining cached reasoning per csrf xsrf
    nonce existing pull pagination cursor image tokens unexpected illegal invalid missing no
    """)
_ASKED = worded(
    "forgot forgotten reset change confirm no show hide toggle without invalid wrong bad enter use require is has"
)
_PASSES = worded(
    "first second third next last single multi two one test status all must should will render build depth shadow proxy fastcgi uwsgi grpc scgi memcached"
)
_TABLE_KEYS = worded("""
    public primary foreign partition sort cache unique composite hot row idempotency object map dict group
    record message lookup sorting host known column dedupe dedup index translation shortcut arrow json registry
    pub order natural business candidate surrogate field attribute config property env s3 label topic event
    data_class sharding shard bucket redis_stream lock etcd pressed keyboard hot ctrl ref anon publishable
    verification verify mutex job recv gpg pgp keyserver send locate
    """)
# Levels of a nested document that say nothing themselves: the level above does.
_NEUTRAL = {"value", "default", "plain", "plaintext", "text", "current", "literal", "content", "string", "data"}

_BENIGN = worded("""
    hash sha sha1 sha256 sha512 md5 digest checksum integrity commit revision rev etag fingerprint thumbprint cert
    certificate crt pem ca public pub uuid guid id nonce trace span request correlation signature image version
    cursor etags icon logo svg src href url uri path file selector resolved tree oid ref x509 modulus thumb avatar
    font data blob content pagination page build label cid serial jwk jwks csrf key_ops alg kid crc user_agent
    useragent ua query sql pattern regex license_id tag encrypted cipher ciphertext encdata sealed enc mac
    lastmodified x y n sops vault
    """)


@lru_cache(maxsize=4096)
def words(key: str) -> tuple[str, ...]:
    """The words of a name, in lower case: ``dbRootPASSWORD_2`` is ``db root password 2``."""
    return tuple(found.lower() for found in _WORD.findall(key[-200:]))


def _kind(word: str) -> int:
    single = word[:-1] if word.endswith("s") and not word.endswith("ss") else word
    if single in _NO_PASSWORD:
        return NONE
    if single.startswith(("pub", "csrf", "xsrf")) or single in ("gpgkey", "pgpkey", "hostkey"):
        return NONE
    if single in _PASSWORD or single.endswith(_PASSWORD_ENDS):
        return PASSWORD
    if single.endswith(_SURE_ENDS):
        return SURE
    return LIKELY if single in _LIKELY or (single.endswith("key") and single != "monkey" and len(single) > 5) else NONE


@lru_cache(maxsize=4096)
def level(key: str) -> int:
    """How sure it is that what is called so is a secret. Of a dotted name, the last part that says anything decides."""
    parts = [part for part in re.split(r"[.\[\]/]+", key[-200:]) if part]
    while len(parts) > 1 and (parts[-1].lower() in _NEUTRAL or parts[-1].isdigit()):
        parts.pop()
    if not parts:
        return NONE
    last = parts[-1]
    if len(parts) > 1 and words(parts[-2])[-1:] in (("checksum",), ("hash",), ("digest",)):
        return NONE
    if last in ("PWD", "OLDPWD", "pwd"):
        return NONE
    found = _of(words(last))
    # `auth: {token: {x: …}}` is none; `spring.datasource.password` and `api.key` are read over the dot.
    if found == LIKELY and last.lower() == "key" and len(parts) > 1:
        return max(found, _of((*words(parts[-2]), "key")))
    return found


def _of(name: tuple[str, ...]) -> int:
    best = NONE
    if any(word.startswith("pub") for word in name) and not any(_kind(word) == PASSWORD for word in name):
        return NONE
    for at, word in enumerate(name):
        kind = _kind(word)
        if kind == NONE:
            continue
        before = name[at - 1] if at else ""
        after = set(name[at + 1 :])
        if after & _ABOUT and not (
            word in ("secret", "shared") and name[at + 1 : at + 2] == ("key",) and not after - {"key"}
        ):
            continue
        if kind == PASSWORD and before in _ASKED:
            continue
        if word == "pass" and (before in _PASSES or any(not w.isdigit() for w in name[at + 1 :])):
            continue
        if kind != PASSWORD and (before in _COUNTED or (word.endswith("key") and before in _TABLE_KEYS)):
            continue
        if word in ("key", "keys"):
            kind = SURE if before in _SURE_KEYS else LIKELY
            if before == "hash":
                kind = LIKELY
        if word == "cookie" and before == "erlang":
            kind = SURE
        best = max(best, kind)
    return best


@lru_cache(maxsize=4096)
def benign(key: str) -> bool:
    """Whether values of this name look random and are meant to be seen: digests, ids, certificates."""
    last = words(key)[-6:]
    return bool(set(last) & _BENIGN) or any(word.startswith("pub") for word in last)
