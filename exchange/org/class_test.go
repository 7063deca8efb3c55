package org

import (
	"reflect"
	"testing"
)

// TestCopiesAreWhole changes every field of the classes with a clone and a same of their own: neither may miss one.
func TestCopiesAreWhole(t *testing.T) {
	checkCopies(t, classes[3].(*classOf[ClientAccessService]))
	checkCopies(t, classes[4].(*classOf[VirtualDirectory]))
	checkCopies(t, classes[5].(*classOf[Certificate]))
	for _, k := range classes {
		switch k.called() {
		case "clientaccessservice", "virtualdirectory", "certificate", classServer: // a Server is compared whole
			continue
		}
		if reflect.ValueOf(k).Elem().FieldByName("same").IsNil() {
			continue
		}
		t.Errorf("%s is not tested here", k.called())
	}
}

func checkCopies[T any](t *testing.T, k *classOf[T]) {
	typ := reflect.TypeFor[T]()
	for i := range typ.NumField() {
		if typ.Field(i).Name == "Stamp" {
			continue
		}
		x := new(T)
		field := reflect.ValueOf(x).Elem().Field(i)
		switch field.Kind() {
		case reflect.String:
			field.SetString("x")
		case reflect.Bool:
			field.SetBool(true)
		case reflect.Array:
			field.Index(0).SetUint(1)
		case reflect.Slice:
			field.Set(reflect.MakeSlice(field.Type(), 1, 1))
		default:
			t.Fatalf("%s.%s has a kind that this test does not know", typ.Name(), typ.Field(i).Name)
		}
		if k.same(new(T), x) {
			t.Errorf("same does not see %s.%s", typ.Name(), typ.Field(i).Name)
		}
		y := new(*x)
		k.clone(y)
		if !reflect.DeepEqual(x, y) {
			t.Errorf("clone leaves %s.%s out", typ.Name(), typ.Field(i).Name)
		}
		// A certificate's bytes are never changed in place.
		if field.Kind() == reflect.Slice && typ.Field(i).Name != "DER" && field.UnsafePointer() == reflect.ValueOf(y).Elem().Field(i).UnsafePointer() {
			t.Errorf("the copy shares %s.%s", typ.Name(), typ.Field(i).Name)
		}
	}
}
