"""An HTTP/1.1 client for load: one thread, one epoll, no waiting, made to run beside gevent's hub and not through it.

```python
client = Client("http://127.0.0.1:8080", connections=16, timeout=10.0)
request = encode("GET", "/notes", {}, None, "http://127.0.0.1:8080")
client.send(request, intended, token)     # never waits
for done in client.poll(0.002):           # waits at most that long
    done.token, done.status, done.body, done.failure, done.ended - done.intended
```

Every answer is read to its end and checked: its status line, its framing, its length. One that is the same to the byte as
an answer that was checked before is known by that, which is what makes it fast.

``client`` connections, requests, time-outs · ``links`` one connection · ``answers`` reading · ``asking`` writing · ``tls`` ·
``failures`` why a request failed, in the same words each time · ``unread`` the client's own share in a latency ·
``originals`` sockets and epoll as they are without gevent.
"""

from __future__ import annotations

from seatrial.load.wire.asking import Origin, encode
from seatrial.load.wire.client import Client
from seatrial.load.wire.links import Done

__all__ = ["Client", "Done", "Origin", "encode"]
