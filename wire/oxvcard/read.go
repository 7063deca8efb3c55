package oxvcard

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"hma/wire/contentline"
	"hma/wire/mapi"
	"hma/wire/oxcmail"
)

// Limits of Read. What is past them is left out.
const (
	MaxBytes = 4 << 20 // of a vCard; more is an error
	MaxPhoto = 1 << 20 // bytes of a picture
	maxLines = 2_000
	maxText  = 1 << 20 // bytes of a note
	maxField = 1_000   // bytes of any other text
	maxWords = 200     // of a list
	maxKey   = 64      // bytes of a search key; they have 16
)

// ErrNoCard is the error for what is no vCard at all.
var ErrNoCard = errors.New("not a vCard")

// Card is what a vCard tells of a contact.
type Card struct {
	Props mapi.Bag
	Photo []byte // its picture, nil for none
}

// Read reads the first vCard of a text.
func Read(r io.Reader) (*Card, error) {
	raw, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read vCard: %w", err)
	}
	if len(raw) > MaxBytes {
		return nil, fmt.Errorf("vCard of more than %d bytes: %w", MaxBytes, ErrNoCard)
	}
	c := &Card{Props: mapi.Bag{mapi.PidTagMessageClass: "IPM.Contact"}}
	depth, lines, begun := 0, 0, false
	for text := range contentline.Lines(contentline.Decode(string(raw))) {
		line, ok := contentline.Parse(text)
		if lines++; lines > maxLines {
			break
		}
		if !ok {
			continue
		}
		card := strings.EqualFold(strings.TrimSpace(line.Value), "VCARD")
		switch {
		case line.Name == "BEGIN" && card:
			begun = true
			depth++
		case line.Name == "END" && card:
			depth--
		case depth == 1: // one in another is of somebody else (AGENT)
			c.take(&line)
		}
		if begun && depth == 0 {
			break
		}
		if depth <= 0 {
			return nil, ErrNoCard
		}
	}
	if !begun {
		return nil, ErrNoCard
	}
	c.complete()
	return c, nil
}

// take puts what a line tells into the card. The first of several counts where a
// contact has one place.
func (c *Card) take(line *contentline.Property) {
	for _, t := range texts {
		if t.name == line.Name {
			text := tidy(line.Text())
			if t.tag == mapi.PidTagBody {
				text = plain(line.Text(), maxText)
			}
			c.put(t.tag, text)
			return
		}
	}
	for _, l := range lists {
		if l.name == line.Name {
			words := c.Props.Strings(l.tag)
			for _, word := range line.List() {
				if word = tidy(word); word != "" && !slices.Contains(words, word) && len(words) < maxWords {
					words = append(words, word)
				}
			}
			if len(words) > 0 {
				c.Props[l.tag] = words
			}
			return
		}
	}
	for _, d := range dates {
		if d.name == line.Name {
			if day, ok := date(strings.TrimSpace(line.Text())); ok && c.Props.Time(d.tag).IsZero() {
				c.Props[d.tag] = day
			}
			return
		}
	}
	switch line.Name {
	case "UID":
		c.identify(tidy(line.Text()))
	case "N":
		c.fields(line.Fields(), names)
	case "ORG":
		c.fields(line.Fields(), organizations)
	case "EMAIL":
		c.email(line)
	case "TEL", "X-MS-TEL":
		c.phone(line)
	case "ADR":
		c.address(line)
	case "X-MS-IMADDRESS", "IMPP":
		for _, tag := range messengers {
			if c.put(tag, tidy(line.Text())) {
				break
			}
		}
	case "URL":
		if !slices.Contains(types(line), "HOME") {
			c.put(mapi.PidTagBusinessHomePage, tidy(line.Text()))
		}
	case "CLASS":
		switch strings.ToUpper(strings.TrimSpace(line.Value)) {
		case "PRIVATE":
			c.Props[mapi.PidTagSensitivity] = int32(2)
		case "CONFIDENTIAL":
			c.Props[mapi.PidTagSensitivity] = int32(3)
		}
	case "PHOTO":
		c.photo(line)
	}
}

// identify keeps the vCard's own id (RFC 2426 3.6.7) as the contact's search key
// (MS-OXCPRPT 2.2.1.9):
// its bytes where it is hexadecimal, as Write writes it, its hash otherwise.
func (c *Card) identify(id string) {
	if id == "" || c.Props.Bytes(mapi.PidTagSearchKey) != nil {
		return
	}
	key, err := hex.DecodeString(id)
	if err != nil || len(key) > maxKey {
		sum := sha256.Sum256([]byte(id))
		key = sum[:16]
	}
	c.Props[mapi.PidTagSearchKey] = key
}

