package soap

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// events renders what a Reader sees, text joined, one line for each event.
func events(r io.Reader) (string, error) {
	var b strings.Builder
	rd := NewReader(r, DefaultLimits)
	var text []byte
	flush := func() {
		if len(text) > 0 {
			fmt.Fprintf(&b, "text %q\n", text)
			text = nil
		}
	}
	for {
		token, err := rd.Next()
		if err != nil {
			return b.String(), err
		}
		switch token.Kind {
		case Text:
			text = append(text, token.Text...)
		case Start:
			flush()
			fmt.Fprintf(&b, "start {%s}%s", token.Name.Space, token.Name.Local)
			for _, a := range token.Attrs {
				fmt.Fprintf(&b, " {%s}%s=%q", a.Name.Space, a.Name.Local, a.Value)
			}
			b.WriteByte('\n')
		case End:
			flush()
			fmt.Fprintf(&b, "end {%s}%s\n", token.Name.Space, token.Name.Local)
		case EOF:
			return b.String(), nil
		}
	}
}

// oracle renders the same with encoding/xml.
func oracle(data []byte) (string, error) {
	var b strings.Builder
	d := xml.NewDecoder(bytes.NewReader(data))
	var text []byte
	depth := 0
	flush := func() {
		if len(text) > 0 && depth > 0 {
			fmt.Fprintf(&b, "text %q\n", text)
		}
		text = nil
	}
	for {
		token, err := d.Token()
		if err == io.EOF {
			return b.String(), nil
		}
		if err != nil {
			return b.String(), err
		}
		switch t := token.(type) {
		case xml.CharData:
			text = append(text, t...)
		case xml.StartElement:
			flush()
			depth++
			fmt.Fprintf(&b, "start {%s}%s", t.Name.Space, t.Name.Local)
			for _, a := range t.Attr {
				if a.Name.Space != "xmlns" && a.Name != (xml.Name{Local: "xmlns"}) {
					fmt.Fprintf(&b, " {%s}%s=%q", a.Name.Space, a.Name.Local, a.Value)
				}
			}
			b.WriteByte('\n')
		case xml.EndElement:
			flush()
			depth--
			fmt.Fprintf(&b, "end {%s}%s\n", t.Name.Space, t.Name.Local)
		}
	}
}

var good = []string{
	`<a/>`,
	"\uFEFF<?xml version='1.0' encoding=\"UTF-8\" standalone='yes'?>\r\n<!-- c --><a x='1' y=\"2\"/> ",
	`<?xml version="1.0"?><a xmlns="u" xmlns:p="v" p:x="1" x="2"><p:b/><b xmlns=""><c/></b></a>`,
	"<a>1 &lt; 2 &amp; &#x41;&#66; \r\n &#xD; <![CDATA[<x>&amp;]]]]> é 𝄞</a>",
	`<a xml:lang="en"><b></b><!-- - --></a>`,
	"<a b='&quot;&apos;&gt;>'>]] ></a>",
}

func TestReaderAgreesWithEncodingXML(t *testing.T) {
	for _, doc := range good {
		want, err := oracle([]byte(doc))
		if err != nil {
			t.Fatalf("%q: oracle: %v", doc, err)
		}
		for name, r := range map[string]io.Reader{"whole": strings.NewReader(doc), "bytes": iotest.OneByteReader(strings.NewReader(doc))} {
			got, err := events(r)
			if err != nil || got != want {
				t.Errorf("%q (%s): error %v\n got %s\nwant %s", doc, name, err, got, want)
			}
		}
	}
}

// TestReaderPieces holds that names, attributes and text may lie across the ends of what
// is read at once, and that an attribute may be as long as its limit.
func TestReaderPieces(t *testing.T) {
	agree := func(what, doc string) {
		t.Helper()
		want, err := oracle([]byte(doc))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := events(strings.NewReader(doc)); err != nil || got != want {
			t.Errorf("%s: error %v\n got %.300s\nwant %.300s", what, err, got, want)
		}
	}
	const piece = "<p:long-name xmlns:p='urn:u' p:key='a&amp;b\r\né\"]>' other=\"it's\">text ]] &lt;</p:long-name>"
	for _, end := range []int{firstPiece, firstPiece + longPiece} {
		for before := range len(piece) + 1 {
			agree(fmt.Sprint(end, " ", before), "<a>"+strings.Repeat("x", end-before-len("<a>"))+piece+"</a>")
		}
	}
	longest := strings.Repeat("x", DefaultLimits.Attribute)
	agree("the longest", "<a x='"+longest+"'/>")
	if _, err := events(strings.NewReader("<a x='" + longest + "&amp;'/>")); !errors.Is(err, ErrLimit) {
		t.Errorf("longer by a reference: %v", err)
	}
}

