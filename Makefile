# make demo and make test need nothing but a Swift toolchain on Debian 12: they install the rest.  make help lists all.

HOSTS ?= 3
VMS ?= 6
MODE ?= auto
SEEDS ?= 2000
FUZZ_SECONDS ?= 60
MINUTES ?= 10
FIRST_SEED ?= 1
LAB := Tests/Lab/lab
ONE_CORE := $(shell command -v taskset >/dev/null && echo taskset -c 0)

BUILD_PACKAGES := ca-certificates g++ git pkg-config \
  libcurl4-openssl-dev libmosquitto-dev libsqlite3-dev libvirt-dev libxml2-dev libyaml-dev
LAB_PACKAGES := binutils busybox-static cpio dropbear-bin gcc iproute2 kmod libc6-dev linux-image-cloud-amd64 \
  openssh-client procps util-linux \
  libvirt-clients libvirt-daemon-system mosquitto mosquitto-clients openssl qemu-system-x86 qemu-utils

.PHONY: help setup build test test-faults lint fuzz sanitize simulate soak demo bench bench-planner lab-up lab-down clean

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 18

setup: ## install missing Debian packages (sudo where not root)
	@.ci/setup $(BUILD_PACKAGES) $(LAB_PACKAGES)

build: setup ## release programs in .build/release; a host needs no Swift runtime for them
	@for program in migfra-worker migfra-coordinator migfra-guest-agent migfra; do \
	  swift build -c release --static-swift-stdlib --product $$program || exit 1; done

test: setup ## every test, on real hosts too
	@.ci/test

test-faults: setup ## phases of operations x faults on real hosts (PHASES=live,swap FAULTS=worker LANES=2); an hour for all
	swift build --build-tests
	@PHASES='$(PHASES)' FAULTS='$(FAULTS)' LANES='$(LANES)' Tests/Lab/faults

lint: ## format and shell checks
	swift format lint --strict --parallel --recursive Sources Tests Package.swift
	@if command -v shellcheck >/dev/null; \
	then shellcheck -x .ci/run .ci/setup .ci/test Tests/Planner/bench Tests/Lab/lab Tests/Lab/demo Tests/Lab/soak Tests/Sanitizers/sanitize Tests/Lab/bench \
	  Tests/Lab/bench-links Tests/Lab/faults \
	  Tests/Lab/lib/*.sh Tests/Lab/guests/vnode/* docker/mosquitto/make-keys Tests/Fuzz/fuzz; \
	else echo "lint: shellcheck is not installed, shell scripts not checked"; fi

fuzz: setup ## inputs thrown at everything that reads from outside (FUZZ_SECONDS=60 for each, TARGETS=)
	@FUZZ_SECONDS='$(FUZZ_SECONDS)' TARGETS='$(TARGETS)' Tests/Fuzz/fuzz

sanitize: setup ## tests and programs under the sanitizers for addresses and threads (SANITIZERS='address thread')
	@Tests/Sanitizers/sanitize $(SANITIZERS)

simulate: setup ## histories of small clusters full of faults, and what they break (SEEDS=2000 FIRST_SEED=1)
	swift build --product migfra
	@.build/debug/migfra simulate --seeds '$(SEEDS)' --first '$(FIRST_SEED)'

soak: build ## the programs at work for MINUTES=10; their memory and open files must not grow
	@MINUTES='$(MINUTES)' Tests/Lab/soak

demo: build ## empty a host of a real cluster on this machine (HOSTS=3 VMS=6 MODE=auto KEEP=1 SIMULATED=1)
	@HOSTS='$(HOSTS)' VMS='$(VMS)' MODE='$(MODE)' KEEP='$(KEEP)' SIMULATED='$(SIMULATED)' Tests/Lab/demo

bench: build ## benchmarks, in release
	@for part in yaml round-trip cluster; do \
	  swift run -c release --package-path Tests/Benchmarks --scratch-path .build/benchmarks migfra-bench $$part || exit 1; done
	Tests/Lab/bench .build/benchmarks/release
	Tests/Lab/bench-links

bench-planner: setup ## the planner's goals and results, release, one core (SALTS=a,b,c); or CASES=folder CHECK=program
ifeq ($(CASES),)
	swift build -c release --product planner-bench
	@$(ONE_CORE) .build/release/planner-bench $(if $(SALTS),--salts '$(SALTS)') $(if $(SIZES),--sizes '$(SIZES)')
else
	swift build -c release --product migfra
	Tests/Planner/bench '$(CASES)' '$(CHECK)'
endif

lab-up: setup ## a cluster to play with (HOSTS=3); then Tests/Lab/lab help
	$(LAB) up '$(HOSTS)'
	@$(LAB) status

lab-down: ## end that cluster
	$(LAB) down

clean: ## remove all that was built
	rm -rf .build Tests/Lab/images
