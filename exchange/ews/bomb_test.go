package ews

import (
	"bufio"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"runtime/metrics"
	"strings"
	"testing"
	"time"

	"hma/exchange/store"
	"hma/exchange/transport"
	"hma/wire/mapi"
)

// heap returns the bytes of the heap's objects, those that wait to be collected among them.
func heap() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// bounded runs fn and holds it to a time and to MiB that the heap grows meanwhile.
func bounded(t *testing.T, name string, most time.Duration, mib uint64, fn func()) {
	t.Helper()
	before, peak := heap(), uint64(0)
	done, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		for {
			peak = max(peak, heap())
			select {
			case <-done:
				return
			case <-time.After(10 * time.Millisecond):
			}
		}
	}()
	start := time.Now()
	fn()
	took := time.Since(start)
	close(done)
	<-watched
	if took > most {
		t.Errorf("%s took %v, at most %v", name, took, most)
	}
	if grown := int64(peak) - int64(before); grown > int64(mib)<<20 {
		t.Errorf("%s took %d MiB of the heap, at most %d", name, grown>>20, mib)
	}
	if testing.Verbose() {
		t.Logf("%s: %v, %d MiB", name, took.Round(time.Millisecond), (int64(peak)-int64(before))>>20)
	}
}

// TestThousandIDs reads, copies, moves and deletes a thousand items in one request each, in the order of the
// ids; what is there twice is there once for the second.
func TestThousandIDs(t *testing.T) {
	w := newWorld(t)
	const n = 1000
	m, inbox := w.mailbox(w.anna), w.folder(store.RoleInbox)
	var ids []string
	for i := range n {
		stamp, err := m.CreateItem(t.Context(), store.NewItem{Folder: inbox, Props: mapi.Bag{mapi.PidTagMessageClass: "IPM.Note", mapi.PidTagSubject: fmt.Sprint("number ", i)}})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, `<t:ItemId Id="`+stamp.ID.Encode(idKey)+`"/>`)
	}
	list := func(ids []string) string { return `<m:ItemIds>` + strings.Join(ids, "") + `</m:ItemIds>` }
	to := `<m:ToFolderId><t:DistinguishedFolderId Id="drafts"/></m:ToFolderId>`
	count := func(role store.Role) int {
		t.Helper()
		page, err := m.List(t.Context(), store.Query{Folder: w.folder(role), Limit: 1})
		if err != nil {
			t.Fatal(err)
		}
		return page.Total
	}
	for _, c := range []struct {
		name, request string
		good, bad     int
		inbox, drafts int
	}{
		{"GetItem", `<m:GetItem><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape></m:ItemShape>` + list(ids) + `</m:GetItem>`, n, 0, n, 0},
		{"CopyItem", `<m:CopyItem>` + to + list(ids) + `</m:CopyItem>`, n, 0, n, n},
		{"MoveItem", `<m:MoveItem>` + to + list(append(ids[:n-1:n-1], ids[0])) + `</m:MoveItem>`, n - 1, 1, 1, 2*n - 1},
		{"DeleteItem", `<m:DeleteItem DeleteType="HardDelete">` + list(ids) + `</m:DeleteItem>`, 1, n - 1, 0, 2*n - 1},
	} {
		bounded(t, c.name, 30*time.Second, 64, func() {
			status, answer := w.ask(wrap(c.request))
			good, bad := strings.Count(answer, `ResponseClass="Success"`), strings.Count(answer, ">ErrorItemNotFound<")
			if status != 200 || good != c.good || bad != c.bad {
				t.Errorf("%s: status %d, %d of success, %d of failure", c.name, status, good, bad)
			}
			if c.name == "GetItem" {
				at := -1
				for i := range n {
					next := strings.Index(answer, fmt.Sprintf("<t:Subject>number %d<", i))
					if next <= at {
						t.Fatalf("the answer is not in the order of the ids at %d", i)
					}
					at = next
				}
			}
		})
		if in, out := count(store.RoleInbox), count(store.RoleDrafts); in != c.inbox || out != c.drafts {
			t.Errorf("after %s %d items in the inbox and %d in drafts", c.name, in, out)
		}
	}
	many := make([]string, maxIDs+1)
	for i := range many {
		many[i] = ids[0]
	}
	for _, request := range []string{`<m:GetItem>` + idOnly + list(many) + `</m:GetItem>`, `<m:DeleteItem DeleteType="HardDelete">` + list(many) + `</m:DeleteItem>`,
		`<m:MoveItem>` + to + list(many) + `</m:MoveItem>`, `<m:CopyItem>` + to + list(many) + `</m:CopyItem>`} {
		if status, answer := w.ask(wrap(request)); status != 500 || !strings.Contains(answer, "ErrorInvalidOperation") || len(answer) > 4096 {
			t.Errorf("%.40s: status %d, %.300s", request, status, answer)
		}
	}
}

