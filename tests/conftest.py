"""A network namespace for this run, and sites in it: for tests/system and tests/interop."""
import itertools
import os
import pathlib
import subprocess
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "system"))

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import heartbeat  # noqa: E402
import lab      # noqa: E402

_private = False


def pytest_addoption(parser):
    parser.addoption("--run-long", action="store_true", help="also the tests that take minutes")


def pytest_configure(config):
    global _private
    heartbeat.begin()
    config.addinivalue_line("markers", "long: takes minutes; only with --run-long (make check-long)")
    # Before any thread is there. Addresses for SITES_MAX sites with eight phones each are added as sites are made.
    _private = lab.phones.own_namespace(pids=False)
    if _private:
        lab.phones.loopback_up()


def pytest_collection_modifyitems(config, items):
    skip = None
    if not _private:
        skip = pytest.mark.skip(reason="no network namespace may be made here: run as root or allow user namespaces")
    elif not os.access(lab.RINGFORT, os.X_OK):
        skip = pytest.mark.skip(reason=f"{lab.RINGFORT} is not built")
    long = pytest.mark.skip(reason="takes minutes: --run-long")
    for item in items:
        if skip:
            item.add_marker(skip)
        if "long" in item.keywords and not config.getoption("--run-long"):
            item.add_marker(long)


@pytest.fixture(scope="session", autouse=True)
def mourner(tmp_path_factory):
    """Nothing of this run outlives it, also when it is killed."""
    script = pathlib.Path(__file__).resolve().parent / "mourner.py"
    # Programs that leave sockets in TMPDIR leave them here. The name is short: the path of a socket has 108 bytes.
    lab.SCRATCH["TMPDIR"] = tempfile.mkdtemp(prefix="rf-")
    with subprocess.Popen([sys.executable, script, tmp_path_factory.getbasetemp(), lab.SCRATCH["TMPDIR"]], stdin=subprocess.PIPE,
                          start_new_session=True) as process:
        yield
        process.stdin.close()


_site_numbers = itertools.count(1)


@pytest.fixture
def make_site(tmp_path):
    """make_site(level="medium", extra="yaml", phones={"name": "number"}, up=True): a site with its controller running.
    All that it started is stopped at the end of the test."""
    made = []

    def make(level="medium", extra="", phones=None, up=True):
        n = next(_site_numbers)
        assert n < lab.SITES_MAX
        lab.phones.loopback_up([f"10.20.{n}.11", *(f"10.30.{n}.{11 + i}" for i in range(8))], first=n * 16)
        site = lab.Site(tmp_path / f"site-{n}", n, level, extra)
        made.append(site)
        for name, number in (phones or {}).items():
            site.phone_add(name, number)
        if up:
            site.up()
        return site

    yield make
    for site in made:
        site.close()


@pytest.fixture
def site(make_site):
    """The usual one: level medium, phones lobby (1001) and desk (1002), running."""
    return make_site(phones={"lobby": "1001", "desk": "1002"})
