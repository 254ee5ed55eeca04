"""The services of a bundle, by the daemons that read them: each accepts its file, and started on machines of their own they
serve whom the flows name and nobody else."""
import ipaddress
import json
import pathlib
import re
import shutil
import socket
import struct
import subprocess
import time

import pytest

from frames import ether, ip_frame, udp
from lab import ROOT, phones
from machines import Machine
from test_compile import ringfort

PHONE = "00:00:5e:00:54:11"        # ground-1 of the office
DOMAIN = "voice.example.org"


def made(folder, example):
    """A site as an administrator has it, with a CA and certificates, and its bundle."""
    site = folder / example
    shutil.copytree(ROOT / "examples" / example, site)
    ringfort("init", site)
    ringfort("-C", site, "compile", "-o", folder / f"{example}-rules")
    return site, folder / f"{example}-rules"


@pytest.fixture(scope="module")
def office(tmp_path_factory):
    return made(tmp_path_factory.mktemp("services"), "office")


@pytest.fixture
def machine(tmp_path):
    """machine(name): one of the office; all end with the test."""
    all_of_them = []

    def make(name):
        all_of_them.append(Machine(tmp_path, name))
        return all_of_them[-1]

    yield make
    for m in all_of_them:
        m.close()


def in_machine(m, code, *args):
    """Python inside a machine, as another program would."""
    return json.loads(m.run("/usr/bin/python3", "-c", "import sys, json, socket, ssl\n" + code, *map(str, args)))


# --- DHCP

def dhcp(mac, kind, transaction, *, server=None, wanted=None):
    hw = bytes.fromhex(mac.replace(":", ""))
    options = bytes([53, 1, kind])
    if wanted:
        options += bytes([50, 4]) + socket.inet_aton(wanted) + bytes([54, 4]) + socket.inet_aton(server)
    return struct.pack("!BBBBIHH16x6s10x192xI", 1, 1, 6, 0, transaction, 0, 0x8000, hw, 0x63825363) + options + b"\xff"


def answer_of(transaction, kind):
    def wanted(frame):
        if frame[12:14] != b"\x08\0" or frame[23] != 17 or frame[34:38] != b"\0\x43\0\x44":
            return False
        message = frame[42:]
        return struct.unpack("!I", message[4:8])[0] == transaction and message[242] == kind
    return wanted


def discover(router, mac, transaction, kind=1, **kw):
    router.send("vlan30", ether("ff:ff:ff:ff:ff:ff", mac, 0x0800,
                                udp("0.0.0.0", 68, "255.255.255.255", 67, dhcp(mac, kind, transaction, **kw))))


def leases(bundle, host="svc-a"):
    return re.findall(r'"hw-address": "(\S+)", "ip-address": "(\S+)", "hostname": "(\S+)"',
                      (bundle / "services" / host / "kea-dhcp4.conf").read_text())


def start_kea(m):
    m.check("kea-dhcp4", "-t", "/etc/kea/kea-dhcp4.conf")
    m.start("kea-dhcp4", "-c", "/etc/kea/kea-dhcp4.conf", env={"KEA_PIDFILE_DIR": "/run/kea", "KEA_LOCKFILE_DIR": "/run/lock/kea"})
    m.until("kea listens", lambda: m.listens(67))


def start_relay(m):
    file = "/etc/dnsmasq.d/ringfort.conf"
    m.check("dnsmasq", "--test", f"--conf-file={file}")
    m.start("dnsmasq", "--keep-in-foreground", f"--conf-file={file}", "--pid-file=/run/dnsmasq.pid")
    m.until("the relay listens", lambda: m.listens(67))