func TestReaderRefuses(t *testing.T) {
	long := strings.Repeat("x", DefaultLimits.Attribute+1)
	attrs := ""
	for i := range DefaultLimits.Attributes + 1 {
		attrs += fmt.Sprintf(" a%d=''", i)
	}
	for doc, limit := range map[string]bool{
		"":                          false,
		"<":                         false,
		"x":                         false,
		"<a>":                       false,
		"<a></b>":                   false,
		"<a/><b/>":                  false,
		"<a/>x":                     false,
		"<!DOCTYPE a><a/>":          false,
		"<a><!ENTITY x></a>":        false,
		"<a><?php ?></a>":           false,
		"<?xml version='1.1'?><a/>": false,
		"<?xml version='1.0' encoding='latin1'?><a/>": false,
		"<a>&x;</a>":            false,
		"<a>&#0;</a>":           false,
		"<a>&#xD800;</a>":       false,
		"<a>&#99999999999;</a>": false,
		"<a>\x01</a>":           false,
		"<a>\xff</a>":           false,
		"<a>\xed\xa0\x80</a>":   false,
		"<a>]]></a>":            false,
		"<a><!-- -- --></a>":    false,
		"<a x='1' x='2'/>":      false,
		"<a xmlns:p='u' xmlns:q='u' p:x='' q:x=''/>": false,
		"<p:a/>":                      false,
		"<a p:x=''/>":                 false,
		"<a xmlns:p=''/>":             false,
		"<a xmlns:xml='u'/>":          false,
		"<a x='<'/>":                  false,
		"<a x=1/>":                    false,
		"<a x='1'y='2'/>":             false,
		"<a:b:c/>":                    false,
		"<é/>":                        false,
		"<a x='" + long + "'/>":       true,
		"<a" + attrs + "/>":           true,
		strings.Repeat("<a>", 10_000): true,
		"<a>" + strings.Repeat("<b/>", DefaultLimits.Elements) + "</a>": true,
		"<a>" + strings.Repeat("x", DefaultLimits.Text+1) + "</a>":      true,
		"<" + strings.Repeat("x", 300) + "/>":                           true,
	} {
		_, err := events(strings.NewReader(doc))
		if _, syntax := errors.AsType[*SyntaxError](err); !syntax || errors.Is(err, ErrLimit) != limit {
			t.Errorf("%.60q: error %v", doc, err)
		}
	}
}

