package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"hma/exchange/addressbook"
	"hma/exchange/auth"
	"hma/exchange/auth/authtest"
	"hma/exchange/clientaccess"
	"hma/exchange/ews"
	"hma/exchange/org"
	"hma/exchange/store"
	"hma/exchange/transport"
	"hma/internal/sqldb"
)

const (
	readingTime     = 200 * time.Millisecond
	readingMessages = 10_000
	bulk            = 100 // ids of a request
)

// readingSet names the messages and what is made of them: it must change with them.
const readingSet = "3"

// reading measures how fast mail is read over EWS beside Dovecot with the same mail.
func reading(ctx context.Context, b *bench) error {
	peer, err := startDovecot(ctx, b, readingMessages, benchMessage)
	if errors.Is(err, errNoDovecot) {
		fmt.Fprintln(b.text, "       dovecot is not installed: ews.getitem.mime, ews.getitem.bulk and ews.search are not measured")
		return nil
	}
	if err != nil {
		return err
	}
	defer peer.stop()
	r, err := openReader(ctx, b)
	if err != nil {
		return err
	}
	defer r.close()

	place := rand.New(rand.NewPCG(1, 2))
	f, err := ratio("ews.getitem.mime.ratio", atLeast(1), "messages a second, one at a time on one connection; Dovecot FETCH BODY.PEEK[]",
		func() (float64, error) {
			return perSecond(readingTime, func() (float64, error) {
				n, err := r.mime(r.ids[place.IntN(len(r.ids))])
				return 1, enough(n, 5<<10, err)
			})
		},
		func() (float64, error) {
			return perSecond(readingTime, func() (float64, error) {
				answer, err := peer.do(fmt.Sprintf("FETCH %d BODY.PEEK[]", 1+place.IntN(readingMessages)))
				return 1, enough(answer.literals, 5<<10, err)
			})
		})
	if err := b.print(f, err); err != nil {
		return err
	}

	f, err = ratio("ews.getitem.bulk.ratio", atLeast(0.3), fmt.Sprintf("bytes of messages a second, %d ids a request; stretch 0.6; Dovecot pipelined FETCH BODY.PEEK[]", bulk),
		func() (float64, error) {
			return perSecond(readingTime, func() (float64, error) {
				at := place.IntN(len(r.ids) - bulk)
				n, err := r.mime(r.ids[at : at+bulk]...)
				return float64(r.size(at, at+bulk)), enough(n, r.size(at, at+bulk), err)
			})
		},
		func() (float64, error) {
			return perSecond(readingTime, func() (float64, error) {
				const ahead = 4
				var sum float64
				for range ahead {
					at := 1 + place.IntN(readingMessages-bulk)
					if err := peer.send(fmt.Sprintf("FETCH %d:%d BODY.PEEK[]", at, at+bulk-1)); err != nil {
						return 0, err
					}
				}
				for range ahead {
					// It may work on several commands at once: what belongs to which is not told.
					answer, err := peer.receive()
					if err != nil {
						return 0, err
					}
					sum += float64(answer.literals)
				}
				return sum, enough(int64(sum), ahead*bulk*5<<10, nil)
			})
		})
	if err := b.print(f, err); err != nil {
		return err
	}

	f, err = ratio("ews.search.ratio", atLeast(20), "searches of subjects a second over 10,000 messages; Dovecot SEARCH SUBJECT without an index",
		func() (float64, error) {
			return perSecond(readingTime, func() (float64, error) {
				return 1, r.search(fmt.Sprintf("number %d of", 1000+place.IntN(8000)))
			})
		},
		func() (float64, error) {
			return perSecond(readingTime, func() (float64, error) {
				answer, err := peer.do(fmt.Sprintf("SEARCH SUBJECT \"number %d of\"", 1000+place.IntN(8000)))
				if err == nil && len(strings.Fields(answer.last)) < 3 {
					err = fmt.Errorf("dovecot finds nothing: %s", answer.last)
				}
				return 1, err
			})
		})
	return b.print(f, err)
}