// TestManyRecipients sends to as many as one message may have, and to more: then nobody gets it, and
// nothing says that it was sent.
func TestManyRecipients(t *testing.T) {
	w := newWorld(t)
	send := func(n int, address func(int) string) string {
		var to strings.Builder
		for i := range n {
			to.WriteString(`<t:Mailbox><t:EmailAddress>` + address(i) + `</t:EmailAddress></t:Mailbox>`)
		}
		_, answer := w.ask(wrap(`<m:CreateItem MessageDisposition="SendAndSaveCopy"><m:Items><t:Message><t:Subject>many</t:Subject><t:ToRecipients>` + to.String() + `</t:ToRecipients></t:Message></m:Items></m:CreateItem>`))
		return answer
	}
	bob := func(int) string { return "bob@contoso.com" }
	inboxOfBob := func() int { return len(w.contents(w.bob, store.RoleInbox)) }
	for _, c := range []struct {
		name    string
		n       int
		address func(int) string
		code    string
	}{
		{"5,000", 5000, bob, "ErrorInvalidRecipients"},
		{"5,000 others", 5000, func(i int) string { return fmt.Sprintf("somebody%d@contoso.com", i) }, "ErrorInvalidRecipients"},
	} {
		bounded(t, c.name, 30*time.Second, 64, func() {
			if answer := send(c.n, c.address); !strings.Contains(answer, ">"+c.code+"<") || strings.Contains(answer, "Success") {
				t.Errorf("%s: want %s: %.400s", c.name, c.code, answer)
			}
		})
		if n := inboxOfBob(); n != 0 || len(w.items(store.RoleSentItems)) != 0 {
			t.Errorf("%s: %d in Bob's inbox, %d in Sent Items", c.name, n, len(w.items(store.RoleSentItems)))
		}
	}
	bounded(t, "as many as may be", 30*time.Second, 64, func() {
		if answer := send(transport.MaxRecipients, bob); !strings.Contains(answer, "NoError") {
			t.Errorf("%.400s", answer)
		}
	})
	if n := inboxOfBob(); n != 1 || len(w.items(store.RoleSentItems)) != 1 {
		t.Errorf("%d in Bob's inbox, %d in Sent Items, want one each", n, len(w.items(store.RoleSentItems)))
	}
}

// TestDeepRestrictions searches with trees as deep as a document may be, and deeper.
func TestDeepRestrictions(t *testing.T) {
	w := newWorld(t)
	w.deliver(plainMail)
	leaf := `<t:Contains ContainmentMode="Substring" ContainmentComparison="IgnoreCase"><t:FieldURI FieldURI="item:Subject"/><t:Constant Value="re"/></t:Contains>`
	find := func(restriction string) string {
		return wrap(`<m:FindItem Traversal="Shallow">` + idOnly + `<m:Restriction>` + restriction + `</m:Restriction><m:ParentFolderIds><t:DistinguishedFolderId Id="inbox"/></m:ParentFolderIds></m:FindItem>`)
	}
	not := func(n int) string { return strings.Repeat("<t:Not>", n) + leaf + strings.Repeat("</t:Not>", n) }
	branches := func(n int) string { // a tree that has a leaf at every level
		tree := leaf
		for i := range n {
			kind := []string{"And", "Or"}[i%2]
			tree = "<t:" + kind + ">" + leaf + tree + "</t:" + kind + ">"
		}
		return tree
	}
	const most = 64 - 4 - 2 // levels of a document, less those around the tree and of its leaf
	for _, c := range []struct {
		name, tree string
		found      int // -1: refused
	}{
		{"no Not", not(0), 1}, {"32 Not", not(32), 1}, {"57 Not", not(most - 1), 0}, {"58 Not", not(most), 1}, {"59 Not", not(most + 1), -1}, {"64 Not", not(64), -1}, {"10,000 Not", not(10_000), -1},
		{"58 branches", branches(most), 1}, {"64 branches", branches(64), -1},
	} {
		bounded(t, c.name, 5*time.Second, 32, func() {
			status, answer := w.ask(find(c.tree))
			refused := status == 500 && strings.Contains(answer, "ErrorSchemaValidation")
			if refused != (c.found < 0) || !refused && !strings.Contains(answer, fmt.Sprintf(`TotalItemsInView="%d"`, c.found)) {
				t.Errorf("%s: status %d: %.600s", c.name, status, answer)
			}
		})
	}
}

// repeated gives a text again and again, then what follows.
type repeated struct {
	piece string
	left  int
	rest  string
}