def test_a_phone_gets_its_address_past_a_router(office, machine):
    """kea on svc-a, dnsmasq's relay on rt-a, both behind their own rules."""
    site, bundle = office
    router, server = machine("rt-a"), machine("svc-a")
    router.install(bundle, site, kind="routers")
    server.install(bundle, site)
    server.wire("eth0", router, "vlan20")
    router.wire_to_us("vlan30")
    router.run("sysctl", "-q", "-p", str(bundle / "routers/rt-a/sysctl.conf"))
    router.ip("addr add 10.20.0.2/24 dev vlan20", "addr add 10.30.0.2/22 dev vlan30", "addr add 10.20.0.1/24 dev vlan20")
    server.ip("addr add 10.20.0.21/24 dev eth0", "route add default via 10.20.0.1")
    router.run("nft", "-f", str(bundle / "routers/rt-a/ringfort.nft"))
    server.run("nft", "-f", str(bundle / "hosts/svc-a/ringfort.nft"))
    start_kea(server)
    start_relay(router)
    address = {mac: ip for mac, ip, _ in leases(bundle)}[PHONE]

    discover(router, PHONE, 7)
    offer = router.wait("vlan30", answer_of(7, 2), 5)
    assert offer, server.daemons[0].log.read_text()[-2000:]
    assert socket.inet_ntoa(offer[42 + 16:42 + 20]) == address
    discover(router, PHONE, 8, kind=3, server="10.20.0.21", wanted=address)
    given = router.wait("vlan30", answer_of(8, 5), 5)
    assert socket.inet_ntoa(given[42 + 16:42 + 20]) == address
    assert socket.inet_aton("10.30.0.1") in given and b"voice.example.org" in given
    # Who is in no file gets nothing; the phone that asks after it, does.
    discover(router, "00:00:5e:00:54:99", 9)
    discover(router, PHONE, 10)
    assert router.wait("vlan30", lambda f: answer_of(9, 2)(f) or answer_of(10, 2)(f), 5)[46:50] == struct.pack("!I", 10)


def test_highest_hands_out_nothing(tmp_path):
    _, bundle = made(tmp_path, "highest")
    files = {str(f.relative_to(bundle)) for f in bundle.rglob("*")}
    assert not [f for f in files if "kea" in f or "dhcp" in f]
    assert "services/auth-a/freeradius/eap" in files


# --- DNS

UNSIGNED = """
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("10.60.0.13", 53))
while True:
    q, who = s.recvfrom(4096)
    end = 12 + q[12:].index(b"\\0") + 5
    s.sendto(q[:2] + b"\\x81\\x80" + b"\\0\\1\\0\\1\\0\\0\\0\\0" + q[12:end] + b"\\xc0\\x0c\\0\\1\\0\\1\\0\\0\\0\\x3c\\0\\4\\xcb\\0\\x71\\7", who)
"""


ROOT_KEY = ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D\n"


def test_unbound_answers_its_zones(office, machine):
    site, bundle = office
    m = machine("svc-a")
    m.install(bundle, site)
    m.ip(*(f"addr add {a} dev lo" for a in ("10.20.0.21/32", "2001:db8:0:20::21/128", "10.30.0.9/32", "10.50.0.9/32",
                                            "10.60.0.13/32")))
    m.write("/var/lib/unbound/root.key", ROOT_KEY)
    shutil.chown(m.path("/var/lib/unbound"), "unbound", "unbound")
    shutil.chown(m.path("/var/lib/unbound/root.key"), "unbound", "unbound")
    m.check("unbound-checkconf", "/etc/unbound/unbound.conf")
    m.start("unbound", "-d", "-p", "-c", "/etc/unbound/unbound.conf")
    m.start("/usr/bin/python3", "-c", "import socket\n" + UNSIGNED)
    m.until("unbound listens", lambda: "10.20.0.21:53 " in m.run("ss", "-lunH"))

    def ask(source, name, kind="A", *more):
        out = m.run("dig", "@10.20.0.21", "-b", source, "+time=3", "+tries=1", *more, kind, name, check=False)
        status = re.search(r"status: (\w+)", out)
        return status.group(1) if status else out, re.findall(r"^[^;\s]\S*\s+\d+\s+IN\s+\w+\s+(.*)$", out, re.M)

    assert ask("10.30.0.9", f"ctl-a.{DOMAIN}") == ("NOERROR", ["10.20.0.11"])
    assert sorted(ask("10.30.0.9", f"_sips._tcp.{DOMAIN}", "SRV")[1]) == [f"10 10 5061 ctl-a.{DOMAIN}.", f"20 10 5061 ctl-b.{DOMAIN}."]
    assert ask("10.30.0.9", f"nobody.{DOMAIN}")[0] == "NXDOMAIN"
    assert ask("10.50.0.9", f"ctl-a.{DOMAIN}") == ("REFUSED", [])
    status, records = ask("10.30.0.9", DOMAIN, "AXFR")
    assert "Transfer failed" in status and not records
    # Answers of the outside hold only with a signature that leads to the root.
    assert ask("10.30.0.9", "www.example.net")[0] == "SERVFAIL"


