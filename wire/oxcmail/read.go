package oxcmail

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/emersion/go-message/textproto"

	"hma/wire/mapi"
)

// Content takes the decoded content of an attachment, or of a long text, and returns what stands for it.
// It need not read to the end. The attachment's Inline flag is final only when
// Read returns.
type Content func(a *Attachment, r io.Reader) (mapi.Blob, error)

// Read reads a message. content may be nil when nobody wants the attachments'
// content. The error is one of r or of content; a message that is badly formed
// is none. r is not read past the end of what is needed.
func Read(r io.Reader, content Content) (*Message, error) {
	src := &source{r: r}
	rd := &reader{m: &Message{Props: mapi.Bag{}}, content: content}
	br := bufio.NewReaderSize(src, 32<<10)
	h, raw, complete, err := readHeader(br)
	if err != nil {
		return nil, fmt.Errorf("read message header: %w", err)
	}
	rd.m.Damaged = !complete
	rd.header(h, raw)
	err = rd.part(h, br, place{root: true})
	switch {
	case src.err != nil:
		return nil, fmt.Errorf("read message: %w", src.err)
	case err != nil && !errors.Is(err, errStop):
		return nil, err
	}
	rd.finish()
	return rd.m, nil
}

// errStop ends the walk where a limit is reached.
var errStop = errors.New("limit reached")

