package guid

import "testing"

func TestParse(t *testing.T) {
	for _, c := range []struct {
		text, want string
		ok         bool
	}{
		{"00000002-0000-0FF1-ce00-000000000000", "00000002-0000-0ff1-ce00-000000000000", true},
		{"{00000002-0000-0ff1-ce00-000000000000}", "00000002-0000-0ff1-ce00-000000000000", true},
		{"000000020000-0ff1-ce00-000000000000", "", false},
		{"00000002-0000-0ff1-ce00-00000000000g", "", false},
		{"00000002_0000-0ff1-ce00-000000000000", "", false},
		{"", "", false},
	} {
		g, err := Parse(c.text)
		if (err == nil) != c.ok || c.ok && g.String() != c.want {
			t.Errorf("Parse(%q) = %v, %v", c.text, g, err)
		}
	}
}

func TestBytesLE(t *testing.T) {
	g := MustParse("00112233-4455-6677-8899-aabbccddeeff")
	want := [16]byte{0x33, 0x22, 0x11, 0, 0x55, 0x44, 0x77, 0x66, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff}
	if got := g.BytesLE(); got != want {
		t.Errorf("BytesLE = %x", got)
	}
	if FromBytesLE(want) != g {
		t.Error("FromBytesLE does not undo BytesLE")
	}
}

func FuzzParse(f *testing.F) {
	f.Add("{00000002-0000-0ff1-ce00-000000000000}")
	f.Fuzz(func(t *testing.T, text string) {
		g, err := Parse(text)
		if err != nil {
			return
		}
		if again, err := Parse(g.String()); err != nil || again != g {
			t.Errorf("%q does not survive its own text form", text)
		}
	})
}
