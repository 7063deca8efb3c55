package oxvcard

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"hma/wire/mapi"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// dump writes a card for a golden file.
func dump(c *Card) string {
	var b strings.Builder
	for _, tag := range slices.Sorted(maps.Keys(c.Props)) {
		v := c.Props[tag]
		if raw, ok := v.([]byte); ok {
			v = fmt.Sprintf("%d bytes", len(raw))
		}
		fmt.Fprintf(&b, "%v: %q\n", tag, fmt.Sprint(v))
	}
	fmt.Fprintf(&b, "photo: %d bytes\n", len(c.Photo))
	return b.String()
}

// TestProducers reads what programs write, in each version, and writes it again.
func TestProducers(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.vcf")
	if len(files) < 3 {
		t.Fatal("no vCards")
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, ends := range []string{"\n", "\r\n"} {
			card, err := Read(strings.NewReader(strings.ReplaceAll(string(text), "\n", ends)))
			if err != nil {
				t.Errorf("%s: %v", file, err)
				continue
			}
			var out bytes.Buffer
			if err := Write(&out, card.Props, card.Photo); err != nil {
				t.Fatal(err)
			}
			got := dump(card) + "\n" + strings.ReplaceAll(out.String(), "\r\n", "\n")
			golden := strings.TrimSuffix(file, ".vcf") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if want, err := os.ReadFile(golden); err != nil || got != string(want) {
				t.Errorf("%s: differs from %s (%v):\n%s", file, golden, err, got)
			}
			again, err := Read(&out)
			if err != nil || dump(again) != dump(card) {
				t.Errorf("%s: comes back as (%v)\n%s", file, err, dump(again))
			}
		}
	}
}

// TestRoundTrip holds that every property that Write knows comes back.
func TestRoundTrip(t *testing.T) {
	p := mapi.Bag{mapi.PidTagMessageClass: "IPM.Contact", mapi.PidTagSensitivity: int32(2), mapi.PidTagSearchKey: []byte("sixteen bytes ...")}
	n := 0
	text := func(tag mapi.Tag) {
		n++
		p[tag] = fmt.Sprintf(`%d: a;b,c\d\;e "f" é`, n)
	}
	for _, list := range [][]mapi.Tag{names, organizations, messengers, {mapi.PidTagBusinessHomePage}} {
		for _, tag := range list {
			text(tag)
		}
	}
	for _, row := range texts {
		text(row.tag)
	}
	for _, row := range phones {
		text(row.tag)
	}
	for _, row := range addresses {
		for _, tag := range row.tags {
			text(tag)
		}
	}
	p[mapi.PidTagBody] = "one\ntwo\n\nthree, with a long line that has to be folded somewhere around here and once more after that, ééééééé"
	for _, row := range lists {
		p[row.tag] = []string{"x, y", "z;", `\`}
	}
	for _, row := range dates {
		p[row.tag] = time.Date(1999, 12, 31, 0, 0, 0, 0, time.UTC)
	}
	var in bytes.Buffer
	for _, address := range []string{"a@contoso.com", "b@contoso.com", "c@contoso.com"} {
		fmt.Fprintf(&in, "EMAIL;X-CN=\"Name, of %s\":%s\r\n", address, address)
	}
	with, err := Read(strings.NewReader("BEGIN:VCARD\r\n" + in.String() + "END:VCARD\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range emails {
		for _, tag := range []mapi.Tag{e.address, e.display, e.kind, e.original, e.entry} {
			p[tag] = with.Props[tag]
		}
	}
	p[mapi.PidTagSubject], p[mapi.PidTagNormalizedSubject] = p[mapi.PidTagDisplayName], p[mapi.PidTagDisplayName]
	photo := []byte("\x89PNG and more")
	var out bytes.Buffer
	if err := Write(&out, p, photo); err != nil {
		t.Fatal(err)
	}
	back, err := Read(&out)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(back.Photo, photo) {
		t.Error("another photo")
	}
	for tag, v := range p {
		if !reflect.DeepEqual(back.Props[tag], v) {
			t.Errorf("%v: %q, want %q", tag, back.Props[tag], v)
		}
	}
	for tag := range back.Props {
		if _, ok := p[tag]; !ok {
			t.Errorf("%v came from nowhere", tag)
		}
	}
}

// TestHostile holds what bounds a reader.
func TestHostile(t *testing.T) {
	for name, text := range map[string]string{
		"empty": "", "text": "hello", "a calendar": "BEGIN:VCALENDAR\nEND:VCALENDAR\n", "ended": "END:VCARD\n",
		"too long": "BEGIN:VCARD\n" + strings.Repeat("NOTE:x\n", MaxBytes/7+1),
	} {
		if _, err := Read(strings.NewReader(text)); !errors.Is(err, ErrNoCard) {
			t.Errorf("%s: %v", name, err)
		}
	}
	card, err := Read(strings.NewReader("BEGIN:VCARD\nFN:" + strings.Repeat("é", 10_000) + "\nCATEGORIES:" + strings.Repeat("a,", 500) + strings.Repeat(",", 2_000_000) +
		"\nPHOTO:http://example.com/me.jpg\nPHOTO;ENCODING=b:AAAA\nBDAY:--0203\nEMAIL:\nTEL:\nN:\nADR:\nORG:\nTEL;TYPE\n;:\nNOTE;ENCODING=QUOTED-PRINTABLE:=Z\nEND:VCARD"))
	if err != nil || len(card.Props.String(mapi.PidTagDisplayName)) != maxField || len(card.Props.Strings(mapi.PidNameKeywords)) != 1 || card.Photo != nil {
		t.Errorf("%v %v", err, dump(card))
	}
}

func FuzzRead(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.vcf")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		card, err := Read(bytes.NewReader(text))
		if err != nil {
			return
		}
		var out bytes.Buffer
		if err := Write(&out, card.Props, card.Photo); err != nil {
			t.Fatal(err)
		}
		if again, err := Read(&out); err != nil || dump(again) != dump(card) {
			t.Errorf("%v: comes back as\n%s\nnot as\n%s", err, dump(again), dump(card))
		}
	})
}

// TestUID holds that another program's id makes the same key each time, and each its own.
func TestUID(t *testing.T) {
	keys := map[string]string{}
	for _, id := range []string{"", "urn:uuid:4fbe8971-0bc3-424c-9c26-36c3e1eff6b1", "0a0B", "7", strings.Repeat("ab", maxKey+1)} {
		for range 2 {
			card, err := Read(strings.NewReader("BEGIN:VCARD\r\nUID:" + id + "\r\nEND:VCARD\r\n"))
			if err != nil {
				t.Fatal(err)
			}
			key := string(card.Props.Bytes(mapi.PidTagSearchKey))
			if other, ok := keys[key]; ok && other != id || id == "" != (key == "") || len(key) > maxKey {
				t.Errorf("%q has the key %x, as %q", id, key, other)
			}
			keys[key] = id
		}
	}
	if keys["\x0a\x0b"] != "0a0B" {
		t.Error("an id as Write writes it is not the key")
	}
}
