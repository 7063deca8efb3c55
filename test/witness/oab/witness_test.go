// Package oab has Debian's libmspack, a decompressor that is not ours, open the
// files that the offline address book door serves.
package oab

import (
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"hma/exchange/addressbook"
	"hma/exchange/auth"
	"hma/exchange/clientaccess"
	"hma/exchange/oab"
	"hma/exchange/org"
	"hma/internal/sqldb/sqldbtest"
	"hma/wire/guid"
	"hma/wire/oabfile"
)

// build compiles the ten lines around libmspack, or ends the test with the reason.
func build(t *testing.T) string {
	t.Helper()
	mode := os.Getenv("HMA_WITNESS")
	if mode == "none" {
		t.Skip("HMA_WITNESS=none: libmspack was not asked")
	}
	missing := func(what string) {
		if mode == "all" {
			t.Fatal(what)
		}
		t.Skip(what)
	}
	gcc, err := exec.LookPath("gcc")
	if err != nil {
		missing("gcc is not installed (Debian package gcc)")
	}
	if err := exec.Command(gcc, "-E", "-include", "mspack.h", "-x", "c", os.DevNull, "-o", os.DevNull).Run(); err != nil {
		missing("mspack.h is not installed (Debian package libmspack-dev)")
	}
	program := filepath.Join(t.TempDir(), "oabextract")
	if out, err := exec.Command(gcc, "-Wall", "-Werror", "-o", program, filepath.Join("testdata", "oabextract.c"), "-lmspack").CombinedOutput(); err != nil {
		t.Fatalf("gcc: %v\n%s", err, out)
	}
	return program
}

func extract(t *testing.T, program string, packed []byte) ([]byte, error) {
	t.Helper()
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in.lzx"), filepath.Join(dir, "out.oab")
	if err := os.WriteFile(in, packed, 0o600); err != nil {
		t.Fatal(err)
	}
	if text, err := exec.CommandContext(t.Context(), program, in, out).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, text)
	}
	return os.ReadFile(out)
}

type directory []*org.Recipient

func (d directory) RecipientsByGUID(_ context.Context, after guid.GUID, limit int) ([]*org.Recipient, error) {
	var page []*org.Recipient
	for _, r := range d {
		if bytes.Compare(r.GUID[:], after[:]) > 0 && len(page) < limit {
			page = append(page, r)
		}
	}
	return page, nil
}

// organisation has n people, the second of them hidden.
func organisation(n int) directory {
	random := rand.New(rand.NewPCG(1, uint64(n)))
	given := []string{"Ana", "Björn", "Chloé", "Dmitri", "Eve", "Farid", "Grace", "Hiroshi", "Ines", "Jörg"}
	var d directory
	for i := range n {
		name := given[random.IntN(len(given))]
		alias := fmt.Sprintf("user%05d", i)
		var id guid.GUID
		binary.BigEndian.PutUint64(id[:], uint64(i)+1)
		binary.BigEndian.PutUint64(id[8:], random.Uint64())
		d = append(d, &org.Recipient{GUID: id, DisplayName: fmt.Sprintf("%s Number %d", name, i), GivenName: name, Surname: fmt.Sprint("Number ", i),
			Alias: alias, PrimarySMTP: alias + "@contoso.com", Addresses: []string{alias + "@contoso.com", name + "." + alias + "@contoso.com"},
			LegacyDN:               "/o=Contoso/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/cn=" + alias,
			HiddenFromAddressLists: i == 1})
	}
	return d
}