// source remembers the error of the caller's reader, so that it is not taken for a badly formed message.
type source struct {
	r   io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

type reader struct {
	m       *Message
	content Content
	parts   int
	// Bodies in the making; derive tells that plain no longer says all that html says.
	plain, html []byte
	derive      bool
	long        bool            // there was a text too long to be held
	longIn      *alternative    // what it is a form in, nil for none
	shown       map[string]bool // what a long HTML body refers to
	candidates  []*Attachment   // shown in the HTML body if that refers to them
	class       string          // by the parts; "" is IPM.Note
}

// place is where a part stands.
type place struct {
	root        bool
	depth       int
	related     bool         // within a multipart/related, but not its first part
	alternative *alternative // directly or indirectly within a multipart/alternative
	digest      bool
	report      bool
}

// alternative collects the forms of one body (RFC 2046 5.1.4).
type alternative struct{ plain, html []byte }

func (rd *reader) part(h textproto.Header, body io.Reader, at place) error {
	if rd.parts++; rd.parts > MaxParts {
		rd.m.Damaged = true
		return errStop
	}
	contentType, params := parameters(h.Get("Content-Type"))
	if !strings.Contains(contentType, "/") {
		contentType = "text/plain"
		if at.digest {
			contentType = "message/rfc822" // RFC 2046 5.1.5
		}
	}
	if subtype, ok := strings.CutPrefix(contentType, "multipart/"); ok {
		if at.depth == MaxDepth || params["boundary"] == "" {
			rd.m.Damaged = true
			return nil
		}
		return rd.multipart(subtype, params, body, at)
	}
	decoded := transferDecoder(h.Get("Content-Transfer-Encoding"), body)
	switch {
	case !at.report:
	case contentType == "message/delivery-status":
		decoded = rd.reportClass(decoded)
	case contentType == "message/disposition-notification":
		decoded = rd.receiptClass(decoded)
	}
	disposition, dispositionParams := parameters(h.Get("Content-Disposition"))
	name := fileName(dispositionParams["filename"])
	if name == "" {
		name = fileName(params["name"])
	}
	if (contentType == "text/plain" || contentType == "text/html") && disposition != "attachment" && (name == "" || at.root) {
		rest, err := rd.body(contentType == "text/html", params["charset"], decoded, at)
		if rest == nil || err != nil {
			return err
		}
		decoded = rest
	}
	a := &Attachment{Name: name, ContentType: contentType, ContentLocation: short(h.Get("Content-Location"))}
	a.ContentID = strings.Trim(short(h.Get("Content-Id")), "<>")
	a.Embedded = contentType == "message/rfc822" || contentType == "message/global"
	if a.Embedded {
		a.ContentType = "message/rfc822"
		if a.Name == "" {
			decoded, a.Name = embeddedName(decoded)
		}
	}
	if a.Name == "" {
		a.Name = fmt.Sprintf("ATT%05d%s", len(rd.m.Attachments)+1, extension(contentType))
	}
	if a.ContentID != "" && (at.related || disposition == "inline") {
		rd.candidates = append(rd.candidates, a)
	}
	rd.m.Attachments = append(rd.m.Attachments, a)
	if rd.content == nil {
		return nil
	}
	blob, err := rd.content(a, &decodedBody{r: decoded, damaged: &rd.m.Damaged})
	if err != nil {
		return fmt.Errorf("attachment %d: %w", len(rd.m.Attachments), err)
	}
	a.Content = blob
	return nil
}

// decodedBody ends quietly where a part breaks off; Read tells an error of the caller's reader apart.
type decodedBody struct {
	r       io.Reader
	damaged *bool
}

func (d *decodedBody) Read(p []byte) (int, error) {
	n, err := d.r.Read(p)
	if err != nil && err != io.EOF {
		*d.damaged = true
		err = io.EOF
	}
	return n, err
}

func (rd *reader) multipart(subtype string, params map[string]string, body io.Reader, at place) error {
	guard := &guard{r: body, left: -1}
	mr := textproto.NewMultipartReader(guard, params["boundary"])
	inner := place{depth: at.depth + 1, related: at.related, alternative: at.alternative}
	inner.digest = subtype == "digest"
	inner.report = subtype == "report"
	if inner.report && strings.EqualFold(params["report-type"], "disposition-notification") {
		rd.class = "REPORT.IPM.Note.IPNRN"
	}
	var forms *alternative
	if subtype == "alternative" && at.alternative == nil {
		forms = &alternative{}
		inner.alternative = forms
	}
	var err error
	for first := true; ; first = false {
		guard.left = maxPartHeader
		part, partErr := mr.NextPart()
		guard.left = -1
		if partErr != nil {
			// A missing last boundary is common and loses nothing that could be found.
			rd.m.Damaged = rd.m.Damaged || partErr != io.EOF
			break
		}
		if subtype == "related" {
			inner.related = !first
		}
		if err = rd.part(part.Header, part, inner); err != nil {
			break
		}
		// What the part was not read for is passed over here, because NextPart's
		// own reading is bounded by the limit of a header.
		if _, copyErr := io.Copy(io.Discard, part); copyErr != nil {
			rd.m.Damaged = true
			break
		}
	}
	if forms != nil {
		rd.addForms(forms)
	}
	return err
}

// guard ends the input when left bytes were read; a negative number is no limit.
type guard struct {
	r    io.Reader
	left int
}

func (g *guard) Read(p []byte) (int, error) {
	if g.left < 0 {
		return g.r.Read(p)
	}
	if g.left == 0 {
		return 0, errStop
	}
	n, err := g.r.Read(p[:min(len(p), g.left)])
	g.left -= n
	return n, err
}

// body takes a text part as the message's body or a piece of it. When it cannot be that
// because there is too much text, rest is the part's content, for an attachment.
func (rd *reader) body(isHTML bool, label string, r io.Reader, at place) (rest io.Reader, err error) {
	forms := at.alternative
	first := len(rd.plain)+len(rd.html) == 0 && (!rd.long || forms != nil && forms == rd.longIn)
	room := max(MaxHeld-len(rd.plain)-len(rd.html), 0)
	r = &decodedBody{r: r, damaged: &rd.m.Damaged}
	raw, err := io.ReadAll(io.LimitReader(r, int64(room)+1))
	if err != nil {
		return nil, err
	}
	var s string
	switch {
	case len(raw) <= room && (first || !rd.long):
		if s = toUTF8(label, raw); !isHTML {
			s = crlf(s)
		}
	case !first || forms != nil && (isHTML && forms.html != nil || !isHTML && forms.plain != nil):
		rd.long, rd.longIn = true, nil // what follows is an attachment too
		return io.MultiReader(bytes.NewReader(raw), r), nil
	default:
		rd.long, rd.longIn = true, forms
		if s, err = rd.longBody(isHTML, label, raw, r); err != nil {
			return nil, err
		}
	}
	if forms != nil {
		switch {
		case isHTML && forms.html == nil:
			forms.html = []byte(s)
		case !isHTML && forms.plain == nil:
			forms.plain = []byte(s)
		}
		return nil, nil
	}
	if isHTML {
		rd.addForms(&alternative{html: []byte(s)})
	} else {
		rd.addForms(&alternative{plain: []byte(s)})
	}
	return nil, nil
}

// longBody lets a text flow through and returns its beginning.
func (rd *reader) longBody(isHTML bool, label string, head []byte, rest io.Reader) (string, error) {
	text := newLongText(label, head, rest, !isHTML)
	begin, err := io.ReadAll(io.LimitReader(text, MaxHeld))
	if err != nil {
		return "", err
	}
	if rd.content == nil {
		rd.m.Damaged = true
		return strings.ToValidUTF8(string(begin), ""), nil
	}
	a := &Attachment{Text: true, ContentType: "text/plain"}
	whole := io.MultiReader(bytes.NewReader(begin), text)
	if isHTML {
		a.ContentType = "text/html"
		ids := &idScanner{ids: map[string]bool{}}
		rd.shown, whole = ids.ids, io.TeeReader(whole, ids)
	}
	blob, err := rd.content(a, whole)
	if err != nil {
		return "", fmt.Errorf("text: %w", err)
	}
	if isHTML {
		rd.m.LongHTML = blob
	} else {
		rd.m.LongText = blob
	}
	rd.m.Damaged = rd.m.Damaged || text.cut
	return strings.ToValidUTF8(string(begin), ""), nil
}

// addForms appends one body, in one or both forms, to what is there.
func (rd *reader) addForms(forms *alternative) {
	switch {
	case forms.html != nil:
		if rd.html == nil && rd.plain != nil {
			rd.html = []byte(fragment(string(rd.plain)))
		}
		rd.html = append(rd.html, forms.html...)
	case rd.html != nil && forms.plain != nil:
		rd.html = append(rd.html, fragment(string(forms.plain))...)
	}
	if forms.plain == nil && forms.html != nil {
		rd.derive = true
	}
	if len(rd.plain) > 0 && len(forms.plain) > 0 {
		rd.plain = append(rd.plain, "\r\n"...)
	}
	if forms.plain != nil {
		rd.plain = append(rd.plain, forms.plain...)
	}
}

// finish settles what is known only at the end.
func (rd *reader) finish() {
	m := rd.m
	m.Text, m.HTML = rd.clip(rd.plain), rd.clip(rd.html)
	if rd.derive {
		m.Text = rd.clip([]byte(PlainFromHTML(m.HTML)))
	}
	shown := shownIDs(m.HTML)
	for _, a := range rd.candidates {
		a.Inline = shown[a.ContentID] || rd.shown[a.ContentID]
	}
	m.Props[mapi.PidTagMessageClass] = "IPM.Note"
	if rd.class != "" {
		m.Props[mapi.PidTagMessageClass] = rd.class
	}
	m.Props[mapi.PidTagHasAttachments] = m.HasAttachments()
	m.Props[mapi.PidTagNativeBody] = m.NativeBody()
	m.Props[mapi.PidTagInternetCodepage] = codepageUTF8
}

// clip holds a body to MaxBody: joining several and showing text as HTML make them longer.
func (rd *reader) clip(b []byte) string {
	if len(b) <= MaxBody {
		return string(b)
	}
	rd.m.Damaged = true
	return strings.ToValidUTF8(string(b[:MaxBody]), "")
}

// codepageUTF8 is the code page of the bytes in PidTagHTML.
const codepageUTF8 int32 = 65001

// reportClass looks into the fields of a delivery report for what it says (RFC
// 3464 2.3.3) and gives the message the class of MS-OXCMAIL 2.2.3.7.
func (rd *reader) reportClass(r io.Reader) io.Reader {
	br := bufio.NewReaderSize(r, 16<<10)
	head, _ := br.Peek(16 << 10)
	for line := range strings.Lines(string(head)) {
		name, value, _ := strings.Cut(line, ":")
		if !strings.EqualFold(strings.TrimSpace(name), "Action") {
			continue
		}
		switch strings.ToLower(strings.TrimSpace(value)) {
		case "failed":
			rd.class = "REPORT.IPM.Note.NDR"
		case "delivered", "relayed", "expanded":
			if rd.class == "" {
				rd.class = "REPORT.IPM.Note.DR"
			}
		}
	}
	return br
}

// receiptClass looks into the fields of a receipt for what became of the message (RFC 8098 3.2.6).
func (rd *reader) receiptClass(r io.Reader) io.Reader {
	br := bufio.NewReaderSize(r, 16<<10)
	head, _ := br.Peek(16 << 10)
	for line := range strings.Lines(string(head)) {
		name, value, _ := strings.Cut(line, ":")
		_, kind, _ := strings.Cut(value, ";")
		kind, _, _ = strings.Cut(kind, "/") // of its modifier
		if strings.EqualFold(strings.TrimSpace(name), "Disposition") && strings.EqualFold(strings.TrimSpace(kind), "deleted") {
			rd.class = "REPORT.IPM.Note.IPNNRN"
		}
	}
	return br
}

// embeddedName names an attached message after its subject.
func embeddedName(r io.Reader) (io.Reader, string) {
	br := bufio.NewReaderSize(r, 16<<10)
	head, _ := br.Peek(16 << 10)
	h, _, _, _ := readHeader(bufio.NewReader(strings.NewReader(string(head))))
	if subject := text(h.Get("Subject")); subject != "" {
		return br, fileName(strings.NewReplacer("/", "_", `\`, "_", ":", "").Replace(subject) + ".eml")
	}
	return br, ""
}

// fileName takes away folders and what no file system likes, and keeps the extension of a long name.
func fileName(s string) string {
	s = strings.Map(func(r rune) rune {
		if strings.ContainsRune(`<>:"|?*`, r) {
			return '_'
		}
		return r
	}, clean(s[strings.LastIndexAny(s, `/\`)+1:]))
	if s = strings.Trim(s, " ."); s == "" {
		return ""
	}
	if runes := []rune(s); len(runes) > 200 {
		ext := []rune(path.Ext(s))
		if len(ext) > 20 {
			ext = nil
		}
		s = string(runes[:200-len(ext)]) + string(ext)
	}
	return s
}

// extension is the usual one of a media type that comes without a file name.
func extension(contentType string) string {
	switch contentType {
	case "text/plain":
		return ".txt"
	case "text/html":
		return ".htm"
	case "text/calendar":
		return ".ics"
	case "text/csv":
		return ".csv"
	case "image/png":
		return ".png"
	case "image/jpeg":
		return ".jpg"
	case "image/gif":
		return ".gif"
	case "application/pdf":
		return ".pdf"
	case "message/rfc822":
		return ".eml"
	}
	return ".dat"
}

// crlf gives text the line ends of PidTagBody.
func crlf(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r", "\n"), "\n", "\r\n")
}

// header fills the message's properties from its header (MS-OXCMAIL 2.2.3.1 and 2.2.3.2).
func (rd *reader) header(h textproto.Header, raw []byte) {
	m, p := rd.m, rd.m.Props
	p[mapi.PidTagTransportMessageHeaders] = toUTF8("", raw)
	if t := date(h.Get("Date")); !t.IsZero() {
		p[mapi.PidTagClientSubmitTime] = t
	}
	// The newest trace field stands on top (RFC 5321 4.4); its date follows the last semicolon.
	if received := h.Get("Received"); received != "" {
		if t := date(received[strings.LastIndexByte(received, ';')+1:]); !t.IsZero() {
			p[mapi.PidTagMessageDeliveryTime] = t
		}
	}
	var thread string
	if ids := messageIDs(h.Get("Message-Id")); len(ids) > 0 {
		p[mapi.PidTagInternetMessageID] = ids[0]
		thread = ids[0]
	}
	if ids := messageIDs(h.Get("In-Reply-To")); len(ids) > 0 {
		p[mapi.PidTagInReplyToID] = ids[0]
		thread = ids[0]
	}
	if ids := messageIDs(h.Get("References")); len(ids) > 0 {
		p[mapi.PidTagInternetReferences] = strings.Join(ids, " ")
		thread = ids[0]
	}
	setThread(p, short(text(h.Get("Subject"))), short(text(h.Get("Thread-Topic"))), h.Get("Thread-Index"), thread)
	rd.people(h)
	p[mapi.PidTagImportance] = importance(h)
	p[mapi.PidTagSensitivity] = sensitivity(h.Get("Sensitivity"))
	p[mapi.PidTagPriority] = priority(h.Get("Priority"))
	p[mapi.PidTagReadReceiptRequested] = h.Get("Disposition-Notification-To") != ""
	p[mapi.PidTagOriginatorDeliveryReport] = h.Get("Return-Receipt-To") != ""
	if v := short(h.Get("List-Unsubscribe")); v != "" {
		p[mapi.PidTagListUnsubscribe] = v
	}
	var keywords []string
	for word := range strings.SplitSeq(text(h.Get("Keywords")), ",") {
		if word = short(word); word != "" && len(keywords) < 100 {
			keywords = append(keywords, word)
		}
	}
	if keywords != nil {
		p[mapi.PidNameKeywords] = keywords
	}
	if len(m.ReplyTo) > 0 {
		p[mapi.PidTagReplyRecipientNames] = display(m.ReplyTo)
		p[mapi.PidTagReplyRecipientEntries] = replyEntries(m.ReplyTo)
	}
}

// people reads who wrote the message and who it is for.
func (rd *reader) people(h textproto.Header) {
	m := rd.m
	if from := Addresses(h.Get("From")); len(from) > 0 {
		m.From = from[0]
	}
	m.Sender = m.From
	if sender := Addresses(h.Get("Sender")); len(sender) > 0 {
		m.Sender = sender[0]
		if m.From.IsZero() {
			m.From = m.Sender
		}
	}
	if list := Addresses(h.Get("Reply-To")); len(list) > 0 {
		m.ReplyTo = list[:min(len(list), 100)]
	}
	for _, field := range []struct {
		name string
		kind int32
	}{{"To", mapi.RecipientTo}, {"Cc", mapi.RecipientCc}, {"Bcc", mapi.RecipientBcc}} {
		for fields := h.FieldsByKey(field.name); fields.Next() && len(m.Recipients) < MaxAddresses; {
			for _, a := range Addresses(fields.Value()) {
				m.Recipients = append(m.Recipients, Recipient{field.kind, a})
			}
		}
	}
	m.setPeople()
}

// setPeople writes the properties that repeat From, Sender and Recipients.
func (m *Message) setPeople() {
	p := m.Props
	if !m.From.IsZero() {
		p[mapi.PidTagSentRepresentingName] = m.From.Display()
		p[mapi.PidTagSentRepresentingAddressType] = "SMTP"
		p[mapi.PidTagSentRepresentingEmail] = m.From.Email
		p[mapi.PidTagSentRepresentingSmtp] = m.From.Email
		p[mapi.PidTagSentRepresentingEntryID] = OneOff(m.From)
	}
	if !m.Sender.IsZero() {
		p[mapi.PidTagSenderName] = m.Sender.Display()
		p[mapi.PidTagSenderAddressType] = "SMTP"
		p[mapi.PidTagSenderEmail] = m.Sender.Email
		p[mapi.PidTagSenderSmtpAddress] = m.Sender.Email
		p[mapi.PidTagSenderEntryID] = OneOff(m.Sender)
	}
	for tag, kind := range map[mapi.Tag]int32{
		mapi.PidTagDisplayTo: mapi.RecipientTo, mapi.PidTagDisplayCc: mapi.RecipientCc, mapi.PidTagDisplayBcc: mapi.RecipientBcc,
	} {
		var list []Address
		for _, r := range m.Recipients {
			if r.Type == kind {
				list = append(list, r.Address)
			}
		}
		p[tag] = display(list)
	}
}

// maxDisplay bounds the display lists, which are columns; the recipient table has everybody.
const maxDisplay = 2000

// display joins names as PidTagDisplayTo has them (MS-OXOMSG 2.2.1.9).
func display(list []Address) string {
	var b strings.Builder
	for i, a := range list {
		if b.Len()+len(a.Display()) > maxDisplay {
			b.WriteString("; ...")
			break
		}
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(a.Display())
	}
	return b.String()
}

// importance is PidTagImportance: 0 low, 1 normal, 2 high (MS-OXCMAIL 2.2.3.2.5).
func importance(h textproto.Header) int32 {
	switch strings.ToLower(strings.TrimSpace(h.Get("Importance"))) {
	case "high":
		return 2
	case "low":
		return 0
	case "normal":
		return 1
	}
	switch value := strings.TrimSpace(h.Get("X-Priority")); {
	case strings.HasPrefix(value, "1"), strings.HasPrefix(value, "2"):
		return 2
	case strings.HasPrefix(value, "4"), strings.HasPrefix(value, "5"):
		return 0
	}
	return 1
}

// sensitivity is PidTagSensitivity (MS-OXCMSG 2.2.1.13).
func sensitivity(value string) int32 {
	switch strings.ToLower(strings.TrimSpace(value)) {
	case "personal":
		return 1
	case "private":
		return 2
	case "company-confidential":
		return 3
	}
	return 0
}

// priority is PidTagPriority (MS-OXCMSG 2.2.1.12).
func priority(value string) int32 {
	switch strings.ToLower(strings.TrimSpace(value)) {
	case "urgent":
		return 1
	case "non-urgent":
		return -1
	}
	return 0
}
