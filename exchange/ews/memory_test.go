package ews

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"math/rand/v2"
	"net/http/httptest"
	"regexp"
	"runtime"
	"runtime/metrics"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hma/exchange/store"
	"hma/exchange/transport"
)

const (
	largeMail = 12 << 20 // bytes of a message as MIME
	// mostHeld is how much a request may hold, whatever the size of its message.
	mostHeld = 4 << 20
)

// weighed is a context that weighs the heap now and then, while the request waits: the
// store asks each context what it measures before it reads or writes.
type weighed struct {
	context.Context
	mu    sync.Mutex
	asked int
	most  uint64 // bytes that the heap held, rubbish left out
}

// Value implements context.Context.
func (w *weighed) Value(key any) any {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.asked++; w.asked%8 == 0 {
		w.most = max(w.most, held())
	}
	return w.Context.Value(key)
}

// held is how many bytes the heap holds, rubbish left out.
func held() uint64 {
	runtime.GC()
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	return live[0].Value.Uint64()
}

// counting is an answer of which only the beginning is kept.
type counting struct {
	*httptest.ResponseRecorder
	size int
}

func (c *counting) Write(p []byte) (int, error) {
	if c.size += len(p); c.size < 64<<10 {
		c.ResponseRecorder.Write(p)
	}
	return len(p), nil
}

// A message of many megabytes is never whole in memory, whichever way it goes.
func TestLargeMessageStreams(t *testing.T) {
	w := newWorld(t)
	noise := make([]byte, largeMail/4*3)
	rand.NewChaCha8([32]byte{1}).Read(noise)
	inBase64 := func(b []byte) string { return base64.StdEncoding.EncodeToString(b) }
	head := "From: anna@contoso.com\r\nTo: anna@contoso.com\r\nSubject: Large\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nSee below.\r\n"
	message := head + "--b\r\nContent-Type: application/octet-stream; name=x\r\nContent-Transfer-Encoding: base64\r\n\r\n" + inBase64(noise) + "\r\n--b--\r\n"
	given := inBase64([]byte(message))
	content := given[:len(noise)/3*4]
	line := "<p>A line of text that goes on and on.</p>\r\n"
	page := inBase64([]byte("From: anna@contoso.com\r\nTo: anna@contoso.com\r\nSubject: Long\r\nContent-Type: text/html\r\n\r\n" + strings.Repeat(line, largeMail/len(line))))

	// ask sends a request as it is in pieces and returns the beginning of the answer, which must have want bytes.
	ctx := &weighed{Context: t.Context()}
	ask := func(t *testing.T, want int, pieces ...string) string {
		t.Helper()
		readers := []io.Reader{strings.NewReader(strings.TrimSuffix(wrap(""), "</s:Body></s:Envelope>"))}
		for _, p := range append(pieces, "</s:Body></s:Envelope>") {
			readers = append(readers, strings.NewReader(p))
		}
		answer := &counting{ResponseRecorder: httptest.NewRecorder()}
		r := w.request(w.anna, io.MultiReader(readers...))
		r.Request = r.Request.WithContext(ctx)
		w.door.ServeDoor(answer, r)
		text := answer.Body.String()
		if answer.size < want || !strings.Contains(text, "<m:ResponseCode>NoError<") {
			t.Errorf("an answer of %d bytes, want %d: %.600s", answer.size, want, text)
		}
		return text
	}
	find := func(t *testing.T, answer, element string) string {
		t.Helper()
		m := regexp.MustCompile("<" + element + ` Id="([^"]*)"( ChangeKey="[^"]*")?`).FindStringSubmatch(answer)
		if m == nil {
			t.Fatalf("no %s in %.600s", element, answer)
		}
		return `Id="` + m[1] + `"` + m[2]
	}
	create := func(disposition, mime string) []string {
		return []string{`<m:CreateItem MessageDisposition="` + disposition + `"><m:Items><t:Message><t:MimeContent>`, mime, `</t:MimeContent></t:Message></m:Items></m:CreateItem>`}
	}
	stored := find(t, ask(t, 0, create("SaveOnly", given)...), "t:ItemId")
	elements := find(t, ask(t, 0, `<m:CreateItem MessageDisposition="SaveOnly"><m:Items><t:Message><t:Subject>x</t:Subject></t:Message></m:Items></m:CreateItem>`), "t:ItemId")
	attach := []string{`<m:CreateAttachment><m:ParentItemId ` + elements + `/><m:Attachments><t:FileAttachment><t:Name>x</t:Name><t:Content>`, content,
		`</t:Content></t:FileAttachment></m:Attachments></m:CreateAttachment>`}
	attachment := find(t, ask(t, 0, attach...), "t:AttachmentId")
	get := func(id string) string {
		return `<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:IncludeMimeContent>true</t:IncludeMimeContent></m:ItemShape><m:ItemIds><t:ItemId ` + id + `/></m:ItemIds></m:GetItem>`
	}
	var packed bytes.Buffer
	item := w.items(store.RoleDrafts)[1]
	if err := w.mailbox(w.anna).Pack(t.Context(), item.Again(), &packed); err != nil {
		t.Fatal(err)
	}
	exported := inBase64(packed.Bytes())
	packed = bytes.Buffer{}

	for name, do := range map[string]func(t *testing.T){
		"GetItem":             func(t *testing.T) { ask(t, largeMail, get(stored)) },
		"GetItem of elements": func(t *testing.T) { ask(t, largeMail, get(elements)) },
		"GetAttachment": func(t *testing.T) {
			ask(t, largeMail, `<m:GetAttachment><m:AttachmentIds><t:AttachmentId `+attachment+`/></m:AttachmentIds></m:GetAttachment>`)
		},
		"ExportItems": func(t *testing.T) {
			ask(t, largeMail, `<m:ExportItems><m:ItemIds><t:ItemId `+stored+`/></m:ItemIds></m:ExportItems>`)
		},
		"CreateItem":            func(t *testing.T) { ask(t, 0, create("SaveOnly", given)...) },
		"CreateItem that sends": func(t *testing.T) { ask(t, 0, create("SendAndSaveCopy", given)...) },
		"CreateItem of a text":  func(t *testing.T) { ask(t, 0, create("SendAndSaveCopy", page)...) },
		"UpdateItem": func(t *testing.T) {
			ask(t, 0, `<m:UpdateItem MessageDisposition="SaveOnly" ConflictResolution="AlwaysOverwrite"><m:ItemChanges><t:ItemChange><t:ItemId `+stored+
				`/><t:Updates><t:SetItemField><t:FieldURI FieldURI="item:MimeContent"/><t:Message><t:MimeContent>`, given,
				`</t:MimeContent></t:Message></t:SetItemField></t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem>`)
		},
		"CreateAttachment": func(t *testing.T) { ask(t, 0, attach...) },
		"UploadItems": func(t *testing.T) {
			ask(t, 0, `<m:UploadItems><m:Items><t:Item CreateAction="CreateNew"><t:ParentFolderId Id="`+item.Folder.Encode(idKey)+`"/><t:Data>`, exported,
				`</t:Data></t:Item></m:Items></m:UploadItems>`)
		},
		"delivery": func(t *testing.T) {
			results, err := w.mail.Deliver(ctx, transport.Envelope{To: []string{"anna@contoso.com"}}, strings.NewReader(message))
			if err != nil || results[0].Err != nil {
				t.Error(err, results)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			before := held()
			ctx.asked, ctx.most = 0, before
			do(t)
			if grown := ctx.most - before; grown > mostHeld || ctx.asked < largeMail/store.ChunkSize/8 {
				t.Errorf("the heap grew by %d KiB with a message of %d KiB, want at most %d; weighed %d times", grown>>10, largeMail>>10, mostHeld>>10, ctx.asked/8)
			}
		})
	}
}