# --- time

def start_chrony(m, conf="/etc/chrony/chrony.conf"):
    m.path("/run/chrony").chmod(0o750)
    shutil.chown(m.path("/run/chrony"), "_chrony", "_chrony")
    return m.start("chronyd", "-d", "-x", "-f", conf)


def heard(m, name):
    """Has chronyd an answer from this server that it believes?"""
    for line in m.run("chronyc", "-c", "-N", "sources", check=False).splitlines():
        fields = line.split(",")
        if fields[2:3] == [name]:
            return fields[5] != "0"
    return False


def test_chrony_answers_with_keys_of_nts(office, machine):
    site, bundle = office
    server, client, other = machine("svc-a"), machine("ctl-a"), machine("ctl-b")
    for m in (server, client, other):
        m.install(bundle, site)
        m.write("/etc/hosts", f"127.0.0.1 localhost\n10.20.0.21 svc-a.{DOMAIN}\n10.20.0.22 svc-b.{DOMAIN}\n")
        assert "ERROR" not in m.check("chronyd", "-p", "-f", "/etc/chrony/chrony.conf")
    # The second client believes another CA.
    other.write("/etc/chrony/ringfort-ca.pem", (foreign(other) / "ca.pem").read_bytes())
    server.wire("eth0", client, "eth0")
    server.wire("eth1", other, "eth0")
    server.ip("addr add 10.20.0.21/32 dev eth0", "addr add 2001:db8:0:20::21/64 dev eth0 nodad", "route add 10.20.0.11/32 dev eth0",
              "route add 10.50.0.9/32 dev eth0", "route add 10.20.0.12/32 dev eth1")
    client.ip("addr add 10.20.0.11/24 dev eth0", "addr add 10.50.0.9/32 dev eth0")
    other.ip("addr add 10.20.0.12/24 dev eth0")
    start_chrony(server)
    server.until("chronyd listens", lambda: server.listens(123) and server.listens(4460, "-ltn"))
    assert f"server svc-a.{DOMAIN} iburst nts certset 1\n" in client.path("/etc/chrony/chrony.conf").read_text()
    start_chrony(client)
    refused = start_chrony(other)
    client.until("the server is heard", lambda: heard(client, f"svc-a.{DOMAIN}"))
    assert re.search(rf"^svc-a.{DOMAIN},NTS,", client.run("chronyc", "-c", "-N", "authdata"), re.M)
    other.until("the server is not believed", lambda: "TLS handshake with" in refused.log.read_text())
    assert not heard(other, f"svc-a.{DOMAIN}")
    # Who asks from a zone that it does not serve hears nothing; who asks from one, without keys, does.
    assert in_machine(client, NTP, "10.20.0.11")
    assert not in_machine(client, NTP, "10.50.0.9")


NTP = """
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind((sys.argv[1], 0))
s.settimeout(0.3)
s.sendto(b"\\x23" + bytes(39) + b"12345678", ("10.20.0.21", 123))
try:
    print(len(s.recv(100)))
except OSError:
    print(0)
"""


def foreign(m):
    """A CA of somebody else, with a certificate that says what ours say."""
    folder = m.path("/run/foreign")
    if not folder.exists():
        folder.mkdir()
        run = lambda *a: subprocess.run(["openssl", *a], check=True, capture_output=True, cwd=folder)
        run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384", "-nodes", "-keyout", "ca.key", "-out", "ca.pem",
            "-subj", "/CN=office", "-days", "30")
        run("req", "-x509", "-CA", "ca.pem", "-CAkey", "ca.key", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-keyout", "key.pem", "-out", "cert.pem", "-subj", "/CN=svc-a", "-days", "20", "-addext",
            f"subjectAltName=DNS:svc-a.{DOMAIN}", "-addext", "extendedKeyUsage=clientAuth,serverAuth", "-addext",
            "basicConstraints=critical,CA:FALSE")
    return folder


# --- the log