// perSecond runs fn for about d and returns what it did a second.
func perSecond(d time.Duration, fn func() (float64, error)) (float64, error) {
	start := time.Now()
	var sum float64
	for time.Since(start) < d {
		n, err := fn()
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum / time.Since(start).Seconds(), nil
}

// enough is an error unless an answer had at least want bytes.
func enough(n, want int64, err error) error {
	if err == nil && n < want {
		err = fmt.Errorf("an answer of %d bytes, want at least %d", n, want)
	}
	return err
}

// benchMessage is message i of the set, 5 to 20 KB.
func benchMessage(i int) []byte {
	r := rand.New(rand.NewPCG(uint64(i), 7))
	var b bytes.Buffer
	fmt.Fprintf(&b, "From: Sender %d <sender%d@contoso.com>\r\nTo: Jane <jane@contoso.com>\r\nSubject: Letter number %d of the quarter %c\r\n", i%97, i%97, i, 'a'+rune(i%26))
	fmt.Fprintf(&b, "Date: %s\r\nMessage-ID: <bench-%d@contoso.com>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n", clock.Add(time.Duration(i)*time.Minute).Format(time.RFC1123Z), i)
	words := strings.Fields("the figures of the quarter stand in a table below and whoever reads them should ask before he acts upon what he finds there")
	for size := 5<<10 + r.IntN(15<<10); b.Len() < size; {
		for range 11 {
			b.WriteString(words[r.IntN(len(words))])
			b.WriteByte(' ')
		}
		b.WriteString("\r\n")
	}
	return b.Bytes()
}

// mailReader is a client with one connection to a front end with the EWS door
// and a mailbox of readingMessages, who signs in with a token.
type mailReader struct {
	db     *sqldb.DB
	server *http.Server
	conn   net.Conn
	r      *bufio.Reader
	head   string   // of every request
	ids    []string // in the order of the messages
	sizes  []int64
}

func openReader(ctx context.Context, b *bench) (_ *mailReader, err error) {
	e := authtest.New()
	e.Now = time.Now()
	people := authtest.NewPeople()
	jane, err := people.BySID(ctx, e.SID)
	if err != nil {
		return nil, err
	}
	r := &mailReader{}
	defer func() {
		if err != nil {
			r.close()
		}
	}()
	if r.db, err = r.dataSet(ctx, b, jane); err != nil {
		return nil, err
	}
	st, err := store.Open(ctx, r.db, store.Options{Now: time.Now})
	if err != nil {
		return nil, err
	}
	mailbox, err := st.OpenMailbox(ctx, jane.MailboxGUID, addressbook.MailboxInfo(jane))
	if err != nil {
		return nil, err
	}
	inbox, err := mailbox.RoleID(store.RoleInbox)
	if err != nil {
		return nil, err
	}
	for offset := 0; offset < readingMessages; offset += store.MaxPage {
		page, err := mailbox.List(ctx, store.Query{Folder: inbox, Offset: offset, Limit: store.MaxPage})
		if err != nil {
			return nil, err
		}
		for _, item := range page.Items {
			r.ids, r.sizes = append(r.ids, item.ID.Encode(idKey)), append(r.sizes, item.MIME.Size)
		}
	}
	if len(r.ids) != readingMessages {
		return nil, fmt.Errorf("the folder has %d messages, want %d", len(r.ids), readingMessages)
	}
	door := ews.New(st, readingTransport(st), ews.Options{Now: time.Now, IDKey: idKey, People: nobody{}})
	front := clientaccess.New(clientaccess.Options{Snapshots: oneSnapshot{e.Snapshot()}, Auth: auth.New(auth.Options{People: people}), Now: time.Now,
		Log: slog.New(slog.NewJSONHandler(io.Discard, nil)), Doors: map[org.Kind]clientaccess.Door{org.WebServices: door}})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r.server = &http.Server{Handler: front, MaxHeaderBytes: clientaccess.MaxHeaderBytes}
	go r.server.Serve(l) // ends with close
	if r.conn, err = net.Dial("tcp", l.Addr().String()); err != nil {
		return nil, err
	}
	r.r = bufio.NewReaderSize(r.conn, 256<<10)
	r.head = fmt.Sprintf("POST /EWS/Exchange.asmx HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: text/xml; charset=utf-8\r\nContent-Length: ", e.Host, token(e, 0))
	return r, nil
}

func readingTransport(st *store.Store) *transport.Transport {
	return transport.New(transport.Config{Store: st, Directory: nobody{}, Now: time.Now, Host: "ex1.contoso.com", PostmasterAddress: "postmaster@contoso.com",
		MaySendAs: func(context.Context, string, string) (bool, error) { return false, nil }})
}

// dataSet opens the kept mailbox of readingMessages.
func (r *mailReader) dataSet(ctx context.Context, b *bench, owner *org.Recipient) (*sqldb.DB, error) {
	return b.kept(ctx, "reading", "reading "+readingSet, fmt.Sprintf("mailbox of %d messages", readingMessages), func(db *sqldb.DB) error {
		st, err := store.Open(ctx, db, store.Options{Now: func() time.Time { return clock }})
		if err != nil {
			return err
		}
		mailbox, err := st.OpenMailbox(ctx, owner.MailboxGUID, addressbook.MailboxInfo(owner))
		if err != nil {
			return err
		}
		inbox, err := mailbox.RoleID(store.RoleInbox)
		if err != nil {
			return err
		}
		mail := readingTransport(st)
		items := make([]store.NewItem, 0, bulk)
		for i := range readingMessages {
			item, err := mail.Imported(ctx, mailbox, inbox, bytes.NewReader(benchMessage(i)), transport.ImportOptions{Received: clock.Add(time.Duration(i) * time.Minute)})
			if err != nil {
				return err
			}
			if items = append(items, item); len(items) == bulk || i == readingMessages-1 {
				if _, err := mailbox.CreateItems(ctx, items); err != nil {
					return err
				}
				items = items[:0]
			}
		}
		return indexAll(ctx, st)
	})
}

// indexAll does what KeepIndex does beside a running program: a search of old mail asks the index.
func indexAll(ctx context.Context, st *store.Store) error {
	for {
		if n, err := st.Index(ctx); n == 0 || err != nil {
			return err
		}
	}
}

func (r *mailReader) close() {
	if r.conn != nil {
		r.conn.Close()
	}
	if r.server != nil {
		r.server.Close()
	}
	if r.db != nil {
		r.db.Close()
	}
}

// size is how many bytes the messages have.
func (r *mailReader) size(from, to int) (sum int64) {
	for _, n := range r.sizes[from:to] {
		sum += n
	}
	return sum
}

const mimeRequest = envelope + `<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:IncludeMimeContent>true</t:IncludeMimeContent></m:ItemShape><m:ItemIds>`

const searchRequest = envelope + `<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:IndexedPageItemView MaxEntriesReturned="100" Offset="0" BasePoint="Beginning"/>
<m:Restriction><t:Contains ContainmentMode="Substring" ContainmentComparison="IgnoreCase"><t:FieldURI FieldURI="item:Subject"/><t:Constant Value="%s"/></t:Contains></m:Restriction>
<m:ParentFolderIds><t:DistinguishedFolderId Id="inbox"/></m:ParentFolderIds></m:FindItem>` + end

// mime gets the MIME form of items and returns how many bytes the answer has.
func (r *mailReader) mime(ids ...string) (int64, error) {
	var body strings.Builder
	body.WriteString(mimeRequest)
	for _, id := range ids {
		body.WriteString(`<t:ItemId Id="` + id + `"/>`)
	}
	body.WriteString("</m:ItemIds></m:GetItem>" + end)
	n, _, err := r.ask(body.String(), false)
	return n, err
}

// search looks for a text in subjects, which one message has.
func (r *mailReader) search(text string) error {
	_, answer, err := r.ask(fmt.Sprintf(searchRequest, text), true)
	if err == nil && !bytes.Contains(answer, []byte(`TotalItemsInView="1"`)) {
		err = fmt.Errorf("the search for %q is answered %.600s", text, answer)
	}
	return err
}

// ask sends a request and reads the answer, whose bytes it keeps or only counts.
func (r *mailReader) ask(body string, keep bool) (n int64, answer []byte, err error) {
	if _, err := io.WriteString(r.conn, r.head+strconv.Itoa(len(body))+"\r\n\r\n"+body); err != nil {
		return 0, nil, err
	}
	status, err := r.r.ReadSlice('\n')
	if err != nil {
		return 0, nil, err
	}
	good := bytes.Contains(status, []byte(" 200 "))
	length, chunked := int64(-1), false
	for {
		line, err := r.r.ReadSlice('\n')
		if err != nil {
			return 0, nil, err
		}
		if len(line) <= 2 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimSpace(value)
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			if length, err = strconv.ParseInt(string(value), 10, 64); err != nil {
				return 0, nil, err
			}
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			chunked = bytes.EqualFold(value, []byte("chunked"))
		}
	}
	var kept bytes.Buffer
	dst := io.Writer(io.Discard)
	if keep || !good {
		dst = &kept
	}
	for more := true; more; {
		size := length
		if chunked {
			line, err := r.r.ReadSlice('\n')
			if err != nil {
				return 0, nil, err
			}
			if size, err = strconv.ParseInt(string(bytes.TrimSpace(line)), 16, 64); err != nil {
				return 0, nil, err
			}
		}
		more = chunked && size > 0
		if _, err := io.CopyN(dst, r.r, size); err != nil {
			return 0, nil, err
		}
		n += size
		if chunked {
			if _, err := r.r.Discard(2); err != nil {
				return 0, nil, err
			}
		}
	}
	if !good {
		return 0, nil, fmt.Errorf("%s: %.600s", bytes.TrimSpace(status), kept.Bytes())
	}
	return n, kept.Bytes(), nil
}
