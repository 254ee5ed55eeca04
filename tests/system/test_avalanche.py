"""After a power cut all phones come back at once: all get in, none is sent away, and calls are made meanwhile."""
import concurrent.futures
import threading

from dialogs import establish, expect
from lab import wait_until

CROWD, NUMBERS = 120, 6


def aor(site, number):
    return f"sip:{number}@{site.domain}"


def test_all_come_back_while_calls_go_on(make_site):
    phones = {"lobby": "1001", "desk": "1002", **{f"p{i}": str(2000 + i) for i in range(NUMBERS)}}
    site = make_site(extra="limits: { handshakes_per_second: 2000 }\nsip: { register: { bindings: 40 } }\n", phones=phones)
    lobby, desk = site.client("lobby").open(), site.client("desk").open()
    for client, number in ((lobby, "1001"), (desk, "1002")):
        assert client.register(aor(site, number)).code == 200
    a, b, _ = establish(lobby, aor(site, "1001"), desk, aor(site, "1002"))   # one that is up from before
    at_once = threading.Barrier(CROWD + 1)

    def come_back(i):
        client = site.client(f"p{i % NUMBERS}", source=site.phone_address(i % 8))
        at_once.wait()
        client.open(timeout=30)
        host, port = client.local
        return client.register(aor(site, 2000 + i % NUMBERS), contact=f"sip:{i}@{host}:{port};transport=tls").code

    with concurrent.futures.ThreadPoolExecutor(CROWD) as pool:
        crowd = [pool.submit(come_back, i) for i in range(CROWD)]
        at_once.wait()
        lobby.send(a.request("BYE"))
        desk.reply(expect(desk, "BYE"), 200)
        expect(lobby, 200)
        made = 0
        while made < 3 or not all(f.done() for f in crowd):
            a, b, _ = establish(lobby, aor(site, "1001"), desk, aor(site, "1002"))
            desk.send(b.request("BYE"))
            lobby.reply(expect(lobby, "BYE"), 200)
            expect(desk, 200)
            made += 1
        assert [f.result() for f in crowd] == [200] * CROWD
    assert len(site.bindings()) == CROWD + 2
    wait_until("no call is left", lambda: not site.calls(), 5)
