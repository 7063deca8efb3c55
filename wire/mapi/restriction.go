package mapi

// Restriction is one node of a search condition (MS-OXCDATA 2.12): And, Or, Not,
// Content, Property, Compare, Bitmask, Size, Exist or Sub.
type Restriction interface{ restriction() }

// And holds when every part holds; with no part it holds.
type And []Restriction

// Or holds when one part holds; with no part it does not.
type Or []Restriction

// Not holds when its part does not.
type Not struct{ Part Restriction }

// Content compares text (MS-OXCDATA 2.12.2). Value is a string, or []byte for a
// binary property; the property may be multi-valued, then one element must match.
type Content struct {
	Tag   Tag
	Fuzzy Fuzzy
	Value any
}

// Fuzzy is a fuzzy level: how much of the property must match in the lower half,
// what is ignored in the upper (MS-OXCDATA 2.12.2.1).
type Fuzzy uint32

// Fuzzy levels. The two last of the lower half are those of Exchange's search.
const (
	FullString     Fuzzy = 0x0000
	Substring      Fuzzy = 0x0001
	Prefix         Fuzzy = 0x0002
	PrefixOnWords  Fuzzy = 0x0010
	PhraseMatch    Fuzzy = 0x0020
	IgnoreCase     Fuzzy = 0x0001_0000
	IgnoreNonSpace Fuzzy = 0x0002_0000
	Loose          Fuzzy = 0x0004_0000
)

// Mode returns the lower half.
func (f Fuzzy) Mode() Fuzzy { return f & 0xFFFF }

// Folds tells whether case or accents are to be ignored.
func (f Fuzzy) Folds() bool { return f&(IgnoreCase|IgnoreNonSpace|Loose) != 0 }

// RelOp is a relational operator (MS-OXCDATA 2.12.5.1).
type RelOp uint8

// Relational operators.
const (
	LT RelOp = 0x00
	LE RelOp = 0x01
	GT RelOp = 0x02
	GE RelOp = 0x03
	EQ RelOp = 0x04
	NE RelOp = 0x05
)

// Property compares a property with a value of its type (MS-OXCDATA 2.12.5). With
// a multi-valued tag the value is a single one and one element must match.
type Property struct {
	Op    RelOp
	Tag   Tag
	Value any
}

// Compare compares two properties of one object (MS-OXCDATA 2.12.6).
type Compare struct {
	Op          RelOp
	Left, Right Tag
}

// Bitmask tests an Integer32 property against a mask: with Zero it holds when no
// bit of the mask is set, without when at least one is (MS-OXCDATA 2.12.7).
type Bitmask struct {
	Zero bool
	Tag  Tag
	Mask uint32
}

// Size compares a property's length in bytes (MS-OXCDATA 2.12.8).
type Size struct {
	Op   RelOp
	Tag  Tag
	Size uint32
}

// Exist holds when the object has the property (MS-OXCDATA 2.12.9).
type Exist struct{ Tag Tag }

// SubObject is what a Sub looks at.
type SubObject uint8

// The subobjects of a message (MS-OXCDATA 2.12.10: PidTagMessageRecipients, PidTagMessageAttachments).
const (
	Recipients SubObject = iota
	Attachments
)

// Sub holds when one recipient or attachment satisfies its part (MS-OXCDATA 2.12.10).
type Sub struct {
	Object SubObject
	Part   Restriction
}

func (And) restriction()      {}
func (Or) restriction()       {}
func (Not) restriction()      {}
func (Content) restriction()  {}
func (Property) restriction() {}
func (Compare) restriction()  {}
func (Bitmask) restriction()  {}
func (Size) restriction()     {}
func (Exist) restriction()    {}
func (Sub) restriction()      {}

// Limits of a restriction, so that nobody's search is a program.
const (
	MaxRestrictionDepth = 64
	MaxRestrictionNodes = 255
)

// WithinLimits tells whether a restriction has at most MaxRestrictionDepth levels
// and MaxRestrictionNodes nodes, none of them nil.
func WithinLimits(r Restriction) bool {
	nodes := 0
	var walk func(r Restriction, depth int) bool
	walk = func(r Restriction, depth int) bool {
		nodes++
		if nodes > MaxRestrictionNodes || depth > MaxRestrictionDepth {
			return false
		}
		var parts []Restriction
		switch r := r.(type) {
		case nil:
			return false
		case And:
			parts = r
		case Or:
			parts = r
		case Not:
			parts = []Restriction{r.Part}
		case Sub:
			parts = []Restriction{r.Part}
		}
		for _, part := range parts {
			if !walk(part, depth+1) {
				return false
			}
		}
		return true
	}
	return walk(r, 1)
}