func TestReaderLimitsBytes(t *testing.T) {
	r := NewReader(io.MultiReader(strings.NewReader("<a>"), endless{}), DefaultLimits)
	r.SetBytes(1 << 20)
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Next(); !errors.Is(err, ErrLimit) {
		t.Errorf("error %v, want one of a limit", err)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

func TestPosition(t *testing.T) {
	_, err := events(strings.NewReader("<a>\n  <b>\n&bad;</b></a>"))
	s, ok := errors.AsType[*SyntaxError](err)
	if !ok || s.Line != 3 || s.Column != 6 {
		t.Errorf("error %v, want line 3, position 6", err)
	}
}

const envelope = `<?xml version="1.0"?><s:Envelope xmlns:s="` + NSEnvelope + `"><s:Header><t:RequestServerVersion xmlns:t="` + NSTypes +
	`" Version="Exchange2016"/></s:Header><s:Body>%s</s:Body></s:Envelope>`

func TestEnvelope(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789"), 100_000)
	encoded := base64.StdEncoding.EncodeToString(content)
	split := encoded[:1000] + "\r\n " + encoded[1000:2000] + "&#xD;<!-- x --><![CDATA[" + encoded[2000:3000] + "]]>" + encoded[3000:]
	body := fmt.Sprintf(`<m:CreateItem xmlns:m="%s" xmlns="%s" A="1"><m:Items><Message><MimeContent CharacterSet="UTF-8">%s</MimeContent><Subject>x</Subject></Message></m:Items></m:CreateItem>`,
		NSMessages, NSTypes, split)
	limits := DefaultLimits
	limits.Text = 100_000 // far less than the content
	env, err := NewReader(strings.NewReader(fmt.Sprintf(envelope, body)), limits).Envelope()
	if err != nil {
		t.Fatal(err)
	}
	if v, _ := env.Block(NSTypes, "RequestServerVersion").Attr("Version"); v != "Exchange2016" {
		t.Errorf("version %q", v)
	}
	if env.Operation != (Name{NSMessages, "CreateItem"}) {
		t.Errorf("operation %v", env.Operation)
	}
	var got []byte
	request, err := env.Request(map[Name]bool{{NSTypes, "MimeContent"}: true}, func(name Name, r io.Reader) (any, error) {
		got, err = io.ReadAll(r)
		return len(got), err
	})
	if err != nil || !bytes.Equal(got, content) {
		t.Fatalf("error %v, %d bytes of content, want %d", err, len(got), len(content))
	}
	message := request.Child(NSMessages, "Items").Child(NSTypes, "Message")
	if message.Child(NSTypes, "MimeContent").Content != len(content) || message.Child(NSTypes, "Subject").Text != "x" {
		t.Errorf("message is %+v", message)
	}
}

func TestBase64Refuses(t *testing.T) {
	for _, content := range []string{"!", "QQ", "QQ==QQ==", "QQ=", "<b/>", "&#x20AC;"} {
		doc := fmt.Sprintf(envelope, "<a>"+content+"</a>")
		env, err := NewReader(strings.NewReader(doc), DefaultLimits).Envelope()
		if err != nil {
			t.Fatal(err)
		}
		_, err = env.Request(map[Name]bool{{"", "a"}: true}, func(_ Name, r io.Reader) (any, error) { return nil, nil })
		if err == nil {
			t.Errorf("content %q was taken", content)
		}
	}
}

func TestEnvelopeRefuses(t *testing.T) {
	for _, doc := range []string{
		"<a/>",
		fmt.Sprintf(envelope, ""),
		fmt.Sprintf(envelope, "text"),
		`<s:Envelope xmlns:s="` + NSEnvelope + `"/>`,
		`<s:Envelope xmlns:s="` + NSEnvelope + `"><s:Header/></s:Envelope>`,
		`<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><a/></s:Body></s:Envelope>`,
	} {
		if _, err := NewReader(strings.NewReader(doc), DefaultLimits).Envelope(); err == nil {
			t.Errorf("%s was taken", doc)
		}
	}
	for _, body := range []string{"<a/><b/>", "<a/>x", "<a>"} {
		env, err := NewReader(strings.NewReader(fmt.Sprintf(envelope, body)), DefaultLimits).Envelope()
		if err == nil {
			_, err = env.Request(nil, nil)
		}
		if err == nil {
			t.Errorf("body %s was taken", body)
		}
	}
}

// FuzzReader holds that whatever the reader takes, encoding/xml takes too and
// sees the same in it.
func FuzzReader(f *testing.F) {
	for _, doc := range good {
		f.Add([]byte(doc))
	}
	f.Add(fmt.Appendf(nil, envelope, "<a>&#xD;</a>"))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := events(bytes.NewReader(data))
		if err != nil {
			return
		}
		want, err := oracle(data)
		if err != nil {
			t.Fatalf("encoding/xml refuses what was taken: %v", err)
		}
		if got != want {
			t.Fatalf("got\n%swant\n%s", got, want)
		}
	})
}

