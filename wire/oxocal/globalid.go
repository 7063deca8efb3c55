package oxocal

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"hma/wire/mapi"
)

// globalIDPrefix begins every global object id (MS-OXOCAL 2.2.1.27 ByteArrayID).
var globalIDPrefix = [16]byte{0x04, 0x00, 0x00, 0x00, 0x82, 0x00, 0xE0, 0x00, 0x74, 0xC5, 0xB7, 0x10, 0x1A, 0x82, 0xE0, 0x08}

// vCalUID begins the data of an id that a foreign UID is embedded in.
const vCalUID = "vCal-Uid\x01\x00\x00\x00"

// MaxUID bounds a UID from outside, in bytes.
const MaxUID = 1000

// GlobalID is what identifies a meeting in every mailbox that has it
// (PidLidGlobalObjectId, MS-OXOCAL 2.2.1.27).
type GlobalID struct {
	Day     Day       // of the exception that it is of; 0 for the series or a single one
	Created time.Time // when it was made; zero for a foreign one
	Data    []byte    // random, or the UID of iCalendar behind "vCal-Uid"
}

// NewGlobalID returns the id of a new meeting; unique is 16 random bytes.
func NewGlobalID(now time.Time, unique [16]byte) GlobalID {
	return GlobalID{Created: now.UTC(), Data: unique[:]}
}

// ParseUID returns the id that a UID of iCalendar stands for (MS-OXCICAL
// 2.1.3.1.1.20.26): a UID that is an id in hexadecimal is that id, any other is
// embedded in one.
func ParseUID(uid string) GlobalID {
	if b, err := hex.DecodeString(uid); err == nil {
		if id, err := ParseGlobalID(b); err == nil {
			return id
		}
	}
	uid = uid[:min(len(uid), MaxUID)]
	return GlobalID{Data: append(append([]byte(vCalUID), uid...), 0)}
}

// UID returns the UID of iCalendar that the id stands for, without the day.
func (id GlobalID) UID() string {
	if uid, ok := strings.CutPrefix(string(id.Data), vCalUID); ok {
		if uid, _, _ = strings.Cut(uid, "\x00"); uid != "" {
			return uid
		}
	}
	return strings.ToUpper(hex.EncodeToString(id.Clean()))
}

// Clean returns the packed form without a day (PidLidCleanGlobalObjectId, MS-OXOCAL
// 2.2.1.28): the same for a series and each of its exceptions.
func (id GlobalID) Clean() []byte {
	id.Day = 0
	return id.Bytes()
}

// Bytes returns the packed form.
func (id GlobalID) Bytes() []byte {
	b := append(make([]byte, 0, 40+len(id.Data)), globalIDPrefix[:]...)
	if id.Day == 0 {
		b = append(b, 0, 0, 0, 0)
	} else {
		year, month, day := id.Day.Date()
		b = append(b, byte(year>>8), byte(year), byte(month), byte(day))
	}
	le := binary.LittleEndian
	b = le.AppendUint64(b, mapi.FileTime(id.Created))
	b = le.AppendUint64(b, 0)
	b = le.AppendUint32(b, uint32(len(id.Data)))
	return append(b, id.Data...)
}

// ParseGlobalID reads the packed form.
func ParseGlobalID(b []byte) (id GlobalID, err error) {
	if len(b) < 40 || !bytes.HasPrefix(b, globalIDPrefix[:]) {
		return id, fmt.Errorf("global object id of %d bytes: %w", len(b), ErrSyntax)
	}
	if size := binary.LittleEndian.Uint32(b[36:]); int64(size) != int64(len(b)-40) || size == 0 || size > 4096 {
		return id, fmt.Errorf("global object id with %d bytes of data in %d: %w", size, len(b), ErrSyntax)
	}
	if year := int(b[16])<<8 | int(b[17]); year > 1601 && year <= 4500 && b[18] >= 1 && b[18] <= 12 && b[19] >= 1 && b[19] <= 31 {
		id.Day = NewDay(year, time.Month(b[18]), int(b[19]))
	}
	if created := binary.LittleEndian.Uint64(b[20:]); created != 0 {
		id.Created = mapi.FromFileTime(created)
	}
	id.Data = bytes.Clone(b[40:])
	return id, nil
}
