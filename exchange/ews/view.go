package ews

import (
	"strconv"

	"hma/wire/soap"
)

// view is a paging view (MS-OXWSSRCH 2.2.4): a page by offset, by a fraction, from the
// first item on that a condition wants, or of contacts by name.
type view struct {
	max         int // 0 for the most that one answer holds
	offset      int
	fromEnd     bool
	numerator   int // with denominator: the offset is that part of the whole
	denominator int
	condition   *soap.Element // of a view that seeks
	contacts    bool
	first, last string // names of contacts, "" for no end
}

// readView reads the request's view. The kinds are told by the names of their
// elements, with Item or Folder at the end.
func (c *call) readView(kind string) (view, error) {
	var v view
	if e := c.req.Child(soap.NSMessages, "IndexedPage"+kind+"View"); e != nil {
		var err error
		if v.fromEnd, err = basePoint(e); err != nil {
			return v, err
		}
		return v, readNumbers(e, map[string]*int{"MaxEntriesReturned": &v.max, "Offset": &v.offset})
	}
	if e := c.req.Child(soap.NSMessages, "FractionalPage"+kind+"View"); e != nil {
		err := readNumbers(e, map[string]*int{"MaxEntriesReturned": &v.max, "Numerator": &v.numerator, "Denominator": &v.denominator})
		if err == nil && (v.denominator < 1 || v.numerator > v.denominator) {
			err = invalid(e, "the fraction is not between 0 and 1")
		}
		return v, err
	}
	if e := c.req.Child(soap.NSMessages, "ContactsView"); e != nil && kind == "Item" {
		v.contacts, v.first, v.last = true, attribute(e, "InitialName"), attribute(e, "FinalName")
		return v, readNumbers(e, map[string]*int{"MaxEntriesReturned": &v.max})
	}
	if e := c.req.Child(soap.NSMessages, "SeekToConditionPageItemView"); e != nil && kind == "Item" {
		var err error
		if v.fromEnd, err = basePoint(e); err != nil {
			return v, err
		}
		if v.condition = e.Child(soap.NSTypes, "Condition"); v.condition == nil {
			return v, invalid(e, "Condition is missing")
		}
		return v, readNumbers(e, map[string]*int{"MaxEntriesReturned": &v.max})
	}
	return v, nil
}

// basePoint tells whether a view counts from the end.
func basePoint(e *soap.Element) (fromEnd bool, err error) {
	base, _ := e.Attr("BasePoint")
	if base != "Beginning" && base != "End" {
		return false, invalid(e, "%q is no base point", base)
	}
	return base == "End", nil
}

func readNumbers(e *soap.Element, into map[string]*int) error {
	for name, at := range into {
		text, given := e.Attr(name)
		if !given {
			continue
		}
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil || n < 0 || name == "MaxEntriesReturned" && n == 0 {
			return invalid(e, "%s is no valid number", name)
		}
		*at = int(n)
	}
	return nil
}

// limit returns how many entries the answer may hold.
func (v view) limit(most int) int {
	if v.max == 0 || v.max > most {
		return most
	}
	return v.max
}

// startRoot writes RootFolder with the attributes that paging clients go on with.
func (c *call) startRoot(v view, next, total int, last bool) {
	totals := []string{"TotalItemsInView", strconv.Itoa(total), "IncludesLastItemInRange", strconv.FormatBool(last)}
	switch {
	case v.denominator > 0:
		c.w.Start("m:RootFolder", append(totals, "NumeratorOffset", strconv.Itoa(next), "AbsoluteDenominator", strconv.Itoa(total))...)
	default:
		c.w.Start("m:RootFolder", append(totals, "IndexedPagingOffset", strconv.Itoa(next))...)
	}
}
