#!/usr/bin/env bash
# Installs what the tests need from Debian. Prints what it could not install;
# fails then, unless WITNESS=none says that those tests may be left out.
set -uo pipefail
packages=(
	postgresql            # storetest on PostgreSQL
	curl jq               # raw handshakes
	python3-exchangelib   # EWS witness
	gss-ntlmssp           # NTLM inside Negotiate for curl
	python3-msal          # sign-in witness
	libwbxml2-utils        # decodes ActiveSync answers
	gcc libc6-dev libmspack-dev # decodes the offline address book
	chromium chromium-driver libnss3-tools # the two redirects in a browser that trusts the lab
	davmail default-jdk-headless # a gateway from IMAP, SMTP and CalDAV to EWS, and a compiler for the class that gives it the token
	thunderbird           # its own EWS support, headless
	evolution-ews dbus gnome-keyring python3-gi gir1.2-camel-1.2 gir1.2-ebook-1.2 gir1.2-ecal-2.0 # Evolution's EWS backends on a session bus
	isync                 # mbsync mirrors a mailbox through it
	python3-pytest        # the block of doc/ci.md
)
command -v npm >/dev/null || packages+=(nodejs npm) # tree-sitter-powershell, ews-javascript-api
missing=()
for p in "${packages[@]}"; do
	dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || missing+=("$p")
done
# The grammar that reads a plan's scripts, and an EWS client; lock files hold their versions and hashes.
from_npm() {
	local in
	for in in "$(dirname "$0")"/../witness/{powershell,ewsjs}; do
		[ "$in/node_modules/.package-lock.json" -nt "$in/package-lock.json" ] || (cd "$in" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error) || return
	done
}
if [ ${#missing[@]} -eq 0 ]; then
	[ "${WITNESS:-}" = none ] || from_npm
	exit
fi
if [ "${WITNESS:-}" = none ]; then
	echo "WITNESS=none: left out the tests that need: ${missing[*]}"
	exit 0
fi
if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
	echo "make test installs with apt-get as root and cannot here; missing: ${missing[*]}" >&2
	echo "install them, or set WITNESS=none to leave those tests out" >&2
	exit 1
fi
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
for try in 1 2 3; do
	if apt-get update -qq >"$log" 2>&1 && apt-get install -y -qq --no-install-recommends "${missing[@]}" >>"$log" 2>&1; then
		rm -f "$log"
		from_npm
		exit
	fi
	sleep $((try * 3))
done
echo "apt-get install ${missing[*]} failed:" >&2
tail -20 "$log" >&2
exit 1