func (r *repeated) Read(p []byte) (int, error) {
	if r.rest == "" {
		if r.left == 0 {
			return 0, io.EOF
		}
		r.rest, r.left = r.piece, r.left-1
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// mimeBombs are messages that are made to cost much, by name. Each is read anew.
var mimeBombs = map[string]func() io.Reader{
	"10,000 parts": func() io.Reader {
		return io.MultiReader(strings.NewReader("Subject: bomb\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"),
			&repeated{piece: "--b\r\nContent-Type: application/octet-stream; name=a\r\nContent-Disposition: attachment\r\n\r\nx\r\n", left: 10_000}, strings.NewReader("--b--\r\n"))
	},
	"10,000 text parts": func() io.Reader {
		return io.MultiReader(strings.NewReader("Subject: bomb\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"),
			&repeated{piece: "--b\r\n\r\nwords\r\n", left: 10_000}, strings.NewReader("--b--\r\n"))
	},
	"200 levels of multipart": func() io.Reader {
		var b strings.Builder
		b.WriteString("Subject: bomb\r\nMIME-Version: 1.0\r\n")
		for i := range 200 {
			fmt.Fprintf(&b, "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i, i)
		}
		return strings.NewReader(b.String() + "\r\ndeep\r\n")
	},
	"200 levels of messages": func() io.Reader {
		return io.MultiReader(strings.NewReader("Subject: bomb\r\nMIME-Version: 1.0\r\n"), &repeated{piece: "Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n", left: 200}, strings.NewReader("\r\ndeep\r\n"))
	},
	"10,000 messages in one": func() io.Reader {
		return io.MultiReader(strings.NewReader("Subject: bomb\r\nMIME-Version: 1.0\r\nContent-Type: multipart/digest; boundary=b\r\n\r\n"),
			&repeated{piece: "--b\r\n\r\nSubject: inner\r\n\r\nwords\r\n", left: 10_000}, strings.NewReader("--b--\r\n"))
	},
	"broken encodings": func() io.Reader {
		return strings.NewReader("Subject: bomb =?utf-8?b?!!!?= =?nothing?x?y?= =?utf-8?q?=ZZ?=\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"b\r\n b\"; boundary=c; charset=\"\x00\"\r\n\r\n" +
			"--c\r\nContent-Type: text/plain; charset=no-such-charset\r\nContent-Transfer-Encoding: base64\r\n\r\n====not base64====\xff\xfe\r\n" +
			"--c\r\nContent-Type: text/html; charset=utf-16\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=ZZ=\r\n=3\r\n<p\xc3\x28\r\n" +
			"--c\r\nContent-Type: application/octet-stream; name*0*=utf-8''%ZZ; name*2=x; name*1*=%E2%28\r\nContent-Transfer-Encoding: x-uuencode\r\n\r\nbegin 644 x\r\n#\xff\r\nend\r\n" +
			"--c\r\nContent-Type: a\r\nContent-Transfer-Encoding: base64\r\n\r\n" + strings.Repeat("AAAA=AAAA\r\n", 1000))
	},
	"a header of 1 MB": func() io.Reader {
		return io.MultiReader(strings.NewReader("Subject: bomb\r\n"), &repeated{piece: "To: a@example.net, b@example.net\r\n", left: 30_000}, strings.NewReader("\r\nwords\r\n"))
	},
	"50 MB of base64": func() io.Reader {
		return io.MultiReader(strings.NewReader("Subject: bomb\r\nMIME-Version: 1.0\r\nContent-Type: application/octet-stream; name=large\r\nContent-Transfer-Encoding: base64\r\n\r\n"),
			&repeated{piece: strings.Repeat("QUJD", 19) + "\r\n", left: 50_000_000 / 78})
	},
	"10 MB of base64 in one line": func() io.Reader {
		return io.MultiReader(strings.NewReader("Subject: bomb\r\nMIME-Version: 1.0\r\nContent-Type: application/octet-stream; name=large\r\nContent-Transfer-Encoding: base64\r\n\r\n"),
			&repeated{piece: strings.Repeat("QUJD", 1000), left: 10_000_000 / 4000})
	},
}

// encoded gives what a reader has as base64.
func encoded(r io.Reader) io.Reader {
	out, in := io.Pipe()
	go func() {
		buffer := bufio.NewWriterSize(in, 64<<10)
		e := base64.NewEncoder(base64.StdEncoding, buffer)
		_, err := io.Copy(e, r)
		in.CloseWithError(errors.Join(err, e.Close(), buffer.Flush()))
	}()
	return out
}

// length is an answer's writer that keeps the first bytes only.
type length struct {
	*httptest.ResponseRecorder
	n    int64
	head []byte
}

func (l *length) Write(p []byte) (int, error) {
	l.n += int64(len(p))
	l.head = append(l.head, p[:min(len(p), 1<<20-len(l.head))]...)
	return len(p), nil
}

func (l *length) WriteString(s string) (int, error) { return l.Write([]byte(s)) }

// TestMIMEBombs saves each of the bombs as a draft and takes it by delivery, and reads it: what was acknowledged
// is there byte by byte, and nothing of it takes more than a few megabytes or seconds.
func TestMIMEBombs(t *testing.T) {
	for name, bomb := range mimeBombs {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			var hash mapi.Blob
			if size, err := io.Copy(io.Discard, bomb()); err != nil || size < 1000 {
				t.Fatal(size, err)
			}
			hash, err := w.mailbox(w.anna).WriteBlob(t.Context(), bomb())
			if err != nil {
				t.Fatal(err)
			}
			before, after, _ := strings.Cut(wrap(`<m:CreateItem MessageDisposition="SaveOnly"><m:Items><t:Message><t:MimeContent>|</t:MimeContent></t:Message></m:Items></m:CreateItem>`), "|")
			bounded(t, "CreateItem", 60*time.Second, 48, func() {
				rec := httptest.NewRecorder()
				w.door.ServeDoor(rec, w.request(w.anna, io.MultiReader(strings.NewReader(before), encoded(bomb()), strings.NewReader(after))))
				if rec.Code != 200 || !strings.Contains(rec.Body.String(), "NoError") {
					t.Fatalf("not saved: %.500s", rec.Body)
				}
			})
			bounded(t, "delivery", 60*time.Second, 48, func() {
				results, err := w.mail.Deliver(t.Context(), transport.Envelope{From: "x@example.net", To: []string{"anna@contoso.com"}, Received: w.now()}, bomb())
				if err != nil || results[0].Err != nil {
					t.Fatal(err, results)
				}
			})
			if items := w.items(store.RoleDrafts); len(items) != 1 || items[0].MIME != hash {
				t.Fatal("the draft is not what was sent")
			}
			items := w.items(store.RoleInbox)
			if len(items) != 1 || items[0].MIME.Size < hash.Size {
				t.Fatal("the message is not what was delivered")
			}
			for _, shape := range []string{"<t:IncludeMimeContent>true</t:IncludeMimeContent>", ""} {
				bounded(t, "GetItem", 60*time.Second, 48, func() {
					answer := &length{ResponseRecorder: httptest.NewRecorder()}
					w.door.ServeDoor(answer, w.request(w.anna, strings.NewReader(wrap(`<m:GetItem><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape>`+shape+
						`<t:AdditionalProperties><t:FieldURI FieldURI="item:Attachments"/></t:AdditionalProperties></m:ItemShape><m:ItemIds><t:ItemId Id="`+items[0].ID.Encode(idKey)+`"/></m:ItemIds></m:GetItem>`))))
					if !strings.Contains(string(answer.head), "NoError") || shape != "" && answer.n < hash.Size*4/3 {
						t.Errorf("%d bytes: %.500s", answer.n, answer.head)
					}
				})
			}
			var list strings.Builder
			for _, a := range items[0].Attachments[:min(len(items[0].Attachments), 1000)] {
				list.WriteString(`<t:AttachmentId Id="` + a.ID.Encode(idKey) + `"/>`)
			}
			if list.Len() > 0 {
				bounded(t, "GetAttachment", 30*time.Second, 48, func() {
					answer := &length{ResponseRecorder: httptest.NewRecorder()}
					w.door.ServeDoor(answer, w.request(w.anna, strings.NewReader(wrap(`<m:GetAttachment><m:AttachmentIds>`+list.String()+`</m:AttachmentIds></m:GetAttachment>`))))
					if !strings.Contains(string(answer.head), "NoError") {
						t.Errorf("%.500s", answer.head)
					}
				})
			}
			// Somebody goes on working on it.
			bounded(t, "CopyItem and reply", 30*time.Second, 48, func() {
				id := items[0].ID.Encode(idKey)
				w.answered(`<m:CopyItem><m:ToFolderId><t:DistinguishedFolderId Id="inbox"/></m:ToFolderId><m:ItemIds><t:ItemId Id="` + id + `"/></m:ItemIds></m:CopyItem>`)
				w.answered(`<m:CreateItem MessageDisposition="SaveOnly"><m:Items><t:ReplyToItem><t:ReferenceItemId Id="` + id + `"/></t:ReplyToItem></m:Items></m:CreateItem>`)
			})
			if err := w.mailbox(w.anna).Check(t.Context(), false, func(d store.Damage) { t.Errorf("%+v", d) }); err != nil {
				t.Error(err)
			}
		})
	}
}

// event is an iCalendar of one event by a stranger for Anna.
func event(lines string) string {
	return "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:bomb\r\nSUMMARY:bomb\r\nDTSTAMP:20260101T000000Z\r\nORGANIZER:mailto:x@example.net\r\nATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:anna@contoso.com\r\n" + lines + "END:VEVENT\r\nEND:VCALENDAR\r\n"
}

const (
	nine       = "DTSTART:20260302T090000Z\r\nDTEND:20260302T100000Z\r\n"
	nineBerlin = "DTSTART;TZID=Bomb:20260302T090000\r\nDTEND;TZID=Bomb:20260302T100000\r\n"
)

// daysFrom gives so many lines of a day each.
func daysFrom(n int, line func(day string) string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(line(time.Date(2026, 3, 2+i, 9, 0, 0, 0, time.UTC).Format("20060102T150405Z")))
	}
	return b.String()
}

