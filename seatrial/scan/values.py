"""Values: which of them stand for a secret that is elsewhere, and which cannot be one."""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections import Counter
from itertools import pairwise

from seatrial.scan.vocabulary import worded

__all__ = ["basic", "default_of", "entropy", "kind", "random_looking"]

LONGEST = 4096
"""Longer values are judged by their beginning."""

_REFERENCE = re.compile(
    r"""\$\{?[A-Za-z_@][\w.:/\-]*\}?$            # $NAME ${NAME} ${env:NAME}
    | \$\{[^}]*\}                                # ${NAME:?must be set}
    | \$\$\{?\w | \$__\w+\{                        # $$NAME as compose files escape it, $__file{PATH}
    | \$\(.*\)$ | `.*`$                          # $(command)
    | \$\{?\{                                    # ${{ secrets.NAME }}
    | \{\{ | \{%                                 # templates
    | %\([\w.]+\)[sd] | %[sdvqr]$ | %\w+%$ | %\{  # formats, Windows variables
    | \{[\w.!:\[\]]*\}$                          # {name}
    | @\w[\w.]*@$ | \#\{ | <%                    # @name@, #{name}, ERB
    | .*(?:\(\?[:!=P<]|\[\^|\\[dwsS][+*{)\]])      # a pattern, not a value
    | !(?:Ref|Sub|GetAtt|ENV|vault|reference|secret)\b
    | (?:sm|op|ssm|awssm|gcpsm|gsm|azkv|akv|vault|secret|secrets|secretmanager|keyvault|keychain|keyring|bw|pass|doppler|infisical
        |aws-secretsmanager|aws-parameterstore|gcp-secretmanager|kms|berglas|ref\+\w+|conjur|env|file)://?
    | (?:vault|env|ssm|secretsmanager|keyring|secretref|secret_ref|valueFrom|file|sops|credhub|kms)[:+](?!\d)\S
    | secret:\S*/
    | arn:aws[\w-]*: | projects/[^/]+/secrets/ | /?(?:run|etc|mnt|var/run)/secrets\b
    | @Microsoft\.KeyVault\( | \{cipher\} | \{aes\}
    | ENC\[ | ENC\( | \$ANSIBLE_VAULT | age1[0-9a-z]{20} | -----BEGIN\ (?:AGE|PGP\ MESSAGE|PKCS7)
    | AQICAH[A-Za-z0-9+/]{20} | vault:v\d+: | Ag[AB][A-Za-z0-9+/=]{200,}
    | (?:os|process|self|this|settings|config|cfg|conf|env|environ|args|opts|options|request|req|params|ctx|secrets|data|var|local|each
        |module|Rails|ENV|System|props|credentials|auth|user|response|res|body|kwargs|app|current_app|input|inputs|github|values|Values)
        (?:\.|\[|\()""",
    re.X | re.S,
)  # fmt: skip
_CODE = re.compile(
    r"(?:new |await |lambda |function|func )|[A-Za-z_][\w.]*\(.*|[A-Za-z_][\w.]*\[['\"\w].*\]$|[a-z_]+(?:\.[a-zA-Z_]+)+$|&[a-zA-Z_]"
)
_HASH = re.compile(
    r"""\$(?:2[abxy]?|1|5|6|7|y|gy|md5|sha1|apr1|argon2(?:id|i|d)?|scrypt|pbkdf2(?:-sha\d+)?|P|H)\$
    | \$\$(?:2[aby]|apr1|argon2id|6)\$\$         # as compose files escape them
    | \{(?:S?SHA(?:256|512)?|CRYPT|MD5|SMD5|PBKDF2(?:-SHA\d+)?|ARGON2|BCRYPT|bcrypt|SHA-256)\}
    | pbkdf2(?:_sha\d+)?[:$] | scrypt[:$] | argon2\$ | bcrypt(?:_sha256)?\$ | sha(?:1|224|256|384|512)[:$\-]\s?[A-Za-z0-9+/$] | md5[:$\-][0-9a-fA-F]
    | SCRAM-SHA-\d+\$ | md5[0-9a-f]{32}$ | \*[0-9A-F]{40}$ | [^:\s]+:\$(?:2[aby]|apr1)\$ | ha1:""",
    re.X,
)
_NUMBER = re.compile(
    r"[+-]?\d[\d_]*(?:\.\d+)?(?:[eE][+-]?\d+)?(?:\s?(?:[kKMGT]i?B?|ms|s|m|h|d|%|x|px|B|days?|hours?|minutes?|seconds?|tokens?))?$"
    r"|v?\d+(?:\.\d+){1,3}[-+]?$|\d+/(?:tcp|udp|sctp)$|#[0-9a-fA-F]{3,8}$"
)
_SOURCES = re.compile(r"(?:files|compat|sss|systemd|db)(?:[ \t]+[\w\[\]=]+)*$")
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$")
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d.*)?$|\d\d:\d\d(?::\d\d)?$")
_PUBLIC = re.compile(
    r"(?:ssh-(?:rsa|ed25519|dss)|ecdsa-sha2-\S+|sk-ssh-\S+) AAAA|-----BEGIN (?:CERTIFICATE|PUBLIC KEY|RSA PUBLIC|EC PARAM|DH PARAM|X509|CERTIFICATE REQ)|MIIBIjANBgkqhkiG9w0B|MIICIjANBgkqhkiG9w0B|MFkwEwYHKoZIzj0C|MCowBQYDK2V|pk_(?:live|test)_|age1[0-9a-z]"
)
_PATH = re.compile(
    r"(?:~|\.{1,2})?/[\w.@+{}$ -]+(?:/[\w.@+{}$ *-]*)*$|[A-Za-z]:\\|[\w.-]+(?:/[\w.-]+)*\.(?:pem|key|crt|cer|json|ya?ml|txt|env|conf|cfg|ini|jks|p12|pfx|toml|pub|asc|gpg|token|secret|passwd|py|go|js|ts|java|rb|md|html)$"
)
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,20}://\S*$")

