# Sourced. start_postgres DIR starts a PostgreSQL cluster of its own in DIR on a
# free loopback port and sets HMA_TEST_POSTGRES; stop_postgres ends it.
start_postgres() {
	local bin dir=$1 port as=()
	bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1)
	[ -n "$bin" ] || { echo "no PostgreSQL server found in /usr/lib/postgresql" >&2; return 1; }
	mkdir -p "$dir"
	if [ "$(id -u)" = 0 ]; then
		as=(runuser -u postgres --)
		chown postgres "$dir"
	fi
	port=$(python3 -c 'import socket; s=socket.socket(); s.bind(("127.0.0.1",0)); print(s.getsockname()[1])')
	(cd "$dir" && "${as[@]}" "$bin/initdb" -D "$dir/data" -A trust -U hma --no-sync >/dev/null) || return 1
	(cd "$dir" && "${as[@]}" "$bin/pg_ctl" -D "$dir/data" -w -l "$dir/log" \
		-o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off -c max_connections=200" start >/dev/null) || { cat "$dir/log" >&2; return 1; }
	export HMA_TEST_POSTGRES="postgres://hma@127.0.0.1:$port/postgres"
	postgres_stop=("${as[@]}" "$bin/pg_ctl" -D "$dir/data" -m immediate stop)
}
stop_postgres() {
	[ -z "${postgres_stop:-}" ] || (cd / && "${postgres_stop[@]}" >/dev/null 2>&1)
}
