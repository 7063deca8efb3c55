package lzx

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// decompress reads a stream of LZX DELTA without reference data. It is written
// after MS-PATCH alone, to judge Compress.
func decompress(stream []byte, size int) ([]byte, error) {
	d := &reader{in: stream, recent: [3]uint32{1, 1, 1}}
	var left int
	var kind uint32
	for len(d.out) < size {
		end := min(len(d.out)+chunkSize, size)
		if err := d.chunk(); err != nil {
			return nil, err
		}
		if len(d.out) == 0 && d.get(1) != 0 {
			return nil, errors.New("E8 translation")
		}
		for len(d.out) < end {
			if left == 0 {
				kind, left = d.get(3), int(d.get(24))
				if err := d.block(kind); err != nil {
					return nil, err
				}
			}
			n := len(d.out)
			if err := d.some(kind, min(left, end-len(d.out))); err != nil {
				return nil, err
			}
			left -= len(d.out) - n
		}
		if len(d.out) != end {
			return nil, errors.New("a match crosses the chunk's end")
		}
		if len(d.rest) > 1 || d.over {
			return nil, fmt.Errorf("chunk has %d bytes too many, or too few: %v", len(d.rest), d.over)
		}
	}
	if len(d.in) > 0 {
		return nil, errors.New("bytes behind the last chunk")
	}
	return d.out, nil
}

type reader struct {
	in     []byte // chunks to come
	rest   []byte // of this chunk
	word   uint32
	have   uint8
	over   bool
	out    []byte
	recent [3]uint32
	main   [mainCodes]uint8
	length [lenCodes]uint8
	words  [2]map[uint32]int // 1<<length | word to symbol
}

func (d *reader) chunk() error {
	if len(d.in) < 2 {
		return errors.New("no chunk")
	}
	n := int(binary.LittleEndian.Uint16(d.in))
	if n > len(d.in)-2 {
		return errors.New("chunk cut short")
	}
	d.rest, d.in = d.in[2:2+n], d.in[2+n:]
	d.have, d.word = 0, 0
	return nil
}

func (d *reader) get(width uint8) uint32 {
	v := uint32(0)
	for range width {
		if d.have == 0 {
			if len(d.rest) < 2 {
				d.over = true
				return 0
			}
			d.word, d.have = uint32(binary.LittleEndian.Uint16(d.rest)), 16
			d.rest = d.rest[2:]
		}
		d.have--
		v = v<<1 | d.word>>d.have&1
	}
	return v
}

func table(lengths []uint8) (map[uint32]int, error) {
	out := make(map[uint32]int)
	word, sum := uint32(0), 0
	for l := uint8(1); l <= 16; l++ {
		for symbol, have := range lengths {
			if have == l {
				out[1<<l|word] = symbol
				word++
				sum += 1 << (16 - l)
			}
		}
		word <<= 1
	}
	if len(out) > 0 && sum != 1<<16 {
		return nil, fmt.Errorf("code is not complete: %d of 65536", sum)
	}
	return out, nil
}

func (d *reader) symbol(table map[uint32]int) int {
	key := uint32(1)
	for range 16 {
		key = key<<1 | d.get(1)
		if s, ok := table[key]; ok {
			return s
		}
	}
	d.over = true
	return 0
}

func (d *reader) lens(to []uint8) error {
	pre := make([]uint8, preCodes)
	for i := range pre {
		pre[i] = uint8(d.get(4))
	}
	codes, err := table(pre)
	if err != nil {
		return err
	}
	for i := 0; i < len(to) && !d.over; {
		switch s := d.symbol(codes); s {
		case 17, 18:
			run := 0
			if s == 17 {
				run = 4 + int(d.get(4))
			} else {
				run = 20 + int(d.get(5))
			}
			clear(to[i:min(i+run, len(to))])
			i += run
		case 19:
			return errors.New("run of same lengths")
		default:
			to[i] = (to[i] + 17 - uint8(s)) % 17
			i++
		}
	}
	return nil
}

func (d *reader) block(kind uint32) error {
	switch kind {
	case blockUncompressed:
		d.have = 0
		for i := range d.recent {
			if len(d.rest) < 4 {
				return errors.New("cut short")
			}
			d.recent[i] = binary.LittleEndian.Uint32(d.rest)
			d.rest = d.rest[4:]
		}
		return nil
	case blockVerbatim:
		for _, part := range [][]uint8{d.main[:256], d.main[256:], d.length[:]} {
			if err := d.lens(part); err != nil {
				return err
			}
		}
		var err error
		if d.words[0], err = table(d.main[:]); err != nil {
			return err
		}
		d.words[1], err = table(d.length[:])
		return err
	}
	return fmt.Errorf("block type %d", kind)
}

