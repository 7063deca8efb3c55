package shell

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestClixml(t *testing.T) {
	t.Chdir(t.TempDir())
	r := &recorder{output: things}
	out, errs, err := run(t, r, `Get-Thing | Export-Clixml a.xml; $a = Import-Clixml a.xml; $a | fl; $a[0].When.Hour; $a | select -First 1 | Set-Thing`)
	if err != nil {
		t.Fatal(err, errs)
	}
	want := "\nB     : one\nAuthA : {x, y}\nCount : 5\nAuthB :\nWhen  : 11/23/2026 2:05:06 PM\n\nB     : a\n        b?]0;x?\nAuthA : {}\nCount : 1000\nAuthB : True\nWhen  :\n\n14\n"
	if !strings.HasPrefix(out, want) {
		t.Errorf("got  %q\nwant %q", out, want)
	}
	if got := r.asked[1].Input[0].Type; got != "Deserialized.T" {
		t.Errorf("the type is %s", got)
	}
	out, errs, err = run(t, &recorder{}, `@{a=1,'_x0041_ & <b>';b=@{c=1.5}}, 'text', $null | Export-Clixml b.xml; $b = Import-Clixml b.xml; $b.Count; $b[0].a[1]; $b[0].b.c; $b[1]; $b[2] -eq $null`)
	if err != nil || out != "3\n_x0041_ & <b>\n1.5\ntext\nTrue\n" {
		t.Errorf("%q, %v, %s", out, err, errs)
	}
	out, _, err = run(t, &recorder{}, `$h = @{}; $h.h = $h, $h; $h | Export-Clixml c.xml; (Import-Clixml c.xml).h[1].h[0].Count`)
	if err != nil || out != "1\n" {
		t.Errorf("a hashtable in itself: %q, %v", out, err)
	}
	for text, want := range map[string]string{
		"":                                       "no objects in it",
		"<x/>":                                   "<x> is not the beginning",
		"<Objs>":                                 "<Objs> is not the beginning",
		objs + "<Ref RefId='7'/>":                "<Ref> to 7, which is not there",
		objs + "<SS>x</SS>":                      "secure strings",
		objs + "<I32>x</I32>":                    "invalid syntax",
		objs + "<Obj><LST>":                      "unexpected EOF",
		objs + "<Obj><DCT><En></En>":             "has no key",
		objs + strings.Repeat("<Obj><LST>", 200): "nested deeper",
	} {
		if err := os.WriteFile("bad.xml", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := run(t, &recorder{}, "Import-Clixml bad.xml"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: %v", text, err)
		}
	}
	if _, _, err := run(t, &recorder{}, "Import-Clixml "+filepath.Dir("x")); err == nil {
		t.Error("a folder was read")
	}
}

const objs = `<Objs Version="1.1.0.1" xmlns="` + clixmlSpace + `">`

// FuzzClixml checks that every text ends in objects or an error.
func FuzzClixml(f *testing.F) {
	f.Add(objs + `<Obj RefId="0"><TN RefId="0"><T>A</T></TN><Props><S N="a">b_x000A_</S><Obj N="l" RefId="1"><LST><I32>1</I32><Ref RefId="0"/></LST></Obj></Props></Obj></Objs>`)
	f.Add(objs + `<Obj><DCT><En><S N="Key">k</S><Nil N="Value"/></En></DCT></Obj><DT>2026-11-23T00:00:00Z</DT>`)
	f.Fuzz(func(t *testing.T, s string) {
		items, err := readClixml(strings.NewReader(s))
		if err == nil {
			_ = joined(items, " ")
		}
	})
}