// zoned is event with a definition of the zone Bomb before the event.
func zoned(zone string) string {
	return strings.Replace(event(nineBerlin+"RRULE:FREQ=DAILY\r\n"), "BEGIN:VEVENT", "BEGIN:VTIMEZONE\r\nTZID:Bomb\r\n"+zone+"END:VTIMEZONE\r\nBEGIN:VEVENT", 1)
}

// calendarBombs are calendars that are made to cost much, by name.
var calendarBombs = map[string]string{
	"a million occurrences":         event(nine + "RRULE:FREQ=DAILY;COUNT=1000000\r\n"),
	"as many as there are numbers":  event(nine + "RRULE:FREQ=DAILY;COUNT=4294967295\r\n"),
	"more than there are numbers":   event(nine + "RRULE:FREQ=DAILY;COUNT=99999999999999999999\r\n"),
	"every second":                  event(nine + "RRULE:FREQ=SECONDLY\r\n"),
	"every minute of everything":    event(nine + "RRULE:FREQ=MINUTELY;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYHOUR=0,1,2,3,4,5,6,7,8,9,10,11\r\n"),
	"BYDAY nonsense":                event(nine + "RRULE:FREQ=MONTHLY;BYDAY=99MO,-99XX,0SU,,;BYSETPOS=0\r\n"),
	"a day that no month has":       event(nine + "RRULE:FREQ=MONTHLY;BYMONTHDAY=31;BYMONTH=2\r\n"),
	"29 February, every third year": event(nine + "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;INTERVAL=999\r\n"),
	"the fifth Monday of February":  event(nine + "RRULE:FREQ=YEARLY;BYMONTH=2;BYDAY=5MO\r\n"),
	"INTERVAL 0":                    event(nine + "RRULE:FREQ=DAILY;INTERVAL=0\r\n"),
	"INTERVAL huge":                 event(nine + "RRULE:FREQ=YEARLY;INTERVAL=2147483647\r\n"),
	"10,000 dates taken out":        event(nine + "RRULE:FREQ=DAILY\r\n" + daysFrom(10_000, func(day string) string { return "EXDATE:" + day + "\r\n" })),
	"10,000 more dates":             event(nine + daysFrom(10_000, func(day string) string { return "RDATE:" + day + "\r\n" })),
	"10,000 exceptions": strings.Replace(event(nine+"RRULE:FREQ=DAILY\r\n"), "END:VCALENDAR", daysFrom(10_000, func(day string) string {
		return "BEGIN:VEVENT\r\nUID:bomb\r\nRECURRENCE-ID:" + day + "\r\nDTSTART:" + strings.Replace(day, "T09", "T11", 1) + "\r\nSUMMARY:changed\r\nEND:VEVENT\r\n"
	})+"END:VCALENDAR", 1),
	"year 0":                          event("DTSTART:00000101T000000Z\r\nDTEND:00000101T010000Z\r\nRRULE:FREQ=DAILY\r\n"),
	"year 1":                          event("DTSTART:00010101T000000Z\r\nDTEND:00010101T010000Z\r\nRRULE:FREQ=DAILY\r\n"),
	"year 9999":                       event("DTSTART:99991231T230000Z\r\nDTEND:99991231T235959Z\r\nRRULE:FREQ=YEARLY\r\n"),
	"from year 1 to 9999":             event("DTSTART:00010101T000000Z\r\nDTEND:99991231T235959Z\r\n"),
	"series of centuries":             event("DTSTART:20260302T090000Z\r\nDURATION:P36500D\r\nRRULE:FREQ=DAILY\r\n"),
	"end before start":                event("DTSTART:20260302T090000Z\r\nDTEND:20250302T090000Z\r\nRRULE:FREQ=DAILY\r\n"),
	"duration backward":               event("DTSTART:20260302T090000Z\r\nDURATION:-P1D\r\nRRULE:FREQ=DAILY\r\n"),
	"no day":                          event("DTSTART:20260231T250000Z\r\n"),
	"a zone of nothing":               zoned(""),
	"a zone days off":                 zoned("BEGIN:STANDARD\r\nDTSTART:16010101T000000\r\nTZOFFSETFROM:+9959\r\nTZOFFSETTO:-9959\r\nEND:STANDARD\r\n"),
	"a zone of 10,000 rules":          zoned(strings.Repeat("BEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\nRRULE:FREQ=SECONDLY\r\nEND:STANDARD\r\n", 10_000)),
	"a zone that changes each second": zoned("BEGIN:DAYLIGHT\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\nRRULE:FREQ=SECONDLY;COUNT=1000000000\r\nEND:DAYLIGHT\r\n"),
	"10,000 attendees":                event(nine + strings.Repeat("ATTENDEE:mailto:somebody@example.net\r\n", 10_000)),
	"10,000 alarms":                   event(nine + strings.Repeat("BEGIN:VALARM\r\nTRIGGER:-PT999999999M\r\nACTION:DISPLAY\r\nEND:VALARM\r\n", 10_000)),
}