_FLAGS = worded("""
    true false yes no on off null none nil undefined enabled disabled enable disable optional required auto
    default never always basic bearer digest oauth oauth2 oidc saml ldap jwt token apikey api_key password md5
    scram-sha-256 trust peer ident reject cert plain login negotiate ntlm kerberos hmac rs256 hs256 es256 eddsa
    str string int integer bool boolean bytes text varchar number object array any secretstr optional[str] char
    float header query cookie env file id access refresh id_token access_token refresh_token ok failed fail
    failure invalid valid expired missing empty incorrect wrong unset set unknown present absent denied rejected
    accepted success successful error mismatch changed updated rotated revoked created deleted hidden unchanged
    anonymous cleartext hashed encrypted external internal local interactive prompt ask stdin keyring keychain
    vault inline n/a na - -- not is user username client_secret authorization_code client_credentials
    private_key_jwt client_secret_basic client_secret_post await yield return typeof lambda function async
    """)
# Words for something that is to be put in later, or was taken out.
_PLACEHOLDER = re.compile(
    r"""(?:please[\W_]*)?change[\W_]*(?:this|me|it|my|in|before|your|the|password|\b) | replace[\W_]*(?:me|this|with|by|the|your|\b)
    | (?:put|insert|enter|add|set|fill|paste|provide|use|type)[\W_]+(?:your|a|an|the|in|here|my|this|it|me|strong|something|real)\b
    | your[\W_]*\S* | some[\W_]*(?:password|secret|token|key) | ^(?=.*\s)(?:.*[\s(])?(?:password|passphrase|secret|token|key|credential)s?\b | \b(?:my|some|any|a|the|our)[\W_]+(?:super[\W_]*)?(?:secret|password|token|key|api|access|strong|secure|random|private|auth|client|db)
    | <[^<>]*> | \[[A-Za-z_ -]+\]$ | \*{3,} | •{3,} | x{4,} | X{3,} | \.{3} | … | _{3,}$ | -{4,}$ | \#{3,} | 0{8,}$ | \?{3,}
    | to[\W_]?do | fixme | tbd | place[\W_]?holder | dummy | redacted | filtered | masked | scrubbed | sanitized | censored | \bomitted | removed
    | example | sample(?![a-z]) | demo[\W_]?(?:key|token|secret|api) | fake | not[\W_]?(?:a|the|real|used|set|needed|required)[\W_]?
    | insert | (?:here|goes)$ | (?:super|very|top|really|more|so|s3cr3t)?[\W_]*(?:secure|strong|random|long|good|safe|real|actual|generated|unique|complex)[\W_]+(?:random[\W_]*)?(?:password|secret|key|token|string|value|passphrase)
    | (?:password|secret|token|key|value)[\W_]+(?:here|goes)""",
    re.X | re.I,
)  # fmt: skip
_SHORT_PLACEHOLDER = {
    "x",
    "xx",
    "xxx",
    "..",
    "-",
    "?",
    "??",
    "todo",
    "foo",
    "bar",
    "foobar",
    "abc",
    "value",
    "string",
    "…",
}
_NAME = re.compile(r"[a-z]+(?:[_-](?:[a-z]+|\d{1,3}))+$|[A-Z]+(?:[_-](?:[A-Z]+|\d{1,3}))+$|[a-z]+(?:[A-Z][a-z]+)+$")
_NAME_WORDS = {
    "password", "passwd", "pass", "secret", "secrets", "token", "tokens", "key", "keys", "credentials", "credential", "creds", "auth", "apikey",
    "tls", "cert", "pwd",
}  # fmt: skip


