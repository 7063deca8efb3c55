package outbound

import (
	"strings"
	"testing"
)

// FuzzWords reads what a service may answer: bounded lines, and no panic.
func FuzzWords(f *testing.F) {
	for _, seed := range []string{"", "<a><ResponseCode>NoError</ResponseCode></a>", "<faultstring>a\r\nb</faultstring>", "<!DOCTYPE a [<!ENTITY b 'c'>]><ErrorCode>&b;</ErrorCode>", "<<<"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		list := (&answer{body: body}).words()
		for _, w := range list {
			if len(w) > maxText+20 || strings.ContainsAny(w, "\r\n") {
				t.Errorf("%q", w)
			}
		}
		if len(list) > 8 {
			t.Errorf("%d lines", len(list))
		}
	})
}