// invitationOf is a message that carries a calendar.
func invitationOf(calendar string) string {
	return "From: x@example.net\r\nTo: anna@contoso.com\r\nSubject: bomb\r\nMIME-Version: 1.0\r\nContent-Type: text/calendar; method=REQUEST; charset=utf-8\r\n\r\n" + calendar
}

// looks are the requests that make something of what is in a calendar.
var looks = map[string]string{
	"view of a year":            viewOf("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z", "calendar:Start", "item:Subject", "calendar:ConflictingMeetingCount"),
	"view of a week":            viewOf("2026-03-01T00:00:00Z", "2026-03-08T00:00:00Z", "calendar:Start", "calendar:IsRecurring"),
	"view of the end":           viewOf("4498-06-01T00:00:00Z", "4500-01-01T00:00:00Z", "calendar:Start"),
	"view behind the end":       viewOf("9998-06-01T00:00:00Z", "9999-12-31T00:00:00Z", "calendar:Start"),
	"view of the beginning":     viewOf("1601-01-01T00:00:00Z", "1602-01-01T00:00:00Z", "calendar:Start"),
	"view before the beginning": viewOf("0001-01-01T00:00:00Z", "0002-01-01T00:00:00Z", "calendar:Start"),
	"view of a few far ahead":   strings.Replace(viewOf("2400-01-01T00:00:00Z", "2401-01-01T00:00:00Z", "calendar:Start"), "<m:CalendarView ", `<m:CalendarView MaxEntriesReturned="5" `, 1),
	"all items":                 `<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape></m:ItemShape><m:ParentFolderIds><t:DistinguishedFolderId Id="calendar"/></m:ParentFolderIds></m:FindItem>`,
	"free and busy":             `<m:GetUserAvailabilityRequest><m:MailboxDataArray><t:MailboxData><t:Email><t:Address>anna@contoso.com</t:Address></t:Email><t:AttendeeType>Required</t:AttendeeType></t:MailboxData></m:MailboxDataArray><t:FreeBusyViewOptions><t:TimeWindow><t:StartTime>2026-03-01T00:00:00Z</t:StartTime><t:EndTime>2026-05-01T00:00:00Z</t:EndTime></t:TimeWindow><t:MergedFreeBusyIntervalInMinutes>5</t:MergedFreeBusyIntervalInMinutes><t:RequestedView>DetailedMerged</t:RequestedView></t:FreeBusyViewOptions></m:GetUserAvailabilityRequest>`,
}

