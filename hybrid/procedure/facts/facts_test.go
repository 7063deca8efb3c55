package facts

import "testing"

func TestRegistered(t *testing.T) {
	list := []string{"00000002-0000-0ff1-ce00-000000000000/mail.contoso.com", "https://Mail.contoso.com", "https://eas.contoso.com:443/", "https://localhost:8443/", "https://path.contoso.com/EWS"}
	for url, want := range map[string]bool{
		"https://mail.contoso.com/EWS/Exchange.asmx": true, "HTTPS://MAIL.CONTOSO.COM:443/": true, "https://eas.contoso.com/x": true,
		"https://localhost:8443/mapi": true, "https://localhost/mapi": false, "https://localhost:8444/mapi": false, "http://mail.contoso.com/": false,
		"https://path.contoso.com/EWS": false, "https://xmail.contoso.com/": false, "": false, "%zz": false,
	} {
		if got := Registered(list, url); got != want {
			t.Errorf("%q: %v, want %v", url, got, want)
		}
	}
}

func TestReplyRegistered(t *testing.T) {
	list := []string{"https://mail.contoso.com/owa"}
	for url, want := range map[string]bool{"https://MAIL.contoso.com/owa": true, "https://mail.contoso.com/owa/": false, "https://mail.contoso.com/OWA": false, "https://mail.contoso.com/ecp": false} {
		if got := ReplyRegistered(list, url); got != want {
			t.Errorf("%q: %v, want %v", url, got, want)
		}
	}
}

func TestParseBuild(t *testing.T) {
	b, ok := ParseBuild("Version 15.2 (Build 1544.11)")
	if !ok || b != Build2019CU14Apr || b.String() != "15.2.1544.11" || !b.TakesDomainName() || (Build{15, 2, 659, 4}).TakesDomainName() || !Build2016CU18.TakesDomainName() {
		t.Error(b, ok)
	}
	for _, bad := range []string{"", "15.2", "Version x", "1.2.3.99999999999999999999", "1.2.3.4.5"} {
		if _, ok := ParseBuild(bad); ok {
			t.Errorf("%q is a build", bad)
		}
	}
}

func FuzzResource(f *testing.F) {
	f.Add("https://mail.contoso.com:443/EWS")
	f.Fuzz(func(t *testing.T, s string) {
		if r := Resource(s); r != "" && Resource(r) != r {
			t.Errorf("%q gives %q, which gives %q", s, r, Resource(r))
		}
	})
}
