package aadsts

import (
	"strings"
	"testing"
)

// documented are the codes that clients of mail and the sign-in pages meet.
var documented = []Code{50011, 500112, 500011, 50001, 650057, 65001, 65002, 65004, 650052, 650056, 700016, 700011, 70001, 7000112, 70002, 7000215,
	7000222, 7000218, 700025, 700027, 50126, 50034, 50053, 50055, 50144, 50056, 50057, 50076, 50079, 50072, 50074, 50078, 50058, 50097, 53000, 53001,
	53002, 53003, 50105, 50020, 50173, 54005, 70000, 70008, 700082, 700084, 70043, 70011, 28002, 28003, 700022, 700023, 9002313, 900144, 900561,
	901002, 90002, 90014, 9001023, 50194, 501481, 50147, 70003, 70005, 70007, 700054, 90019, 50059, 50128, 90072, 90094, 90020, 50008, 50107, 20012, 80001,
	80002, 80005, 80007, 80010, 80012, 80013, 80014, 81004, 81005, 81006, 81007, 81008, 81009, 81010, 81011, 81012, 70016, 70018, 70019, 70020, 9002326, 9002327,
	50012, 50027, 50048, 700021, 700024}

func TestTable(t *testing.T) {
	for _, c := range documented {
		if _, ok := Lookup(c); !ok {
			t.Errorf("%v is not in the table", c)
		}
	}
	if len(byCode) != len(table) {
		t.Error("a code stands twice in the table")
	}
	for _, e := range All() {
		if e.Error == "" || e.Text == "" || e.Explain == "" || e.Fix == "" || e.Status < 400 || e.Status > 599 {
			t.Errorf("%v is incomplete: %+v", e.Code, e)
		}
		if strings.Trim(e.Error, "abcdefghijklmnopqrstuvwxyz_") != "" {
			t.Errorf("%v: error word %q", e.Code, e.Error)
		}
		if text := e.Describe(); strings.ContainsAny(text, "{}") || !strings.HasSuffix(text, ".") {
			t.Errorf("%v: text %q", e.Code, text)
		}
	}
}

func TestDescribe(t *testing.T) {
	e, _ := Lookup(ResourceUnknown)
	got := e.Describe("https://autodiscover.contoso.com/", "contoso.com")
	if want := "The resource principal named https://autodiscover.contoso.com/ was not found in the tenant named contoso.com."; got != want {
		t.Errorf("got %q", got)
	}
}

func TestFind(t *testing.T) {
	for text, want := range map[string]Code{
		"AADSTS50011: The redirect URI":         50011,
		"error_description=aadsts500011%3A+The": 500011,
		"50126":                                 50126,
		" AADSTS70016 ":                         70016,
		"":                                      0,
		"AADSTS":                                0,
		"AADSTSx":                               0,
		"hello":                                 0,
		"123":                                   0,
		"AADSTS99999999999999999999":            0,
	} {
		got, ok := Find(text)
		if got != want || ok != (want != 0) {
			t.Errorf("Find(%q) = %v, %v", text, got, ok)
		}
	}
}

func FuzzFind(f *testing.F) {
	f.Add("AADSTS50011: x")
	f.Add("ſaadsts50011")
	f.Fuzz(func(t *testing.T, text string) {
		if c, ok := Find(text); ok && (c < 0 || c > 99_999_999) {
			t.Errorf("%q gave %d", text, c)
		}
	})
}
