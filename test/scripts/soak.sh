#!/usr/bin/env bash
# make soak: every fuzz target for SOAK_FUZZ (10m), kill drills SOAK_DRILLS (300)
# times, failures in SOAK_ORDERS (20000) random orders, the benchmarks of the mailbox store with folders up to SOAK_ITEMS (1000000).
# Takes hours; a step that fails does not stop the ones after it.
set -uo pipefail
cd "$(dirname "$0")/../.."
SECONDS=0
failed=()
step() {
	local name=$1
	shift
	printf '%6ds  %s\n' "$SECONDS" "$name"
	"$@" || { failed+=("$name"); echo "failed: $name" >&2; }
}

drills() { # packages whose tests kill something
	local pkg
	for pkg in $(go list ./hybrid/...); do
		if go test -list Kill "$pkg" | grep -q '^Test'; then
			go test -run Kill -count "${SOAK_DRILLS:-300}" -timeout 0 "$pkg" || return
		fi
	done
}

step "kill drills" drills
step "kill drill of the program, at every line of its journal" \
	env HMA_DRILL=all go test -run TestKillDrill -timeout 0 ./cmd/hma
step "kill drills of mail: delivery, move, deletion, backup" \
	env HMA_DRILL="${SOAK_MAIL_DRILLS:-100}" go test -run TestKilled -timeout 0 ./exchange/transport
step "failures in any order" \
	env HMA_SOAK="${SOAK_ORDERS:-20000}" go test -run TestAnyOrderOfFailures -timeout 0 ./hybrid/procedure
step "mbsync through DavMail with ${SOAK_MESSAGES:-5000} messages" \
	env HMA_WITNESS_MESSAGES="${SOAK_MESSAGES:-5000}" go test -run 'TestLab/DavMail' -timeout 0 ./test/witness
step "mailbox store, up to ${SOAK_ITEMS:-1000000} items" \
	env HMA_BENCH_ITEMS="${SOAK_ITEMS:-1000000}" go test -run '^$' -bench . -timeout 0 ./exchange/store
step "EWS in folders of up to ${SOAK_ITEMS:-1000000} items" \
	go run ./test/bench -items "${SOAK_ITEMS:-1000000}" -out "$(mktemp)" ews
step "fuzzing" test/scripts/fuzz.sh "${SOAK_FUZZ:-10m}"
printf '%6ds  done\n' "$SECONDS"
if [ ${#failed[@]} -gt 0 ]; then
	printf 'failed: %s\n' "${failed[@]}" >&2
	exit 1
fi