def test_rsyslog_takes_from_whom_the_flows_name(office, machine):
    site, bundle = office
    log, sender = machine("log-a"), machine("svc-a")
    for m, address in ((log, "10.50.0.12"), (sender, "10.50.0.99")):
        m.install(bundle, site)
    log.wire("eth0", sender, "eth0")
    log.ip("addr add 10.50.0.12/24 dev eth0")
    sender.ip("addr add 10.50.0.99/24 dev eth0")
    for m in (log, sender):
        m.check("rsyslogd", "-N1", "-f", "/etc/rsyslog.conf")
    for m in (log, sender):
        m.start("rsyslogd", "-n", "-f", "/etc/rsyslog.conf", "-i", "/run/rsyslogd.pid")
        m.until("rsyslogd is there", lambda: m is sender or m.listens(6514, "-ltn"))
    sender.until("rsyslogd has its socket", lambda: sender.path("/dev/log").exists())
    sender.run("logger", "--socket", "/dev/log", "-t", "test", "first word")
    kept = log.path("/var/log/ringfort/10.50.0.99")
    text = lambda: "".join(f.read_text() for f in kept.glob("*.log")) if kept.exists() else ""
    log.until("the log host has it", lambda: "first word" in text())
    # Plain text, nobody's certificate, one of somebody else, and one of a host that has no such flow.
    other = foreign(sender)
    mail = site / "pki/hosts/mail-a"
    for chain in (None, (), (other / "cert.pem", other / "key.pem"), (mail / "cert.pem", mail / "key.pem")):
        in_machine(sender, """
s = socket.create_connection(("10.50.0.12", 6514), 3)
message = b"<13>1 - evil test - - - forged word"
try:
    if sys.argv[1] != "plain":
        c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        c.check_hostname, c.verify_mode = False, ssl.CERT_NONE
        if len(sys.argv) > 2:
            c.load_cert_chain(*sys.argv[2:])
        s = c.wrap_socket(s)
    s.sendall(b"%d %s" % (len(message), message))
    s.settimeout(0.5)
    s.recv(1)
except OSError as e:
    pass
print("0")""", "plain" if chain is None else "tls", *(chain or ()))
    sender.run("logger", "--socket", "/dev/log", "-t", "test", "last word")
    log.until("the log host has the last", lambda: "last word" in text())
    assert "forged" not in text()


# --- a port that asks for a certificate

SUPPLICANT = """ap_scan=0
ctrl_interface=/run/wpa
network={{
 key_mgmt=IEEE8021X
 eap=TLS
 identity="{name}"
 ca_cert="/run/id/ca.pem"
 client_cert="/run/id/cert.pem"
 private_key="/run/id/key.pem"
 domain_match="auth-a.voice.example.org"
 eapol_flags=0
}}
"""
STATION = "00:00:5e:00:54:41"      # branch-1, on port swp1 of sw-branch


def show(m, name, files):
    """A station shows this certificate; its supplicant."""
    for file in files:
        m.write(f"/run/id/{file.name}", file.read_bytes())
    m.write("/run/wpa.conf", SUPPLICANT.format(name=name))
    return m.start("wpa_supplicant", "-D", "wired", "-i", "eth0", "-c", "/run/wpa.conf")


