package oxvcard

import (
	"encoding/base64"
	"encoding/hex"
	"io"
	"slices"
	"strings"

	"hma/wire/contentline"
	"hma/wire/mapi"
)

// Write writes the contact with the properties as a vCard 3.0; photo is its picture,
// nil for none. What a property holds that is no text of its kind is left out.
func Write(w io.Writer, p mapi.Bag, photo []byte) error {
	var b strings.Builder
	line := func(name, value string) { contentline.Write(&b, name, value) }
	line("BEGIN", "VCARD")
	line("VERSION", "3.0")
	line("PRODID", "-//HMA//Mail//EN")
	if key := p.Bytes(mapi.PidTagSearchKey); len(key) > 0 && len(key) <= maxKey {
		line("UID", hex.EncodeToString(key))
	}
	line("N", structured(p, names[:]))
	if p.String(mapi.PidTagDisplayName) == "" {
		line("FN", contentline.Escape(p.String(mapi.PidLidFileUnder))) // RFC 2426 3.1.1 wants one
	}
	written := map[mapi.Tag]bool{}
	for _, t := range texts {
		if text := p.String(t.tag); text != "" && !written[t.tag] {
			contentline.WriteText(&b, t.name, text)
			written[t.tag] = true
		}
	}
	if org := structured(p, organizations); strings.Trim(org, ";") != "" {
		line("ORG", org)
	}
	for i, e := range emails {
		if address := p.String(e.address); address != "" {
			name := "EMAIL;TYPE=INTERNET"
			if i == 0 {
				name += ",PREF"
			}
			if display := p.String(e.display); display != "" && display != address {
				name += ";X-CN=" + contentline.Quote(display)
			}
			line(name, contentline.Escape(address))
		}
	}
	for _, t := range phones {
		if number := p.String(t.tag); number != "" {
			line(t.name+";TYPE="+strings.Join(t.types, ","), contentline.Escape(number))
		}
	}
	for _, a := range addresses {
		if parts := structured(p, a.tags[:]); strings.Trim(parts, ";") != "" {
			name := "ADR"
			if a.kind != "" {
				name += ";TYPE=" + a.kind
			}
			line(name, ";;"+parts)
		}
	}
	for _, tag := range messengers {
		if address := p.String(tag); address != "" {
			contentline.WriteText(&b, "X-MS-IMADDRESS", address)
		}
	}
	if url := p.String(mapi.PidTagBusinessHomePage); url != "" {
		contentline.WriteText(&b, "URL;TYPE=WORK", url)
	}
	for _, d := range dates {
		if day := p.Time(d.tag); !day.IsZero() && !written[d.tag] {
			line(d.name+";VALUE=DATE", day.UTC().Format("2006-01-02"))
			written[d.tag] = true
		}
	}
	for _, l := range lists {
		words := slices.Clone(p.Strings(l.tag))
		for i, word := range words {
			words[i] = contentline.Escape(word)
		}
		if len(words) > 0 {
			line(l.name, strings.Join(words, ","))
		}
	}
	if s := p.Int32(mapi.PidTagSensitivity); s > 0 && int(s) < len(sensitivities) {
		line("CLASS", sensitivities[s])
	}
	if kind := photoType(photo); kind != "" {
		line("PHOTO;ENCODING=B;TYPE="+kind, base64.StdEncoding.EncodeToString(photo))
	}
	if changed := p.Time(mapi.PidTagLastModificationTime); !changed.IsZero() {
		line("REV", changed.UTC().Format("2006-01-02T15:04:05Z"))
	}
	line("END", "VCARD")
	_, err := io.WriteString(w, b.String())
	return err
}

// structured returns a value of several parts (RFC 2426 3.1.2).
func structured(p mapi.Bag, tags []mapi.Tag) string {
	parts := make([]string, len(tags))
	for i, tag := range tags {
		parts[i] = contentline.Escape(p.String(tag))
	}
	return strings.Join(parts, ";")
}

// photoType returns the word of an image format by how it begins, "" for none known.
func photoType(photo []byte) string {
	for _, format := range []struct{ head, word string }{{"\xFF\xD8\xFF", "JPEG"}, {"\x89PNG", "PNG"}, {"GIF8", "GIF"}, {"BM", "BMP"}} {
		if strings.HasPrefix(string(photo[:min(len(photo), 4)]), format.head) {
			return format.word
		}
	}
	return ""
}
