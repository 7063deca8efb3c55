package roles

import (
	"errors"
	"net"
	"net/http"
	"strings"
	"time"

	"hma/exchange/store"
	"hma/exchange/transport"
)

// ServeLMTP takes mail in on the listener until the roles close.
func (r *Roles) ServeLMTP(l net.Listener) {
	end := r.begin(mailIn)
	r.running.Go(func() {
		defer end()
		lmtp := &transport.LMTP{Transport: r.Transport}
		if err := lmtp.Serve(r.ctx, l); err != nil && !errors.Is(err, net.ErrClosed) {
			r.log.Error("mail in ended", "error", err)
		}
	})
}

// ImportPath is where the admin socket takes one message (eml) for a mailbox:
// query mailbox (an address), folder (a distinguished name, default inbox),
// unread (1).
const ImportPath = "/mailbox/v1/import"

// importTime bounds the import of one message.
const importTime = 2 * time.Minute

func (r *Roles) importMail(w http.ResponseWriter, q *http.Request) {
	fail := func(status int, text string) { http.Error(w, text, status) }
	http.NewResponseController(w).SetReadDeadline(time.Now().Add(importTime)) // fails only where there is no connection
	address := q.URL.Query().Get("mailbox")
	found, err := directory{r.Org}.Mailbox(q.Context(), address)
	if errors.Is(err, transport.ErrUnknownRecipient) {
		fail(http.StatusNotFound, "nobody here has the address "+address)
		return
	}
	if err != nil {
		r.log.Error("import", "error", err)
		fail(http.StatusInternalServerError, "the directory could not be read")
		return
	}
	mailbox, err := r.Store.OpenMailbox(q.Context(), found.GUID, found.Info)
	if err != nil {
		r.log.Error("import", "error", err)
		fail(http.StatusInternalServerError, "the mailbox could not be opened")
		return
	}
	role := store.Role(strings.ToLower(q.URL.Query().Get("folder")))
	if role == "" {
		role = store.RoleInbox
	}
	folder, err := mailbox.Role(q.Context(), role)
	if err != nil {
		fail(http.StatusNotFound, "the mailbox has no folder "+string(role)+": want inbox, sentitems, drafts ...")
		return
	}
	body := http.MaxBytesReader(w, q.Body, transport.MaxMessage)
	_, err = r.Transport.Import(q.Context(), mailbox, folder.ID, body, transport.ImportOptions{Unread: q.URL.Query().Get("unread") == "1"})
	switch {
	case err == nil:
		w.WriteHeader(http.StatusNoContent)
	case errors.Is(err, transport.ErrTooLarge) || errors.As(err, new(*http.MaxBytesError)):
		fail(http.StatusRequestEntityTooLarge, "the message is larger than 64 MB")
	case errors.Is(err, store.ErrQuota):
		fail(http.StatusInsufficientStorage, "the mailbox is full")
	default:
		r.log.Error("import", "error", err)
		fail(http.StatusUnprocessableEntity, "the message could not be read or stored")
	}
}