func (d *reader) some(kind uint32, n int) error {
	if kind == blockUncompressed {
		if len(d.rest) < n {
			return errors.New("cut short")
		}
		d.out = append(d.out, d.rest[:n]...)
		d.rest = d.rest[n:]
		return nil
	}
	for end := len(d.out) + n; len(d.out) < end; {
		s := d.symbol(d.words[0])
		if d.over {
			return errors.New("cut short")
		}
		if s < 256 {
			d.out = append(d.out, byte(s))
			continue
		}
		s -= 256
		length := s & 7
		if length == 7 {
			length += d.symbol(d.words[1])
		}
		length += 2
		slot := s >> 3
		var offset uint32
		switch slot {
		case 0, 1, 2:
			offset = d.recent[slot]
			d.recent[0], d.recent[slot] = d.recent[slot], d.recent[0]
		default:
			// MS-PATCH: the base of a slot is the sum of the sizes before it.
			base, width := uint32(0), uint8(0)
			for i := range slot {
				width = 0
				if i >= 4 {
					width = uint8(i/2 - 1)
				}
				base += 1 << width
			}
			if width = 0; slot >= 4 {
				width = uint8(slot/2 - 1)
			}
			offset = base + d.get(width) - 2
			d.recent = [3]uint32{offset, d.recent[0], d.recent[1]}
		}
		if offset == 0 || int(offset) > len(d.out) || length > end-len(d.out) {
			return fmt.Errorf("match of %d bytes at offset %d behind %d bytes", length, offset, len(d.out))
		}
		for range length {
			d.out = append(d.out, d.out[len(d.out)-int(offset)])
		}
	}
	return nil
}

func check(t testing.TB, src []byte) []byte {
	t.Helper()
	packed, err := Compress(src)
	if err != nil {
		t.Fatal(err)
	}
	got, err := decompress(packed, len(src))
	if err != nil {
		t.Fatalf("%d bytes became %d: %v", len(src), len(packed), err)
	}
	if !bytes.Equal(got, src) {
		t.Fatalf("%d bytes became %d and came back otherwise", len(src), len(packed))
	}
	return packed
}

func people(n int) []byte {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "/o=Contoso/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/cn=user%05d\x00User Number %d\x00user%05d@contoso.com\x00", i, i*7919%n, i)
	}
	return []byte(b.String())
}

func TestRoundTrip(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, MaxInput)
	for i := range noise {
		noise[i] = byte(random.Uint32())
	}
	skewed := make([]byte, MaxInput)
	for i := range skewed {
		skewed[i] = byte(random.ExpFloat64() * 4)
	}
	text := people(2000)
	for name, tt := range map[string]struct {
		src  []byte
		most int // bytes of the packed form
	}{
		"empty":             {nil, 0},
		"one byte":          {[]byte("a"), 24},
		"two same":          {[]byte("aa"), 24},
		"three":             {[]byte("abc"), 24},
		"zeroes":            {make([]byte, MaxInput), 1000},
		"text":              {text[:MaxInput], MaxInput / 6},
		"text, odd size":    {text[:40_001], 40_001 / 5},
		"one chunk":         {text[:chunkSize], chunkSize / 5},
		"one chunk and one": {text[:chunkSize+1], chunkSize / 5},
		"noise":             {noise, MaxInput + 4*24},
		"odd noise":         {noise[:33_001], 33_001 + 2*24 + 1},
		"skewed":            {skewed, MaxInput * 3 / 5},
		"noise then text":   {append(bytes.Clone(noise[:chunkSize]), text[:2*chunkSize]...), 2 * chunkSize},
		"far repeat":        {append(bytes.Clone(noise[:MaxInput-5000]), noise[:5000]...), MaxInput - 2000},
	} {
		t.Run(name, func(t *testing.T) {
			if packed := check(t, tt.src); len(packed) > tt.most {
				t.Errorf("%d bytes became %d, want at most %d", len(tt.src), len(packed), tt.most)
			}
		})
	}
}

func TestTooLong(t *testing.T) {
	if _, err := Compress(make([]byte, MaxInput+1)); !errors.Is(err, ErrTooLong) {
		t.Errorf("got %v", err)
	}
}

// A code whose counts are Fibonacci's numbers would be deeper than 16 bits.
func TestCodeIsNotTooLong(t *testing.T) {
	counts := make([]uint32, 40)
	a, b := uint32(1), uint32(1)
	for i := range counts {
		counts[i] = a
		a, b = b, a+b
	}
	for _, limit := range []uint8{maxPreBits, maxBits} {
		c := newCode(counts, limit)
		if _, err := table(c.lengths); err != nil {
			t.Error(err)
		}
		for _, l := range c.lengths {
			if l == 0 || l > limit {
				t.Errorf("length %d with limit %d", l, limit)
			}
		}
	}
}

func FuzzCompress(f *testing.F) {
	f.Add([]byte("aaaaaaaabbbbbbbbaaaaaaaabbbbbbbb"), uint16(3))
	f.Add(people(3), uint16(100))
	f.Fuzz(func(t *testing.T, data []byte, repeats uint16) {
		src := bytes.Repeat(data, int(repeats)+1)
		check(t, src[:min(len(src), MaxInput)])
	})
}

func BenchmarkCompress(b *testing.B) {
	src := people(2000)[:MaxInput]
	b.SetBytes(MaxInput)
	for b.Loop() {
		if _, err := Compress(src); err != nil {
			b.Fatal(err)
		}
	}
}
