package roles

import (
	"errors"
	"net"
	"net/http"

	"hma/exchange/store"
	"hma/exchange/transport"
	"hma/wire/guid"
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

// mailboxOf opens the mailbox that a query names by address, or says what to
// answer instead.
func (r *Roles) mailboxOf(q *http.Request) (mailbox *store.Mailbox, status int, err error) {
	address := q.URL.Query().Get("mailbox")
	found, err := directory{r.Org}.Mailbox(q.Context(), address)
	if errors.Is(err, transport.ErrUnknownRecipient) {
		return nil, http.StatusNotFound, errors.New("nobody here has the address " + address)
	}
	if err != nil {
		r.log.Error("open mailbox", "error", err)
		return nil, http.StatusInternalServerError, errors.New("the directory could not be read")
	}
	mailbox, err = r.Store.OpenMailbox(q.Context(), found.GUID, found.Info)
	if err != nil {
		r.log.Error("open mailbox", "error", err)
		return nil, http.StatusInternalServerError, errors.New("the mailbox could not be opened")
	}
	return mailbox, http.StatusOK, nil
}

// CheckPath is where the admin socket checks mailboxes: query mailbox (an
// address; all without), repair (1). The answer is JSON lines, each a CheckLine.
const CheckPath = "/mailbox/v1/check"

// CheckLine is one line of the answer at CheckPath: a damage, or the last line,
// without which the check broke off.
type CheckLine struct {
	Mailbox       string `json:"mailbox,omitempty"` // display name
	*store.Damage        // nil in the last line
	Checked       int    `json:"checked,omitempty"` // in the last line: the mailboxes
	Error         string `json:"error,omitempty"`   // in the last line: why it broke off
}

func (r *Roles) checkMail(w http.ResponseWriter, q *http.Request) {
	var list []guid.GUID
	if q.URL.Query().Get("mailbox") != "" {
		mailbox, status, err := r.mailboxOf(q)
		if err != nil {
			http.Error(w, err.Error(), status)
			return
		}
		list = append(list, mailbox.GUID())
	} else {
		var err error
		if list, err = r.Store.Mailboxes(q.Context()); err != nil {
			r.log.Error("check", "error", err)
			http.Error(w, "the mailboxes could not be listed", http.StatusInternalServerError)
			return
		}
	}
	out := newLines(w)
	end := CheckLine{}
	for _, id := range list {
		mailbox, err := r.Store.FindMailbox(q.Context(), id)
		if err == nil {
			name := mailbox.Info().DisplayName
			err = mailbox.Check(q.Context(), q.URL.Query().Get("repair") == "1", func(d store.Damage) {
				out.write(CheckLine{Mailbox: name, Damage: &d})
			})
		}
		if err != nil {
			r.log.Error("check", "mailbox", id, "error", err)
			end.Error = "mailbox " + id.String() + " could not be read or repaired: the server's log says why"
			break
		}
		end.Checked++
	}
	out.write(end)
}
