package desired

import (
	"slices"
	"strings"

	"hma/hybrid/procedure/facts"
)

// Difference is one property that is not as wanted.
type Difference struct {
	Noun     string `json:"noun"`
	Object   string `json:"object"` // "" for the organisation
	Property string `json:"property,omitempty"`
	// Missing tells that there is no such object; Property is then "".
	Missing bool `json:"missing,omitempty"`
	// Found and Wanted are the two values: null, true, false, text, or a list.
	Found  any `json:"found"`
	Wanted any `json:"wanted"`
	// Lacking are the entries of a list that are wanted and not there, and Extra those that are there and not wanted.
	Lacking []string `json:"lacking,omitempty"`
	Extra   []string `json:"extra,omitempty"`
	// Line is where the file wants it.
	Line int `json:"line,omitempty"`
}

// Address is the object as a person would say it.
func (d *Difference) Address() string { return (&Object{Noun: d.Noun, Name: d.Object}).Address() }

// Compare returns where has is not as wanted says, in the order of wanted; none when it is.
func Compare(has, wanted *State) []Difference {
	all := []Difference{}
	there, named := has.Index(), wanted.Index()
	for i := range wanted.Objects {
		w := &wanted.Objects[i]
		if w.Noun == User {
			all = append(all, compareUser(has, there, named, w)...)
			continue
		}
		h := there.Find(w.Noun, w.Name)
		if h == nil {
			all = append(all, Difference{Noun: w.Noun, Object: w.Name, Missing: true, Line: w.Line})
			continue
		}
		for _, p := range w.Properties {
			found, _ := h.Get(p.Name)
			all = append(all, compareValue(h, p, found.Value)...)
		}
	}
	return all
}

// compareUser compares the policy of a user, or of all whom the file does not name. Who has none is no object.
func compareUser(has *State, there, named Index, w *Object) (all []Difference) {
	p, ok := w.Get("AuthenticationPolicy")
	if !ok {
		return nil
	}
	if w.Name != Others {
		found, _ := there.Find(User, w.Name).Get(p.Name)
		return compareValue(w, p, found.Value)
	}
	for i := range has.Objects {
		if h := &has.Objects[i]; h.Noun == User && h.Name != Others && named.Find(User, h.Name) == nil {
			found, _ := h.Get(p.Name)
			all = append(all, compareValue(h, p, found.Value)...)
		}
	}
	return all
}

// compareValue compares one property of the object with what is wanted of it.
func compareValue(o *Object, wanted Property, found any) []Difference {
	d := Difference{Noun: o.Noun, Object: o.Name, Property: wanted.Name, Found: found, Wanted: wanted.Value, Line: wanted.Line}
	if list, isList := wanted.Value.([]string); isList {
		has, _ := found.([]string)
		d.Lacking, d.Extra = without(wanted.Name, list, has), without(wanted.Name, has, list)
		if d.Lacking == nil && d.Extra == nil {
			return nil
		}
		return []Difference{d}
	}
	if equal(wanted.Name, wanted.Value, found) {
		return nil
	}
	return []Difference{d}
}

// references are properties that name an object, in any case.
var references = []string{"AuthenticationPolicy", "DefaultAuthenticationPolicy", "ApplicationIdentifier"}

func equal(property string, a, b any) bool {
	x, ofA := a.(string)
	y, ofB := b.(string)
	if ofA && ofB && slices.Contains(references, property) {
		return strings.EqualFold(x, y)
	}
	return a == b
}

// without returns the entries of a list that the other one does not have. What is one entry of a
// tenant's list is the cloud's matter; of the others case does not count.
func without(property string, list, other []string) (missing []string) {
	has := map[string]bool{}
	for _, e := range other {
		has[entryKey(property, e)] = true
	}
	for _, e := range list {
		if !has[entryKey(property, e)] {
			missing = append(missing, e)
		}
	}
	return missing
}

// entryKey is what two entries of a list have in common that are taken for one.
func entryKey(property, entry string) string {
	switch property {
	case Names:
		// One slash at the end and the default port do not count, as for facts.Registered.
		if r := facts.Resource(entry); r != "" && facts.Registered([]string{entry}, entry) {
			return r
		}
	case ReplyURLs:
		if key := facts.ReplyKey(entry); key != "" {
			return key
		}
	}
	return strings.ToLower(entry)
}

// Unnamed returns the objects that has has and wanted does not name, under the nouns that it does
// name: what a new server brings, mostly. They are as they are.
func Unnamed(has, wanted *State) []Object {
	all, named, nouns := []Object{}, wanted.Index(), map[string]bool{}
	for _, o := range wanted.Objects {
		nouns[o.Noun] = true
	}
	for _, h := range has.Objects {
		if nouns[h.Noun] && h.Noun != User && named.Find(h.Noun, h.Name) == nil {
			all = append(all, h)
		}
	}
	return all
}
