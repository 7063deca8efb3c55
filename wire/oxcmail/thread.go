package oxcmail

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strings"
	"time"
	"unicode"

	"hma/wire/mapi"
)

// SplitSubject returns the prefix of a subject, such as "RE: ", and the rest,
// which is PidTagNormalizedSubject. A prefix is one to three letters, a colon and
// a space (MS-OXCMSG 2.2.1.9); several in a row count as one, so that answers to
// answers keep their topic.
func SplitSubject(subject string) (prefix, normalized string) {
	rest := subject
	for {
		colon := strings.Index(rest, ": ")
		if colon < 1 || len([]rune(rest[:colon])) > 3 || strings.ContainsFunc(rest[:colon], func(r rune) bool { return !unicode.IsLetter(r) }) {
			break
		}
		rest = strings.TrimLeft(rest[colon+2:], " ")
	}
	return subject[:len(subject)-len(rest)], rest
}

// A conversation index is one reserved byte of value 1, the upper five bytes of a
// FILETIME, a GUID, and five bytes for each answer (MS-OXOMSG 2.2.1.3).
const (
	indexHead  = 22
	indexChild = 5
	maxIndex   = indexHead + 1000*indexChild
)

// conversationIndex takes the index from Thread-Index or makes one: a message
// from a program that has none gets a GUID made of the first message id of its
// thread, so that all of the thread meet in one conversation.
func conversationIndex(header string, thread string, sent time.Time) []byte {
	if raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(header), "")); err == nil &&
		len(raw) >= indexHead && len(raw) <= maxIndex && raw[0] == 1 && (len(raw)-indexHead)%indexChild == 0 {
		return raw
	}
	out := make([]byte, indexHead)
	out[0] = 1
	var stamp [8]byte
	binary.BigEndian.PutUint64(stamp[:], fileTime(sent))
	copy(out[1:6], stamp[:5])
	sum := sha256.Sum256([]byte(thread))
	copy(out[6:], sum[:16])
	return out
}

// NewConversationIndex returns the index of a message that begins a conversation
// known by thread (its message id), or of an answer to the message with index
// parent (MS-OXOMSG 2.2.1.3).
func NewConversationIndex(parent []byte, thread string, sent time.Time) []byte {
	if len(parent) < indexHead || len(parent)+indexChild > maxIndex {
		return conversationIndex("", thread, sent)
	}
	var started [8]byte
	copy(started[:5], parent[1:6])
	var delta uint64
	if now, begin := fileTime(sent), binary.BigEndian.Uint64(started[:]); now > begin {
		delta = now - begin
	}
	// The difference loses 18 bits when it fits 31 bits then, else 23 with the code bit set.
	child := uint32(delta>>18) & 0x7fffffff
	if delta>>49 != 0 {
		child = uint32(delta>>23)&0x7fffffff | 1<<31
	}
	out := append([]byte(nil), parent...)
	return append(binary.BigEndian.AppendUint32(out, child), 0)
}

// ConversationID returns PidTagConversationId: the GUID in a conversation index, nil without one.
func ConversationID(index []byte) []byte {
	if len(index) < indexHead {
		return nil
	}
	return append([]byte(nil), index[6:indexHead]...)
}

// fileTime is a time as a FILETIME, in units of 100 ns since 1601, 0 for the zero time.
func fileTime(t time.Time) uint64 {
	const unixEpoch = 116444736000000000
	if t.IsZero() {
		return 0
	}
	return uint64(t.UnixMicro()*10 + unixEpoch)
}

// setThread fills the properties of the subject and of the conversation.
func setThread(props mapi.Bag, subject, topic, index, thread string) {
	prefix, normalized := SplitSubject(subject)
	props[mapi.PidTagSubject] = subject
	props[mapi.PidTagSubjectPrefix] = prefix
	props[mapi.PidTagNormalizedSubject] = normalized
	if topic == "" {
		topic = normalized
	}
	props[mapi.PidTagConversationTopic] = topic
	if thread == "" {
		thread = "topic " + strings.ToLower(topic)
	}
	value := conversationIndex(index, thread, props.Time(mapi.PidTagClientSubmitTime))
	props[mapi.PidTagConversationIndex] = value
	props[mapi.PidTagConversationID] = ConversationID(value)
}
