# The two commands: `make run` (two real phones and a secure call) and `make check` (everything that is tested).
# Meson builds; this file only knows in which order.

MAKEFLAGS += --no-print-directory
JOBS ?= $(shell nproc)
FUZZ_SECONDS ?= 60
PREFIX ?= /usr/local
# Debian's own, whatever else may come first in PATH: pytest and meson are packages of this one.
PYTHON ?= /usr/bin/python3

.PHONY: all build packages user run check check-long bench asan fuzz install clean help

all: build

help:
	@echo 'make run         a site, two phones, a secure call; stays with a live view on a terminal'
	@echo 'make check       build and test everything (about thirteen minutes on two cores)'
	@echo 'make check-long  the same with longer fuzzing, floods and restarts'
	@echo 'make build       build/src/ringfort'
	@echo 'make asan        unit, torture and seed tests under the address and undefined-behaviour sanitizers'
	@echo 'make fuzz        every harness for FUZZ_SECONDS (now $(FUZZ_SECONDS)) seconds'
	@echo 'make bench       what a call, a registration and an idle phone cost, beside kamailio'
	@echo 'make install     below PREFIX (now $(PREFIX)), DESTDIR is heeded'

packages:
	@packaging/install-packages

# A system user for the roles, when we are root.
user: packages
	@packaging/create-user

build/build.ninja:
	@meson setup build --prefix $(PREFIX) >build.log 2>&1 || { cat build.log; rm -rf build build.log; exit 1; }
	@mv build.log build/setup.log

build: packages build/build.ninja
	@ninja -C build -j $(JOBS) --quiet src/ringfort

run: user build
	@$(PYTHON) examples/first-call/first_call.py --ringfort build/src/ringfort

check: user
	@$(PYTHON) tests/check.py --jobs $(JOBS)

check-long: user
	@$(PYTHON) tests/check.py --jobs $(JOBS) --long

asan: user
	@$(PYTHON) tests/check.py --jobs $(JOBS) --only asan

fuzz: packages
	@tests/fuzz/run $(FUZZ_SECONDS) $(JOBS)

bench: user build
	@ninja -C build -j $(JOBS) --quiet bench/sipload bench/parse
	@build/bench/parse
	@$(PYTHON) bench/signaling/run.py build $(BENCH)

install: build
	meson install -C build

clean:
	rm -rf build build-asan build-clang build-fuzz
