package lzx

import "slices"

// code is a canonical prefix code (MS-PATCH): a length in bits and a word for each symbol.
type code struct {
	lengths []uint8
	words   []uint16
}

// newCode makes a code for symbols that come so often, no word longer than
// limit. With one symbol in use a second one gets a word too: decoders want
// every bit pattern to mean something. With none in use all lengths are 0.
func newCode(counts []uint32, limit uint8) code {
	c := code{lengths: make([]uint8, len(counts)), words: make([]uint16, len(counts))}
	counts = slices.Clone(counts)
	var used []int
	for symbol, n := range counts {
		if n > 0 {
			used = append(used, symbol)
		}
	}
	switch len(used) {
	case 0:
		return c
	case 1:
		other := 0
		if used[0] == 0 {
			other = 1
		}
		counts[other] = 1
		used = append(used, other)
	}
	for !c.assign(counts, used, limit) {
		// Flatter counts make a flatter tree; the loop ends because equal counts
		// make one of at most 10 levels.
		for _, symbol := range used {
			counts[symbol] = counts[symbol]/2 + 1
		}
	}
	c.number(limit)
	return c
}

// assign gives each used symbol the depth that Huffman's tree gives it; false
// when one is deeper than limit.
func (c *code) assign(counts []uint32, used []int, limit uint8) bool {
	slices.SortFunc(used, func(a, b int) int {
		if counts[a] != counts[b] {
			return int(counts[a]) - int(counts[b])
		}
		return a - b
	})
	// Leaves in the order of their counts, and inner nodes in the order in which
	// they are made, are both sorted: the two smallest are at the fronts.
	n := len(used)
	weight := make([]uint32, 2*n-1)
	parent := make([]int, 2*n-1)
	for i, symbol := range used {
		weight[i] = counts[symbol]
	}
	leaf, inner := 0, n
	for node := n; node < 2*n-1; node++ {
		for range 2 {
			least := inner
			if leaf < n && (inner == node || weight[leaf] <= weight[inner]) {
				least = leaf
				leaf++
			} else {
				inner++
			}
			weight[node] += weight[least]
			parent[least] = node
		}
	}
	depth := make([]uint8, 2*n-1)
	for node := 2*n - 3; node >= 0; node-- {
		depth[node] = depth[parent[node]] + 1
		if depth[node] > limit {
			return false
		}
		if node < n {
			c.lengths[used[node]] = depth[node]
		}
	}
	return true
}

// number gives the words: shorter ones first, equal ones in the order of the symbols.
func (c *code) number(limit uint8) {
	next := uint32(0)
	for length := uint8(1); length <= limit; length++ {
		for symbol, l := range c.lengths {
			if l == length {
				c.words[symbol] = uint16(next)
				next++
			}
		}
		next <<= 1
	}
}
