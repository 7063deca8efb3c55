package mapi

import (
	"encoding/binary"
	"fmt"
)

// The kinds of a restriction's nodes on the wire (MS-OXCDATA 2.12).
const (
	restrictAnd byte = iota
	restrictOr
	restrictNot
	restrictContent
	restrictProperty
	restrictCompare
	restrictBitmask
	restrictSize
	restrictExist
	restrictSub
)

// The tags that name a message's subobjects (MS-OXCDATA 2.12.10).
const (
	tagMessageRecipients  Tag = 0x0E12_000D
	tagMessageAttachments Tag = 0x0E13_000D
)

// EncodeRestriction returns a restriction's form in a ROP buffer. One beyond
// WithinLimits, or with a value that does not fit its tag, is ErrSyntax.
func EncodeRestriction(r Restriction) ([]byte, error) {
	if !WithinLimits(r) {
		return nil, fmt.Errorf("encode restriction: too many nodes: %w", ErrSyntax)
	}
	out, err := appendRestriction(nil, r)
	if err != nil {
		return nil, fmt.Errorf("encode restriction: %w", err)
	}
	return out, nil
}

func appendRestriction(out []byte, r Restriction) (_ []byte, err error) {
	le := binary.LittleEndian
	switch r := r.(type) {
	case And:
		return appendParts(append(out, restrictAnd), r)
	case Or:
		return appendParts(append(out, restrictOr), r)
	case Not:
		return appendRestriction(append(out, restrictNot), r.Part)
	case Content:
		out = le.AppendUint32(append(out, restrictContent), uint32(r.Fuzzy))
		return appendTagged(le.AppendUint32(out, uint32(r.Tag)), singleTag(r.Tag), r.Value)
	case Property:
		out = le.AppendUint32(append(out, restrictProperty, byte(r.Op)), uint32(r.Tag))
		return appendTagged(out, singleTag(r.Tag), r.Value)
	case Compare:
		out = le.AppendUint32(append(out, restrictCompare, byte(r.Op)), uint32(r.Left))
		return le.AppendUint32(out, uint32(r.Right)), nil
	case Bitmask:
		nonZero := byte(1)
		if r.Zero {
			nonZero = 0
		}
		out = le.AppendUint32(append(out, restrictBitmask, nonZero), uint32(r.Tag))
		return le.AppendUint32(out, r.Mask), nil
	case Size:
		out = le.AppendUint32(append(out, restrictSize, byte(r.Op)), uint32(r.Tag))
		return le.AppendUint32(out, r.Size), nil
	case Exist:
		return le.AppendUint32(append(out, restrictExist), uint32(r.Tag)), nil
	case Sub:
		tag := tagMessageRecipients
		if r.Object == Attachments {
			tag = tagMessageAttachments
		}
		return appendRestriction(le.AppendUint32(append(out, restrictSub), uint32(tag)), r.Part)
	}
	return nil, fmt.Errorf("a %T: %w", r, ErrSyntax)
}

// singleTag is the tag of the value that a multi-valued property is compared with.
func singleTag(tag Tag) Tag { return tag.WithType(tag.Type().Single()) }

func appendParts(out []byte, parts []Restriction) (_ []byte, err error) {
	out = binary.LittleEndian.AppendUint16(out, uint16(len(parts)))
	for _, part := range parts {
		if out, err = appendRestriction(out, part); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// DecodeRestriction reads what EncodeRestriction wrote. Comments and counts of
// subobjects (MS-OXCDATA 2.12.11 and 2.12.12), and whatever passes WithinLimits,
// are ErrSyntax.
func DecodeRestriction(b []byte) (Restriction, error) {
	d := &restrictionReader{reader: reader{rest: b}}
	r := d.node(1)
	if d.bad || len(d.rest) > 0 {
		return nil, fmt.Errorf("decode restriction: %w", ErrSyntax)
	}
	return r, nil
}

type restrictionReader struct {
	reader
	nodes int
}

func (d *restrictionReader) node(depth int) Restriction {
	if d.nodes++; d.nodes > MaxRestrictionNodes || depth > MaxRestrictionDepth {
		d.bad = true
	}
	kind := d.take(1)[0]
	if d.bad {
		return nil
	}
	switch kind {
	case restrictAnd:
		return And(d.parts(depth))
	case restrictOr:
		return Or(d.parts(depth))
	case restrictNot:
		return Not{d.node(depth + 1)}
	case restrictContent:
		r := Content{Fuzzy: Fuzzy(d.uint32()), Tag: Tag(d.uint32())}
		r.Value = d.valueOf(r.Tag)
		return r
	case restrictProperty:
		r := Property{Op: RelOp(d.take(1)[0]), Tag: Tag(d.uint32())}
		r.Value = d.valueOf(r.Tag)
		return r
	case restrictCompare:
		return Compare{Op: RelOp(d.take(1)[0]), Left: Tag(d.uint32()), Right: Tag(d.uint32())}
	case restrictBitmask:
		nonZero := d.take(1)[0]
		d.bad = d.bad || nonZero > 1
		return Bitmask{Zero: nonZero == 0, Tag: Tag(d.uint32()), Mask: d.uint32()}
	case restrictSize:
		return Size{Op: RelOp(d.take(1)[0]), Tag: Tag(d.uint32()), Size: d.uint32()}
	case restrictExist:
		return Exist{Tag(d.uint32())}
	case restrictSub:
		object := Recipients
		switch Tag(d.uint32()) {
		case tagMessageRecipients:
		case tagMessageAttachments:
			object = Attachments
		default:
			d.bad = true
		}
		return Sub{object, d.node(depth + 1)}
	}
	d.bad = true
	return nil
}

// valueOf reads the tagged value that belongs to a property.
func (d *restrictionReader) valueOf(tag Tag) any {
	of, v := d.tagged()
	if of != singleTag(tag) {
		d.bad = true
	}
	return v
}

func (d *restrictionReader) parts(depth int) []Restriction {
	n := int(d.uint16())
	if n > len(d.rest) || n > MaxRestrictionNodes {
		d.bad = true
		return nil
	}
	parts := make([]Restriction, n)
	for i := range parts {
		if parts[i] = d.node(depth + 1); d.bad {
			return nil
		}
	}
	return parts
}
