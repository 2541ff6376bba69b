"""S3, as MinIO, Ceph and SeaweedFS serve it: GET / lists the buckets of whoever may see them."""

from seatrial.handshakes._line import Line, Page, Told

PROTOCOL = "s3"
GIVES = "data"
PORTS = (9000,)
PROCESSES = ("minio", "weed", "radosgw")


def hints(page: Page) -> bool:
    """It answers in XML of its own, or says its name."""
    return (
        "<ListAllMyBucketsResult" in page.text or "<Error><Code>" in page.text or page.headers.get("server") == "MinIO"
    )


def hello(line: Line) -> Told | None:
    """GET /."""
    page = line.get("/")
    if page is None or not hints(page):
        return None
    if page.status == 200 and "<ListAllMyBucketsResult" in page.text:
        return Told(True, f"{page}: a list of buckets")
    code = page.text.partition("<Code>")[2].partition("</Code>")[0]
    return Told(False, f"{page}: {code}" if code.isalnum() and len(code) < 40 else str(page))
