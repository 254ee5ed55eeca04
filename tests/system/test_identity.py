"""Attempts to be somebody else: with a stolen password, with another phone's certificate, and with none."""
import ssl

import pytest


def aor(site, number):
    return f"sip:{number}@{site.domain}"


def test_the_phone_itself_may_register(site):
    answer = site.client("lobby").open().register(aor(site, "1001"))
    assert answer.code == 200


def test_another_phones_certificate(site):
    client = site.client("desk").open()
    answer = client.register(aor(site, "1001"))
    assert answer.code == 403
    assert "1001" not in site.registered()
    assert site.wait_event("identity.refused") or site.wait_event("registration.refused")


def test_no_certificate(site):
    client = site.client()
    with pytest.raises((ssl.SSLError, ConnectionError)):
        client.open()
        # TLS 1.3: the client learns of the refusal only when it reads.
        if client.register(aor(site, "1001")) is None:
            raise ConnectionError("closed")
    assert site.registered() == set()


def test_a_certificate_of_another_ca(site, make_site):
    other = make_site(phones={"lobby": "1001"}, up=False)
    cert, key, _ = other.credentials("lobby")
    client = site.client(cert=cert, key=key)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        client.open()
        if client.register(aor(site, "1001")) is None:
            raise ConnectionError("closed")
    assert site.registered() == set()


def test_a_stolen_password_without_the_certificate(make_site):
    site = make_site(phones={"lobby": "1001", "desk": "1002"})
    site.run("user", "add", "alice", "--number", "1001", "--password-stdin", stdin="correct horse battery\n")
    client = site.client("desk").open()
    answer = client.register(aor(site, "1001"), "alice", "correct horse battery")
    assert answer.code == 403
    assert "1001" not in site.registered()


def test_calling_as_somebody_else(site):
    client = site.client("desk").open()
    assert client.register(aor(site, "1002")).code == 200
    answer = client.ask(client.request("INVITE", aor(site, "1002"), sender=aor(site, "1001"), to=aor(site, "1002")))
    assert answer.code == 403
    assert site.calls() == []


def test_a_removed_phone(site):
    client = site.client("lobby").open()
    assert client.register(aor(site, "1001")).code == 200
    site.run("phone", "remove", "lobby")
    from lab import wait_until
    wait_until("the controller has taken it up",
               lambda: (lambda a: a is None or a.code == 403)(client.register(aor(site, "1001"))), 5)


def test_a_phone_that_nobody_added(site):
    client = site.client("lobby").open()
    answer = client.register(aor(site, "1999"))
    assert answer.code in (403, 404)
    assert "1999" not in site.registered()
