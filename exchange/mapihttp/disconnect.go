package mapihttp

// parseEnd reads a body that has nothing but its auxiliary buffer (MS-OXCMAPIHTTP 2.2.4.3.1).
func parseEnd(data []byte) error {
	b := &body{rest: data}
	return b.end()
}

func disconnect(_ *Door, q *request, s *session) answer {
	if parseEnd(q.body) != nil {
		return answer{code: codeInvalidBody}
	}
	s.closed = true
	return answer{body: appendUint32(nil, 0, 0, 0)} // StatusCode, ErrorCode, AuxiliaryBufferSize
}
