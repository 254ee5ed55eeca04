"""What the documents show works as it stands there: the site files of the guide are sound, and the commands of guide,
README and manual exist with their options."""
import json
import pathlib
import re
import subprocess
import textwrap

import pytest

from lab import RINGFORT, ROOT

# What a part of a site file may lean on, by key of the top level; a part that brings a key itself replaces it.
AROUND = {
    "site": "site: documents",
    "domain": "domain: voice.example.org",
    "level": "level: medium",
    "zones": "zones: { server: { vlan: 20, subnet: 10.20.0.0/24 }, phone: { vlan: 30, subnet: 10.30.0.0/20 } }",
    "hosts": "hosts: [{ name: ctl-a, zone: server, address: 10.20.0.11, roles: [controller] }]",
    "phones": "phones: [{ name: lobby, number: 1001 }, { name: desk, number: 1002 }, { name: third, number: 1003 },"
              " { name: front, number: 1000 }]",
}
# Where emergency.via leads.
TRUNKS = "trunks: [{ name: carrier, peer: sip.carrier.example }, { name: backup, peer: sip.backup.example }]"
# What a part leans on that speaks of what only a border does.
BORDER = {
    "zones": "zones: { server: { vlan: 20, subnet: 10.20.0.0/24 }, phone: { vlan: 30, subnet: 10.30.0.0/20 },"
             " border: { vlan: 60, subnet: 10.60.0.0/24 } }",
    "hosts": "hosts: [{ name: ctl-a, zone: server, address: 10.20.0.11, roles: [controller] },"
             " { name: edge, zone: border, address: 10.60.0.11, roles: [border, relay] }]",
}
DOCUMENTS = ["README.md", "docs/guide.md"]
PAGES = ["docs/man/ringfort.1", "docs/man/ringfort-site.5", "docs/man/ringfort-ledger.5"]


def blocks(name):
    """The indented parts of a page, and what stands between .nf and .fi in a manual page."""
    text = (ROOT / name).read_text()
    if name in PAGES:
        for part in re.findall(r"^\.nf\n(.*?)^\.fi", text, re.M | re.S):
            yield part.replace(r"\-", "-").replace(r"\e", "\\")
        return
    kept = []
    for line in text.split("\n") + ["."]:
        if line.startswith("    ") or (not line and kept):
            kept.append(line)
        elif kept:
            yield textwrap.dedent("\n".join(kept)).strip("\n")
            kept = []


def parts_of_site_files():
    for name in DOCUMENTS + PAGES:
        for n, block in enumerate(blocks(name)):
            if re.match(r"[a-z_]+:(\s|$)", block):
                yield pytest.param(block, id=f"{pathlib.Path(name).name}-{n}")


@pytest.mark.parametrize("part", parts_of_site_files())
def test_site_file(part, tmp_path):
    keys = set(re.findall(r"^([a-z_]+):", part, re.M))
    around = {**AROUND, **(BORDER if "roaming" in keys or "transcode:" in part else {})}
    lines = [text for key, text in around.items() if key not in keys]
    if "emergency" in keys and "trunks" not in keys and "via:" in part:
        lines.append(TRUNKS)
    (tmp_path / "site.yaml").write_text("\n".join([*lines, part, ""]))
    for file in re.findall(r"^phones_file: (\S+)", part, re.M):
        (tmp_path / file).write_text("name,number\n")
    done = subprocess.run([RINGFORT, "-C", str(tmp_path), "check", "--site-only", "--json"], capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0 and json.loads(done.stdout)["errors"] == 0, done.stdout + done.stderr


def commands():
    """The lines of the documents that call ringfort, without comments."""
    for name in DOCUMENTS + PAGES:
        for block in blocks(name):
            for line in block.split("\n"):
                if line.strip().startswith("ringfort "):
                    yield line.strip().split("  #")[0].split(" >")[0].split(" && ")[0]


def test_commands():
    """Each is one that there is, with options that it has."""
    tried = 0
    for line in commands():
        words = re.sub(r"^ringfort( -C \S+)?", "", line).split()
        for n in (2, 1):
            done = subprocess.run([RINGFORT, *words[:n], "--help"], capture_output=True, text=True, check=False)
            if done.returncode == 0 and " ".join(["usage: ringfort [-C DIR]", *words[:n]]) in done.stdout:
                break
        else:
            raise AssertionError(f"no such command: {line}")
        assert "\nexample:\n" in done.stdout, line
        for option in re.findall(r"(?<=\s)--?[a-z][a-z-]*", line):
            assert option == "-C" or re.search(rf"(?<![a-z-]){option}(?![a-z-])", done.stdout), f"{line}: {option}"
        tried += 1
    assert tried > 30


@pytest.mark.parametrize("name", ["border", "highest", "office"])
def test_example(name):
    """A site that a reader may begin with has nothing to mend."""
    done = subprocess.run([RINGFORT, "-C", str(ROOT / "examples" / name), "check", "--site-only", "--json"], capture_output=True, text=True)
    said = json.loads(done.stdout)
    assert done.returncode == 0 and said["sound"] and not said["warnings"], done.stdout
