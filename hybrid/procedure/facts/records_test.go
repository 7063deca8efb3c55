package facts

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

// proxyLog is an HttpProxy log as Exchange writes it: the columns twice, a line for each request.
const proxyLog = "\ufeffDateTime,RequestId,Protocol,UrlHost,AuthenticationType,IsAuthenticated,AuthenticatedUser,Organization,UserAgent,ClientIpAddress,HttpStatus\r\n" +
	"#Software: Microsoft Exchange Server\r\n#Version: 15.02.1544.011\r\n#Log-type: HttpProxy Logs\r\n#Date: 2026-11-20T08:00:00.100Z\r\n" +
	"#Fields: DateTime,RequestId,Protocol,UrlHost,AuthenticationType,IsAuthenticated,AuthenticatedUser,Organization,UserAgent,ClientIpAddress,HttpStatus\r\n" +
	"2026-11-20T08:00:01.123Z,a,Eas,mail.contoso.com,Basic,True,CONTOSO\\ada,,Apple-iPhone9C1/1401.403,192.0.2.1,200\r\n" +
	"2026-11-20T09:00:01.123Z,b,Eas,mail.contoso.com,Basic,True,contoso\\ada,,Apple-iPhone9C1/1401.403,192.0.2.1,200\r\n" +
	"2026-11-20T07:00:01.123Z,c,Eas,mail.contoso.com,Basic,True,CONTOSO\\ada,,Apple-iPhone9C1/1401.403,192.0.2.1,200\r\n" +
	"2026-11-20T08:00:02Z,d,Mapi,mail.contoso.com,Bearer,True,ada@contoso.com,,\"Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0, Pro)\",192.0.2.1,200\r\n" +
	"2026-11-20T08:00:03Z,e,Owa,mail.contoso.com,,False,,,Mozilla/5.0,192.0.2.1,302\r\n" +
	"2026-11-20T08:00:04Z,f,Mapi,localhost,Negotiate,True,HealthMailboxabc@contoso.com,,AMProbe,127.0.0.1,200\r\n" +
	"2026-11-20T08:00:05Z,g,Ews,ex1,Kerberos,True,CONTOSO\\EX1$,,ASProxy,192.0.2.9,200\r\n" +
	"no time,h,Ews,ex1,Kerberos,True,CONTOSO\\bob,,x,192.0.2.9,200\r\n" +
	"2026-11-20T08:00:06Z,i\r\n"

func TestParseRecords(t *testing.T) {
	at := func(text string) time.Time {
		when, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			t.Fatal(err)
		}
		return when
	}
	phone := Client{`contoso\ada`, "ActiveSync", "Basic", "Apple-iPhone9C1/1401.403"}
	outlook := Client{"ada@contoso.com", "MAPI", "Bearer", "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0, Pro)"}
	both := &Records{Clients: map[Client]time.Time{phone: at("2026-11-20T09:00:01.123Z"), outlook: at("2026-11-20T08:00:02Z")}}
	for name, c := range map[string]struct {
		text string
		want *Records
	}{
		"a log of Exchange's":              {proxyLog, both},
		"several of them":                  {proxyLog + proxyLog, both},
		"columns in the comment alone":     {proxyLog[strings.Index(proxyLog, "#Software"):], both},
		"other columns in the next one":    {"DateTime,AuthenticatedUser,AuthenticationType\n2026-11-20T08:00:00Z,a,Basic\n#Fields: AuthenticationType,AuthenticatedUser,DateTime\nNTLM,b,2026-11-20T08:00:00Z\n", &Records{Clients: map[Client]time.Time{{"a", "", "Basic", ""}: at("2026-11-20T08:00:00Z"), {"b", "", "NTLM", ""}: at("2026-11-20T08:00:00Z")}}},
		"our servers' log":                 {`{"time":"2026-11-20T08:00:00Z","level":"INFO","msg":"request","door":"EWS","authn":"Basic","user":"Ada@contoso.com","agent":"x"}` + "\n" + `{"msg":"something else"}` + "\n{cut off", &Records{Clients: map[Client]time.Time{{"ada@contoso.com", "EWS", "Basic", "x"}: at("2026-11-20T08:00:00Z")}}},
		"a server whose logs did not come": {`{"msg":"missing","server":"EX2","problem":"Access is denied."}`, &Records{Clients: map[Client]time.Time{}, Missing: []Missing{{"EX2", "Access is denied."}}}},
		"none at all":                      {"", &Records{Clients: map[Client]time.Time{}}},
	} {
		got, err := ParseRecords([]byte(c.text))
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	for name, text := range map[string]string{"another text": "Dear Sir,\nhow are you", "a line without an end": proxyLog + strings.Repeat("x", maxRecord+1)} {
		if got, err := ParseRecords([]byte(text)); err == nil {
			t.Errorf("%s is taken: %+v", name, got)
		}
	}
}

func TestManyClients(t *testing.T) {
	r := &Records{Clients: map[Client]time.Time{}}
	for i := range maxClients {
		if err := r.came(Client{User: strings.Repeat("u", i%300) + time.Duration(i).String(), Method: "Basic"}, time.Time{}); err != nil {
			t.Fatal(i, err)
		}
	}
	if err := r.came(Client{User: "one more", Method: "Basic"}, time.Time{}); err == nil {
		t.Error("without limit")
	}
}

func FuzzRecords(f *testing.F) {
	f.Add(proxyLog)
	f.Add(`{"msg":"request","user":"a","authn":"Basic"}`)
	f.Add("#Fields: \n\"")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ParseRecords([]byte(text))
		if err == nil && len(r.Clients) > strings.Count(text, "\n")+1 {
			t.Errorf("%d clients of %d lines", len(r.Clients), strings.Count(text, "\n")+1)
		}
	})
}