@pytest.mark.parametrize("who", ["phone", "foreign", "revoked"])
def test_a_port_opens_for_a_certificate(office, machine, tmp_path, who):
    site, bundle = office
    if who == "revoked":
        shutil.copytree(site, tmp_path / "site")
        site, old = tmp_path / "site", site
        ringfort("-C", site, "phone", "issue", "branch-1")
    auth, switch, phone = machine("auth-a"), machine("sw-branch"), machine("branch-1")
    auth.install(bundle, site)
    switch.install(bundle, site, kind="switches")
    for name in ("default", "inner-tunnel"):
        auth.path(f"/etc/freeradius/3.0/sites-enabled/{name}").unlink()
    auth.wire("eth0", switch, "eth0")
    phone.wire("eth0", switch, "swp1", mac=STATION, up=False)
    auth.ip("addr add 10.50.0.13/24 dev eth0", "route add 10.150.0.5/32 dev eth0")
    switch.run("ip", "link", "add", "br0", "type", "bridge")
    switch.run("sysctl", "-qw", "net.ipv6.conf.br0.disable_ipv6=1")
    switch.ip("link set br0 up", "link set swp1 master br0", "addr add 10.150.0.5/28 dev br0", "route add 10.50.0.13/32 dev eth0")
    auth.check("freeradius", "-C", "-X")
    auth.start("freeradius", "-f", "-l", "stdout", "-x")
    auth.until("freeradius listens", lambda: auth.listens(1812) and auth.listens(2083, "-ltn"))
    unit = (bundle / "switches/sw-branch/hostapd-unit.conf").read_text()
    for command in re.findall(r"^ExecStartPre=(.*)$", unit, re.M):
        switch.run(*command.replace("%i", "swp1").split())
    switch.start("hostapd", "/etc/hostapd/swp1.conf")
    switch.until("hostapd is there", lambda: switch.path("/run/hostapd/swp1").exists())
    # The kernel here has no bridge with VLANs: the entry goes into the one table there is.
    action = switch.path("/etc/ringfort/port-access")
    action.write_text(action.read_text().replace(' vlan "$vlan"', ""))
    command = re.search(r"^ExecStartPost=(.*)$", unit, re.M).group(1).replace("%i", "swp1").split()
    switch.start(*[part for part in command if part != "-B"])
    let_in = lambda: f"{STATION} dev swp1 master br0 static" in switch.run("bridge", "fdb", "show")
    own = (old if who == "revoked" else site) / "pki/phones/branch-1"
    other = foreign(phone)
    files = (other / "cert.pem", other / "key.pem") if who == "foreign" else (own / "cert.pem", own / "key.pem")
    assert not let_in()
    show(phone, "branch-1", [*files, site / "pki/ca.pem"])
    if who == "phone":
        switch.until("the port is open", let_in)
    else:
        out = lambda: phone.daemons[0].log.read_text(errors="replace")
        phone.until("the phone is refused", lambda: "EAP-FAILURE" in out() or "EAP: Received EAP-Failure" in out())
        assert not let_in()


# --- a pair of routers

def has_gateway(m):
    return "10.30.0.1/22" in m.run("ip", "addr", "show", "dev", "vlan30")


def test_a_gateway_moves(office, machine):
    site, bundle = office
    pair = [machine("rt-a"), machine("rt-b")]
    for n, m in enumerate(pair):
        m.install(bundle, site, kind="routers")
        m.run("nft", "-f", str(bundle / f"routers/{m.name}/ringfort.nft"))
    feet = re.findall(r"^\tinterface (\S+)", (bundle / "routers/rt-a/keepalived.conf").read_text(), re.M)
    for foot in dict.fromkeys(feet):
        pair[0].wire(foot, pair[1], foot)
    for n, m in enumerate(pair):
        for file in (bundle / f"routers/{m.name}/networkd").glob("30-vlan*.network"):
            text = file.read_text()
            name = re.search(r"^Name=(\S+)", text, re.M).group(1)
            m.ip(*(f"addr add {a} dev {name}{' nodad' if ':' in a else ''}" for a in re.findall(r"^Address=(\S+)", text, re.M)))
        m.check("keepalived", "-t", "-f", "/etc/keepalived/keepalived.conf")
    start = lambda m: m.start("keepalived", "-n", "-l", "-D", "-f", "/etc/keepalived/keepalived.conf", "-p", "/run/k.pid", "-r",
                              "/run/v.pid")
    # The first without its rules: the second leads, although the first comes before it.
    pair[0].run("nft", "delete", "table", "inet", "ringfort")
    daemons = [start(m) for m in pair]
    pair[1].until("the second leads", lambda: has_gateway(pair[1]), 10)
    assert not has_gateway(pair[0])
    pair[0].run("nft", "-f", str(bundle / "routers/rt-a/ringfort.nft"))
    pair[1].run("nft", "delete", "table", "inet", "ringfort")
    pair[0].until("the first leads", lambda: has_gateway(pair[0]) and not has_gateway(pair[1]), 10)
    pair[1].run("nft", "-f", str(bundle / "routers/rt-b/ringfort.nft"))
    # The leader's end.
    pair[1].until("the second stands by", lambda: "Entering BACKUP STATE" in daemons[1].log.read_text().rsplit("FAULT", 1)[-1], 10)
    pair[0].end(daemons[0])
    pair[1].until("the gateway has moved", lambda: has_gateway(pair[1]), 10)


# --- tunnels

CHARON = """charon-systemd {
  load = random nonce aes sha1 sha2 hmac kdf gcm pem pkcs1 pkcs8 x509 revocation constraints pubkey openssl kernel-libipsec kernel-netlink socket-default vici updown
  plugins {
    vici {
      socket = unix:///run/charon.vici
    }
    kernel-libipsec {
      allow_peer_ts = yes
    }
  }
  filelog {
    stderr {
      default = 1
    }
  }
}
"""


