package query

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"math"
	"reflect"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"hma/wire/mapi"
)

// Hash returns the number under which a folded Internet message id is indexed.
func Hash(fold string) int64 {
	sum := sha256.Sum256([]byte(fold))
	return int64(binary.BigEndian.Uint64(sum[:8]))
}

// Object is what a restriction is evaluated on.
type Object struct {
	Props       mapi.Bag
	Recipients  []mapi.Bag
	Attachments []mapi.Bag

	folds map[mapi.Tag]string
}

// Remember returns an object that is matched with many restrictions: each of its
// texts is folded once.
func Remember(o Object) Object {
	o.folds = map[mapi.Tag]string{}
	return o
}

// fold returns a property's text folded.
func (o Object) fold(tag mapi.Tag, text string) string {
	if o.folds == nil {
		return Fold(text)
	}
	folded, known := o.folds[tag]
	if !known {
		folded = Fold(text)
		o.folds[tag] = folded
	}
	return folded
}

// Needs returns the properties that Match looks at, and whether it looks at subobjects.
func Needs(r mapi.Restriction) (tags []mapi.Tag, recipients, attachments bool) {
	switch r := r.(type) {
	case mapi.And:
		for _, part := range r {
			t, rec, att := Needs(part)
			tags, recipients, attachments = append(tags, t...), recipients || rec, attachments || att
		}
	case mapi.Or:
		return Needs(mapi.And(r))
	case mapi.Not:
		return Needs(r.Part)
	case mapi.Content:
		return looks(r.Tag)
	case mapi.Property:
		return looks(r.Tag)
	case mapi.Compare:
		tags = []mapi.Tag{r.Left, r.Right}
	case mapi.Bitmask:
		tags = []mapi.Tag{r.Tag}
	case mapi.Size:
		tags = []mapi.Tag{r.Tag}
	case mapi.Exist:
		tags = []mapi.Tag{r.Tag}
	case mapi.Sub:
		return nil, r.Object == mapi.Recipients, r.Object == mapi.Attachments
	}
	return tags, recipients, attachments
}

// looks returns what a condition on one property looks at.
func looks(tag mapi.Tag) (tags []mapi.Tag, recipients, attachments bool) {
	if group, _ := groupOf(tag); isGroup(tag) || tag.ID() == mapi.PidTagBody.ID() {
		return groupNeeds(group)
	}
	return []mapi.Tag{tag}, false, false
}

// Match tells whether an object satisfies a restriction. A restriction beyond
// mapi.WithinLimits matches nothing.
func Match(r mapi.Restriction, o Object) bool {
	return mapi.WithinLimits(r) && match(r, o)
}

func match(r mapi.Restriction, o Object) bool {
	find := o.property
	switch r := r.(type) {
	case mapi.And:
		for _, part := range r {
			if !match(part, o) {
				return false
			}
		}
		return true
	case mapi.Or:
		for _, part := range r {
			if match(part, o) {
				return true
			}
		}
		return false
	case mapi.Not:
		return !match(r.Part, o)
	case mapi.Exist:
		return find(r.Tag) != nil
	case mapi.Property:
		return anyOf(find(r.Tag), func(v any) bool { return relation(r.Op, v, r.Value) })
	case mapi.Compare:
		right := find(r.Right)
		return anyOf(find(r.Left), func(v any) bool { return relation(r.Op, v, right) })
	case mapi.Bitmask:
		n, ok := integer(find(r.Tag))
		return ok && (n&int64(r.Mask) == 0) == r.Zero
	case mapi.Size:
		n, ok := size(find(r.Tag))
		return ok && holds(r.Op, cmp.Compare(n, int64(r.Size)))
	case mapi.Content:
		if group, _ := groupOf(r.Tag); isGroup(r.Tag) {
			return !texts(group, o, func(text string) bool { return !content(r, text) })
		}
		value := find(r.Tag)
		if text, ok := value.(string); ok && r.Fuzzy.Folds() {
			want, ok := r.Value.(string)
			return ok && contains(r.Fuzzy.Mode(), o.fold(r.Tag, Clean(text)), Fold(Clean(want)))
		}
		return anyOf(value, func(v any) bool { return content(r, v) })
	case mapi.Sub:
		rows := o.Recipients
		if r.Object == mapi.Attachments {
			rows = o.Attachments
		}
		for _, row := range rows {
			if match(r.Part, Object{Props: row}) {
				return true
			}
		}
	}
	return false
}

// anyOf calls test with a value, or with each element of a multi-valued one.
func anyOf(v any, test func(any) bool) bool {
	switch v.(type) {
	case nil, []byte:
		return v != nil && test(v)
	}
	list := reflect.ValueOf(v)
	if list.Kind() != reflect.Slice {
		return test(v)
	}
	for i := range list.Len() {
		if test(list.Index(i).Interface()) {
			return true
		}
	}
	return false
}

