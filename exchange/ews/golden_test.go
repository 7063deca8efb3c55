package ews

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"hma/exchange/store"
	"hma/wire/soap"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// volatile is what differs from run to run: change keys, states and conversations hold random GUIDs.
var volatile = regexp.MustCompile(`(ChangeKey=")[^"]+|(<[mt]:SyncState>)[^<]+|(<t:ConversationIndex>)[^<]+|(<t:ConversationId Id=")[^"]+|(:SubscriptionId>)[^<]+|(<t:RuleId>)[^<]+|(<t:StoreEntryId>)[^<]+|(<m:Data>)[^<]+`)

func normal(answer string) string {
	answer = volatile.ReplaceAllString(answer, "$1$2$3$4$5$6$7$8$9*")
	return strings.ReplaceAll(answer, "><", ">\n<") + "\n"
}

// requests returns the documents of testdata.
func requests(t testing.TB) []string {
	files, err := filepath.Glob("testdata/*.request.xml")
	if err != nil || len(files) == 0 {
		t.Fatal(err, "no requests")
	}
	var out []string
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, strings.TrimSpace(string(body)))
	}
	return out
}

// TestGolden plays the documents of testdata in the order of their names against
// one small mailbox. {name} in a request stands for an id or a state.
func TestGolden(t *testing.T) {
	w := newWorld(t)
	w.deliver(plainMail)
	w.deliver(attachedMail)
	files, err := filepath.Glob("testdata/*.request.xml")
	if err != nil || len(files) == 0 {
		t.Fatal(err, "no requests")
	}
	played := make(map[string]bool)
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		status, answer := w.ask(wrap(w.fill(strings.TrimSpace(string(body)))))
		if status != 200 {
			t.Errorf("%s: status %d", file, status)
		}
		got := normal(answer)
		if _, err := soap.NewReader(strings.NewReader(answer), soap.DefaultLimits).Envelope(); err != nil {
			t.Errorf("%s: answer: %v", file, err)
		}
		golden := strings.TrimSuffix(file, ".request.xml") + ".golden.xml"
		if *update {
			if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil || got != string(want) {
			t.Errorf("%s: answer differs from %s (%v):\n%s", file, golden, err, got)
		}
		for name := range operations {
			played[name] = played[name] || strings.Contains(string(body), "<m:"+name+" ") || strings.Contains(string(body), "<m:"+name+">")
		}
	}
	for name, op := range operations {
		if op.serve != nil && !played[name] {
			t.Errorf("no request in testdata plays %s", name)
		}
	}
}

// fill puts ids in the place of their names.
func (w *world) fill(body string) string {
	if !strings.Contains(body, "{") {
		return body
	}
	values := []string{"{inbox}", w.folder(store.RoleInbox).Encode(idKey)}
	for prefix, role := range map[string]store.Role{"item": store.RoleInbox, "draft": store.RoleDrafts, "contact": store.RoleContacts, "task": store.RoleTasks} {
		for i, item := range w.items(role) {
			n := string(rune('0' + i))
			values = append(values, "{"+prefix+n+"}", item.ID.Encode(idKey), "{"+prefix+n+".key}", changeKey(itemKey, item.ChangeKey))
			if id, ok := item.Conversation(); ok {
				values = append(values, "{"+prefix+n+".conversation}", id.Encode(idKey))
			}
			for j, a := range item.Attachments {
				values = append(values, "{"+prefix+n+".attachment"+string(rune('0'+j))+"}", a.ID.Encode(idKey))
			}
		}
	}
	made, err := w.mailbox(w.anna).Folders(w.t.Context(), w.folder(store.RoleMsgFolderRoot), true)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, f := range made {
		if f.Role == "" {
			values = append(values, "{folder "+f.Name+"}", f.ID.Encode(idKey))
		}
	}
	if strings.Contains(body, "{pull}") {
		s := &store.Subscription{SID: w.anna.SID, Kind: store.Pull, Folders: []store.FolderID{w.folder(store.RoleInbox)}, Events: 1<<len(eventTypes) - 1, Life: time.Minute}
		if err := w.mailbox(w.anna).AddSubscription(w.t.Context(), s); err != nil {
			w.t.Fatal(err)
		}
		values = append(values, "{pull}", (&subscription{s, w.mailbox(w.anna)}).id(), "{begin}", watermark(0))
	}
	if strings.Contains(body, "{packed}") {
		values = append(values, "{packed}", w.packed(w.items(store.RoleInbox)[0]))
	}
	if strings.Contains(body, "{itemstate}") {
		changes, err := w.mailbox(w.anna).SyncItems(w.t.Context(), w.folder(store.RoleInbox), store.SyncState{}, 512, false)
		if err != nil {
			w.t.Fatal(err)
		}
		values = append(values, "{itemstate}", changes.State.Encode(idKey))
	}
	return strings.NewReplacer(values...).Replace(body)
}
