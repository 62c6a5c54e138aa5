# Everything that is built lies in .build. `make` alone lists the targets.

PREFIX ?= /usr/local
DESTDIR ?=
ARCH := $(shell uname -m)

RELEASE := .build/release
BUILDPACK := .build/buildpack
# relpack by architecture; what another machine has built there may lie beside ours.
RELPACK := .build/relpack

# One file each, without a library to be found at run time; lld comes with the Swift toolchain.
# A file imports only what its target declares.
IMPORTS := --explicit-target-dependency-import-check error
SWIFT_STATIC := $(IMPORTS) -c release -Xswiftc -static-executable -Xswiftc -use-ld=lld -Xlinker -s

.DEFAULT_GOAL := help
.PHONY: help deps build buildpack demo test torture fuzz docs bench format install clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

deps: ## install what is missing of the tools that building and testing need
	@scripts/deps

# $(call pack): puts the buildpack together, with every relpack that is there.
define pack
	install -d $(RELPACK)/$(ARCH)
	install -m 755 $(RELEASE)/relpack $(RELPACK)/$(ARCH)
	rm -rf $(BUILDPACK)
	install -d $(BUILDPACK)/bin $(BUILDPACK)/libexec
	install -m 755 buildpack/bin/* $(BUILDPACK)/bin
	install -m 755 buildpack/libexec/* $(BUILDPACK)/libexec
	install -m 644 buildpack/README.md LICENSE $(BUILDPACK)
	for machine in $(RELPACK)/*/; do \
	  install -D -m 755 $$machine/relpack $(BUILDPACK)/libexec/$$(basename $$machine)/relpack || exit 1; \
	done
	tar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 --mode=go=rX,u=rwX \
	  -C $(BUILDPACK) -cf - . | gzip -n > $(BUILDPACK).tgz
endef

build: deps ## build reltui, relctl, relpack, relshim, and the packaged buildpack
	swift build $(SWIFT_STATIC)
	$(call pack)

buildpack: deps ## build and package the buildpack alone, as a folder and as an archive
	swift build $(SWIFT_STATIC) --product relpack
	$(call pack)

demo: build ## build and deploy the sample app twice, and look at it in reltui
	scripts/demo

# Half an hour without a line of output ends the tests: see scripts/limit.
LIMIT := scripts/limit 1800

# Failures are repeated at the end, since they are hard to find among thousands of lines.
test: build ## run all tests
	@bash -o pipefail -c '$(LIMIT) swift test 2>&1 | tee .build/test.log' || \
	  { grep -aE "recorded an issue|^Test run|^error:|✘ (Test|Suite)" .build/test.log; exit 1; }

torture: ## kill -9 at random among operations and writers of the event log, for some minutes
	RELTUI_TORTURE=1000 $(LIMIT) swift test --filter Torture

fuzz: ## feed what reads from nodes with broken input, for a minute each
	RELTUI_FUZZ=60 $(LIMIT) swift test --filter Fuzz

bench: build ## measure the budgets, each beside its peer; parts of it: .build/release/relbench log follow
	$(RELEASE)/relbench

docs: ## write the pages of docs/reference, and the screens in the docs, that are made from the code
	UPDATE_DOCS=1 swift test --filter 'Reference|PageOfKeys|FramesOfPages'

format: ## format the Swift sources in place, then lint them
	swift format -i --recursive Package.swift Sources Tests
	swift format lint --strict --recursive Package.swift Sources Tests

install: build ## install below PREFIX (/usr/local); DESTDIR is honoured
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/libexec/reltui
	install -d $(DESTDIR)$(PREFIX)/share/reltui
	install -m 755 $(RELEASE)/reltui $(RELEASE)/relctl $(DESTDIR)$(PREFIX)/bin
	install -m 755 $(RELEASE)/relpack $(RELEASE)/relshim $(DESTDIR)$(PREFIX)/libexec/reltui
	rm -rf $(DESTDIR)$(PREFIX)/share/reltui/buildpack
	cp -R $(BUILDPACK) $(DESTDIR)$(PREFIX)/share/reltui/buildpack

clean: ## remove what was built
	rm -rf .build
