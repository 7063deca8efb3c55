package oabfile

import (
	"encoding/binary"
	"fmt"
	"math"

	"hma/wire/lzx"
)

// Constants of LZX_HDR and LZX_BLK (MS-OXOAB).
const (
	containerHigh = 3
	containerLow  = 1
	// blockMax is the size of a block before compression, as announced: the
	// smallest window, so that a decoder which sizes its window by the
	// announcement and one which sizes it by the block choose the same.
	blockMax = lzx.MaxInput
	// blockLZX marks a compressed block. Plain blocks exist too, but clients are
	// known that decompress them all the same; what does not become shorter is
	// stored inside the compressed form instead.
	blockLZX = 1
)

// Pack returns the compressed container of a file.
func Pack(raw []byte) ([]byte, error) {
	if len(raw) > math.MaxInt32 {
		return nil, fmt.Errorf("pack offline address book: %d bytes are more than the format can tell", len(raw))
	}
	out := appendUint32(nil, containerHigh, containerLow, blockMax, uint32(len(raw)))
	for len(raw) > 0 {
		n := min(len(raw), blockMax)
		packed, err := lzx.Compress(raw[:n])
		if err != nil {
			return nil, fmt.Errorf("pack offline address book: %w", err)
		}
		out = appendUint32(out, blockLZX, uint32(len(packed)), uint32(n), CRC(raw[:n]))
		out = append(out, packed...)
		raw = raw[n:]
	}
	return out, nil
}

func appendUint32(out []byte, values ...uint32) []byte {
	for _, v := range values {
		out = binary.LittleEndian.AppendUint32(out, v)
	}
	return out
}
