# Sealbook. "make help" lists what there is; "make run" is where to start.

SHELL       := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# Short forms for CI are set from outside, as in: make bench BENCHTIME=100x
BENCH        ?= .
BENCHTIME    ?= 2s
BENCH_FLAGS  ?=
FUZZTIME     ?= 30s
FAULT_CYCLES ?= 20
BENCH_ENTRIES ?= 1000000
BENCH_CASE_ENTRIES ?= 100000
BENCH_CASES  ?= 1000
BENCH_IDLE   ?= 20
PACKAGES     ?= ./...

# The race detector watches all that is ours. Of what others wrote it leaves out
# what only computes and is slow when it is watched. Such a package has no atomics
# and no generic types: of a type's methods the linker keeps one copy for all
# packages, and an unwatched one of sync.Map, say, makes races of what is none.
COMPUTING := compress/flate golang.org/x/crypto/argon2 github.com/jung-kurt/gofpdf

# The race detector needs a C compiler. A machine without one still gets every
# test, and is told.
RACE ?= $(if $(shell command -v gcc || command -v clang),-race $(COMPUTING:%=-gcflags=%=-race=false),)

# Where git cannot say which commit this is (an export, a folder of another
# account), the build goes on without it.
VCS := $(shell git status --porcelain >/dev/null 2>&1 && git rev-parse HEAD >/dev/null 2>&1 && echo auto || echo false)

SEALBOOK := bin/sealbook
STACK    := .cache/bin/sealbook-stack

WORKFLOWCHECK_VERSION := v0.6.0
GOLANGCI_LINT_VERSION := v2.15.0
GOLANGCI_LINT         := .cache/bin/golangci-lint-$(GOLANGCI_LINT_VERSION)
TESSERA_VERSION       := v1.0.4
TESSERA_FSCK          := .cache/bin/tessera-fsck-$(TESSERA_VERSION)
MAILPIT_VERSION       := v1.27.11
MAILPIT               := .cache/bin/mailpit-$(MAILPIT_VERSION)

# The development module holds the embedded Temporal, whose 1,800 packages take
# minutes to compile: every command there uses the flags of its build, so that
# they all share one compilation.
DEV       := deploy/dev
DEV_FLAGS := -gcflags='all=-N -l'

.PHONY: help
help: ## list the targets
	@awk 'BEGIN { FS = ":.*## " } /^[a-z0-9-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: $(STACK) ## build bin/sealbook
	@CGO_ENABLED=0 go build -buildvcs=$(VCS) -o $(SEALBOOK) ./cmd/sealbook

# Go knows best what is up to date; when nothing changed this takes a moment.
.PHONY: $(STACK)
$(STACK):
	@cd $(DEV) && CGO_ENABLED=0 go build -buildvcs=false -o ../../$(STACK) .

.PHONY: run
run: build ## start everything and stay up: Postgres, Temporal with its Web UI, API, worker
	@$(STACK) run

.PHONY: demo
demo: build ## the same on free ports in a temporary folder; leaves nothing behind
	@$(STACK) demo

# The second verifier is a Python program; no test of it is skipped.
.PHONY: python
python:
	@command -v python3 >/dev/null || { echo "installing python3 with apt-get"; apt-get -q update && \
		DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install python3; }