// slow is a text whose every MiB takes a pause.
type slow struct {
	text  io.Reader
	pause time.Duration
	left  int
}

func (s *slow) Read(p []byte) (int, error) {
	if s.left == 0 {
		time.Sleep(s.pause)
		s.left = paceBytes
	}
	n, err := s.text.Read(p[:min(len(p), s.left)])
	s.left -= n
	return n, err
}

// Who sends or takes much has more time, as long as something moves.
func TestSlowClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		mime := base64.StdEncoding.EncodeToString([]byte("Subject: Long\r\n\r\n" + strings.Repeat("A line of text.\r\n", 3*paceBytes/17)))
		document := wrap(`<m:CreateItem MessageDisposition="SaveOnly"><m:Items><t:Message><t:MimeContent>` + mime + `</t:MimeContent></t:Message></m:Items></m:CreateItem>`)
		for pause, want := range map[time.Duration]string{requestTime - time.Second: "NoError", requestTime + time.Second: "ErrorTimeoutExpired"} {
			rec := httptest.NewRecorder()
			w.door.ServeDoor(rec, w.request(w.anna, &slow{text: strings.NewReader(document), pause: pause}))
			if got := rec.Body.String(); !strings.Contains(got, want) {
				t.Errorf("a pause of %s for each MiB: %.600s", pause, got)
			}
		}
	})
}
