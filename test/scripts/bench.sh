#!/usr/bin/env bash
# Measures the published figures and writes them to bench.json; arguments choose
# groups (validator, frontend, sts, ews, streaming, reading, memory, delivery, org, check, up, shell). test/bench/doc.go says how it is measured.
set -euo pipefail
cd "$(dirname "$0")/../.."
SECONDS=0
missing=()
command -v haproxy >/dev/null || missing+=(haproxy)
command -v dovecot >/dev/null || missing+=(dovecot-imapd)
if [ ${#missing[@]} -gt 0 ]; then
	log=$(mktemp)
	if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ] &&
		apt-get update -qq >"$log" 2>&1 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >>"$log" 2>&1; then
		echo "installed ${missing[*]}"
	else
		echo "${missing[*]} cannot be installed: what is measured beside them is left out" >&2
		tail -3 "$log" >&2
	fi
	rm -f "$log"
fi
mkdir -p bin
go build -o bin/bench ./test/bench
bin/bench -hma bin/hma "$@"
echo "bench: $SECONDS s"