// lookAt makes all the requests about a calendar with a bomb in it, within the time and memory of each.
func (w *world) lookAt(t *testing.T) {
	t.Helper()
	for name, request := range looks {
		bounded(t, name, 30*time.Second, 48, func() {
			status, answer := w.ask(wrap(request))
			if status == 500 && strings.Contains(answer, "Date is no time") {
				return // no calendar goes so far
			}
			if status != 200 || strings.Contains(answer, "ErrorInternalServerError") || strings.Contains(answer, `ResponseClass="Error"`) && !strings.Contains(answer, "ErrorExceededFindCountLimit") {
				t.Errorf("%s: status %d: %.800s", name, status, answer)
			}
		})
	}
	for _, item := range w.contents(w.anna, store.RoleCalendar) {
		id := `<t:ItemId Id="` + item.ID.Encode(idKey) + `"/>`
		for name, request := range map[string]string{
			"GetItem":              get(id),
			"GetItem of iCalendar": get(id, "item:MimeContent", "calendar:ConflictingMeetingCount", "calendar:AdjacentMeetingCount", "calendar:ConflictingMeetings"),
			"occurrence":           get(`<t:OccurrenceItemId RecurringMasterId="` + item.ID.Encode(idKey) + `" InstanceIndex="2147483647"/>`),
			"ExportItems":          `<m:ExportItems><m:ItemIds>` + id + `</m:ItemIds></m:ExportItems>`,
		} {
			bounded(t, name, 30*time.Second, 64, func() {
				if status, answer := w.ask(wrap(request)); status != 200 || strings.Contains(answer, "ErrorInternalServerError") {
					t.Errorf("%s: status %d: %.800s", name, status, answer)
				}
			})
		}
	}
	if err := w.mailbox(w.anna).Check(t.Context(), false, func(d store.Damage) { t.Errorf("%+v", d) }); err != nil {
		t.Error(err)
	}
}

