package oxcmail

import "hma/wire/mapi"

// Limits of Read. Past a limit the rest of the message is left out and
// Message.Damaged is set; nothing past a limit is held in memory.
const (
	// MaxHeader is how many bytes the header of a message or of a part may have.
	MaxHeader = 1 << 20
	// MaxParts is how many parts of all levels are looked at.
	MaxParts = 10_000
	// MaxDepth is how deep multiparts may lie in each other.
	MaxDepth = 32
	// MaxBody is how many bytes of one text body are kept, after decoding.
	MaxBody = 8 << 20
	// MaxHeld is how many bytes of text Read holds. A longer one flows through, like an
	// attachment, when it is the first; later ones are attachments.
	MaxHeld = 1 << 20
	// MaxAddresses is how many addresses of one header field are kept.
	MaxAddresses = 5_000
	// MaxTransportHeaders is how many bytes PidTagTransportMessageHeaders keeps.
	MaxTransportHeaders = 256 << 10
)

// Address is a mailbox of RFC 5322 3.4: a display name, which may be empty, and an addr-spec.
type Address struct {
	Name  string
	Email string
}

// IsZero tells whether there is no address.
func (a Address) IsZero() bool { return a == Address{} }

// Display returns the name, or the addr-spec where there is none.
func (a Address) Display() string {
	if a.Name != "" {
		return a.Name
	}
	return a.Email
}

// Recipient is an address of To, Cc or Bcc; Type is mapi.RecipientTo and so on.
type Recipient struct {
	Type int32
	Address
}

// Message is a message between its two forms.
type Message struct {
	// Props are the properties of the message object. Read fills them from the
	// header; From, Sender and the display lists are among them, bodies are not.
	Props mapi.Bag
	// From is PidTagSentRepresenting*, Sender is PidTagSender*; they are equal when only one is named.
	From, Sender Address
	ReplyTo      []Address
	Recipients   []Recipient
	// Text is the plain body in UTF-8 with CR LF line ends. Read derives it where the message has HTML alone.
	Text string
	// HTML is the HTML body in UTF-8, "" when the message has none. HTML is the native form whenever it is there.
	HTML string
	// LongText and LongHTML are what the function given to Read returned for a text of
	// more than MaxHeld bytes; Text and HTML are its beginning then.
	LongText, LongHTML mapi.Blob
	// Calendar is what Write adds to the forms of the body as text/calendar with a method,
	// "" for none. Read leaves both alone: a calendar part is an attachment.
	Calendar, CalendarMethod string
	// Attachments are in the order of the message.
	Attachments []*Attachment
	// Damaged tells that something could not be read or passed a limit.
	Damaged bool
}

// NativeBody returns the value of PidTagNativeBody (MS-OXCMSG 2.2.1.58.2): 1 for
// plain text, 3 for HTML, 0 without any body.
func (m *Message) NativeBody() int32 {
	switch {
	case m.HTML != "":
		return 3
	case m.Text != "":
		return 1
	}
	return 0
}

// HasAttachments is the rule behind PidTagHasAttachments: true when at least one
// attachment is more than a picture within the HTML body.
func (m *Message) HasAttachments() bool {
	for _, a := range m.Attachments {
		if !a.Inline {
			return true
		}
	}
	return false
}

// Attachment describes one attachment; its content travels apart.
type Attachment struct {
	// Name is the file name without any folder, "" when the message gives none and none could be made up.
	Name string
	// ContentType is the media type in lower case without parameters.
	ContentType string
	// ContentID is without angle brackets.
	ContentID       string
	ContentLocation string
	// Inline tells that the HTML body shows it; it does not count for PidTagHasAttachments.
	Inline bool
	// Embedded tells that the content is a message (message/rfc822) in MIME.
	Embedded bool
	// Text tells that it is none: the content is the whole text of the message, in UTF-8,
	// plain with CR LF line ends or HTML as ContentType says. Only the function given to Read sees such a one.
	Text bool
	// Content is what the function given to Read returned for it.
	Content mapi.Blob
}
