# What is typed most. Everything is Swift's own build; nothing else is needed.

PREFIX ?= /usr/local
DESTDIR ?=
SWIFT ?= swift
PYTHON ?= python3

# A directory of its own: the flags are not those of `swift run -c release`.
STATIC = $(SWIFT) build -c release --static-swift-stdlib -Xlinker -s \
	--product supervise --scratch-path .build/static

.PHONY: build install test test-python lint format bench

build:
	$(SWIFT) build

install:
	$(STATIC)
	install -d "$(DESTDIR)$(PREFIX)/bin"
	install -m 0755 "$$($(STATIC) --show-bin-path)/supervise" "$(DESTDIR)$(PREFIX)/bin/supervise"

test:
	$(SWIFT) test

test-python:
	$(SWIFT) build --product supervise
	$(PYTHON) -m unittest discover -s Tests/PythonClientTests

lint:
	$(SWIFT) format lint --strict -r Sources Tests Package.swift

format:
	$(SWIFT) format -i -r Sources Tests Package.swift

bench:
	Tests/Benchmarks/run