// TestCalendarBombs takes each of the bombs by mail and as the MIME content of a new event, and looks at the
// calendar in every way there is. The message is there whatever the calendar makes of it.
func TestCalendarBombs(t *testing.T) {
	for name, calendar := range calendarBombs {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			bounded(t, "delivery", 30*time.Second, 64, func() {
				results, err := w.mail.Deliver(t.Context(), transport.Envelope{From: "x@example.net", To: []string{"anna@contoso.com"}, Received: w.now()}, strings.NewReader(invitationOf(calendar)))
				if err != nil || results[0].Err != nil {
					t.Fatal(err, results)
				}
			})
			if n := len(w.items(store.RoleInbox)); n != 1 {
				t.Fatalf("%d messages in the inbox", n)
			}
			bounded(t, "CreateItem", 30*time.Second, 64, func() {
				status, answer := w.ask(wrap(createEvent("", `<t:MimeContent>`+base64.StdEncoding.EncodeToString([]byte(calendar))+`</t:MimeContent>`)))
				if status != 200 || strings.Contains(answer, "ErrorInternalServerError") {
					t.Errorf("status %d: %.800s", status, answer)
				}
			})
			w.lookAt(t)
			bounded(t, "answer", 30*time.Second, 64, func() {
				id := w.items(store.RoleInbox)[0].ID.Encode(idKey)
				if status, answer := w.ask(wrap(`<m:CreateItem MessageDisposition="SendAndSaveCopy"><m:Items><t:AcceptItem><t:ReferenceItemId Id="` + id + `"/></t:AcceptItem></m:Items></m:CreateItem>`)); status != 200 || strings.Contains(answer, "ErrorInternalServerError") {
					t.Errorf("status %d: %.800s", status, answer)
				}
			})
			w.lookAt(t)
		})
	}
}

