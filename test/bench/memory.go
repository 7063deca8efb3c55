package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	largeMail = 50_000_000 // bytes of a message as MIME
	smallMail = 10_000
	// atOnce is how many requests for large messages the server has at a time.
	atOnce = 4
	// settled is how long the server is left alone between two kinds of request.
	settled = 2 * time.Second
)

// memory measures what a request that carries a large message adds to the resident
// memory of a lab, at its highest, beside the same requests with a small message.
func memory(ctx context.Context, b *bench) error {
	dir := filepath.Join(b.work, "memory")
	_, err := withLab(ctx, b.hma, dir, func(pid int) error {
		c, err := signIn(ctx, b.hma, dir)
		if err != nil {
			return err
		}
		small, err := c.mails(b.work, smallMail)
		if err != nil {
			return err
		}
		large, err := c.mails(b.work, largeMail)
		if err != nil {
			return err
		}
		// Connections, statements and caches are there then.
		for _, k := range mailRequests {
			if err := errors.Join(small.together(k), k.do(large)); err != nil {
				return err
			}
		}
		time.Sleep(settled)
		base, err := peak(pid, func() (err error) {
			for _, k := range mailRequests {
				err = errors.Join(err, small.together(k))
			}
			return err
		})
		if err != nil {
			return err
		}
		var note []string
		worst := 0.0
		for _, k := range mailRequests {
			time.Sleep(settled)
			top, err := peak(pid, func() error { return large.together(k) })
			if err != nil {
				return err
			}
			each := (top - base) / atOnce / 1e6
			worst = max(worst, each)
			note = append(note, fmt.Sprintf("%s %.1f", k.name, each))
		}
		return b.print(atMost(8).judge("ews.mime.memory", "MB", []float64{worst}, fmt.Sprintf("the worst of %s; %d requests at a time, a message of %d MB",
			strings.Join(note, ", "), atOnce, largeMail/1_000_000)), nil)
	})
	return err
}

// peak is the most memory that a process had resident while fn ran, in bytes.
func peak(pid int, fn func() error) (float64, error) {
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0); err != nil {
		return 0, err
	}
	if err := fn(); err != nil {
		return 0, err
	}
	return status(pid, "VmHWM:")
}

// labUser asks the EWS door of a lab as one of its people.
type labUser struct {
	http    *http.Client
	url     string
	token   string
	address string
}

// signIn makes a client for the first person of the lab in dir.
func signIn(ctx context.Context, program, dir string) (*labUser, error) {
	var endpoints struct {
		CA      string
		Servers []struct{ URL string }
	}
	text, err := os.ReadFile(filepath.Join(dir, "endpoints.json"))
	if err == nil {
		err = json.Unmarshal(text, &endpoints)
	}
	if err != nil {
		return nil, err
	}
	text, err = exec.CommandContext(ctx, program, "token", "--data", dir, "--json").Output()
	if err != nil {
		return nil, fmt.Errorf("hma token: %w", err)
	}
	var signedIn struct{ Token, User string }
	if err := json.Unmarshal(text, &signedIn); err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if text, err = os.ReadFile(endpoints.CA); err != nil {
		return nil, err
	}
	roots.AppendCertsFromPEM(text)
	return &labUser{url: endpoints.Servers[0].URL + "/EWS/Exchange.asmx", token: signedIn.Token, address: signedIn.User,
		http: &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, MaxIdleConnsPerHost: atOnce}}}, nil
}

// ask sends a request of several pieces, one after the other, and hands the answer to read.
func (c *labUser) ask(read func(io.Reader) error, pieces ...io.Reader) error {
	r, err := http.NewRequest("POST", c.url, io.MultiReader(pieces...))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+c.token)
	r.Header.Set("Content-Type", "text/xml; charset=utf-8")
	answer, err := c.http.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 600))
		return fmt.Errorf("status %d: %s", answer.StatusCode, text)
	}
	return read(answer.Body)
}

// short asks for a short answer, which must tell of success, and returns the value of an attribute Id in it.
func (c *labUser) short(element string, pieces ...io.Reader) (id string, err error) {
	err = c.ask(func(r io.Reader) error {
		text, err := io.ReadAll(io.LimitReader(r, 64<<10))
		if err == nil && !bytes.Contains(text, []byte("<m:ResponseCode>NoError</m:ResponseCode>")) {
			err = fmt.Errorf("answered %.600s", text)
		}
		_, rest, _ := strings.Cut(string(text), "<"+element+` Id="`)
		id, _, _ = strings.Cut(rest, `"`)
		return err
	}, pieces...)
	return id, err
}

// counted asks for an answer of at least want bytes.
func (c *labUser) counted(want int64, pieces ...io.Reader) error {
	return c.ask(func(r io.Reader) error {
		n, err := io.Copy(io.Discard, r)
		return enough(n, want, err)
	}, pieces...)
}

// mails are messages of one size, in the ways that a mailbox can have them.
type mails struct {
	*labUser
	size       int
	mime, file string // a message and a file, in base64
	stored     string // id of one that was given as MIME
	elements   string // id of one that was given as elements, with an attachment
	attachment string // id of the latter's
	folder     string // id of the one that it is in
	exported   string // file with what ExportItems gives of stored, in base64
}

