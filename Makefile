# What is typed most. Everything is Swift's own build; nothing else is needed.

PREFIX ?= /usr/local
DESTDIR ?=
SWIFT ?= swift
PYTHON ?= python3

# Fully static: nothing is loaded before main, which halves the time of a start. In a directory of its own,
# as the flags are not those of `swift run -c release`. The frontend's first flag lets types be built from what the
# compiler knows, and not by a search through all conformances in the binary, of which a start made thirty;
# the other one lets values be copied and destroyed without their types being built, of which a start built
# twenty more.
# For size: half a megabyte less, and a start touches fewer pages; what computes is in C. Linked as a whole
# (LTO), so that what nobody calls is left out: another half. What a start touches lies together (ORDER).
RELEASE = .build/static/release/supervise
SCRIPT = .build/static/no-unwinding.ld
ORDER = Sources/start.order
STATIC = $(SWIFT) build -c release --product supervise --scratch-path .build/static \
	--experimental-lto-mode full --static-swift-stdlib -Xswiftc -static-executable -Xswiftc -use-ld=lld -Xswiftc -Osize \
	-Xswiftc -Xfrontend -Xswiftc -disable-concrete-type-metadata-mangled-name-accessors \
	-Xswiftc -Xfrontend -Xswiftc -disable-type-layout \
	-Xlinker --icf=all -Xlinker -O2 -Xlinker --no-eh-frame-hdr -Xlinker $(CURDIR)/$(SCRIPT) \
	-Xlinker --symbol-ordering-file=$(CURDIR)/$(ORDER) -Xlinker --no-warn-symbol-ordering

.PHONY: build release order install install-systemd test test-python lint format bench

build:
	$(SWIFT) build

# One file that needs no other: RELEASE.
release: $(SCRIPT)
	$(STATIC) -Xlinker -s

# The list is made from a build with names; to be done when a start has got slower.
order: $(SCRIPT)
	$(STATIC)
	Tests/Benchmarks/order $(RELEASE) > .build/static/start.order
	mv .build/static/start.order $(ORDER)

# Leaves out the tables for unwinding, 2 MB that nothing reads: Swift's errors are plain results, and a crash
# aborts at once. And what libraries do before main for those who use them otherwise than we, which is a tenth
# of a start: Dispatch (nothing here is async), backtraces of crashes, C++ exceptions, CommandLine.
UNUSED = $(foreach part,*libdispatch.a:* *Backtrace.cpp.o *CommandLine.cpp.o *eh_alloc.o,\
	$(part)(.init_array .init_array.*))
$(SCRIPT): Makefile
	mkdir -p $(@D)
	printf 'SECTIONS { /DISCARD/ : { *(.eh_frame) $(UNUSED) } } INSERT AFTER .text;\n' > $@

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
