package lzx

import "encoding/binary"

// bitWriter writes bits, the most significant first, into 16-bit little-endian words (MS-PATCH).
type bitWriter struct {
	out  []byte
	word uint32
	free uint8 // bits that the word still takes, 16 minus those in it
	open bool
}

func (w *bitWriter) put(value uint32, width uint8) {
	if !w.open {
		w.free, w.open = 16, true
	}
	for width > 0 {
		n := min(width, w.free)
		width -= n
		w.free -= n
		w.word |= value >> width & (1<<n - 1) << w.free
		if w.free == 0 {
			w.flush()
		}
	}
}

func (w *bitWriter) flush() {
	w.out = binary.LittleEndian.AppendUint16(w.out, uint16(w.word))
	w.word, w.free = 0, 16
}

// end fills the last word and returns everything.
func (w *bitWriter) end() []byte {
	if w.open && w.free < 16 {
		w.flush()
	}
	return w.out
}

// begin writes a block's header, in the first chunk of a stream behind the bit
// that says there is no E8 translation (MS-PATCH).
func (w *bitWriter) begin(first bool, kind uint32, size int) {
	if first {
		w.put(0, 1)
	}
	w.put(kind, 3)
	w.put(uint32(size), 24)
}

// Symbols of the code for code lengths (MS-PATCH): 0 to 16 are differences
// to the length before, these are runs of zero lengths.
const (
	zeroRun     = 17 // 4 to 19, in 4 bits
	zeroRunLong = 18 // 20 to 51, in 5 bits
)

// lengths writes code lengths, as differences to those of the block before, with
// a code of their own.
func (w *bitWriter) lengths(before, now []uint8) {
	type step struct {
		symbol uint8
		extra  uint32
		width  uint8
	}
	var steps []step
	var counts [preCodes]uint32
	add := func(s step) {
		steps = append(steps, s)
		counts[s.symbol]++
	}
	for i := 0; i < len(now); {
		run := 0
		for i+run < len(now) && run < 51 && now[i+run] == 0 {
			run++
		}
		switch {
		case run >= 20:
			add(step{zeroRunLong, uint32(run - 20), 5})
			i += run
		case run >= 4:
			add(step{zeroRun, uint32(run - 4), 4})
			i += run
		default:
			add(step{(before[i] + 17 - now[i]) % 17, 0, 0})
			i++
		}
	}
	c := newCode(counts[:], maxPreBits)
	for _, l := range c.lengths {
		w.put(uint32(l), 4)
	}
	for _, s := range steps {
		w.put(uint32(c.words[s.symbol]), c.lengths[s.symbol])
		w.put(s.extra, s.width)
	}
}
