package mapihttp

import "strings"

// ecUnknownUser is the ErrorCode of a Connect for a mailbox that is not the
// caller's, whether there is one or not (MS-OXCDATA 2.4).
const ecUnknownUser = 0x000003EB

// What Connect tells a client about retries, in the units of MS-OXCMAPIHTTP 2.2.4.1.2.
const (
	pollsMax   = 60_000 // milliseconds
	retryCount = 6
	retryDelay = 10_000 // milliseconds
)

// parseConnect reads a Connect body (MS-OXCMAPIHTTP 2.2.4.1.1) and returns the
// distinguished name of the user.
func parseConnect(data []byte) (userDN string, err error) {
	b := &body{rest: data}
	userDN = b.text()
	b.take(16) // Flags, DefaultCodePage, LcidSort, LcidString
	return userDN, b.end()
}

func connect(d *Door, q *request, _ *session) answer {
	dn, err := parseConnect(q.body)
	if err != nil {
		return answer{code: codeInvalidBody}
	}
	person := q.person
	if !strings.EqualFold(dn, person.LegacyDN) {
		return answer{body: connectAnswer(ecUnknownUser, "", "")}
	}
	prefix := person.LegacyDN
	if i := strings.LastIndex(strings.ToLower(prefix), "/cn="); i >= 0 {
		prefix = prefix[:i]
	}
	return answer{body: connectAnswer(0, prefix, person.DisplayName), opens: true}
}

// connectAnswer is the success body of MS-OXCMAPIHTTP 2.2.4.1.2; with an
// ErrorCode its other fields mean nothing.
func connectAnswer(errorCode uint32, prefix, name string) []byte {
	out := appendUint32(nil, 0, errorCode, pollsMax, retryCount, retryDelay)
	out = append(out, strings.ReplaceAll(prefix, "\x00", "")...)
	out = append(out, 0)
	out = appendUTF16(out, name)
	return appendUint32(out, 0) // no auxiliary buffer
}
