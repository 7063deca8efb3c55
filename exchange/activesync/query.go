package activesync

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// Query is what a request's URI and headers say, in either of the two query
// forms of MS-ASHTTP 2.2.1.1.1.
type Query struct {
	Version    string // protocol version, "14.1"
	Command    string // the name of a known command, or the client's text for an unknown one
	DeviceID   string // in lower case; the raw bytes of the base64 form as hexadecimal digits where they are not text
	DeviceType string
	PolicyKey  uint32 // 0 before provisioning
}

// errQuery is inside every error of ParseQuery.
var errQuery = errors.New("malformed query")

// maxField bounds the texts of a query (MS-ASHTTP 2.2.1.1.1.2.3: 32 characters for a device id).
const maxField = 128

// ParseQuery reads the query of a POST. A query that names a Cmd is of the plain
// form, any other one must be base64.
func ParseQuery(rawQuery string, header http.Header) (Query, error) {
	values, err := url.ParseQuery(rawQuery)
	if err == nil && (values.Has("Cmd") || values.Has("cmd")) {
		return parsePlain(values, header)
	}
	return parseBase64(rawQuery)
}

// parsePlain reads Cmd, DeviceId and DeviceType, with the version and the policy
// key in headers (MS-ASHTTP 2.2.1.1.1.2).
func parsePlain(values url.Values, header http.Header) (Query, error) {
	get := func(name string) string {
		for key, v := range values {
			if strings.EqualFold(key, name) {
				return v[0]
			}
		}
		return ""
	}
	q := Query{
		Version: header.Get("MS-ASProtocolVersion"), Command: get("Cmd"),
		DeviceID: strings.ToLower(get("DeviceId")), DeviceType: get("DeviceType"),
	}
	for _, text := range []string{q.Version, q.Command, q.DeviceID, q.DeviceType} {
		if text == "" || len(text) > maxField {
			return Query{}, fmt.Errorf("%w: Cmd, DeviceId, DeviceType and the header MS-ASProtocolVersion are required", errQuery)
		}
	}
	if key := header.Get("X-MS-PolicyKey"); key != "" {
		n, err := strconv.ParseUint(key, 10, 32)
		if err != nil {
			return Query{}, fmt.Errorf("%w: policy key", errQuery)
		}
		q.PolicyKey = uint32(n)
	}
	for _, c := range commands {
		if strings.EqualFold(c.name, q.Command) {
			q.Command = c.name
		}
	}
	return q, nil
}

// parseBase64 reads the form of MS-ASHTTP 2.2.1.1.1.1: version, command, locale,
// device id, policy key and device type, then parameters, which are checked for
// their shape.
func parseBase64(rawQuery string) (Query, error) {
	text, err := url.PathUnescape(rawQuery)
	if err != nil {
		return Query{}, fmt.Errorf("%w: %w", errQuery, err)
	}
	data, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
	if err != nil {
		return Query{}, fmt.Errorf("%w: %w", errQuery, err)
	}
	if len(data) < 4 {
		return Query{}, fmt.Errorf("%w: cut short", errQuery)
	}
	q := Query{Version: fmt.Sprintf("%d.%d", data[0]/10, data[0]%10), Command: strconv.Itoa(int(data[1]))}
	for _, c := range commands {
		if c.code == int(data[1]) {
			q.Command = c.name
		}
	}
	rest := data[4:] // two bytes of locale are behind the command
	device, rest, err := field(rest)
	if err != nil {
		return Query{}, err
	}
	key, rest, err := field(rest)
	if err != nil {
		return Query{}, err
	}
	kind, rest, err := field(rest)
	if err != nil {
		return Query{}, err
	}
	switch len(key) {
	case 0:
	case 4:
		q.PolicyKey = binary.LittleEndian.Uint32(key)
	default:
		return Query{}, fmt.Errorf("%w: policy key of %d bytes", errQuery, len(key))
	}
	if len(device) == 0 || len(device) > maxField || len(kind) == 0 || len(kind) > maxField || !printable(kind) {
		return Query{}, fmt.Errorf("%w: device", errQuery)
	}
	q.DeviceID, q.DeviceType = strings.ToLower(string(device)), string(kind)
	if !printable(device) {
		q.DeviceID = fmt.Sprintf("%x", device)
	}
	for len(rest) > 0 {
		if _, rest, err = field(rest[1:]); err != nil { // tag, then length and value
			return Query{}, err
		}
	}
	return q, nil
}

// field cuts a value with its length byte off the front of data.
func field(data []byte) (value, rest []byte, err error) {
	if len(data) == 0 || int(data[0]) > len(data)-1 {
		return nil, nil, fmt.Errorf("%w: cut short", errQuery)
	}
	n := 1 + int(data[0])
	return data[1:n], data[n:], nil
}

func printable(b []byte) bool {
	for _, c := range b {
		if c < 0x21 || c > 0x7e {
			return false
		}
	}
	return true
}
