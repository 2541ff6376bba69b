"""Secrets that the profile names: they are where they belong, and nowhere else."""

import pytest


@pytest.mark.requirement("SEC-018", refs=["CWE-200", "CWE-522"])
def test_known_secrets_are_where_they_belong(known_secret):
    """The value of a declared secret MUST NOT be in any place that was looked at but those that are declared to hold it, as it
    is, in base64 or URL-encoded.

    Why: each further copy is one that nobody rotates and nobody guards. Looked at is what the other tests of secrets look
    at: environments, arguments, labels, images, logs, pages, files, the repository.

    See: grep -rF -f FILE-WITH-THE-SECRET PATH

    Fix: take it out of the place that is named, and rotate it. Where it belongs there, name the service in its `held_by`,
    or the file in its `files`.
    """
    assert known_secret.elsewhere == []


@pytest.mark.requirement("SEC-019", refs=["CWE-521", "CWE-1392"])
def test_known_secrets_are_strong(known_secret):
    """A declared secret MUST NOT be a default or weak one.

    Why: what is in a product's manual or in every list of passwords is the first thing that is tried.

    See: the file or the variable that `value` of the secret names in the profile

    Fix: make a new one (`openssl rand -base64 32`), change it in the server and in all that use it, and restart them.
    """
    assert known_secret.weaknesses == []
