#!/usr/bin/env bash
# make test: two lanes. One installs packages while the other builds and lints;
# then all Go tests with PostgreSQL and every witness, then -race where SQLite is
# not in the way.
set -euo pipefail
cd "$(dirname "$0")/../.."
. test/scripts/postgres.sh
work=$(mktemp -d)
chmod 755 "$work"
cleanup() {
	stop_postgres
	rm -rf "$work"
}
trap cleanup EXIT
SECONDS=0
step() { printf '%4ds  %s\n' "$SECONDS" "$*"; }

step "install packages (beside: build)"
test/scripts/install.sh >"$work/install.log" 2>&1 &
install=$!

mkdir -p bin
go build -o bin/hma ./cmd/hma
go vet ./...
step "lint"
make -s lint
if ! wait "$install"; then
	cat "$work/install.log" >&2
	exit 1
fi
cat "$work/install.log"
if [ "${WITNESS:-}" != none ]; then
	step "PostgreSQL"
	start_postgres "$work/pg"
	export HMA_WITNESS=all
else
	export HMA_WITNESS=none
fi

# go vet has been over everything, tests too: go test need not do a part of it again.
step "tests and witnesses"
HMA_WITNESS_SECONDS="$work/seconds" go test -vet=off -shuffle=on ./...
if [ -f "$work/seconds" ]; then
	echo "seconds of the witnesses' scripts:"
	sort -rn "$work/seconds"
fi

step "race detector, packages without SQLite and one small organisation"
# SQLite is some 20 times slower under -race: the packages that use it are left
# out, except for one small organisation. Witnesses run elsewhere than in this process.
mapfile -t pure < <(go list -test -f '{{.ImportPath}} {{join .Deps " "}} ' ./... |
	awk '$1 ~ /\.test$/ && !/ modernc\.org\/sqlite / && $1 !~ /\/test\/witness\// { sub(/\.test$/, "", $1); print $1 }')
go test -vet=off -race -run TestSmallOrganisation ./internal/testenv &
small=$!
go test -vet=off -race "${pure[@]}"
wait "$small"
step "done"
