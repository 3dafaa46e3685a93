# What is typed most. Everything is Swift's own build; nothing else is needed.

PREFIX ?= /usr/local
DESTDIR ?=
SWIFT ?= swift
PYTHON ?= python3

# One static file. In a directory of its own, because its flags are not those of `swift run -c release`.
# For size, not speed: a start reads fewer pages, and the hash function is in C.
RELEASE = .build/static/release/supervise

.PHONY: build release install install-systemd test test-python lint format bench

build:
	$(SWIFT) build

release:
	$(SWIFT) build -c release --product supervise --scratch-path .build/static \
		--static-swift-stdlib -Xswiftc -static-executable -Xswiftc -Osize -Xlinker -s

install: release
	install -d "$(DESTDIR)$(PREFIX)/bin"
	install -m 0755 $(RELEASE) "$(DESTDIR)$(PREFIX)/bin/supervise"

# The units, with the path of the binary in them, and the page that they name; system units for PREFIX=/usr
# and /usr/local are found by systemd as they are.
install-systemd:
	for unit in systemd/*.* systemd/user/*.*; do \
		case $$unit in systemd/user/*) kind=user;; *) kind=system;; esac; \
		install -d "$(DESTDIR)$(PREFIX)/lib/systemd/$$kind" && \
		sed 's|/usr/local/|$(PREFIX)/|' "$$unit" > "$(DESTDIR)$(PREFIX)/lib/systemd/$$kind/$${unit##*/}" && \
		chmod 0644 "$(DESTDIR)$(PREFIX)/lib/systemd/$$kind/$${unit##*/}" || exit 1; \
	done
	install -d "$(DESTDIR)$(PREFIX)/share/doc/supervise"
	install -m 0644 docs/SYSTEMD.md "$(DESTDIR)$(PREFIX)/share/doc/supervise/SYSTEMD.md"

test:
	$(SWIFT) test

test-python:
	$(SWIFT) build --product supervise
	$(PYTHON) -m unittest discover -s Tests/PythonClientTests

lint:
	$(SWIFT) format lint --strict -r Sources Tests Package.swift

format:
	$(SWIFT) format -i -r Sources Tests Package.swift

bench: release
	Tests/Benchmarks/run
