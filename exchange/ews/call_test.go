package ews

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"hma/wire/soap"
)

// TestTimeIsOver holds that the client learns of what was done before the time of its
// request was over, and that a request of which nothing was done ends.
func TestTimeIsOver(t *testing.T) {
	w := newWorld(t)
	list := make([]*soap.Element, 3)
	for _, test := range []struct {
		name       string
		at         int // the object at which the time is over
		cause      error
		done, late int
		ends       bool
	}{
		{"after the first", 1, context.DeadlineExceeded, 1, 2, false},
		{"at the first", 0, context.DeadlineExceeded, 0, 0, true},
		{"nobody waits any more", 1, context.Canceled, 1, 0, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			var out bytes.Buffer
			c := &call{door: w.door, ctx: ctx, request: w.request(w.anna, nil), w: soap.NewWriter(&out), op: operations["DeleteItem"]}
			defer c.w.Release()
			n := 0
			err := c.each(list, func(*soap.Element) (func() error, error) {
				if n == test.at {
					cancel(test.cause)
				}
				n++
				return nil, ctx.Err()
			})
			if test.ends {
				if !errors.Is(err, test.cause) || n != test.at+1 {
					t.Fatalf("ended with %v after %d", err, n)
				}
				return
			}
			if err = errors.Join(err, c.w.Flush()); err != nil {
				t.Fatal(err)
			}
			if answer := out.String(); strings.Count(answer, "NoError") != test.done || strings.Count(answer, "ErrorTimeoutExpired") != test.late {
				t.Error(answer)
			}
		})
	}
}

// TestUpdateStops holds that the changes of one item end with the time of their request.
func TestUpdateStops(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(context.DeadlineExceeded)
	d := &draft{call: &call{ctx: ctx}}
	if err := d.update(&soap.Element{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

// TestManyExtendedProperties holds the limit of extended properties, of a shape and of an item.
func TestManyExtendedProperties(t *testing.T) {
	w := newWorld(t)
	paths, values := "", ""
	for tag := range maxExtended + 1 {
		path := fmt.Sprintf(`<t:ExtendedFieldURI PropertyTag="0x%x" PropertyType="Integer"/>`, 0x6700+tag)
		paths += path
		values += `<t:ExtendedProperty>` + path + `<t:Value>1</t:Value></t:ExtendedProperty>`
	}
	if _, answer := w.ask(create("SaveOnly", `<t:Message>`+values+`</t:Message>`)); !strings.Contains(answer, "ErrorMessageSizeExceeded") {
		t.Errorf("%.1000s", answer)
	}
	shape := `<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties>` + paths + `</t:AdditionalProperties></m:ItemShape>` +
		`<m:ParentFolderIds><t:DistinguishedFolderId Id="inbox"/></m:ParentFolderIds></m:FindItem>`
	if _, answer := w.ask(wrap(shape)); !strings.Contains(answer, "ErrorSchemaValidation") {
		t.Errorf("%.1000s", answer)
	}
}

// TestFloats holds that the numbers that are none have the words of XML Schema, both ways.
func TestFloats(t *testing.T) {
	w := newWorld(t)
	const set = `<m:CreateItem MessageDisposition="SaveOnly"><m:Items><t:Message><t:ExtendedProperty>%s<t:Value>%s</t:Value></t:ExtendedProperty></t:Message></m:Items></m:CreateItem>`
	for _, typ := range []string{"Float", "Double", "ApplicationTime"} {
		path := fmt.Sprintf(`<t:ExtendedFieldURI PropertyTag="0x6700" PropertyType="%s"/>`, typ)
		for given, told := range map[string]string{"INF": "INF", "-INF": "-INF", "NaN": "NaN", " 1.50 ": "1.5", "-0": "-0", "1E3": "1000"} {
			id := itemIDs.FindString(w.answered(fmt.Sprintf(set, path, given)))
			answer := w.answered(`<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties>` + path + `</t:AdditionalProperties></m:ItemShape><m:ItemIds>` + id + `</m:ItemIds></m:GetItem>`)
			if !strings.Contains(answer, "<t:Value>"+told+"</t:Value>") {
				t.Errorf("%s %q: %s", typ, given, answer)
			}
		}
		for _, given := range []string{"", "infinite", "1e999", "1,5"} {
			if _, answer := w.ask(wrap(fmt.Sprintf(set, path, given))); !strings.Contains(answer, "ErrorInvalidExtendedPropertyValue") {
				t.Errorf("%s %q: %s", typ, given, answer)
			}
		}
	}
}