// TestEventBombs makes events of elements that are made to cost much: each is refused with a code or made.
func TestEventBombs(t *testing.T) {
	recurring := func(pattern, end string) string {
		return `<t:Subject>bomb</t:Subject><t:Start>2026-03-02T09:00:00Z</t:Start><t:End>2026-03-02T10:00:00Z</t:End><t:Recurrence>` + pattern + end + `</t:Recurrence>`
	}
	times := func(start, end, more string) string {
		return `<t:Subject>bomb</t:Subject><t:Start>` + start + `</t:Start><t:End>` + end + `</t:End>` + more
	}
	const (
		daily = `<t:DailyRecurrence><t:Interval>1</t:Interval></t:DailyRecurrence>`
		noEnd = `<t:NoEndRecurrence><t:StartDate>2026-03-02</t:StartDate></t:NoEndRecurrence>`
	)
	count := func(n string) string {
		return `<t:NumberedRecurrence><t:StartDate>2026-03-02</t:StartDate><t:NumberOfOccurrences>` + n + `</t:NumberOfOccurrences></t:NumberedRecurrence>`
	}
	zone := func(inner string) string {
		return `<t:StartTimeZone Id="Bomb" Name="Bomb">` + inner + `</t:StartTimeZone>`
	}
	periods := `<t:Periods><t:Period Bias="PT0S" Name="a" Id="a"/><t:Period Bias="-PT1H" Name="b" Id="b"/></t:Periods>`
	group := `<t:TransitionsGroups><t:TransitionsGroup Id="0"><t:RecurringDayTransition><t:To Kind="Period">a</t:To><t:TimeOffset>PT2H</t:TimeOffset><t:Month>3</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek><t:Occurrence>-1</t:Occurrence></t:RecurringDayTransition><t:RecurringDayTransition><t:To Kind="Period">b</t:To><t:TimeOffset>PT999999H</t:TimeOffset><t:Month>10</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek><t:Occurrence>-1</t:Occurrence></t:RecurringDayTransition></t:TransitionsGroup></t:TransitionsGroups>`
	for name, elements := range map[string]string{
		"a million occurrences":    recurring(daily, count("1000000")),
		"2147483647 occurrences":   recurring(daily, count("2147483647")),
		"-1 occurrences":           recurring(daily, count("-1")),
		"no end":                   recurring(daily, noEnd),
		"interval 0":               recurring(`<t:DailyRecurrence><t:Interval>0</t:Interval></t:DailyRecurrence>`, noEnd),
		"interval 2147483647":      recurring(`<t:DailyRecurrence><t:Interval>2147483647</t:Interval></t:DailyRecurrence>`, noEnd),
		"weeks without days":       recurring(`<t:WeeklyRecurrence><t:Interval>1</t:Interval><t:DaysOfWeek></t:DaysOfWeek></t:WeeklyRecurrence>`, noEnd),
		"days that are none":       recurring(`<t:WeeklyRecurrence><t:Interval>1</t:Interval><t:DaysOfWeek>Someday</t:DaysOfWeek></t:WeeklyRecurrence>`, noEnd),
		"day 32":                   recurring(`<t:AbsoluteMonthlyRecurrence><t:Interval>1</t:Interval><t:DayOfMonth>32</t:DayOfMonth></t:AbsoluteMonthlyRecurrence>`, noEnd),
		"31 February":              recurring(`<t:AbsoluteYearlyRecurrence><t:DayOfMonth>31</t:DayOfMonth><t:Month>February</t:Month></t:AbsoluteYearlyRecurrence>`, noEnd),
		"ends before it begins":    recurring(daily, `<t:EndDateRecurrence><t:StartDate>2026-03-02</t:StartDate><t:EndDate>2025-03-02</t:EndDate></t:EndDateRecurrence>`),
		"begins in year 0":         recurring(daily, `<t:NoEndRecurrence><t:StartDate>0000-01-01</t:StartDate></t:NoEndRecurrence>`),
		"until 9999":               recurring(daily, `<t:EndDateRecurrence><t:StartDate>0001-01-01</t:StartDate><t:EndDate>9999-12-31</t:EndDate></t:EndDateRecurrence>`),
		"two patterns":             recurring(daily+daily, noEnd+noEnd),
		"nothing":                  recurring("", ""),
		"year 0":                   times("0000-01-01T00:00:00Z", "0000-01-02T00:00:00Z", ""),
		"year 1":                   times("0001-01-01T00:00:00Z", "0001-01-02T00:00:00Z", ""),
		"year 9999":                times("9999-12-31T00:00:00Z", "9999-12-31T23:59:59Z", ""),
		"year 10000":               times("10000-01-01T00:00:00Z", "10000-01-02T00:00:00Z", ""),
		"all of time":              times("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "<t:IsAllDayEvent>true</t:IsAllDayEvent>"),
		"the last day, all day":    times("9999-12-31T00:00:00Z", "9999-12-31T23:59:59Z", "<t:IsAllDayEvent>true</t:IsAllDayEvent>"),
		"a zone of nothing":        times("2026-03-02T09:00:00", "2026-03-02T10:00:00", zone("")),
		"a zone without groups":    times("2026-03-02T09:00:00", "2026-03-02T10:00:00", zone(periods+`<t:Transitions><t:Transition><t:To Kind="Group">0</t:To></t:Transition></t:Transitions>`)),
		"a zone of a far clock":    times("2026-03-02T09:00:00", "2026-03-02T10:00:00", zone(periods+group+`<t:Transitions><t:Transition><t:To Kind="Group">0</t:To></t:Transition></t:Transitions>`)),
		"a zone of many rules":     times("2026-03-02T09:00:00", "2026-03-02T10:00:00", zone(periods+group+`<t:Transitions>`+strings.Repeat(`<t:AbsoluteDateTransition><t:To Kind="Group">0</t:To><t:DateTime>2026-01-01T00:00:00</t:DateTime></t:AbsoluteDateTransition>`, 10_000)+`</t:Transitions>`)),
		"a bias without end":       times("2026-03-02T09:00:00", "2026-03-02T10:00:00", zone(strings.ReplaceAll(periods, "PT1H", "P99999999D")+strings.ReplaceAll(group, "PT999999H", "PT2H")+`<t:Transitions><t:Transition><t:To Kind="Group">0</t:To></t:Transition></t:Transitions>`)),
		"10,000 attendees":         times("2026-03-02T09:00:00Z", "2026-03-02T10:00:00Z", `<t:RequiredAttendees>`+strings.Repeat(`<t:Attendee><t:Mailbox><t:EmailAddress>somebody@contoso.com</t:EmailAddress></t:Mailbox></t:Attendee>`, 10_000)+`</t:RequiredAttendees>`),
		"a reminder of 1000 years": times("2026-03-02T09:00:00Z", "2026-03-02T10:00:00Z", `<t:ReminderMinutesBeforeStart>2147483647</t:ReminderMinutesBeforeStart>`),
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			bounded(t, "CreateItem", 30*time.Second, 64, func() {
				status, answer := w.ask(wrap(createEvent("", elements)))
				if strings.Contains(answer, "ErrorInternalServerError") || status != 200 && !strings.Contains(answer, "ErrorSchemaValidation") {
					t.Errorf("status %d: %.800s", status, answer)
				}
			})
			w.lookAt(t)
		})
	}
}