func TestWriter(t *testing.T) {
	var out bytes.Buffer
	w := NewWriter(&out)
	defer w.Release()
	text := "a<b>&\r\n\t\"\x00\x1f\uFFFE\xff é𝄞" + strings.Repeat("ü", 40_000)
	w.Begin(ServerVersion{15, 2, 1544, 11, "V2017_07_11"})
	w.Start("m:X", "A", "\"<\t\n\x01>")
	w.Element("t:Y", text)
	w.Start("t:Z")
	if err := w.Base64(strings.NewReader(strings.Repeat("z", 100_001))); err != nil {
		t.Fatal(err)
	}
	w.End("t:Z")
	w.Bool("t:B", true)
	w.Empty("t:E")
	w.End("m:X")
	w.Finish()
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	env, err := NewReader(&out, DefaultLimits).Envelope()
	if err != nil {
		t.Fatal(err)
	}
	if v, _ := env.Block(NSTypes, "ServerVersionInfo").Attr("MajorBuildNumber"); v != "1544" || len(env.Header) != 1 {
		t.Errorf("header %v", env.Header)
	}
	x, err := env.Request(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if a, _ := x.Attr("A"); a != "\"<\t\n>" {
		t.Errorf("attribute %q", a)
	}
	want := "a<b>&\r\n\t\" é𝄞" + strings.Repeat("ü", 40_000)
	if got := x.Child(NSTypes, "Y").Text; got != want {
		t.Errorf("text of %d bytes, want %d: %.40q", len(got), len(want), got)
	}
	z, err := base64.StdEncoding.DecodeString(x.Child(NSTypes, "Z").Text)
	if err != nil || len(z) != 100_001 {
		t.Errorf("error %v, %d bytes", err, len(z))
	}
	if x.Child(NSTypes, "B").Text != "true" || x.Child(NSTypes, "E") == nil {
		t.Error("B or E is wrong")
	}
}

func TestFault(t *testing.T) {
	var out bytes.Buffer
	w := NewWriter(&out)
	defer w.Release()
	w.Element("x", "taken back")
	if !w.Cut(0) {
		t.Error("nothing was flushed, and yet it cannot be taken back")
	}
	w.Begin(ServerVersion{})
	w.Fault(&Fault{Code: "ErrorSchemaValidation", Message: "no", Line: 3, Position: 4, Violation: "why"})
	w.Finish()
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	env, err := NewReader(&out, DefaultLimits).Envelope()
	if err != nil {
		t.Fatal(err)
	}
	fault, err := env.Request(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	detail := fault.Child("", "detail")
	if fault.Child("", "faultcode").Text != "t:ErrorSchemaValidation" || detail.Child(NSErrors, "ResponseCode").Text != "ErrorSchemaValidation" ||
		detail.Child(NSTypes, "MessageXml").Child(NSTypes, "LineNumber").Text != "3" {
		t.Errorf("fault %+v", fault)
	}
}

// TestWriterBase64 holds that the pieces in which content comes do not show.
func TestWriterBase64(t *testing.T) {
	content := make([]byte, 3*encodedAtOnce+2)
	for i := range content {
		content[i] = byte(i * 7)
	}
	for _, size := range []int{0, 1, 2, 3, 4, encodedAtOnce - 1, encodedAtOnce, encodedAtOnce + 1, len(content)} {
		for name, reader := range map[string]func(io.Reader) io.Reader{
			"whole": func(r io.Reader) io.Reader { return r }, "byte by byte": iotest.OneByteReader, "half": iotest.HalfReader,
		} {
			var out bytes.Buffer
			w := NewWriter(&out)
			if err := w.Base64(reader(bytes.NewReader(content[:size]))); err != nil {
				t.Fatal(err)
			}
			if err := w.Flush(); err != nil {
				t.Fatal(err)
			}
			w.Release()
			if want := base64.StdEncoding.EncodeToString(content[:size]); out.String() != want {
				t.Errorf("%d bytes, %s: %d letters, want %d", size, name, out.Len(), len(want))
			}
		}
	}
}

func BenchmarkWriterBase64(b *testing.B) {
	content := make([]byte, 12<<10)
	b.SetBytes(int64(len(content)))
	b.ReportAllocs()
	r := bytes.NewReader(nil)
	for b.Loop() {
		w := NewWriter(io.Discard)
		r.Reset(content)
		if err := w.Base64(r); err != nil {
			b.Fatal(err)
		}
		w.Flush()
		w.Release()
	}
}
