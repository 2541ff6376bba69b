"""Whether a target can be reached at all, before a load is begun: one connection, on which nothing is asked."""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping

from seatrial.load.wire import Origin
from seatrial.load.wire.failures import Broken, of_socket, of_tls
from seatrial.load.wire.tls import context

__all__ = ["unreachable"]

TRIES = 3
BETWEEN = 0.5


def unreachable(address: str, tls: Mapping[str, str], timeout: float) -> str:
    """Why nothing can be asked there, in a few words; empty when something can.

    Args:
        address: ``https://host:port``.
        tls: as of a plan.
        timeout: seconds to connect.
    """
    try:
        origin = Origin.read(address)
        made = context(tls) if origin.tls else None
    except ValueError as why:
        return str(why)
    kind = ""
    for attempt in range(TRIES):
        if attempt:
            time.sleep(BETWEEN)
        connected = False
        try:
            with socket.create_connection((origin.host, origin.port), timeout=timeout) as plain:
                connected = True
                if made is not None:
                    with made.wrap_socket(plain, server_hostname=tls.get("server_name") or origin.host):
                        return ""
                return ""
        except TimeoutError:
            return f"{origin.named}: {'no TLS within' if connected else 'no connection within'} {timeout:g} s"
        except socket.gaierror:
            return f"{origin.host}: unknown host"
        except Broken as broken:
            kind = broken.kind
        except OSError as error:
            import ssl

            kind = of_tls(error) if isinstance(error, ssl.SSLError) else of_socket(error.errno or 0)
        except ValueError:
            return f"{origin.host} is no name that a certificate can have"
    return f"{origin.named}: {kind}"