# Sealed documents are judged by readers that others wrote.
.PHONY: readers
readers:
	@missing=(); \
	command -v pdfsig >/dev/null || missing+=(poppler-utils); \
	command -v qpdf >/dev/null || missing+=(qpdf); \
	command -v certutil >/dev/null || missing+=(libnss3-tools); \
	if (($${#missing[@]})); then echo "installing $${missing[*]} with apt-get"; apt-get -q update && \
		DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install "$${missing[@]}"; fi

.PHONY: test
test: build python readers ## run all tests, with the race detector, on a real Postgres
	@$(if $(RACE),,echo "There is no C compiler here: the tests run without the race detector.")
	@$(STACK) test -- bash -euo pipefail -c "\
		go test $(RACE) -timeout 25m $(PACKAGES) 2>&1 | tee .cache/test.log || { \
			printf '\n=== what failed\n'; grep -E '^ *--- FAIL|^FAIL|^panic:|_test\.go:[0-9]+:' .cache/test.log | head -n 100; exit 1; }; \
		(cd bench && CGO_ENABLED=0 go test ./reads); \
		cd $(DEV); CGO_ENABLED=0 go test $(DEV_FLAGS) -timeout 25m ./..."

# Keys in a hardware security module, one in software here. Talking to modules
# needs cgo, so that what is shipped is built without it.
.PHONY: test-pkcs11
test-pkcs11: readers ## run the tests of keys in security modules, with SoftHSM
	@command -v softhsm2-util >/dev/null || { echo "installing softhsm2 with apt-get"; apt-get -q update && \
		DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install softhsm2; }
	@export TMPDIR=$$(mktemp -d) CGO_ENABLED=1; trap 'rm -rf "$$TMPDIR"' EXIT; \
		go test $(RACE) -count=1 -timeout 10m -tags pkcs11 ./internal/hsm/...; \
		go test $(RACE) -count=1 -timeout 10m -tags pkcs11 -run HSM ./internal/sign ./cmd/sealbook

.PHONY: bench
bench: $(STACK) ## run the benchmarks (BENCH, BENCHTIME, BENCH_FLAGS, PACKAGES)
	@$(STACK) test --disk -- go test -run '^$$' -bench '$(BENCH)' -benchtime $(BENCHTIME) -benchmem -timeout 60m $(BENCH_FLAGS) $(PACKAGES)

# The comparison with other logs is a module of its own, so that the product
# does not depend on them.
.PHONY: bench-ledger
bench-ledger: build ## measure appending beside plain INSERTs, a naive chain and Tessera (BENCH_LEDGER)
	@cd bench && CGO_ENABLED=0 go build -buildvcs=false -o ../.cache/bin/sealbook-bench .
	@$(STACK) test --disk -- .cache/bin/sealbook-bench -sealbook $(SEALBOOK) $(BENCH_LEDGER)

# The data set is made once for each size and kept in .cache: 10 million entries
# take about 30 GB and, on two cores, most of an hour. What was interrupted goes on.
.PHONY: bench-api
bench-api: build ## measure the API over 10 million entries beside SQL (BENCH_API)
	@cd bench && CGO_ENABLED=0 go build -buildvcs=false -o ../.cache/bin/sealbook-bench-api ./reads
	@$(STACK) keep .cache/bench-api -- .cache/bin/sealbook-bench-api -sealbook $(SEALBOOK) $(BENCH_API)

# How fast reports are rendered and periods are assessed, and in how much memory.
# What lies between them is the database's.
.PHONY: bench-reports
bench-reports: $(STACK) ## measure rendering and assessing beside their baselines (BENCH_ENTRIES)
	@$(STACK) test --disk -- env SEALBOOK_TEST_ASSESS_ENTRIES=$(BENCH_ENTRIES) \
		go test -run '^$$' -bench 'PDF|AssessLedger' -benchtime $(BENCHTIME) -timeout 0 ./internal/report ./activities

# How fast payloads are archived and brought back, beside a dump of the same rows,
# and what a purge leaves of the rate of appending; bench runs it small.
.PHONY: bench-retention
bench-retention: $(STACK) ## measure archiving, purging and retrieving beside a dump (BENCH_ENTRIES)
	@$(STACK) test --disk -- env SEALBOOK_TEST_ARCHIVE_ENTRIES=$(BENCH_ENTRIES) go test -run '^$$' -bench Retention -benchtime 1x -timeout 0 ./ledger

# How fast analyses are and how much memory they take, beside a bare scan of the same
# entries: of a file, of a ledger through the activities of a case (BENCH_CASE_ENTRIES),
# and what cases cost that wait for people (BENCH_CASES). The file of a million entries
# takes 0.7 GB and some minutes to invent. bench runs them small.
.PHONY: bench-forensics
bench-forensics: $(STACK) ## measure analyses, and open cases, beside their baselines (BENCH_ENTRIES, BENCH_CASE_ENTRIES, BENCH_CASES)
	@env -u GOMEMLIMIT SEALBOOK_TEST_FORENSIC_ENTRIES=$(BENCH_ENTRIES) \
		go test -run '^$$' -bench 'Analyses$$' -benchtime 1x -timeout 0 ./activities
	@$(STACK) test --disk -- env -u GOMEMLIMIT SEALBOOK_TEST_CASE_ENTRIES=$(BENCH_CASE_ENTRIES) SEALBOOK_TEST_OPEN_CASES=$(BENCH_CASES) SEALBOOK_TEST_IDLE=$(BENCH_IDLE) \
		go test -run '^$$' -bench 'AnalyseCase|OpenCases' -benchtime 1x -timeout 0 ./activities ./worker
	@go test -run '^$$' -bench . -benchmem -benchtime $(BENCHTIME) -timeout 0 $(BENCH_FLAGS) ./internal/forensic ./internal/dataflow

# How often detectors are right, on labelled entries that are made anew, the same
# each time. Held-out families are for a release: tune with the others.
.PHONY: eval
eval: ## measure the detectors on labelled entries: found, missed, false alarms (EVAL)
	@go run ./internal/forensic/eval/measure $(EVAL)

# What a database covers differs from run to run, so an input that was new once
# seldom is again: without a bound, making it smaller would take all the time.
.PHONY: fuzz
fuzz: $(STACK) python ## run every fuzz target for FUZZTIME
	@$(STACK) test -- bash -euo pipefail -c '\
		built=$$(mktemp -d); trap "rm -rf $$built" EXIT; \
		grep -rE --include="*_test.go" --exclude-dir=deploy "^func Fuzz[A-Za-z0-9_]*\(" . | \
		sed -E "s|^\./(.*)/[^/]+:func (Fuzz[A-Za-z0-9_]*).*|\1 \2|" | sort | \
		while read -r package target; do \
			echo "fuzz $$package $$target"; \
			program=$$built/$${package//\//-}.test; \
			[ -e "$$program" ] || go test -c -fuzz . -o "$$program" "./$$package"; \
			(cd "$$package" && "$$program" -test.run "^$$" -test.fuzz "^$$target\$$" -test.fuzztime $(FUZZTIME) -test.fuzzminimizetime 1s \
				-test.fuzzcachedir "$$(go env GOCACHE)/fuzz/$$(go list .)" </dev/null); \
		done'

.PHONY: e2e
e2e: build $(TESSERA_FSCK) $(MAILPIT) ## run the end-to-end tests against real processes
	@TESSERA_FSCK=$(CURDIR)/$(TESSERA_FSCK) MAILPIT=$(CURDIR)/$(MAILPIT) $(STACK) test -- go test $(RACE) -count=1 -tags e2e -timeout 30m ./e2e/...

# Another log's checker, from its release and not from a module of ours: what
# it finds is what everyone else's finds.
$(TESSERA_FSCK):
	@echo "building Tessera's fsck $(TESSERA_VERSION), once"
	@mkdir -p .cache/bin/new
	@GOBIN=$(CURDIR)/.cache/bin/new go install github.com/transparency-dev/tessera/cmd/fsck@$(TESSERA_VERSION)
	@mv .cache/bin/new/fsck $@

# A mail server that others wrote, which keeps what it takes.
$(MAILPIT):
	@echo "building Mailpit $(MAILPIT_VERSION), once"
	@mkdir -p .cache/bin/new
	@GOBIN=$(CURDIR)/.cache/bin/new go install github.com/axllent/mailpit@$(MAILPIT_VERSION)
	@mv .cache/bin/new/mailpit $@

.PHONY: faults
faults: build ## kill Postgres and the processes in the middle of work, FAULT_CYCLES times
	@FAULT_CYCLES=$(FAULT_CYCLES) $(STACK) test --disk -- go test -v -count=1 -tags faults -run Kills -timeout 60m ./e2e/...

.PHONY: histories
histories: build ## record workflow histories for the replay test, after a workflow took a new shape
	@mkdir -p workflows/testdata/histories
	@$(STACK) test -- go test -count=1 -run 'TestExport(Makes|Cancel|Of)|TestAnchoring|TestVerification(IsReadable|Cancel|Fails)|AssessmentAsAJob|ReportAsAJob|ReportThat(APersonSigns|TwoPeopleSign)|SignatoriesAreTold|TestStream|TestRetentionRuns|TestArchiveCheckRuns|TestErasure$$' ./worker -record-histories

.PHONY: client
client: ## write what of the Go client follows from api/openapi.yaml; after every change of it
	@go generate ./client

.PHONY: lint
lint: $(GOLANGCI_LINT) ## run the linters, which also hold the import rules
	@$(GOLANGCI_LINT) run ./...
	@cd $(DEV) && CGO_ENABLED=0 ../../$(GOLANGCI_LINT) run --config ../../.golangci.yml . ./child ./compose ./port ./postgres
	@cd bench && ../$(GOLANGCI_LINT) run --config ../.golangci.yml ./...

$(GOLANGCI_LINT):
	@echo "building golangci-lint $(GOLANGCI_LINT_VERSION), once"
	@mkdir -p .cache/bin/new
	@GOBIN=$(CURDIR)/.cache/bin/new go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)
	@mv .cache/bin/new/golangci-lint $@

.PHONY: check
check: lint ## format, vet, lint and module files, as CI wants them
	@unformatted=$$(gofmt -l $$(git ls-files --cached --others --exclude-standard '*.go')); \
		if [ -n "$$unformatted" ]; then echo "run make fmt for:"; echo "$$unformatted"; exit 1; fi
	@go vet -tags e2e,faults ./...
	@go vet -tags e2e,faults,pkcs11 ./...
	@go run go.temporal.io/sdk/contrib/tools/workflowcheck@$(WORKFLOWCHECK_VERSION) ./workflows/...
	@go mod tidy -diff
	@go mod verify
	@cd $(DEV) && go mod tidy -diff && go mod verify
	@cd bench && go vet ./... && go mod tidy -diff && go mod verify

.PHONY: fmt
fmt: ## format all Go code
	@gofmt -w $$(git ls-files --cached --others --exclude-standard '*.go')

.PHONY: clean
clean: ## remove what was built; the data in .sealbook stays
	@rm -rf bin .cache
