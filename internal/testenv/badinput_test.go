package testenv

import (
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"runtime/metrics"
	"slices"
	"strings"
	"testing"
	"time"

	"hma/client/mail"
	"hma/lab"
	"hma/wire/wellknown"
)

const (
	envelope = `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages"><s:Body>%s</s:Body></s:Envelope>`
	poxNS    = `http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006`
	doctype  = `<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>`
)

// huge is a body of 100 MB that begins with text and goes on with letters.
func huge(begin string) io.Reader {
	return io.MultiReader(strings.NewReader(begin), io.LimitReader(letters{}, 100<<20))
}

type letters struct{}

func (letters) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

// TestBadInput sends every door what no client would: each answers with its
// protocol's own error, on a connection that stays usable, in bounded memory.
func TestBadInput(t *testing.T) {
	log := newRecords()
	e := Start(t, lab.Options{Messages: 5, Log: slog.New(log)})
	e.Enable(t)
	user := e.User("user")
	origin := e.Endpoints.Servers[0].URL
	token := e.Token(t, user, origin)
	graphToken := e.Token(t, e.User("admin"), wellknown.Graph)
	nested := strings.Repeat("<a>", 10_000) + strings.Repeat("</a>", 10_000)
	eas := origin + "/Microsoft-Server-ActiveSync?User=alice&DeviceId=d1&DeviceType=t&Cmd="
	mapi := func(kind string) http.Header {
		return http.Header{"Content-Type": {"application/mapi-http"}, "X-Requesttype": {kind}, "X-Requestid": {"{5C4C3A19-6B1D-4B1F-9E44-2F6B6B6B7C11}:1"},
			"X-Clientinfo": {"{5C4C3A19-6B1D-4B1F-9E44-2F6B6B6B7C11}:1"}, "X-Clientapplication": {"Outlook/16.0.1"}}
	}
	wbxml := http.Header{"Content-Type": {"application/vnd.ms-sync.wbxml"}, "Ms-Asprotocolversion": {"14.1"}}
	xml := http.Header{"Content-Type": {"text/xml; charset=utf-8"}}
	form := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	json := http.Header{"Content-Type": {"application/json"}}
	cloud := e.Endpoints.Cloud + "/" + e.Endpoints.Tenant.ID + "/oauth2/v2.0/token"
	principal := e.Endpoints.Graph + "/servicePrincipals(appId='" + wellknown.Exchange + "')"

	// want: the statuses that are the protocol's own, and what stands in header or body.
	for _, tt := range []struct {
		name        string
		method, url string
		header      http.Header
		body        func() io.Reader
		status      []int
		want        string
	}{
		{"EWS malformed", "POST", origin + paths[mail.EWS], xml, text("<s:Envelope"), []int{500}, "ErrorSchemaValidation"},
		{"EWS empty", "POST", origin + paths[mail.EWS], xml, text(""), []int{500}, "s:Fault"},
		{"EWS not UTF-8", "POST", origin + paths[mail.EWS], xml, text(fmt.Sprintf(envelope, "<m:GetFolder>\xff\xfe</m:GetFolder>")), []int{500}, "s:Fault"},
		{"EWS DOCTYPE", "POST", origin + paths[mail.EWS], xml, text(doctype + fmt.Sprintf(envelope, "&c;")), []int{500}, "s:Fault"},
		{"EWS nested", "POST", origin + paths[mail.EWS], xml, text(fmt.Sprintf(envelope, nested)), []int{500}, "s:Fault"},
		{"EWS nested in an operation", "POST", origin + paths[mail.EWS], xml, text(fmt.Sprintf(envelope, "<m:FindItem>"+nested+"</m:FindItem>")), []int{500}, "s:Fault"},
		{"EWS unknown operation", "POST", origin + paths[mail.EWS], xml, text(fmt.Sprintf(envelope, "<m:Frobnicate/>")), []int{500}, "ErrorInvalidOperation"},
		{"EWS 100 MB", "POST", origin + paths[mail.EWS], xml, func() io.Reader {
			return huge(`<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>`)
		}, []int{500, 413}, ""},
		{"EWS 100 MB of MIME", "POST", origin + paths[mail.EWS], xml, func() io.Reader {
			return huge(`<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><CreateItem xmlns="http://schemas.microsoft.com/exchange/services/2006/messages" MessageDisposition="SaveOnly"><Items><Message xmlns="http://schemas.microsoft.com/exchange/services/2006/types"><MimeContent>`)
		}, []int{500, 413}, ""},
		{"EWS method", "DELETE", origin + paths[mail.EWS], nil, nil, []int{405}, ""},

		{"Autodiscover malformed", "POST", origin + paths[mail.Autodiscover], xml, text("<Autodiscover"), []int{200}, "<ErrorCode>600</ErrorCode>"},
		{"Autodiscover DOCTYPE", "POST", origin + paths[mail.Autodiscover], xml, text(doctype + `<Autodiscover xmlns="` + poxNS + `"/>`), []int{200}, "<ErrorCode>600</ErrorCode>"},
		{"Autodiscover nested", "POST", origin + paths[mail.Autodiscover], xml, text(`<Autodiscover xmlns="` + poxNS + `">` + nested + `</Autodiscover>`), []int{200}, "<ErrorCode>600</ErrorCode>"},
		{"Autodiscover unknown schema", "POST", origin + paths[mail.Autodiscover], xml, text(`<Autodiscover xmlns="` + poxNS + `"><Request><EMailAddress>` + user.UPN + `</EMailAddress><AcceptableResponseSchema>urn:x</AcceptableResponseSchema></Request></Autodiscover>`), []int{200}, "<ErrorCode>601</ErrorCode>"},
		{"Autodiscover 100 MB", "POST", origin + paths[mail.Autodiscover], xml, func() io.Reader { return huge(`<Autodiscover xmlns="` + poxNS + `">`) }, []int{200, 413}, ""},
		{"Autodiscover JSON without address", "GET", origin + "/autodiscover/autodiscover.json?Protocol=EWS", nil, nil, []int{400}, "ErrorCode"},
		{"Autodiscover JSON unknown protocol", "GET", origin + "/autodiscover/autodiscover.json?Email=" + user.UPN + "&Protocol=Frob", nil, nil, []int{400}, "InvalidProtocol"},

		{"ActiveSync malformed", "POST", eas + "Settings", wbxml, text("\x03\x01\x6a\x00garbage"), []int{200}, "\x03\x01j"},
		{"ActiveSync XML for WBXML", "POST", eas + "Settings", wbxml, text(doctype + "<a/>"), []int{200}, "\x03\x01j"},
		{"ActiveSync nested", "POST", eas + "Settings", wbxml, text("\x03\x01\x6a\x00\x00\x12" + strings.Repeat("\x45", 10_000) + strings.Repeat("\x01", 10_000)), []int{200}, "\x03\x01j"},
		{"ActiveSync unknown command", "POST", eas + "Frobnicate", wbxml, text("\x03\x01\x6a\x00"), []int{501, 400}, ""},
		{"ActiveSync 100 MB", "POST", eas + "Settings", wbxml, func() io.Reader { return huge("\x03\x01\x6a\x00\x00\x12\x45\x03") }, []int{400, 413}, ""},

		{"MAPI malformed Connect", "POST", origin + "/mapi/emsmdb/", mapi("Connect"), text("x"), []int{200}, ""},
		{"MAPI unknown request type", "POST", origin + "/mapi/emsmdb/", mapi("Frobnicate"), text(""), []int{200}, ""},
		{"MAPI without headers", "POST", origin + "/mapi/emsmdb/", nil, text("x"), []int{200}, ""},
		{"MAPI 100 MB", "POST", origin + "/mapi/emsmdb/", mapi("Connect"), func() io.Reader { return huge("") }, []int{200, 413}, ""},

		{"OAB method", "POST", origin + paths[mail.OAB] + "/oab.xml", nil, text("x"), []int{405}, ""},
		{"OAB outside", "GET", origin + paths[mail.OAB] + "/..%2f..%2fetc/passwd", nil, nil, []int{404, 400}, ""},
		{"OAB 100 MB", "POST", origin + paths[mail.OAB] + "/oab.xml", nil, func() io.Reader { return huge("") }, []int{405}, ""},

		{"OWA garbage form", "POST", origin + "/owa", form, text("%zz&&&=="), []int{400}, "Sign-in failed"},
		{"OWA 100 MB", "POST", origin + "/owa", form, func() io.Reader { return huge("state=") }, []int{400, 413}, ""},
		{"ECP garbage form", "POST", origin + "/ecp", form, text("id_token=%00"), []int{400}, "Sign-in failed"},
		{"OWA JSON", "POST", origin + "/owa/service.svc", json, text("{"), []int{440}, ""},

		{"token endpoint garbage", "POST", cloud, form, text("%zz"), []int{400}, "AADSTS"},
		{"token endpoint unknown grant", "POST", cloud, form, text("grant_type=frobnicate&client_id=" + e.Endpoints.Clients[0].ID), []int{400}, "AADSTS70003"},
		{"token endpoint 100 MB", "POST", cloud, form, func() io.Reader { return huge("client_id=") }, []int{400, 413}, ""},
		{"authorize unknown client", "GET", e.Endpoints.Cloud + "/common/oauth2/authorize?client_id=x&response_type=code", nil, nil, []int{400, 200}, "AADSTS"},
		{"Graph garbage", "PATCH", principal, json, text("{"), []int{400}, `"error"`},
		{"Graph deep JSON", "PATCH", principal, json, text(`{"x":` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + "}"), []int{400}, `"error"`},
		{"Graph unknown property", "PATCH", principal, json, text(`{"frobnicate":1}`), []int{400}, `"error"`},
		{"Graph 100 MB", "PATCH", principal, json, func() io.Reader { return huge(`{"servicePrincipalNames":["`) }, []int{400, 413}, `"error"`},
		{"Graph unknown path", "GET", e.Endpoints.Graph + "/frobnicate", nil, nil, []int{400, 404}, `"error"`},

		{"Admin API garbage", "POST", origin + "/adminapi/v1/invoke", json, text("{"), []int{400, 403}, "error"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			header := tt.header.Clone()
			if header == nil {
				header = http.Header{}
			}
			switch {
			case strings.HasPrefix(tt.url, e.Endpoints.Graph):
				header.Set("Authorization", "Bearer "+graphToken)
			case strings.HasPrefix(tt.url, origin):
				header.Set("Authorization", "Bearer "+token)
			}
			var body io.Reader
			if tt.body != nil {
				body = tt.body()
			}
			memory := watchMemory()
			resp, answer := ask(t, e.HTTP, tt.method, tt.url, header, body)
			if peak := memory(); peak > 64<<20 {
				t.Errorf("the heap grew by %d MB", peak>>20)
			}
			if !slices.Contains(tt.status, resp.StatusCode) {
				t.Errorf("%d, want one of %d\n%.500s", resp.StatusCode, tt.status, answer)
			}
			if !strings.Contains(strings.ToLower(string(answer)), strings.ToLower(tt.want)) {
				t.Errorf("answer without %q: %d\n%.500s", tt.want, resp.StatusCode, answer)
			}
			if code := resp.Header.Get("X-ResponseCode"); strings.HasPrefix(tt.name, "MAPI") && (code == "" || code == "0") {
				t.Errorf("X-ResponseCode %q: want an error", code)
			}
			if id := resp.Header.Get("Request-Id"); tt.want == "Sign-in failed" && !strings.Contains(string(answer), id) {
				t.Error("the page does not show the request id")
			}
			for _, inner := range []string{"goroutine ", ".go:", "sqlite", "panic"} {
				if strings.Contains(string(answer), inner) {
					t.Errorf("the answer tells %q\n%.500s", inner, answer)
				}
			}
			u, err := url.Parse(tt.url)
			if err != nil {
				t.Fatal(err)
			}
			// Where the answer is there before the body has ended, Go's client gives the connection up;
			// and the cloud closes on who sends far more than it takes.
			if early := strings.HasSuffix(tt.name, "100 MB") && (strings.HasPrefix(tt.url, e.Endpoints.Cloud) || strings.HasPrefix(tt.name, "OWA")); early {
				return
			}
			if !reused(t, e.HTTP, u.Scheme+"://"+u.Host+"/nowhere") {
				t.Error("the connection was not usable afterwards")
			}
		})
	}

	t.Run("truncated", func(t *testing.T) {
		host := strings.TrimPrefix(origin, "https://")
		for _, p := range []string{paths[mail.EWS], paths[mail.Autodiscover], "/mapi/emsmdb/", "/Microsoft-Server-ActiveSync?Cmd=Settings&User=a&DeviceId=b&DeviceType=c", "/owa"} {
			conn, err := net.Dial("tcp", host)
			if err != nil {
				t.Fatal(err)
			}
			secure := tls.Client(conn, &tls.Config{RootCAs: e.HTTP.Transport.(*http.Transport).TLSClientConfig.RootCAs, ServerName: "localhost"})
			fmt.Fprintf(secure, "POST %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: text/xml\r\nContent-Length: 5000\r\n\r\n<s:Envelope", p, host, token)
			if err := secure.CloseWrite(); err != nil {
				t.Fatal(err)
			}
			secure.SetReadDeadline(time.Now().Add(10 * time.Second))
			answer, err := io.ReadAll(secure)
			if e, ok := err.(net.Error); ok && e.Timeout() {
				t.Errorf("%s: still waiting after the client has gone: %q", p, answer)
			}
			secure.Close()
		}
		if resp, _ := ask(t, e.HTTP, "POST", origin+paths[mail.EWS], authorization(token), strings.NewReader(fmt.Sprintf(envelope, "<m:Frobnicate/>"))); resp.StatusCode != 500 {
			t.Errorf("EWS afterwards: %d", resp.StatusCode)
		}
	})

	list, log2 := log.all()
	for _, r := range list {
		if r.Message == "door failed" {
			t.Errorf("a door panicked: %s", r.Stack)
		}
	}
	if strings.Contains(log2, token) {
		t.Error("a token is in the log")
	}
}

func text(s string) func() io.Reader { return func() io.Reader { return strings.NewReader(s) } }

// reused tells whether the next request to the origin goes over a connection that was used before.
func reused(t *testing.T, c *http.Client, url string) (again bool) {
	t.Helper()
	trace := &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) { again = info.Reused }}
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), trace), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	return again
}

// watchMemory returns a function that ends watching and tells by how many bytes
// the heap grew at most.
func watchMemory() func() int64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	read := func() int64 {
		metrics.Read(sample)
		return int64(sample[0].Value.Uint64())
	}
	begin, end, peak := read(), make(chan struct{}), make(chan int64)
	go func() {
		most := begin
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				most = max(most, read())
			case <-end:
				peak <- max(most, read()) - begin
				return
			}
		}
	}()
	return func() int64 { close(end); return <-peak }
}
