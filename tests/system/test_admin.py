"""What an administrator does is on record, and takes effect on a running controller at once."""
from lab import wait_until


def test_acts_are_on_record(make_site):
    site = make_site(phones={"lobby": "1001", "desk": "1002"})
    site.run("user", "add", "alice", "--number", "1001", "--password-stdin", stdin="correct horse battery\n")
    site.run("user", "passwd", "alice", "--password-stdin", stdin="another horse battery\n")
    site.run("user", "lock", "alice")
    site.run("user", "unlock", "alice")
    site.run("user", "remove", "alice")
    site.run("phone", "issue", "lobby")
    site.run("phone", "lock", "lobby")
    site.run("phone", "unlock", "lobby")
    site.run("phone", "remove", "desk")
    site.run("host", "issue", "ctl-a")
    kinds = [e["kind"] for e in site.ledger() if "by" in e and "uid" in e]
    assert kinds == ["init", "phone.added", "phone.added", "user.added", "user.changed", "user.locked", "user.unlocked",
                     "user.removed", "certificate.issued", "phone.locked", "phone.unlocked", "phone.removed",
                     "certificate.issued"]
    assert "battery" not in (site.dir / "ledger" / sorted(f.name for f in (site.dir / "ledger").glob("*.jsonl"))[0]).read_text()
    assert site.call("ledger", "verify").returncode == 0


def test_a_lock_holds_at_once(make_site):
    site = make_site(phones={"lobby": "1001"})
    client = site.client("lobby").open()
    aor = f"sip:1001@{site.domain}"
    assert client.register(aor).code == 200
    site.run("phone", "lock", "lobby")
    wait_until("the lock holds", lambda: client.register(aor).code == 403, 5)
    site.run("phone", "unlock", "lobby")
    wait_until("and is lifted", lambda: client.register(aor).code == 200, 5)


def test_check_looks_for_the_files_that_the_site_names(make_site):
    site = make_site(up=False, extra="""\
trunks: [{ name: carrier, peer: sip.carrier.example, ca: carrier.pem, stir: sign }]
emergency: { via: [carrier], hook: alarm.sh }
stir: { key: key.pem, certificate: carrier.pem, url: "https://hq.example/stir.pem" }
""")
    (site.dir / "alarm.sh").write_text("#!/bin/sh\n")
    (site.dir / "key.pem").write_text("")
    done = site.call("check")
    assert done.returncode == 1
    for said in (":12:10: error: ca: ", ":13:12: error: emergency.hook: ", ":14:7: error: stir.certificate: ",
                 "key.pem: error: others than its owner may read this private key"):
        assert said in done.stdout, done.stdout
    (site.dir / "carrier.pem").write_text("")
    (site.dir / "alarm.sh").chmod(0o755)
    (site.dir / "key.pem").chmod(0o600)
    assert site.call("check").returncode == 0
