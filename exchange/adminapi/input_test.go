package adminapi

import (
	"encoding/json"
	"reflect"
	"testing"

	"hma/wire/psobject"
)

func TestCommandInput(t *testing.T) {
	for body, want := range map[string]psobject.Invocation{
		`{"CmdletInput":{"CmdletName":"Get-Mailbox"}}`: {Cmdlet: "Get-Mailbox"},
		`{"CmdletInput":{"CmdletName":"X","Parameters":{"b":"x","a":5,"c":true,"d":null,"a@odata.type":"#Int64"}},"more":1}`: {Cmdlet: "X",
			Parameters: []psobject.Property{{Name: "a", Value: int64(5)}, {Name: "b", Value: "x"}, {Name: "c", Value: true}, {Name: "d"}}},
		`{"CmdletInput":{"CmdletName":"X","Parameters":{"a":["x",7],"b":{"@odata.type":"#Collection(String)","value":["y"]},"c":[]}}}`: {Cmdlet: "X",
			Parameters: []psobject.Property{{Name: "a", Value: []string{"x", "7"}}, {Name: "b", Value: []string{"y"}}, {Name: "c", Value: []string{}}}},
		`{"CmdletInput":{"CmdletName":"X","Parameters":{"a":{"@odata.type":"#Exchange.GenericHashTable","Add":"x","remove":["y","z"]},"b":{"@odata.type":"#Exchange.GenericHashTable"}}}}`: {Cmdlet: "X",
			Parameters: []psobject.Property{{Name: "a", Value: psobject.Edit{Add: []string{"x"}, Remove: []string{"y", "z"}}}, {Name: "b", Value: []string{}}}},
	} {
		var in commandInput
		if err := json.Unmarshal([]byte(body), &in); err != nil || !reflect.DeepEqual(in.Invocation, want) {
			t.Errorf("%s:\ngot  %#v, %v\nwant %#v", body, in.Invocation, err, want)
		}
	}
	for _, body := range []string{`{}`, `[]`, `{"CmdletInput":{}}`, `{"CmdletInput":{"CmdletName":7}}`,
		`{"CmdletInput":{"CmdletName":"X","Parameters":{"a":1.5}}}`, `{"CmdletInput":{"CmdletName":"X","Parameters":{"a":[{}]}}}`,
		`{"CmdletInput":{"CmdletName":"X","Parameters":{"a":{"Set":"x"}}}}`, `{"CmdletInput":{"CmdletName":"X","Parameters":{"a":{"Add":[null]}}}}`} {
		if err := json.Unmarshal([]byte(body), new(commandInput)); err == nil {
			t.Errorf("%s was read", body)
		}
	}
}

// FuzzCommandInput reads what anybody may send: an input that is read has a name, values that travel, and no annotations.
func FuzzCommandInput(f *testing.F) {
	f.Add([]byte(`{"CmdletInput":{"CmdletName":"Get-Mailbox","Parameters":{"ResultSize":"5","Identity":"x","a":[1,"y"],"b":{"@odata.type":"#Exchange.GenericHashTable","Add":["x"]}}}}`))
	f.Add([]byte(`{"CmdletInput":{"CmdletName":"X","Parameters":{"a":{"value":["x"],"@odata.type":"#Collection(String)"},"c":-0,"d":1e400}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var in commandInput
		if json.Unmarshal(data, &in) != nil || string(data) == "null" {
			return
		}
		if in.Cmdlet == "" || len(in.Parameters) > maxParameters {
			t.Errorf("read as %v", in.Invocation)
		}
		if _, err := json.Marshal(in.Invocation); err != nil {
			t.Errorf("%s: %v", data, err)
		}
	})
}
