"""Known formats of tokens and keys: a literal beginning that is cheap to search for, and the shape that must follow."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from seatrial.scan.values import entropy

__all__ = ["formats"]


class _Format(NamedTuple):
    kind: str
    literal: str
    shape: re.Pattern[str]
    """Matches from the literal on; its group is the value when it has one."""
    back: int = 0
    """How many characters before the literal belong to the value, at most."""
    of: str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    """Which characters those are."""


_A, _U, _H = "[A-Za-z0-9]", "[A-Za-z0-9_-]", "[0-9a-f]"


def _prefixed(kind: str, *shapes: tuple[str, str]) -> list[_Format]:
    return [_Format(kind, literal, re.compile(re.escape(literal) + rest)) for literal, rest in shapes]


# In each pair the literal and the rest stand apart, so that no line of this file is what it searches for.
_FORMATS: list[_Format] = [
    *_prefixed("GitHub token", *((f"gh{c}_", _A + "{36,255}") for c in "pousr"), ("github_pat_", "[A-Za-z0-9_]{36,255}")),
    *_prefixed(
        "GitLab token",
        *((f"gl{c}-", _U + "{20,300}(?:\\.[0-9a-z.]{2,20})?") for c in ("pat", "dt", "ptt", "rt", "cbt", "soat", "ft", "imt", "agent", "oas")),
        ("GR1348941", _U + "{20}"),
    ),
    *_prefixed("AWS access key id", *((c, "[A-Z0-9]{16}(?![A-Za-z0-9])") for c in ("AKIA", "ASIA"))),
    *_prefixed("AWS Bedrock key", ("ABSK", "[A-Za-z0-9+/]{100,140}={0,2}")),
    *_prefixed("Google API key", ("AIza", _U + "{35}(?![A-Za-z0-9_-])")),
    *_prefixed("Google OAuth secret", ("GOCSPX-", _U + "{28}"), ("ya29.", _U + "{40,400}"), ("1//0", _U + "{40,120}")),
    *_prefixed("Slack token", *((f"xox{c}-", "[A-Za-z0-9-]{20,250}") for c in "abeprs"), ("xapp-", "[A-Za-z0-9-]{30,250}")),
    *_prefixed("Slack webhook", ("hooks.slack.com/", "(?:services|workflows|triggers)/([A-Za-z0-9/_-]{20,120})")),
    *_prefixed("Discord webhook", ("/api/webhooks/", "[0-9]{16,20}/(" + _U + "{40,100})")),
    *_prefixed("Teams webhook", (".webhook.office.com/", "webhookb2/([A-Za-z0-9@/_-]{60,300})")),
    _Format("Telegram bot token", ":AA", re.compile(":AA" + _U + "{32,34}(?![A-Za-z0-9_-])"), 10, "0123456789"),
    *_prefixed(
        "Stripe key", *((f"{c}_{m}_", _A + "{16,250}") for c in ("sk", "rk") for m in ("live", "test", "prod")), ("whsec_", "[A-Za-z0-9+/=]{24,80}")
    ),
    *_prefixed("Anthropic key", ("sk-ant-", _U + "{24,200}")),
    *_prefixed("OpenRouter key", ("sk-or-", _U + "{32,120}")),
    *_prefixed("Langfuse key", ("sk-lf-", "[0-9a-f-]{36}")),
    *_prefixed("OpenAI key", *((f"sk-{c}-", _U + "{20,250}") for c in ("proj", "svcacct", "admin", "None")), ("sk-", _A + "{20,100}(?![A-Za-z0-9_-])")),
    *_prefixed("Hugging Face token", ("hf_", "[A-Za-z]{34}(?![A-Za-z0-9])|hf_" + _A + "{34,40}"), ("api_org_", "[A-Za-z]{34}")),
    *_prefixed(
        "key of a model provider", ("gsk_", _A + "{40,60}"), ("r8_", _A + "{37,40}"), ("xai-", _A + "{60,90}"), ("pplx-", _A + "{40,60}"), ("nvapi-", _U + "{60,70}"), ("tvly-", _U + "{28,60}"),
        ("lsv2_pt_", "[0-9a-f_]{32,60}"), ("lsv2_sk_", "[0-9a-f_]{32,60}"), ("pcsk_", "[A-Za-z0-9_]{40,90}"), ("fw_", _A + "{22,30}(?![A-Za-z0-9_])"), ("jina_", _A + "{50,70}"), ("fc-", "[0-9a-f]{32}(?![0-9a-f])"),
    ),
    *_prefixed("Databricks token", ("dapi", "[0-9a-f]{32}(?:-[0-9])?")),
    *_prefixed("SendGrid key", ("SG.", _U + "{20,24}\\." + _U + "{39,50}")),
    *_prefixed("Mailgun key", ("key-", _H + "{32}(?![0-9a-f])")),
    _Format("Mailchimp key", "-us", re.compile(r"-us[0-9]{1,2}(?![0-9A-Za-z])"), 32, "0123456789abcdef"),
    *_prefixed("Brevo key", ("xkeysib-", _H + "{64}-" + _A + "{16}")),
    *_prefixed("Twilio key", ("SK", _H + "{32}(?![0-9A-Za-z])")),
    *_prefixed("npm token", ("npm_", _A + "{36}(?![A-Za-z0-9])")),
    *_prefixed("PyPI token", ("pypi-", "AgE" + _U + "{50,250}")),
    *_prefixed("RubyGems token", ("rubygems_", _H + "{48}")),
    *_prefixed("Docker Hub token", ("dckr_pat_", _U + "{24,40}"), ("dckr_oat_", _U + "{24,40}")),
    *_prefixed("Vault token", ("hvs.", _U + "{24,300}"), ("hvb.", _U + "{24,300}"), ("hvr.", _U + "{24,300}")),
    _Format("Terraform Cloud token", ".atlasv1.", re.compile(r"\.atlasv1\.[A-Za-z0-9_=-]{60,80}"), 14),
    *_prefixed("DigitalOcean token", *((f"do{c}_v1_", _H + "{64}") for c in "opr")),
    *_prefixed(
        "token of a hosting provider", ("HRKU-", _U + "{36,70}"), ("fo1_", _U + "{40,60}"), ("nfp_", _A + "{36,40}"), ("rnd_", _A + "{28,40}"), ("sbp_", _H + "{40}"), ("sb_secret_", _U + "{28,50}"),
        ("pscale_tkn_", _U + "{32,64}"), ("pscale_pw_", _U + "{32,64}"), ("pscale_oauth_", _U + "{32,64}"), ("napi_", _A + "{50,70}"), ("vcp_", _A + "{24,60}"), ("EAAAl", _U + "{56,64}"), ("FlyV1 fm", "[12]_[A-Za-z0-9+/=,_]{60,800}"),
    ),
    *_prefixed("Doppler token", *((f"dp.{c}.", "(?:[a-z0-9_-]{2,35}\\.)?" + _A + "{40,44}") for c in ("pt", "st", "ct", "sa", "scim", "audit"))),
    *_prefixed("Pulumi token", ("pul-", _H + "{40}")),
    *_prefixed("Tailscale key", ("tskey-", "(?:auth|api|client|scim|webhook)-[A-Za-z0-9-]{16,80}")),
    *_prefixed("1Password token", ("ops_eyJ", "[A-Za-z0-9+/]{100,2000}={0,3}")),
    *_prefixed("Grafana token", ("glsa_", _A + "{32}_" + _H + "{8}"), ("glc_", "[A-Za-z0-9+/]{32,400}={0,2}"), ("eyJrIjoi", "[A-Za-z0-9+/]{40,400}={0,2}")),
    *_prefixed("Sentry token", ("sntrys_", "eyJ[A-Za-z0-9+/=_]{60,400}"), ("sntryu_", _H + "{64}")),
    *_prefixed("New Relic key", ("NRAK-", "[A-Z0-9]{27}"), ("NRJS-", _H + "{19}"), ("NRII-", _U + "{32}")),
    *_prefixed("Dynatrace token", ("dt0c01.", "[A-Z2-7]{24}\\.[A-Z2-7]{64}"), ("dt0s16.", "[A-Z0-9]{8,24}\\.[A-Z2-7]{64}")),
    *_prefixed("Honeycomb key", ("hcaik_", _A + "{56,70}")),
    *_prefixed("Shopify token", *((f"shp{c}_", "[0-9a-fA-F]{32}") for c in ("at", "ss", "ca", "pa"))),
    *_prefixed("Square token", ("sq0atp-", _U + "{22}"), ("sq0csp-", _U + "{43}")),
    *_prefixed("Atlassian token", ("ATATT3", _U + "{100,250}=?[0-9A-F]{0,8}"), ("ATBB", _A + "{32}(?![A-Za-z0-9])")),
    *_prefixed(
        "token of a tool", ("lin_api_", _A + "{40}"), ("ntn_", _A + "{40,50}"), ("figd_", _U + "{40}"), ("PMAK-", _H + "{24}-" + _H + "{34}"), ("sgp_", "(?:[0-9a-f]{16}_|local_)?[0-9a-f]{40}"),
        ("squ_", _H + "{40}"), ("sqp_", _H + "{40}"), ("sqa_", _H + "{40}"), ("AKCp", "[1-9A-Za-z][A-Za-z0-9]{60,80}"), ("pnu_", _A + "{36}"), ("prefect_", "[0-9a-f]{32}"), ("phx_", _A + "{40,50}"),
        ("CCIPAT_", _A + "{18,26}_[0-9a-f]{40}"), ("bkua_", _H + "{40}"), ("cio", _A + "{32}(?![A-Za-z0-9_])"), ("ddp_", _A + "{36}"), ("rpa_", "[A-Z0-9]{40,50}"), ("sk.eyJ", "[A-Za-z0-9_-]{50,120}\\." + _U + "{20,24}"),
    ),
    *_prefixed("Airtable token", ("pat", _A + "{14}\\." + _H + "{64}")),
    *_prefixed("Azure storage key", ("AccountKey=", "([A-Za-z0-9+/]{86}==)"), ("SharedAccessKey=", "([A-Za-z0-9+/]{43}=)")),
    *_prefixed("Azure shared access signature", ("sig=", "([A-Za-z0-9%]{43,63}(?:%3[dD]|=))")),
    _Format("Azure client secret", "8Q~", re.compile("8Q~[A-Za-z0-9_.~-]{31,34}(?![A-Za-z0-9_.~-])"), 3),
    *_prefixed("signature of a cloud URL", ("X-Amz-Signature=", "([0-9a-f]{64})"), ("X-Goog-Signature=", "([0-9a-f]{100,600})")),
    *_prefixed("age key", ("AGE-SECRET-KEY-1", "[A-Z0-9]{58}")),
    *_prefixed("Alibaba access key id", ("LTAI", _A + "{17,21}(?![A-Za-z0-9])")),
    *_prefixed("Tencent secret id", ("AKID", _A + "{32}(?![A-Za-z0-9])")),
    *_prefixed("Facebook token", ("EAAC", _A + "{80,300}"), ("EAAG", _A + "{80,300}")),
    *_prefixed("Yandex token", ("AQVN", _U + "{35,38}(?![A-Za-z0-9_-])"), ("y0_", _U + "{55,70}")),
    *_prefixed("JSON web token", ("eyJ", _U + "{10,2000}\\.eyJ" + _U + "{5,8000}\\." + _U + "{16,1400}")),
]  # fmt: skip
_PEM = re.compile(
    r"-----BEGIN ((?:[A-Z0-9]{1,12} ){0,3})PRIVATE KEY(?: BLOCK)?-----([^-]*+(?:-(?!----)[^-]*+)*+)(?:-----END [A-Z0-9 ]{0,40}-----)?"
)
_BODY = re.compile(r"[A-Za-z0-9+/=]{24,}")
_EXAMPLE = re.compile(
    r"EXAMPLE|example|xxxx|XXXX|\*\*\*|0{12}|1234567890abcdef|abcdefghijklmnop|(?i:your[_-]|placeholder|redacted|dummy|fake)"
)


def formats(text: str) -> Iterator[tuple[int, int, str, str]]:
    """Start, end, value and kind of everything in a text that has a known format."""
    for kind, literal, shape, back, of in _FORMATS:
        at = text.find(literal)
        while at >= 0:
            found = shape.match(text, at)
            if not found:
                at = text.find(literal, at + 1)
                continue
            start, end = found.span(1 if shape.groups else 0)
            if back:
                reached = _reach(text, at, back, of)
                start = at if reached is None else reached
                if reached is None or (kind != "Azure client secret" and at - start < min(back, 8)):
                    at = text.find(literal, found.end())
                    continue
            value = text[start:end]
            whole = shape.groups or of.isdigit() or _begins(text, start, literal)
            if not whole or not _real(kind, value):
                at = text.find(literal, max(end, at + len(literal)))
                continue
            yield start, end, value, kind
            at = text.find(literal, end)
    at = text.find("PRIVATE KEY")
    while at >= 0:
        begin = text.rfind("-----BEGIN", max(0, at - 60), at)
        found = _PEM.match(text, begin) if begin >= 0 else None
        if found and _BODY.search(found[2]):
            encrypted = "ENCRYPTED" in found[1] or "Proc-Type: 4,ENCRYPTED" in found[2]
            yield found.start(), found.end(), found[2].strip(), "private key, encrypted" if encrypted else "private key"
        at = text.find("PRIVATE KEY", found.end() if found else at + 11)
    at = text.find("PuTTY-User-Key-File-")
    while at >= 0:
        body = text.find("Private-Lines:", at, at + 8000)
        if body >= 0:
            yield body, min(len(text), body + 4000), text[body : body + 4000], "private key"
        at = text.find("PuTTY-User-Key-File-", at + 20)


def _begins(text: str, start: int, literal: str) -> bool:
    """Whether a value may begin here, and is no end of a longer word."""
    before = text[max(0, start - 3) : start]
    if not before[-1:].isalnum():
        return before[-1:] != "_" or not literal.isalnum()
    # The end of an escape is no letter of a word: `\n`, `%3D`, `\u003d`.
    return bool(re.search(r"\\[nrt]$|%[0-9A-Fa-f]{2}$", before)) or text[max(0, start - 6) : start - 4] == "\\u"


def _reach(text: str, at: int, back: int, of: str) -> int | None:
    before = text[max(0, at - back - 1) : at]
    kept = before[len(before.rstrip(of)) :]
    return None if len(kept) > back else at - len(kept)


def _real(kind: str, value: str) -> bool:
    """Not the example of a handbook, and not a word that happens to begin so."""
    if _EXAMPLE.search(value):
        return False
    body = value[4:] if len(value) > 12 else value
    if kind == "AWS access key id":
        return entropy(body) >= 2.8 and any(c.isdigit() for c in body)
    if kind == "Telegram bot token":
        return value.split(":")[0].isdigit()
    if kind == "Mailchimp key":
        return bool(re.match(r"[0-9a-f]{32}-us", value))
    if kind == "JSON web token":
        return True
    return entropy(body) >= 3.0 and (any(c.isdigit() for c in body) or entropy(body) >= 3.8)
