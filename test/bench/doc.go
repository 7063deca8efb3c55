// Command bench measures the figures that the project publishes, each with its
// yardstick in the same run, and prints them for people and, to bench.json, as
// lines of JSON. make bench runs it; arguments choose groups (validator,
// frontend, sts, ews, streaming, reading, memory, delivery, org, check, up, shell), none means all.
//
// How it is measured:
//
//   - A ratio is the median of 9 pairs of ours and the yardstick; within a pair the
//     two take turns four times. The quartiles stand beside it; a goal is met when
//     they reach it. Carry over ratios, not times: they depend on the machine.
//   - Each group has a process of its own, so that none is slowed down by what
//     another leaves behind.
//   - validator, ews and org call the Go code directly, on one goroutine, in wall time.
//   - sts sends requests to the token service's handler without sockets: client
//     credentials from as many goroutines as the machine has processors, refresh
//     from 64 for each of them, so that callers share commits. Making the request
//     and keeping the answer count against us. The yardstick signs bare digests on
//     all processors. The directory is SQLite on disk, every commit durable.
//   - frontend serves over loopback from this process, limited to one processor.
//     The load comes from a process of its own on 64 connections that stay open
//     during all pairs. Counted are the requests that were answered for a second of
//     the serving process's CPU time, kernel time included: the load's own cost
//     is in no figure, and neighbours on the machine disturb little. Request records
//     are made in full and written to nowhere. With the check switched off everything
//     but the check stays: virtual directory, request id, record, door.
//   - haproxy, when it is there, verifies the same tokens in front of a bare
//     handler of this process; its CPU time and the handler's are given apart.
//   - ews asks the door for folders of 100, 10,000 and 100,000 items that lie in
//     databases of their own. They are kept in .cache/bench and made again when
//     the store's tables have changed. GetItem takes items from all over the folder, a search looks for a subject that one
//     item has. -items adds a larger folder; make soak adds one of a million.
//   - reading asks the whole way (HTTP on loopback, front end with a token, EWS door, store on SQLite) on one
//     connection, and Debian's Dovecot with the same 10,000 messages of 5 to 20 KB in a Maildir, tuned, on
//     one connection: one message at a time, 100 ids a request beside pipelined FETCH, and searches by subject.
//     The client of both is in this process and only counts bytes.
//   - memory asks a lab, which is a process of its own, for large messages in every way that they go in and out, several at a
//     time, and reads the highest resident memory of the process meanwhile (VmHWM).
//   - delivery hands messages of 10 KiB to the transport from 64 goroutines; they share commits, and each counts when it is
//     durable in SQLite on disk. The yardstick inserts rows of 10 KiB through the same writer, one goroutine, a commit each.
//   - org runs cmdlets without a transport on organisations of 100 servers and of 2, on
//     SQLite on disk, every commit durable, and sends probes to the front end of one of their servers.
//   - up starts the built program with an empty folder, nine times.
//   - shell runs hma shell with one command against a lab, 25 processes one after the other, each from start to end.
//
// Start reading at main, then figure.
package main
