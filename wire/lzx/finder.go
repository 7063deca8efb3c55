package lzx

// finder finds earlier places with the same bytes by chains of positions that
// have the same hash of three bytes.
type finder struct {
	src  []byte
	head [1 << hashBits]int32 // newest position + 1
	prev []int32              // position + 1 of the one before with the same hash
}

const (
	hashBits = 15
	// maxChain bounds the places that are compared for one position, so that a
	// long run of the same bytes costs no more than other text.
	maxChain = 48
)

func newFinder(src []byte) *finder { return &finder{src: src, prev: make([]int32, len(src))} }

func (f *finder) hash(at int) uint32 {
	v := uint32(f.src[at]) | uint32(f.src[at+1])<<8 | uint32(f.src[at+2])<<16
	return v * 0x9E3779B1 >> (32 - hashBits)
}

// insert makes a position findable.
func (f *finder) insert(at int) {
	if at+minMatch > len(f.src) {
		return
	}
	h := f.hash(at)
	f.prev[at] = f.head[h]
	f.head[h] = int32(at + 1)
}

// find returns the longest match before a position, the nearest of several.
func (f *finder) find(at, limit int) (length int, offset uint32) {
	if limit < minMatch || at+minMatch > len(f.src) {
		return 0, 0
	}
	place := f.head[f.hash(at)]
	for range maxChain {
		candidate := int(place) - 1
		if candidate < 0 || at-candidate > maxOffset {
			break
		}
		if n := common(f.src, at, candidate, limit); n >= minMatch && n > length {
			length, offset = n, uint32(at-candidate)
			if n == limit {
				break
			}
		}
		place = f.prev[candidate]
	}
	return length, offset
}
