package transport

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"hma/exchange/store"
	"hma/wire/guid"
)

// MaxMessage is the largest message in bytes that delivery, LMTP and submission take.
const MaxMessage = 64 << 20

// MaxRecipients is how many recipients one message may have, MaxMembers in how many mailboxes a group among them may end.
const (
	MaxRecipients = 1000
	MaxMembers    = 10_000
)

// The kinds of failure that a caller can act on, for errors.Is.
var (
	ErrUnknownRecipient = errors.New("no such recipient")
	ErrSendAsDenied     = errors.New("not allowed to send as this address")
	ErrNoRecipients     = errors.New("message has no recipients")
	ErrTooLarge         = errors.New("message too large")
	ErrTooMany          = errors.New("too many recipients")
	ErrInvalidAddress   = errors.New("invalid address")
	ErrMayNotSend       = errors.New("not allowed to send to this group")
)

// Mailbox is a local recipient as the directory knows it.
type Mailbox struct {
	GUID    guid.GUID
	Address string // primary SMTP address
	Info    store.MailboxInfo
}

// Directory tells who is who. It must be safe for concurrent use.
type Directory interface {
	// Mailbox returns who receives the mail for an SMTP address, in any case of
	// letters; an error that is ErrUnknownRecipient when nobody does.
	Mailbox(ctx context.Context, address string) (*Mailbox, error)
	// Members returns who receives the mail for the address of a group, each mailbox once, when the person
	// with the SID sends it, "" for somebody who did not sign in. The error is ErrUnknownRecipient when there is
	// no such group, ErrMayNotSend when it does not take that person's mail, ErrTooMany when more than limit receive it.
	Members(ctx context.Context, address, sid string, limit int) ([]*Mailbox, error)
	// Accepted tells whether a domain, in lower case, is one of the organisation's own.
	Accepted(ctx context.Context, domain string) (bool, error)
}

// Config is what the wiring gives.
type Config struct {
	Store     *store.Store
	Directory Directory
	// MaySendAs tells whether the person with the SID may name address as the author of a message.
	MaySendAs func(ctx context.Context, sid, address string) (bool, error)
	// Trust tells what an address that is not the person's own lets them do; nil for nothing.
	Trust func(ctx context.Context, sid, address string) (Trust, error)
	Now   func() time.Time
	// Host is this server's name in Received and Message-ID.
	Host string
	// PostmasterAddress is the author of reports, for example postmaster@contoso.com.
	PostmasterAddress string
	Log               *slog.Logger
	// Person returns the mailbox of the person with the SID; an error that is
	// ErrUnknownRecipient for nobody's. nil: delegates get no copies of meeting messages.
	Person func(ctx context.Context, sid string) (*Mailbox, error)
	// Delivered is told of each message that came into a mailbox, once it is there;
	// an error is logged, the message has arrived. nil: nobody is told.
	Delivered func(ctx context.Context, d Delivered) error
}

// Delivered is a message that came into a mailbox.
type Delivered struct {
	Mailbox *store.Mailbox
	Address string // primary SMTP address of the mailbox
	ID      store.ItemID
	Item    store.NewItem // what was stored, texts of more than oxcmail.MaxHeld bytes as blobs
	// For is the address of somebody else for whom the mailbox's owner got it as a delegate; "" for nobody.
	For string
}

// Transport is ready for use by many goroutines.
type Transport struct {
	cfg Config
}

// New returns a transport. Every field of cfg but Trust, Person and Delivered must be set.
func New(cfg Config) *Transport { return &Transport{cfg: cfg} }

// Envelope is who a message goes to, whatever its header says.
type Envelope struct {
	From string // reverse path; "" for reports
	To   []string
	// Received is when the message arrived, now when zero; Read tells that it was
	// read since. Both are for mail that is put in after the fact.
	Received time.Time
	Read     bool
}

// Result is what became of a message for one recipient of the envelope.
type Result struct {
	Recipient string
	Item      store.ItemID // the item in the recipient's inbox; for a group that of one of its members
	Err       error        // nil: it is there, durably; for a group, in at least one mailbox or there is none
	// Members are those of a group who did not get the message although others did, each with an Err.
	Members []Result
	reached bool // somebody has it
}

// Receipt tells what became of a message that was submitted.
type Receipt struct {
	MessageID string // with angle brackets, of the message as it was delivered
	Date      time.Time
	Results   []Result // one for each recipient; an Err means that a report went to the sender
}
