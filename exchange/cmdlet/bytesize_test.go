package cmdlet

import "testing"

func TestByteSize(t *testing.T) {
	for text, want := range map[string]struct {
		bytes int64
		shown string
	}{
		"2GB": {2 << 30, "2 GB (2,147,483,648 bytes)"}, "2147483648": {2 << 30, "2 GB (2,147,483,648 bytes)"}, "1.9 gb": {2040109465, "1.9 GB (2,040,109,465 bytes)"},
		"2039480320": {2039480320, "1.899 GB (2,039,480,320 bytes)"}, "1.899 GB (2,039,480,320 bytes)": {2039480320, "1.899 GB (2,039,480,320 bytes)"},
		"1023": {1023, "1023 B (1,023 bytes)"}, "10KB": {10240, "10 KB (10,240 bytes)"}, "unlimited": {0, "Unlimited"}, "Unlimited": {0, "Unlimited"},
	} {
		n, err := parseByteLimit("X", text)
		if err != nil || n != want.bytes || byteLimit(n) != want.shown {
			t.Errorf("%q is %d, shown as %q, error %v; want %d, %q", text, n, byteLimit(n), err, want.bytes, want.shown)
		}
	}
	for _, text := range []string{"", "0", "-1", "2 PB", "GB", "2GB (x bytes)", "1e9", "99999999999999999999"} {
		if n, err := parseByteLimit("X", text); err == nil {
			t.Errorf("%q is taken as %d", text, n)
		}
	}
}
