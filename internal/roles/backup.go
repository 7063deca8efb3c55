package roles

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"slices"
	"time"

	"hma/exchange/store"
	"hma/exchange/store/backup"
	"hma/wire/guid"
)

// BackupPath is where the admin socket makes a backup of all mail: query to (the
// absolute path of the folder that holds backups). RestorePath is where it
// restores from one: query backup (the absolute path of one backup), mailbox (an
// address; all without). Both answer with JSON lines, each a BackupLine.
const (
	BackupPath  = "/mailbox/v1/backup"
	RestorePath = "/mailbox/v1/restore"
)

// BackupLine is one line of an answer: how far it has come, a damage that was
// found, or the last line (Done), without which it broke off.
type BackupLine struct {
	Step          string `json:"step,omitempty"`
	Mailbox       string `json:"mailbox,omitempty"` // display name
	Rows          int    `json:"rows,omitempty"`    // copied so far
	*store.Damage        // found while a backup was read again
	Done          bool   `json:"done,omitempty"`
	Path          string `json:"path,omitempty"` // of the backup
	Mailboxes     int    `json:"mailboxes,omitempty"`
	Bytes         int64  `json:"bytes,omitempty"`
	Error         string `json:"error,omitempty"`
}

// tellEvery is how many copied rows make a line of progress.
const tellEvery = 20_000

// lines answers with JSON lines, each at once.
type lines struct {
	out   *json.Encoder
	flush func() error
}

func newLines(w http.ResponseWriter) lines {
	// It takes as long as it takes; whoever asked can leave.
	c := http.NewResponseController(w)
	c.SetWriteDeadline(time.Time{}) // fails only where there is no connection
	w.Header().Set("Content-Type", "application/jsonl")
	return lines{json.NewEncoder(w), c.Flush}
}

// write sends a line. Whoever asked is gone when that fails, and the context says so.
func (l lines) write(line any) {
	l.out.Encode(line)
	l.flush()
}

func (r *Roles) backupMail(w http.ResponseWriter, q *http.Request) {
	to := q.URL.Query().Get("to")
	if !filepath.IsAbs(to) {
		http.Error(w, "say where to with an absolute path", http.StatusBadRequest)
		return
	}
	out := newLines(w)
	path, m, err := backup.Make(q.Context(), r.Store, to, r.cfg.Now, func(step string) { out.write(BackupLine{Step: step}) },
		func(f backup.Found) { out.write(BackupLine{Mailbox: f.Mailbox, Damage: &f.Damage}) })
	if err != nil {
		r.log.Error("backup", "error", err)
		out.write(BackupLine{Done: true, Error: err.Error()})
		return
	}
	out.write(BackupLine{Done: true, Path: path, Mailboxes: len(m.Mailboxes), Bytes: m.Size})
}

func (r *Roles) restoreMail(w http.ResponseWriter, q *http.Request) {
	folder := q.URL.Query().Get("backup")
	if !filepath.IsAbs(folder) {
		http.Error(w, "say from where with an absolute path", http.StatusBadRequest)
		return
	}
	only := guid.Nil
	if q.URL.Query().Get("mailbox") != "" {
		mailbox, status, err := r.mailboxOf(q)
		if err != nil {
			http.Error(w, err.Error(), status)
			return
		}
		only = mailbox.GUID()
	}
	saved, err := backup.Open(q.Context(), folder, r.cfg.Now)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	defer saved.Close() // only read
	if !only.IsNil() && !slices.ContainsFunc(saved.Manifest.Mailboxes, func(h store.Holding) bool { return h.Mailbox == only }) {
		http.Error(w, "the backup does not hold the mailbox", http.StatusNotFound)
		return
	}
	out := newLines(w)
	end := BackupLine{Done: true, Path: folder}
	for _, h := range saved.Manifest.Mailboxes {
		if !only.IsNil() && h.Mailbox != only {
			continue
		}
		told := 0
		err = r.Store.Restore(q.Context(), saved.Store, h.Mailbox, func(n int) {
			if n >= told {
				out.write(BackupLine{Step: "restoring", Mailbox: h.Name, Rows: n})
				told = n + tellEvery
			}
		})
		if err != nil {
			break
		}
		end.Mailboxes++
	}
	if err != nil {
		r.log.Error("restore", "error", err)
		end.Error = err.Error()
	}
	out.write(end)
}
