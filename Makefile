# hma: make demo shows the main job, make test runs everything. Nothing else is needed on a fresh machine with Go.
GO ?= go

.PHONY: demo build quick test soak bench lint fuzz vuln

build: ## bin/hma
	$(GO) build -o bin/hma ./cmd/hma

demo: build ## an organisation goes from passwords to cloud tokens
	bin/hma demo

lint: ## formatting, vet, staticcheck, import rules
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo "not formatted (gofmt -w):"; gofmt -l $$(git ls-files '*.go'); exit 1; }
	$(GO) vet ./...
	$(GO) tool -modfile=tools/go.mod staticcheck ./...
	$(GO) test ./internal/deps

quick: lint ## lint and all Go tests that need no installed package
	HMA_WITNESS=none $(GO) test ./...

test: ## everything once: installs what it needs, PostgreSQL, -race, witnesses
	test/scripts/test.sh

soak: ## large counts and long fuzzing; hours
	test/scripts/soak.sh

bench: build ## every published figure beside its yardstick, in under 8 minutes
	test/scripts/bench.sh

FUZZTIME ?= 10s
fuzz: ## every fuzz target for FUZZTIME
	test/scripts/fuzz.sh $(FUZZTIME)

vuln: ## known vulnerabilities in what we depend on (needs the network)
	$(GO) tool -modfile=tools/go.mod govulncheck ./...
