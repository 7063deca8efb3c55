package query

import (
	"slices"

	"hma/wire/mapi"
	"hma/wire/oxcmail"
)

// field is a group of an item's texts that a search looks at together.
type field struct {
	letter      byte // of its terms
	tag         mapi.Tag
	tags        []mapi.Tag // properties of the item
	recipient   int32      // rows of the recipient table: mapi.RecipientTo ...
	attachments bool       // file names
	grams       bool       // parts of words are indexed too
	values      bool       // whole values are indexed too
}

// fields are what the search index knows of an item. A letter is never used again for something else.
var fields = [...]field{
	{letter: 's', tag: mapi.PidTagSubject, tags: []mapi.Tag{mapi.PidTagSubject}, grams: true},
	{letter: 'f', tags: []mapi.Tag{mapi.PidTagSentRepresentingName, mapi.PidTagSentRepresentingEmail, mapi.PidTagSentRepresentingSmtp,
		mapi.PidTagSenderName, mapi.PidTagSenderEmail, mapi.PidTagSenderSmtpAddress}, grams: true},
	{letter: 't', tag: mapi.PidTagSearchRecipientEmailTo, tags: []mapi.Tag{mapi.PidTagDisplayTo}, recipient: mapi.RecipientTo, grams: true},
	{letter: 'c', tag: mapi.PidTagSearchRecipientEmailCc, tags: []mapi.Tag{mapi.PidTagDisplayCc}, recipient: mapi.RecipientCc, grams: true},
	{letter: 'b', tag: mapi.PidTagSearchRecipientEmailBcc, tags: []mapi.Tag{mapi.PidTagDisplayBcc}, recipient: mapi.RecipientBcc, grams: true},
	{letter: 'a', tag: mapi.PidTagSearchAttachments, attachments: true, grams: true},
	{letter: 'm', tag: mapi.PidTagBody, tags: []mapi.Tag{mapi.PidTagBody}},
	{letter: 'k', tag: mapi.PidNameKeywords, tags: []mapi.Tag{mapi.PidNameKeywords}, grams: true, values: true},
	{letter: 'o', tags: []mapi.Tag{mapi.PidTagDisplayName, mapi.PidTagGivenName, mapi.PidTagSurname, mapi.PidLidFileUnder,
		mapi.PidTagCompanyName, mapi.PidTagDepartmentName, mapi.PidTagTitle, mapi.PidLidEmail1DisplayName, mapi.PidLidEmail1EmailAddress,
		mapi.PidLidEmail2DisplayName, mapi.PidLidEmail2EmailAddress, mapi.PidLidEmail3DisplayName, mapi.PidLidEmail3EmailAddress,
		mapi.PidLidLocation}, grams: true},
}

// everywhere are all fields, by their places.
var everywhere = func() (all []int) {
	for i := range fields {
		all = append(all, i)
	}
	return all
}()

// groupOf returns the fields whose texts a condition on a property looks at, and
// whether those texts are all that the property is.
func groupOf(tag mapi.Tag) (group []int, whole bool) {
	if tag.ID() == mapi.PidTagSearchAllIndexedProps.ID() {
		return everywhere, true
	}
	for i, f := range fields {
		if f.tag != 0 && f.tag.ID() == tag.ID() {
			return []int{i}, true
		}
		if slices.ContainsFunc(f.tags, func(t mapi.Tag) bool { return t.ID() == tag.ID() }) {
			return []int{i}, false
		}
	}
	return nil, false
}

// isGroup tells whether a tag names a group of texts and no property that an item has.
func isGroup(tag mapi.Tag) bool {
	id := tag.ID()
	return id >= mapi.PidTagSearchAttachments.ID() && id <= mapi.PidTagSearchRecipientEmailBcc.ID() || id == mapi.PidTagSearchAllIndexedProps.ID()
}

// texts calls visit with the texts of a group until it says no, and tells whether it never did.
func texts(group []int, o Object, visit func(string) bool) bool {
	for _, i := range group {
		f := &fields[i]
		for _, tag := range f.tags {
			switch v := o.property(tag).(type) {
			case string:
				if !visit(v) {
					return false
				}
			case []string:
				for _, s := range v {
					if !visit(s) {
						return false
					}
				}
			}
		}
		if f.recipient != 0 {
			for _, row := range o.Recipients {
				if row.Int32(mapi.PidTagRecipientType) != f.recipient {
					continue
				}
				for _, tag := range recipientTags {
					if s := row.String(tag); s != "" && !visit(s) {
						return false
					}
				}
			}
		}
		if f.attachments {
			for _, row := range o.Attachments {
				if s := row.String(mapi.PidTagAttachLongFilename); s != "" && !visit(s) {
					return false
				}
			}
		}
	}
	return true
}

// recipientTags are the texts of a recipient's row.
var recipientTags = []mapi.Tag{mapi.PidTagDisplayName, mapi.PidTagSmtpAddress, mapi.PidTagEmailAddress}

// property returns a property's value, nil without one. The plain body of an item that has HTML alone is made of it.
func (o Object) property(tag mapi.Tag) any {
	_, v, ok := o.Props.Find(tag)
	if !ok && tag.ID() == mapi.PidTagBody.ID() {
		switch _, html, _ := o.Props.Find(mapi.PidTagHTML); html := html.(type) {
		case []byte:
			return oxcmail.PlainFromHTML(string(html))
		case string:
			return oxcmail.PlainFromHTML(html)
		}
	}
	return v
}

// groupNeeds returns what must be read of an item for the texts of a group.
func groupNeeds(group []int) (tags []mapi.Tag, recipients, attachments bool) {
	for _, i := range group {
		f := &fields[i]
		tags = append(tags, f.tags...)
		recipients, attachments = recipients || f.recipient != 0, attachments || f.attachments
		if f.tag == mapi.PidTagBody {
			tags = append(tags, mapi.PidTagHTML)
		}
	}
	return tags, recipients, attachments
}

// Indexed returns what must be read of an item for Terms.
func Indexed() (tags []mapi.Tag, recipients, attachments bool) { return groupNeeds(everywhere) }
