"""Is this the target the profile means? Above observe nothing starts before that is known."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from seatrial.outcomes import Tier

__all__ = ["loopback", "refusal", "refusal_unseen"]


def loopback(address: str) -> bool:
    """True for an engine on this machine: a unix socket, a loopback address, or no address at all."""
    if not address or address.startswith(("unix:", "npipe:", "/")):
        return True
    host = urlsplit(address if "//" in address else f"//{address}").hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def refusal_unseen(*, environment: str, tier: Tier, pinned: str | None, confirmed: str | None) -> str:
    """Why a run may not start, from profile and command line alone; empty when it may."""
    if tier is Tier.observe:
        return ""
    if environment == "production" and not confirmed:
        return (
            f"the profile says `environment: production`, so tier {tier} is refused; to grant it anyway, repeat the "
            f"target's identity: --confirm-target={pinned or 'IDENTITY'}"
        )
    if confirmed and pinned and confirmed != pinned:
        return f"--confirm-target={confirmed} is not the identity the profile pins ({pinned})"
    return ""


def refusal(*, tier: Tier, pinned: str | None, identity: str, address: str, confirmed: str | None) -> str:
    """Why a run above observe may not go on, now that the target has told who it is; empty when it may."""
    if tier is Tier.observe:
        return ""
    if pinned and pinned != identity:
        return f"the target at {address or 'this machine'} is {identity}; the profile pins {pinned}"
    if confirmed and confirmed != identity:
        return f"the target at {address or 'this machine'} is {identity}; --confirm-target says {confirmed}"
    if not pinned and not confirmed and not loopback(address):
        return (
            f"the target at {address} is not on this machine and the profile pins no identity; for tier {tier} write "
            f"`target: {{identity: {identity}}}`, or say --confirm-target={identity}"
        )
    return ""
