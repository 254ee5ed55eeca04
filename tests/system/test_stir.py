"""Calls whose caller another organisation signs, and ours (RFC 8224, 8588)."""
import stirpeer

URL = "https://cert.carrier.example/2027.pem"
US = "https://hq.example/stir.pem"


def with_stir(make_site, tmp_path, own, extra="", **kw):
    """A site that trusts tmp_path/their root and signs with own."""
    site = make_site(up=False, **kw)
    theirs = stirpeer.Organisation(tmp_path / "theirs", number="12155551212")
    folder = site.dir / "stir"
    folder.mkdir()
    for name, path in (("roots.pem", theirs.root), ("key.pem", own.key), ("cert.pem", own.chain)):
        (folder / name).write_bytes(path.read_bytes())
    (folder / "key.pem").chmod(0o600)
    site.write(f'stir: {{ trust: stir/roots.pem, key: stir/key.pem, certificate: stir/cert.pem, url: "{US}" }}\n' + extra)
    return site, theirs


def test_certificates_of_others(make_site, tmp_path):
    own = stirpeer.Organisation(tmp_path / "own", spc="700A")
    strangers = stirpeer.Organisation(tmp_path / "strangers", number="12155551212")
    site, theirs = with_stir(make_site, tmp_path, own, phones={"lobby": "1001"})
    site.up()
    assert "are judged by" in site.run("stir", "add", URL, theirs.chain)
    wrong = site.call("stir", "add", URL, strangers.chain)
    assert wrong.returncode == 1 and "not believed" in wrong.stderr
    assert site.call("stir", "add", "http://plain.example/x.pem", theirs.chain).returncode == 2
    assert site.call("stir", "add", URL, tmp_path / "nothing").returncode == 2
    assert site.json("stir", "list")["certificates"] == [{"url": URL, "believed": True, "why": ""}]
    assert "believed" in site.run("stir", "list")
    assert site.run("reload")
    site.run("stir", "remove", URL)
    assert site.call("stir", "remove", URL).returncode == 2
    assert site.json("stir", "list")["certificates"] == []
    assert [e["url"] for e in site.ledger("stir.added", "stir.removed")] == [URL, URL]


def test_a_key_of_somebody_else_is_refused(make_site, tmp_path):
    own = stirpeer.Organisation(tmp_path / "own", spc="700A")
    other = stirpeer.Organisation(tmp_path / "other", spc="700A")
    site, _ = with_stir(make_site, tmp_path, own, phones={"lobby": "1001"})
    (site.dir / "stir" / "cert.pem").write_bytes(other.chain.read_bytes())
    refused = site.call("up")
    assert refused.returncode and "does not belong to stir.key" in refused.stderr
    (site.dir / "stir" / "cert.pem").write_bytes(own.chain.read_bytes())
    site.up()
    (site.dir / "stir" / "roots.pem").write_text("nothing\n")
    refused = site.call("reload")
    assert refused.returncode and "stir/roots.pem" in refused.stderr
    (site.dir / "stir" / "key.pem").chmod(0o644)
    site.down()
    refused = site.call("up")
    assert refused.returncode and "chmod 600" in refused.stderr
