package mapihttp

// statSize is that of the STAT structure (MS-OXNSPI 2.2.8).
const statSize = 36

// unbindSuccess is the ErrorCode of an Unbind that worked (MS-OXNSPI 2.2.1.2).
const unbindSuccess = 1

// parseBind reads a Bind body (MS-OXCMAPIHTTP 2.2.5.1.1); the position in it
// means nothing before there is a table.
func parseBind(data []byte) error {
	b := &body{rest: data}
	b.uint32() // Flags
	if has := b.take(1); has != nil && has[0] != 0 {
		b.take(statSize)
	}
	return b.end()
}

func bind(_ *Door, q *request, _ *session) answer {
	if parseBind(q.body) != nil {
		return answer{code: codeInvalidBody}
	}
	server := q.http.Snapshot.Server.GUID.BytesLE()
	out := append(appendUint32(nil, 0, 0), server[:]...) // StatusCode, ErrorCode, ServerGuid
	return answer{body: appendUint32(out, 0), opens: true}
}

// parseUnbind reads an Unbind body (MS-OXCMAPIHTTP 2.2.5.2.1).
func parseUnbind(data []byte) error {
	b := &body{rest: data}
	b.uint32() // Reserved
	return b.end()
}

func unbind(_ *Door, q *request, s *session) answer {
	if parseUnbind(q.body) != nil {
		return answer{code: codeInvalidBody}
	}
	s.closed = true
	return answer{body: appendUint32(nil, 0, unbindSuccess, 0)}
}