def test_offices_find_each_other(office, machine):
    """Both ends load their connections and prove who they are, each by its certificate."""
    site, bundle = office
    hub, branch = machine("rt-a"), machine("rt-branch")
    for m in (hub, branch):
        m.install(bundle, site, kind="routers")
        m.write("/etc/strongswan.conf", CHARON)
    hub.wire("eth0", branch, "eth0")
    for m, mine, other in ((hub, "192.0.2.2", "198.51.100.2"), (branch, "198.51.100.2", "192.0.2.2")):
        m.ip(f"addr add {mine}/24 dev eth0", "addr add 2001:db8:ffff::2/64 dev eth0 nodad", f"route add {other}/32 dev eth0",
             "route add default via 192.0.2.1 dev eth0 onlink", "route add ::/0 via fe80::1 dev eth0")
        nets = re.findall(r"^ *local_ts = (.*)$", (bundle / f"routers/{m.name}/swanctl.conf").read_text(), re.M)
        nets = sorted({ipaddress.ip_network(n) for line in nets for n in line.split(",")}, key=str)
        m.ip(*(f"addr add {n[2]} dev lo" for n in nets))
    for m in (hub, branch):
        m.start("charon-systemd")
        m.until("charon is there", lambda: m.path("/run/charon.vici").exists())
    for m in (hub, branch):
        said = m.run("swanctl", "--load-all", "--noprompt")
        assert "successfully loaded 1 connections" in said, said
    conns = hub.run("swanctl", "--list-conns")
    for zone in ("phone-branch", "admin-branch", "data-branch"):
        assert f"{zone}: TUNNEL" in conns
    hub.until("IKE stands", lambda: "ESTABLISHED" in hub.run("swanctl", "--list-sas"), 10)
    # The kernel here has no ESP: charon carries the packets itself.
    zones = {"phone-branch", "admin-branch", "data-branch"}
    hub.until("each zone has its tunnel",
              lambda: zones <= set(re.findall(r"^  (\S+): #\d+, reqid \d+, INSTALLED", hub.run("swanctl", "--list-sas"), re.M)), 10)
    ear = hub.start("/usr/bin/python3", "-c", """
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("10.20.0.2", 5061))
print(s.recvfrom(100), flush=True)""")
    hub.until("the hub listens", lambda: hub.listens(5061))
    in_machine(branch, """
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("10.130.0.2", 5061))
print(s.sendto(b"through the tunnel", ("10.20.0.2", 5061)))""")
    hub.until("a packet has crossed", lambda: ear.poll() is not None)
    assert ear.log.read_text() == "(b'through the tunnel', ('10.130.0.2', 5061))\n"


# --- SNMP

def test_snmp_is_version_3(office, machine, tmp_path):
    site = tmp_path / "site"
    shutil.copytree(office[0], site)
    text = (site / "site.yaml").read_text()
    (site / "site.yaml").write_text(text.replace("\n  nts: true", "\n  snmp: true\n  nts: true"))
    ringfort("-C", site, "compile", "-o", tmp_path / "rules")
    m = machine("sw-branch")
    m.install(tmp_path / "rules", site, kind="switches")
    m.ip("addr add 10.150.0.5/32 dev lo")
    m.start("snmpd", "-f", "-Lo", "-C", "-c", "/etc/snmp/snmpd.conf", "-p", "/run/snmpd.pid")
    m.until("snmpd listens", lambda: m.listens(161))
    auth, priv = re.search(r'SHA-256 "(\S+)" AES "(\S+)"', m.path("/etc/snmp/snmpd.conf").read_text()).groups()
    ask = lambda *how: m.run("snmpget", *how, "-r", "0", "-t", "0.5", "-On", "10.150.0.5", ".1.3.6.1.2.1.1.7.0", check=False)
    v3 = ["-v3", "-u", "ringfort", "-a", "SHA-256", "-A", auth, "-x", "AES", "-X", priv]
    assert "INTEGER: 72" in ask(*v3, "-l", "authPriv")
    assert "72" not in ask(*v3, "-l", "authNoPriv")
    assert "72" not in ask(*v3[:6], "-A", priv, "-x", "AES", "-X", priv, "-l", "authPriv")
    assert "72" not in ask("-v2c", "-c", "public")