def entropy(value: str) -> float:
    """Bits a character, as the characters are spread."""
    if not value:
        return 0.0
    total = len(value)
    return -sum(n / total * math.log2(n / total) for n in Counter(value).values())


def default_of(value: str) -> str | None:
    """What stands in a reference for the case that nobody sets it: ``postgres`` of ``${DB_PASSWORD:-postgres}``."""
    found = re.fullmatch(r"\$\{[A-Za-z_]\w*:?-([^${}]{1,200})\}", value) or re.fullmatch(
        r"\$\{[a-z][\w.-]*:(?![-?+])([^${}/]{1,200})\}", value
    )
    return found[1] if found else None


def kind(value: str, *, quoted: bool = False) -> str:
    """What a value is: ``empty``, ``reference``, ``placeholder``, ``hash``, ``number``, ``flag``, ``uuid``, ``public``, ``path``,
    ``url``, or ``opaque``, which may be a secret.

    Args:
        value: the text itself, without quotes.
        quoted: whether it stood in quotes: a name with dots or brackets is code only without them.
    """
    value = value[:LONGEST].strip()
    if not value or value in ("''", '""'):
        return "empty"
    if _HASH.match(value):
        return "hash"
    if _REFERENCE.match(value):
        return "reference"
    if not quoted and _CODE.match(value):
        return "reference"
    low = value.lower()
    if low in _FLAGS or _SOURCES.match(low) or not any(map(str.isalnum, value)):
        return "flag"
    if _NUMBER.match(value):
        return "number"
    if _DATE.match(value):
        return "date"
    if _UUID.match(value):
        return "uuid"
    if _PUBLIC.match(value):
        return "public"
    if value.startswith(("/", "./", "~/")) and _PATH.match(value):
        return "path"  # also of an example: `/path/of/a/password` names a file and is no password
    if low in _SHORT_PLACEHOLDER or placeholder(value):
        return "placeholder"
    if _URL.match(value):
        return "url"
    if _PATH.match(value):
        return "path"
    return "opaque"


def basic(value: str) -> tuple[str, str] | None:
    """User and password of what `Authorization: Basic` and registries' files hold in base64."""
    if not 6 <= len(value) <= LONGEST:
        return None
    try:
        plain = base64.b64decode(value + "=" * (-len(value) % 4), validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    user, colon, password = plain.partition(":")
    if not colon or not plain.isprintable() or kind(password, quoted=True) in ("empty", "reference", "placeholder"):
        return None
    return user, password


def placeholder(value: str) -> bool:
    """Whether a value says that another is to be put in its place, or is only a name of one."""
    value = value[:LONGEST]
    if len(value) > 120:
        return False
    if len(set(value)) == 1 and not value.isalnum():
        return True
    found = _PLACEHOLDER.search(value)
    if found:
        # `hZk39example…` in the middle of something random is chance; in words it is meant.
        return not random_looking(value) or len(found[0]) >= 6
    return (bool(_NAME.match(value)) or (value.isalpha() and value.isupper())) and bool(
        {w.lower() for w in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", value)} & _NAME_WORDS
    )


def random_looking(value: str) -> bool:
    """Whether a value looks as if a machine had drawn it: long, of few kinds of characters, and spread evenly."""
    if not 16 <= len(value) <= LONGEST or not re.fullmatch(r"[A-Za-z0-9+/=_.~!@#$%^&*-]+", value):
        return False
    if re.fullmatch(r"[0-9a-fA-F]+", value):
        return len(value) >= 24 and entropy(value.lower()) >= 3.0 and not value.isdigit() and not value.isalpha()
    letters = sum(c.isalpha() for c in value)
    digits = sum(c.isdigit() for c in value)
    if not letters or letters + digits < 0.7 * len(value):
        return False
    if not digits or value.islower() or value.isupper():
        # One kind of letters: only long ones, and none made of words with dashes.
        pieces = re.split(r"[-_./=+]", value)
        if len(pieces) > 2 and all(p.isalpha() or p.isdigit() or len(p) < 6 for p in pieces):
            return False
        changes = sum(a.isdigit() != b.isdigit() for a, b in pairwise(value))
        if digits and changes >= 5:
            return entropy(value) >= 3.0
        swaps = sum(a.isupper() != b.isupper() for a, b in pairwise(value))
        runs = re.findall(r"[A-Z]?[a-z]+|[A-Z]+", value)
        return not digits and swaps >= 7 and letters / len(runs) < 3.2 and entropy(value) >= 3.5 and "/" not in value
    pieces = [p for p in re.split(r"[-_./=+]|(?<=[a-z])(?=[A-Z])", value) if p]
    if sum(len(p) for p in pieces if len(p) >= 4 and p.isalpha() and (p.islower() or p.istitle())) > 0.5 * len(value):
        return False
    return entropy(value) >= (3.3 if len(value) < 24 else 3.6)
