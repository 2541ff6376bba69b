"""Whether a service's metrics can be scraped, and whether what is scraped is true."""

import pytest

TEXT = "Prometheus exposition formats: text-based format"
OPENMETRICS = "OpenMetrics 1.0.0"
NEGOTIATION = "Prometheus: scrape protocol content negotiation"


@pytest.mark.requirement("MET-001", refs=["Prometheus configuration: scrape_timeout", "RFC 9110 section 15.3.1"])
def test_scrapes_are_answered(metrics):
    """Every scrape of the declared metrics MUST be answered whole, with status 200, within its timeout.

    Why: a scrape that fails is a gap in every graph, and an alert that never fires.

    See: curl -si --max-time 10 URL | head

    Fix: look at the service's log for this path; when the path, the port or its credentials have changed on purpose, change
    the profile and the scrape configuration.
    """
    assert metrics.failed_scrapes == []


@pytest.mark.requirement("MET-002", refs=[NEGOTIATION, "Prometheus 3 migration guide: scrape protocols"])
def test_scrapes_say_their_format(metrics):
    """A scrape MUST be answered by an exposition whose content type states its format.

    Why: a catch-all page answers 200 as well; and Prometheus 3 refuses a content type that is missing, unknown or
    misspelled, where earlier ones guessed.

    See: curl -si -H 'Accept: text/plain;version=0.0.4' URL | head -20

    Fix: send `text/plain; version=0.0.4; charset=utf-8`, or `application/openmetrics-text; version=1.0.0; charset=utf-8`
    for what ends in `# EOF`; let the client library write the header.
    """
    assert metrics.mislabelled_scrapes == []


@pytest.mark.requirement("MET-003", refs=[TEXT, OPENMETRICS, "promtool check metrics"])
def test_expositions_parse(metrics):
    """An exposition MUST parse in every format that the service offers.

    Why: Prometheus throws the whole scrape away for one line that it can't read.

    See: curl -s -H 'Accept: text/plain;version=0.0.4' URL | promtool check metrics

    Fix: write metrics with a client library and not by hand; escape backslash, quote and line feed in label values, and end
    OpenMetrics in `# EOF`.
    """
    assert metrics.unreadable_lines == []


@pytest.mark.requirement("MET-004", refs=[TEXT, "Prometheus data model: metric names and labels"])
def test_series_are_there_once(metrics):
    """An exposition MUST NOT hold the same series twice.

    Why: Prometheus keeps one of the two and drops the other, so that a part of what was counted is lost.

    See: curl -s URL | grep -v '^#' | sed 's/ [^ ]*$//' | sort | uniq -d

    Fix: register each collector once; where two objects are told, tell them apart by a label.
    """
    assert metrics.repeated_series == []


@pytest.mark.requirement("MET-005", refs=[f"{TEXT}, histograms and summaries", f"{OPENMETRICS}, histogram"])
def test_histograms_add_up(metrics):
    """Histograms and summaries MUST add up: buckets that only grow, up to le="+Inf", which is the count, and a sum.

    Why: a quantile is computed from the buckets; where they do not add up it is wrong, and looks right.

    See: curl -s URL | grep -E '_(bucket|sum|count)|quantile='

    Fix: count an observation in every bucket whose bound it does not exceed; let the client library do it.
    """
    assert metrics.wrong_sums == []


@pytest.mark.requirement("MET-006", refs=["Prometheus metric types: counter", f"{OPENMETRICS}, counter"])
def test_counters_only_go_up(metrics):
    """A counter MUST NOT be less than zero, nor less than it was before in the same process.

    Why: a fall is taken for a restart, so that a rate counts everything again that had been counted.

    See: curl -s URL; sleep 1; curl -s URL

    Fix: make it a gauge when it may fall; never set a counter from outside.
    """
    assert metrics.falling_counters == []


@pytest.mark.requirement("MET-015", refs=["RFC 9110 section 15.5.5"])
def test_metrics_are_found_in_one_place(metrics):
    """The metrics SHOULD NOT be the answer to a path that does not exist.

    Why: a misspelled path in a scrape configuration goes on working until the day it is served by something else. It is
    advice, since some client libraries answer so on a port of their own.

    See: curl -si URL-that-does-not-exist | head

    Fix: answer unknown paths with 404; mount the metrics under their path alone.
    """
    assert metrics.same_elsewhere == []


@pytest.mark.requirement("MET-016", refs=["CWE-400", "Prometheus configuration: body_size_limit"])
def test_expositions_end(metrics):
    """An exposition SHOULD end within 16 MiB.

    Why: every line of it is a series that is kept, by every Prometheus that scrapes it, four times a minute. Seatrial reads no
    further, and gives no verdict on what it holds.

    See: curl -s --max-time 10 URL | wc -c

    Fix: drop labels whose values have no end; serve what is about many objects in several expositions.
    """
    assert metrics.endless == []


@pytest.mark.requirement("MET-022", refs=[f"{OPENMETRICS}, as prometheus_client for Python reads it"])
def test_openmetrics_keeps_its_standard(metrics):
    """An exposition that is sent as OpenMetrics SHOULD keep all of its standard.

    Why: Prometheus reads more than the standard allows, other readers do not. It is advice, as the memory statistics of Go's
    own client library break it.

    See: curl -s -H 'Accept: application/openmetrics-text;version=1.0.0' URL

    Fix: rename metrics whose names differ by `_total` alone; keep the lines of one metric together, after its TYPE.
    """
    assert metrics.beside_the_standard == []


@pytest.mark.requirement("MET-023", refs=["Prometheus: jobs and instances"])
def test_one_process_answers(metrics):
    """Scrapes of one address SHOULD be answered by one process.

    Why: behind a load balancer, or in front of several workers, each scrape is of another process: counters jump up and down,
    and their rate is noise.

    See: for i in 1 2 3 4 5; do curl -s URL | grep ^process_start_time_seconds; done

    Fix: scrape each replica by its own address; let workers share one registry (for Python: `PROMETHEUS_MULTIPROC_DIR`).
    """
    assert metrics.alternating_processes == []