func TestServedFile(t *testing.T) {
	program := build(t)
	for _, n := range []int{0, 1, 3, 500, 9000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			people := organisation(n)
			book, err := addressbook.Open(t.Context(), sqldbtest.Memory(t), people, time.Now)
			if err != nil {
				t.Fatal(err)
			}
			door, id := oab.New(book), guid.New()
			get := func(name string) []byte {
				t.Helper()
				w := httptest.NewRecorder()
				r := httptest.NewRequest("GET", "https://mail.contoso.com/OAB/"+addressbook.OfflineGUID(id).String()+"/"+name, nil)
				door.ServeDoor(w, &clientaccess.Request{Request: r, Rest: r.URL.Path[len("/OAB"):], Record: &clientaccess.Record{},
					Snapshot: &org.Snapshot{Org: org.OrganizationConfig{GUID: id}}, Identity: &auth.Identity{Recipient: &org.Recipient{}}})
				if w.Code != 200 {
					t.Fatalf("%s: %d", name, w.Code)
				}
				return w.Body.Bytes()
			}
			var manifest struct {
				OAL struct {
					ID   string `xml:"id,attr"`
					Full struct {
						Seq              uint32 `xml:"seq,attr"`
						Size             int    `xml:"size,attr"`
						UncompressedSize int    `xml:"uncompressedsize,attr"`
						SHA              string `xml:"SHA,attr"`
						Name             string `xml:",chardata"`
					}
					Template []struct {
						Name string `xml:",chardata"`
					}
				}
			}
			if err := xml.Unmarshal(get("oab.xml"), &manifest); err != nil {
				t.Fatal(err)
			}
			full := manifest.OAL.Full
			packed := get(full.Name)
			if len(packed) != full.Size || fmt.Sprintf("%x", sha1.Sum(packed)) != full.SHA {
				t.Errorf("file is not what the manifest says: %+v", full)
			}
			raw, err := extract(t, program, packed)
			if err != nil {
				t.Fatal(err)
			}
			if len(raw) != full.UncompressedSize {
				t.Errorf("%d bytes, manifest says %d", len(raw), full.UncompressedSize)
			}
			t.Logf("%d people: %d bytes, %d compressed", n, len(raw), len(packed))
			compare(t, raw, manifest.OAL.ID, full.Seq, people)
			for _, template := range manifest.OAL.Template {
				if raw, err := extract(t, program, get(template.Name)); err != nil || len(raw) != 256 || raw[0] != 7 {
					t.Errorf("template: %d bytes, %v", len(raw), err)
				}
			}
		})
	}
}

// Contents that do not become shorter, of sizes at the edges of chunks and blocks.
func TestContainer(t *testing.T) {
	program := build(t)
	random := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{1, 2, 3, 32767, 32768, 32769, 65537, 131071, 131072, 131073, 300001} {
		noise := make([]byte, n)
		for i := range noise {
			noise[i] = byte(random.Uint32())
		}
		half := bytes.Clone(noise)
		copy(half[n/2:], bytes.Repeat([]byte("abcabcabd"), n/18+1))
		for name, raw := range map[string][]byte{"noise": noise, "half noise": half, "zeroes": make([]byte, n)} {
			packed, err := oabfile.Pack(raw)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := extract(t, program, packed); err != nil || !bytes.Equal(got, raw) {
				t.Errorf("%d bytes of %s: %d came back, %v", n, name, len(got), err)
			}
			packed[16+12] ^= 1 // the first block's checksum
			if _, err := extract(t, program, packed); err == nil {
				t.Errorf("%d bytes of %s: a wrong checksum was taken", n, name)
			}
		}
	}
}

