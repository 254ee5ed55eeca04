#!/usr/bin/env python3
"""How long `ringfort check --site-only` takes on a large site: phones on access switches, a pair of routers.

    bench/site_check.py [--phones 10000] [--ports 40] [--runs 5] [--ringfort build/src/ringfort]

Writes the site into a folder of its own, checks it several times, and prints the median."""
import argparse
import pathlib
import statistics
import subprocess
import tempfile
import time

HEAD = """\
site: large
domain: voice.example.org
level: medium
zones:
  server:   {{ vlan: 20, subnet: 10.20.0.0/24 }}
  phone:    {{ vlan: 30, subnet: 10.64.0.0/14 }}
  admin:    {{ vlan: 50, subnet: 10.50.0.0/20 }}
hosts:
  - {{ name: ctl-a, zone: server, address: 10.20.0.11, roles: [controller, provision], services: [dhcp, dns, ntp] }}
  - {{ name: ctl-b, zone: server, address: 10.20.0.12, roles: [controller, provision], services: [dhcp, dns, ntp], standby_for: ctl-a }}
  - {{ name: log-a, zone: admin, address: 10.50.1.12, services: [log, radius, workstation] }}
routers:
  - name: rt-a
    interfaces: [{{ zone: server, address: 10.20.0.2 }}, {{ zone: phone, address: 10.64.0.2 }}, {{ zone: admin, address: 10.50.1.2 }}]
  - name: rt-b
    standby_for: rt-a
    interfaces: [{{ zone: server, address: 10.20.0.3 }}, {{ zone: phone, address: 10.64.0.3 }}, {{ zone: admin, address: 10.50.1.3 }}]
network: {{ dot1x: true }}
phones_file: phones.csv
locations:
{locations}switches:
{switches}"""


def write(folder, phones, ports):
    switches = -(-phones // ports)
    locations = "".join(f"  closet-{s}: {{ building: Main, floor: {s // 10} }}\n" for s in range(switches))
    text = "".join(
        f"  - {{ name: sw-{s}, kind: ios-xe, zone: admin, address: 10.50.{2 + s // 250}.{1 + s % 250}, location: closet-{s}, "
        f"ports: [{{ name: Gi1/0/1-{ports}, zone: phone }}, {{ name: Te1/1/1, to: rt-a }}, {{ name: Te1/1/2, to: rt-b }}] }}\n"
        for s in range(switches))
    (folder / "site.yaml").write_text(HEAD.format(locations=locations, switches=text))
    rows = (f"p{i},{100000 + i},closet-{i // ports},02:00:00:{i >> 16:02x}:{i >> 8 & 255:02x}:{i & 255:02x},"
            f"sw-{i // ports},Gi1/0/{1 + i % ports}\n" for i in range(phones))
    (folder / "phones.csv").write_text("name,number,location,mac,switch,port\n" + "".join(rows))
    return switches


def main():
    top = pathlib.Path(__file__).resolve().parent.parent
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--phones", type=int, default=10000)
    args.add_argument("--ports", type=int, default=40)
    args.add_argument("--runs", type=int, default=5)
    args.add_argument("--ringfort", default=top / "build/src/ringfort")
    args = args.parse_args()
    with tempfile.TemporaryDirectory() as name:
        switches = write(pathlib.Path(name), args.phones, args.ports)
        took = []
        for _ in range(args.runs):
            began = time.monotonic()
            done = subprocess.run([args.ringfort, "-C", name, "check", "--site-only"], capture_output=True, text=True, check=False)
            took.append(time.monotonic() - began)
            if done.returncode:
                raise SystemExit(done.stdout + done.stderr)
        print(f"{args.phones} phones on {switches} switches: {statistics.median(took):.3f} s (median of {args.runs}); "
              f"{done.stdout.splitlines()[-1]}")


if __name__ == "__main__":
    main()