func integer(v any) (int64, bool) {
	switch v := v.(type) {
	case int16:
		return int64(v), true
	case int32:
		return int64(v), true
	case int64:
		return v, true
	case uint32:
		return int64(v), true
	}
	return 0, false
}

func float(v any) (float64, bool) {
	switch v := v.(type) {
	case float32:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

// relation compares two values of one kind; values of different kinds have no relation.
func relation(op mapi.RelOp, left, right any) bool {
	switch l := left.(type) {
	case string:
		r, ok := right.(string)
		return ok && holds(op, strings.Compare(Fold(Clean(l)), Fold(Clean(r))))
	case []byte:
		r, ok := right.([]byte)
		return ok && holds(op, bytes.Compare(l, r))
	case bool:
		r, ok := right.(bool)
		return ok && holds(op, order(l)-order(r))
	case time.Time:
		r, ok := right.(time.Time)
		// Columns keep microseconds.
		return ok && holds(op, cmp.Compare(l.UnixMicro(), r.UnixMicro()))
	}
	if l, ok := integer(left); ok {
		r, ok := integer(right)
		return ok && holds(op, cmp.Compare(l, r))
	}
	if l, ok := float(left); ok {
		r, ok := float(right)
		return ok && !math.IsNaN(l) && !math.IsNaN(r) && holds(op, cmp.Compare(l, r))
	}
	return (op == mapi.EQ || op == mapi.NE) && left != nil && reflect.TypeOf(left) == reflect.TypeOf(right) &&
		reflect.DeepEqual(left, right) == (op == mapi.EQ)
}

func order(b bool) int {
	if b {
		return 1
	}
	return 0
}

func holds(op mapi.RelOp, c int) bool {
	switch op {
	case mapi.LT:
		return c < 0
	case mapi.LE:
		return c <= 0
	case mapi.GT:
		return c > 0
	case mapi.GE:
		return c >= 0
	case mapi.EQ:
		return c == 0
	case mapi.NE:
		return c != 0
	}
	return false
}

// size returns a value's length as it is on the wire: UTF-16 for text (MS-OXCDATA 2.11.1).
func size(v any) (int64, bool) {
	switch v := v.(type) {
	case nil:
		return 0, false
	case string:
		return 2 * int64(len(utf16.Encode([]rune(v)))), true
	case []byte:
		return int64(len(v)), true
	case mapi.Blob:
		return v.Size, true
	case bool, int16:
		return 2, true
	case int32, uint32, float32:
		return 4, true
	case int64, float64, time.Time:
		return 8, true
	}
	list := reflect.ValueOf(v)
	if list.Kind() != reflect.Slice {
		return 16, true // a GUID
	}
	var sum int64
	for i := range list.Len() {
		n, _ := size(list.Index(i).Interface())
		sum += n
	}
	return sum, true
}

func content(r mapi.Content, v any) bool {
	if b, ok := v.([]byte); ok {
		want, ok := r.Value.([]byte)
		switch r.Fuzzy.Mode() {
		case mapi.FullString:
			return ok && bytes.Equal(b, want)
		case mapi.Prefix:
			return ok && bytes.HasPrefix(b, want)
		case mapi.Substring:
			return ok && bytes.Contains(b, want)
		}
		return false
	}
	text, ok := v.(string)
	want, ok2 := r.Value.(string)
	if !ok || !ok2 {
		return false
	}
	text, want = Clean(text), Clean(want)
	if r.Fuzzy.Folds() {
		text, want = Fold(text), Fold(want)
	}
	return contains(r.Fuzzy.Mode(), text, want)
}

// contains tells whether text has want where the mode says.
func contains(mode mapi.Fuzzy, text, want string) bool {
	switch mode {
	case mapi.FullString:
		return text == want
	case mapi.Prefix:
		return strings.HasPrefix(text, want)
	case mapi.Substring:
		return strings.Contains(text, want)
	case mapi.PrefixOnWords:
		return atWords(text, want, false)
	case mapi.PhraseMatch:
		return atWords(text, want, true)
	}
	return false
}

// atWords tells whether want stands in text at the beginning of a word and, for a whole phrase, ends with one.
func atWords(text, want string, whole bool) bool {
	for from := 0; ; {
		i := strings.Index(text[from:], want)
		if i < 0 {
			return false
		}
		start, end := from+i, from+i+len(want)
		before, _ := utf8.DecodeLastRuneInString(text[:start])
		after, _ := utf8.DecodeRuneInString(text[end:])
		if (start == 0 || !wordRune(before)) && (!whole || end == len(text) || !wordRune(after)) {
			return true
		}
		if start == len(text) {
			return false
		}
		_, width := utf8.DecodeRuneInString(text[start:])
		from = start + width
	}
}

func wordRune(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
