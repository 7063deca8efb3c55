package corpus

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"path"
	"strings"
	"time"
)

// file makes an attachment of the kind that its name says.
func (g *generator) file(name string, d *draft) *file {
	rng := rand.New(rand.NewPCG(d.seed, uint64(len(d.files))))
	f := &file{name: name}
	switch path.Ext(name) {
	case ".csv":
		f.contentType, f.data = "text/csv; charset=utf-8", csv(rng, d.date)
	case ".png":
		f.contentType, f.data = "image/png", chart(rng)
	case ".pdf":
		f.contentType, f.data = "application/pdf", pdf(strings.TrimSuffix(name, ".pdf"), rng)
	default:
		f.contentType, f.data = "text/plain; charset=utf-8", minutes(rng, d.date)
	}
	return f
}

var products = []string{"Oak bench", "Folding table", "Garden chair", "Plant box, small", "Plant box, large", "Workbench", "Tool rack", "Bird house", "Sun screen", "Rain barrel"}

func csv(rng *rand.Rand, date time.Time) []byte {
	var b bytes.Buffer
	b.WriteString("week,product,ordered,shipped,open\r\n")
	_, week := date.ISOWeek()
	for back := 3; back >= 0; back-- {
		for _, p := range products {
			ordered := 5 + rng.IntN(60)
			shipped := rng.IntN(ordered + 1)
			fmt.Fprintf(&b, "%d,\"%s\",%d,%d,%d\r\n", max(week-back, 1), p, ordered, shipped, ordered-shipped)
		}
	}
	return b.Bytes()
}

func minutes(rng *rand.Rand, date time.Time) []byte {
	topics := []string{"Deliveries to the north", "New paint supplier", "Stand at the spring fair", "Forklift training", "Website photographs", "Returns of the last quarter", "Summer opening hours"}
	var b strings.Builder
	fmt.Fprintf(&b, "Minutes, %s\r\n\r\n", date.Format("Monday, 2 January 2006"))
	for i, t := range rng.Perm(len(topics))[:4] {
		fmt.Fprintf(&b, "%d. %s\r\n   Agreed. To be looked at again in %d weeks.\r\n\r\n", i+1, topics[t], 1+rng.IntN(5))
	}
	return []byte(b.String())
}

// chart draws bars, in few colours so that the picture stays small.
func chart(rng *rand.Rand) []byte {
	const width, height, bars = 320, 160, 8
	palette := color.Palette{color.White, color.RGBA{0x1f, 0x5f, 0x8b, 0xff}, color.RGBA{0xe0, 0x8e, 0x2b, 0xff}, color.RGBA{0xcc, 0xd4, 0xda, 0xff}}
	img := image.NewPaletted(image.Rect(0, 0, width, height), palette)
	for y := 20; y < height; y += 35 {
		for x := range width {
			img.SetColorIndex(x, y, 3)
		}
	}
	for i := range bars {
		top := height - 15 - rng.IntN(height-40)
		for x := i*width/bars + 6; x < (i+1)*width/bars-6; x++ {
			for y := top; y < height-2; y++ {
				img.SetColorIndex(x, y, uint8(1+i%2))
			}
		}
	}
	var b bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestSpeed}
	encoder.Encode(&b, img) // a buffer takes everything
	return b.Bytes()
}

// pdf writes a page of text (ISO 32000-1 7.5: objects, cross-reference table, trailer).
func pdf(title string, rng *rand.Rand) []byte {
	ascii := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || strings.ContainsRune(`()\`, r) {
			return '-'
		}
		return r
	}, title)
	var page strings.Builder
	fmt.Fprintf(&page, "BT /F1 20 Tf 72 760 Td (%s) Tj 0 -36 Td /F1 11 Tf 16 TL\n", ascii)
	sum := 0
	for _, p := range products[:4+rng.IntN(5)] {
		count, price := 1+rng.IntN(12), 15+rng.IntN(200)
		sum += count * price
		fmt.Fprintf(&page, "(%d x %s at %d.00 EUR) Tj T*\n", count, p, price)
	}
	fmt.Fprintf(&page, "T* (Total %d.00 EUR) Tj ET\n", sum)
	objects := []string{
		"<< /Type /Catalog /Pages 2 0 R >>",
		"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
		fmt.Sprintf("<< /Length %d >>\nstream\n%sendstream", page.Len(), page.String()),
		"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
	}
	var b bytes.Buffer
	b.WriteString("%PDF-1.4\n")
	offsets := make([]int, len(objects))
	for i, o := range objects {
		offsets[i] = b.Len()
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	xref := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, o := range offsets {
		fmt.Fprintf(&b, "%010d 00000 n \n", o)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, xref)
	return b.Bytes()
}

// icalendar is an event for everybody to look at, not an invitation to answer (RFC 5545, RFC 5546 3.2.1).
func icalendar(summary, place, id string, stamp, start time.Time) []byte {
	const layout = "20060102T150405Z"
	return []byte(strings.Join([]string{
		"BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Contoso//Lab//EN", "METHOD:PUBLISH", "BEGIN:VEVENT",
		"UID:" + strings.Trim(id, "<>"), "DTSTAMP:" + stamp.UTC().Format(layout), "DTSTART:" + start.UTC().Format(layout),
		"DTEND:" + start.Add(time.Hour).UTC().Format(layout), "SUMMARY:" + strings.ReplaceAll(summary, ",", `\,`),
		"LOCATION:" + strings.ReplaceAll(place, ",", `\,`), "END:VEVENT", "END:VCALENDAR", "",
	}, "\r\n"))
}