// compare reads the file by the tables that it carries and compares every record
// with the people.
func compare(t *testing.T, raw []byte, list string, sequence uint32, people directory) {
	t.Helper()
	r := &reader{rest: raw}
	version, serial, count := r.u32(), r.u32(), r.u32()
	// MS-OXOAB: CRC-32 that starts with all ones and is not inverted at the end.
	if version != 0x20 || serial != ^crc32.ChecksumIEEE(raw[12:]) {
		t.Errorf("header: version 0x%x, serial 0x%x", version, serial)
	}
	meta := &reader{rest: r.take(int(r.peek32()))}
	meta.u32()
	headerColumns, personColumns := meta.columns(), meta.columns()
	header := r.record(headerColumns)
	for tag, want := range map[uint32]any{0x6800001F: `\Global Address List`, 0x6804001E: "/", 0x68010003: sequence, 0x6802001E: list} {
		if header[tag] != want {
			t.Errorf("header record: %08x is %v, want %v", tag, header[tag], want)
		}
	}
	shown := 0
	for _, p := range people {
		if p.HiddenFromAddressLists {
			continue
		}
		shown++
		record := r.record(personColumns)
		id := p.GUID.BytesLE()
		for tag, want := range map[uint32]any{
			0x3003001E: p.LegacyDN, 0x39FE001F: p.PrimarySMTP, 0x3001001F: p.DisplayName, 0x3A00001F: p.Alias, 0x3A06001F: p.GivenName,
			0x3A11001F: p.Surname, 0x0FFE0003: uint32(6), 0x39000003: uint32(0), 0x39050003: uint32(0x40000000), 0x8C6D0102: string(id[:]),
			0x800F101F: fmt.Sprint([]string{"SMTP:" + p.PrimarySMTP, "smtp:" + p.Addresses[1]}),
		} {
			if record[tag] != want {
				t.Errorf("%s: %08x is %q, want %q", p.Alias, tag, record[tag], want)
			}
		}
		for i, c := range personColumns {
			if c[1]&2 != 0 && record[c[0]] == nil {
				t.Errorf("%s: key property %d is absent", p.Alias, i)
			}
		}
		if r.err != nil {
			break
		}
	}
	if int(count) != shown || len(r.rest) != 0 || r.err != nil {
		t.Errorf("header counts %d records, %d are shown; %d bytes are left; %v", count, shown, len(r.rest), r.err)
	}
}

// reader reads an uncompressed version 4 file (MS-OXOAB 2.9).
type reader struct {
	rest []byte
	err  error
}

func (r *reader) take(n int) []byte {
	if n < 0 || n > len(r.rest) {
		r.err = errors.New("cut short")
		return make([]byte, max(0, min(n, 64)))
	}
	out := r.rest[:n]
	r.rest = r.rest[n:]
	return out
}

func (r *reader) peek32() uint32 {
	if len(r.rest) < 4 {
		r.err = errors.New("cut short")
		return 0
	}
	return binary.LittleEndian.Uint32(r.rest)
}

func (r *reader) u32() uint32 { return binary.LittleEndian.Uint32(r.take(4)) }

// columns reads a table of property tags and flags.
func (r *reader) columns() [][2]uint32 {
	var out [][2]uint32
	for range r.u32() {
		out = append(out, [2]uint32{r.u32(), r.u32()})
	}
	return out
}

func (r *reader) integer() uint32 {
	first := r.take(1)[0]
	if first < 0x80 {
		return uint32(first)
	}
	v := uint32(0)
	for i, b := range r.take(int(first & 0x7f)) {
		v |= uint32(b) << (8 * i)
	}
	return v
}

func (r *reader) text() string {
	n := bytes.IndexByte(r.rest, 0)
	out := r.take(n)
	r.take(1)
	return string(out)
}

// record reads one record: texts as string, numbers as uint32, bytes as string,
// several texts as fmt.Sprint shows them.
func (r *reader) record(columns [][2]uint32) map[uint32]any {
	rec := &reader{rest: r.take(int(r.peek32()))}
	rec.u32()
	bits := rec.take((len(columns) + 7) / 8)
	out := make(map[uint32]any)
	for i, c := range columns {
		if bits[i/8]&(0x80>>(i%8)) == 0 {
			continue
		}
		switch c[0] & 0xFFFF {
		case 0x1E, 0x1F:
			out[c[0]] = rec.text()
		case 0x03:
			out[c[0]] = rec.integer()
		case 0x0102:
			out[c[0]] = string(rec.take(int(rec.integer())))
		case 0x101F:
			var texts []string
			for range rec.integer() {
				texts = append(texts, rec.text())
			}
			out[c[0]] = fmt.Sprint(texts)
		default:
			rec.err = fmt.Errorf("property type of %08x", c[0])
		}
	}
	if len(rec.rest) != 0 && rec.err == nil {
		rec.err = errors.New("bytes behind a record's values")
	}
	r.err = errors.Join(r.err, rec.err)
	return out
}