// mails makes the messages that the requests are about.
func (c *labUser) mails(dir string, size int) (m *mails, err error) {
	m = &mails{labUser: c, size: size, mime: base64.StdEncoding.EncodeToString(longMessage(c.address, size)), file: base64.StdEncoding.EncodeToString(random(size))}
	if m.stored, err = c.short("t:ItemId", m.create("SaveOnly")...); err != nil {
		return nil, err
	}
	if m.elements, err = c.short("t:ItemId", strings.NewReader(envelope+`<m:CreateItem MessageDisposition="SaveOnly"><m:Items><t:Message><t:Subject>x</t:Subject></t:Message></m:Items></m:CreateItem>`+end)); err != nil {
		return nil, err
	}
	if m.attachment, err = c.short("t:AttachmentId", m.attach()...); err != nil {
		return nil, err
	}
	if m.folder, err = c.short("t:FolderId", strings.NewReader(envelope+`<m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape><m:FolderIds><t:DistinguishedFolderId Id="drafts"/></m:FolderIds></m:GetFolder>`+end)); err != nil {
		return nil, err
	}
	file, err := os.Create(filepath.Join(dir, fmt.Sprintf("exported-%d", size)))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	m.exported = file.Name()
	return m, m.ask(func(r io.Reader) error { return data(r, file) }, m.export())
}

// A mailRequest is one kind of request that carries a message.
type mailRequest struct {
	name string
	do   func(*mails) error
}

var mailRequests = []mailRequest{
	{"GetItem", func(m *mails) error { return m.counted(int64(m.size), m.get(m.stored)) }},
	{"GetItem of elements", func(m *mails) error { return m.counted(int64(m.size), m.get(m.elements)) }},
	{"GetAttachment", func(m *mails) error {
		return m.counted(int64(m.size), strings.NewReader(envelope+`<m:GetAttachment><m:AttachmentIds><t:AttachmentId Id="`+m.attachment+`"/></m:AttachmentIds></m:GetAttachment>`+end))
	}},
	{"ExportItems", func(m *mails) error {
		return m.counted(int64(m.size), m.export())
	}},
	{"CreateItem that sends", func(m *mails) error {
		_, err := m.short("t:ItemId", m.create("SendAndSaveCopy")...)
		return err
	}},
	{"CreateAttachment", func(m *mails) error {
		id, err := m.short("t:ItemId", strings.NewReader(envelope+`<m:CreateItem MessageDisposition="SaveOnly"><m:Items><t:Message><t:Subject>x</t:Subject></t:Message></m:Items></m:CreateItem>`+end))
		if err != nil {
			return err
		}
		other := *m
		other.elements = id
		_, err = m.short("t:AttachmentId", other.attach()...)
		return err
	}},
	{"UploadItems", func(m *mails) error {
		file, err := os.Open(m.exported)
		if err != nil {
			return err
		}
		defer file.Close()
		_, err = m.short("m:ItemId", strings.NewReader(envelope+`<m:UploadItems><m:Items><t:Item CreateAction="CreateNew"><t:ParentFolderId Id="`+m.folder+`"/><t:Data>`), file,
			strings.NewReader(`</t:Data></t:Item></m:Items></m:UploadItems>`+end))
		return err
	}},
}

// together does a request atOnce times at a time.
func (m *mails) together(k mailRequest) error {
	errs := make([]error, atOnce)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { errs[i] = k.do(m) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("%s: %w", k.name, err)
	}
	return nil
}

func (m *mails) get(id string) io.Reader {
	return strings.NewReader(mimeRequest + `<t:ItemId Id="` + id + `"/></m:ItemIds></m:GetItem>` + end)
}

func (m *mails) export() io.Reader {
	return strings.NewReader(envelope + `<m:ExportItems><m:ItemIds><t:ItemId Id="` + m.stored + `"/></m:ItemIds></m:ExportItems>` + end)
}

func (m *mails) create(disposition string) []io.Reader {
	return []io.Reader{strings.NewReader(envelope + `<m:CreateItem MessageDisposition="` + disposition + `"><m:Items><t:Message><t:MimeContent>`),
		strings.NewReader(m.mime), strings.NewReader(`</t:MimeContent></t:Message></m:Items></m:CreateItem>` + end)}
}

func (m *mails) attach() []io.Reader {
	return []io.Reader{strings.NewReader(envelope + `<m:CreateAttachment><m:ParentItemId Id="` + m.elements + `"/><m:Attachments><t:FileAttachment><t:Name>x.bin</t:Name><t:Content>`),
		strings.NewReader(m.file), strings.NewReader(`</t:Content></t:FileAttachment></m:Attachments></m:CreateAttachment>` + end)}
}

// data writes what an answer of ExportItems has in its one element Data.
func data(r io.Reader, w io.Writer) error {
	br := bufio.NewReader(r)
	for {
		tag, err := br.ReadString('>')
		if err != nil {
			return fmt.Errorf("ExportItems gives no data: %w", err)
		}
		if !strings.HasSuffix(tag, "<m:Data>") {
			continue
		}
		for {
			text, err := br.ReadSlice('<')
			if _, err := w.Write(bytes.TrimSuffix(text, []byte("<"))); err != nil {
				return err
			}
			if err != bufio.ErrBufferFull {
				return err
			}
		}
	}
}

// longMessage is a message of a text and an attachment, of about size bytes.
func longMessage(address string, size int) []byte {
	var b bytes.Buffer
	b.WriteString("From: <" + address + ">\r\nTo: <" + address + ">\r\nSubject: Long\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" +
		"--b\r\nContent-Type: text/plain\r\n\r\nSee below.\r\n--b\r\nContent-Type: application/octet-stream; name=x.bin\r\nContent-Transfer-Encoding: base64\r\n\r\n")
	text := base64.StdEncoding.EncodeToString(random((size - b.Len()) / 78 * 57))
	for line := range slices.Chunk([]byte(text), 76) {
		b.Write(line)
		b.WriteString("\r\n")
	}
	b.WriteString("--b--\r\n")
	return b.Bytes()
}

// random is n bytes that look like any; the same at each call.
func random(n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{1}).Read(b)
	return b
}
