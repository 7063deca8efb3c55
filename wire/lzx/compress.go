package lzx

import (
	"encoding/binary"
	"errors"
	"math/bits"
	"slices"
)

// MaxInput is how many bytes one call of Compress takes: the smallest window of
// LZX DELTA, which a decoder chooses for inputs up to this size.
const MaxInput = 1 << 17

const (
	chunkSize  = 1 << 15 // uncompressed bytes of a chunk (MS-PATCH)
	slots      = 34      // position slots of a window of 2^17 (MS-PATCH)
	literals   = 256
	mainCodes  = literals + 8*slots
	lenCodes   = 249
	preCodes   = 20
	minMatch   = 3
	maxMatch   = 256 // 257 and more take an extension that only LZX DELTA has
	maxOffset  = MaxInput - 3
	maxBits    = 16 // of main and length codes
	maxPreBits = 15

	blockVerbatim     = 1
	blockUncompressed = 3
)

// ErrTooLong is what Compress returns for more than MaxInput bytes.
var ErrTooLong = errors.New("lzx: more input than one window holds")

// slotBase[s] is the first formatted offset of position slot s, slotBits[s] how
// many bits of it follow the main code.
var slotBase, slotBits = func() (base [slots + 1]uint32, width [slots]uint8) {
	for s := range slots {
		if s >= 4 {
			width[s] = uint8(s/2 - 1)
		}
		base[s+1] = base[s] + 1<<width[s]
	}
	return base, width
}()

// Compress returns the LZX DELTA stream of src. A chunk that does not become
// shorter is stored in an uncompressed block.
func Compress(src []byte) ([]byte, error) {
	if len(src) > MaxInput {
		return nil, ErrTooLong
	}
	e := &encoder{src: src, recent: [3]uint32{1, 1, 1}, finder: newFinder(src)}
	for at := 0; at < len(src); at += chunkSize {
		e.chunk(at, min(at+chunkSize, len(src)))
	}
	return e.out, nil
}

// encoder is the state that goes from chunk to chunk.
type encoder struct {
	src    []byte
	out    []byte
	finder *finder
	recent [3]uint32 // R0, R1, R2: the offsets of the last matches
	main   [mainCodes]uint8
	length [lenCodes]uint8 // code lengths of the block before, against which new ones are written
}

// token is a literal (length 0) or a match.
type token struct {
	main   uint16
	footer uint16 // index into the length codes, noFooter for none
	extra  uint32 // the offset's bits behind the main code
	width  uint8
}

const noFooter = 0xFFFF

// chunk appends the bytes from to end as one chunk with one block.
func (e *encoder) chunk(from, end int) {
	before := e.recent
	tokens := e.tokens(from, end)
	var w bitWriter
	w.begin(from == 0, blockVerbatim, end-from)

	var mainCount [mainCodes]uint32
	var lengthCount [lenCodes]uint32
	for _, t := range tokens {
		mainCount[t.main]++
		if t.footer != noFooter {
			lengthCount[t.footer]++
		}
	}
	main := newCode(mainCount[:], maxBits)
	length := newCode(lengthCount[:], maxBits)
	w.lengths(e.main[:literals], main.lengths[:literals])
	w.lengths(e.main[literals:], main.lengths[literals:])
	w.lengths(e.length[:], length.lengths)
	for _, t := range tokens {
		w.put(uint32(main.words[t.main]), main.lengths[t.main])
		if t.footer != noFooter {
			w.put(uint32(length.words[t.footer]), length.lengths[t.footer])
		}
		w.put(t.extra, t.width)
	}
	body := w.end()
	if len(body) < end-from {
		copy(e.main[:], main.lengths)
		copy(e.length[:], length.lengths)
	} else {
		e.recent = before
		body = e.stored(from, end)
	}
	e.out = binary.LittleEndian.AppendUint16(e.out, uint16(len(body)))
	e.out = append(e.out, body...)
}

// stored is an uncompressed block: the recent offsets, the bytes, and one more
// when their number is odd (MS-PATCH).
func (e *encoder) stored(from, end int) []byte {
	var w bitWriter
	w.begin(from == 0, blockUncompressed, end-from)
	out := w.end()
	for _, r := range e.recent {
		out = binary.LittleEndian.AppendUint32(out, r)
	}
	out = append(out, e.src[from:end]...)
	if (end-from)%2 == 1 {
		out = append(out, 0)
	}
	return out
}

// tokens covers src[from:end] with literals and matches; a match may reach back
// before the chunk but does not go beyond its end. A match is put off by one
// byte when the next position has a longer one.
func (e *encoder) tokens(from, end int) []token {
	var out []token
	length, offset := e.best(from, end)
	for at := from; at < end; {
		e.finder.insert(at)
		nextLength, nextOffset := 0, uint32(0)
		if at+1 < end {
			nextLength, nextOffset = e.best(at+1, end)
		}
		if length < minMatch || nextLength > length {
			out = append(out, token{main: uint16(e.src[at]), footer: noFooter})
			at++
			length, offset = nextLength, nextOffset
			continue
		}
		out = append(out, e.match(length, offset))
		for i := at + 1; i < at+length; i++ {
			e.finder.insert(i)
		}
		at += length
		length = 0
		if at < end {
			length, offset = e.best(at, end)
		}
	}
	return out
}

// best returns the longest match at a position. A recent offset is preferred to
// a match that is longer by less than its offset costs.
func (e *encoder) best(at, end int) (length int, offset uint32) {
	limit := min(maxMatch, end-at)
	length, offset = e.finder.find(at, limit)
	for _, r := range e.recent {
		if int(r) <= at {
			if n := common(e.src, at, at-int(r), limit); n >= minMatch && n+2 >= length {
				length, offset = n, r
			}
		}
	}
	return length, offset
}

// match makes the token of a match and takes its offset among the recent ones.
func (e *encoder) match(length int, offset uint32) token {
	slot, extra := 0, uint32(0)
	switch i := slices.Index(e.recent[:], offset); i {
	case 0, 1, 2:
		slot = i
		e.recent[0], e.recent[i] = e.recent[i], e.recent[0]
	default:
		formatted := offset + 2
		slot = slotOf(formatted)
		extra = formatted - slotBase[slot]
		e.recent = [3]uint32{offset, e.recent[0], e.recent[1]}
	}
	t := token{extra: extra, width: slotBits[slot], footer: noFooter}
	header := length - 2
	if header >= 7 {
		t.footer = uint16(header - 7)
		header = 7
	}
	t.main = uint16(literals + slot<<3 + header)
	return t
}

// slotOf returns the position slot of a formatted offset: two slots for each power of two.
func slotOf(formatted uint32) int {
	if formatted < 4 {
		return int(formatted)
	}
	n := bits.Len32(formatted) - 1
	return 2*n + int(formatted>>(n-1)&1)
}

// common returns how many bytes at a and b are the same, at most limit.
func common(src []byte, a, b, limit int) int {
	n := 0
	for n < limit && src[a+n] == src[b+n] {
		n++
	}
	return n
}