// put sets a property that is not there yet, and tells whether it did.
func (c *Card) put(tag mapi.Tag, text string) bool {
	if text == "" || c.Props.String(tag) != "" {
		return false
	}
	c.Props[tag] = text
	return true
}

// fields puts the parts of a structured value.
func (c *Card) fields(parts []string, tags []mapi.Tag) {
	for i, tag := range tags {
		if i < len(parts) {
			c.put(tag, tidy(parts[i]))
		}
	}
}

// types returns the types of a property in capitals, as any version writes them.
func types(line *contentline.Property) (out []string) {
	for _, p := range line.Params {
		switch p.Name {
		case "TYPE":
			out = append(out, strings.Split(strings.ToUpper(p.Value), ",")...)
		case "PREF":
			out = append(out, "PREF")
		}
	}
	return out
}

func (c *Card) email(line *contentline.Property) {
	address := strings.TrimPrefix(tidy(line.Text()), "mailto:")
	name := tidy(line.Param("X-CN"))
	if address == "" {
		return
	}
	for _, e := range emails {
		if c.Props.String(e.address) != "" {
			continue
		}
		a := oxcmail.Address{Name: name, Email: address}
		c.Props[e.address], c.Props[e.display], c.Props[e.kind] = address, a.Display(), "SMTP"
		c.Props[e.original], c.Props[e.entry] = address, oxcmail.OneOff(a)
		return
	}
}

func (c *Card) phone(line *contentline.Property) {
	number := strings.TrimPrefix(tidy(line.Text()), "tel:")
	has := types(line)
	if !slices.Contains(has, "FAX") {
		has = append(has, "VOICE") // RFC 2426 3.3.1: the default
	}
	for _, row := range phones {
		if row.name != line.Name || slices.ContainsFunc(row.types, func(t string) bool { return !slices.Contains(has, t) }) {
			continue
		}
		if c.put(row.tag, number) {
			return
		}
	}
}

func (c *Card) address(line *contentline.Property) {
	parts := line.Fields()
	for len(parts) < 7 {
		parts = append(parts, "")
	}
	street := strings.TrimSpace(strings.Join(slices.DeleteFunc(slices.Clone(parts[:3]), func(s string) bool { return strings.TrimSpace(s) == "" }), "\n"))
	parts = append([]string{street}, parts[3:7]...)
	has := types(line)
	for _, a := range addresses {
		if a.kind == "" || slices.Contains(has, a.kind) {
			c.fields(parts, a.tags[:])
			return
		}
	}
}

// photo takes a picture that is in the vCard itself.
func (c *Card) photo(line *contentline.Property) {
	if encoding := strings.ToUpper(line.Param("ENCODING")); c.Photo != nil || encoding != "B" && encoding != "BASE64" && !strings.HasPrefix(line.Value, "data:") {
		return
	}
	if _, data, ok := strings.Cut(line.Value, ";base64,"); ok { // vCard 4.0
		line.Value = data
	}
	if photo, err := line.Binary(); err == nil && len(photo) <= MaxPhoto && photoType(photo) != "" {
		c.Photo = photo
	}
}

// date reads a day as versions 2.1 to 4.0 write it. One without a year is none.
func date(text string) (time.Time, bool) {
	text, _, _ = strings.Cut(text, "T")
	for _, layout := range []string{"2006-01-02", "20060102"} {
		if day, err := time.Parse(layout, text); err == nil && day.Year() > 1600 {
			return day, true
		}
	}
	return time.Time{}, false
}

// complete gives the contact the names that lists show it by.
func (c *Card) complete() {
	p := c.Props
	if p.String(mapi.PidTagDisplayName) == "" {
		c.put(mapi.PidTagDisplayName, strings.Join(strings.Fields(p.String(mapi.PidTagGivenName)+" "+p.String(mapi.PidTagMiddleName)+" "+p.String(mapi.PidTagSurname)), " "))
	}
	for _, tag := range []mapi.Tag{mapi.PidTagCompanyName, mapi.PidLidEmail1EmailAddress, mapi.PidLidFileUnder} {
		if p.String(mapi.PidTagDisplayName) == "" {
			c.put(mapi.PidTagDisplayName, p.String(tag))
		}
	}
	c.put(mapi.PidLidFileUnder, p.String(mapi.PidTagDisplayName))
	if name := p.String(mapi.PidTagDisplayName); name != "" {
		p[mapi.PidTagSubject], p[mapi.PidTagNormalizedSubject] = name, name
	}
}

// plain returns text of at most so many bytes as Write can write it: with line feeds
// and tabs alone of all that controls.
func plain(text string, limit int) string {
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text)
	text = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, text)
	return strings.ToValidUTF8(text[:min(len(text), limit)], "")
}

// tidy is plain for what is no long text.
func tidy(text string) string { return strings.TrimSpace(plain(text, maxField)) }
