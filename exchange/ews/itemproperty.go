package ews

import (
	"slices"

	"hma/wire/mapi"
	"hma/wire/soap"
)

// itemProperty ties a property's FieldURI, its element, and the MAPI property
// behind it together. The element's type follows the tag's.
type itemProperty struct {
	uri     string
	element string
	tag     mapi.Tag
	in      membership
	since   schema     // the first that has it
	of      kinds      // the kinds that have it, 0 is all
	enum    []string   // the words of an Integer32's values, from 0
	bit     int32      // of PidTagMessageFlags, for a Boolean made of one
	or      any        // what is written when the item lacks the property
	also    []mapi.Tag // further properties that write or a search looks at
	rcpt    int32      // a recipient type: the property is a list of recipients
	entries []*entry   // the members of a dictionary
	write   func(x *itemWriter, p *itemProperty) error
	set     func(d *draft, p *itemProperty, e *soap.Element) error
	add     func(d *draft, p *itemProperty, e *soap.Element) error // AppendToItemField; nil: nothing can be added
}

// membership says where a property belongs.
type membership int

const (
	inDefault    membership = 1 << iota // of the Default shape
	notAll                              // asked for by name only
	onlyGet                             // never in FindItem
	readOnly                            // clients cannot set it
	noSearch                            // not in restrictions
	wantAttached                        // needs the attachment table
	wantBody                            // needs the bodies
	wantMIME                            // is the MIME form
	stored                              // of an item in a folder, not of one in an attachment
)

var (
	sensitivities = []string{"Normal", "Personal", "Private", "Confidential"}
	importances   = []string{"Low", "Normal", "High"}
)

// senderTags and fromTags are the properties of an author (MS-OXOMSG 2.2.1.47 and following).
var (
	senderTags = []mapi.Tag{mapi.PidTagSenderName, mapi.PidTagSenderEmail, mapi.PidTagSenderSmtpAddress}
	fromTags   = []mapi.Tag{mapi.PidTagSentRepresentingName, mapi.PidTagSentRepresentingEmail, mapi.PidTagSentRepresentingSmtp}
)

// itemProperties is in the order of the schema (ItemType, then MessageType, then
// what init adds).
var itemProperties = []*itemProperty{
	{uri: "item:MimeContent", element: "MimeContent", in: notAll | onlyGet | noSearch | wantMIME, write: writeMIME, set: setMIME},
	{uri: "item:ItemId", element: "ItemId", in: stored | inDefault | readOnly | noSearch, write: writeID},
	{uri: "item:ParentFolderId", element: "ParentFolderId", in: stored | readOnly | noSearch, write: writeParent},
	{uri: "item:ItemClass", element: "ItemClass", tag: mapi.PidTagMessageClass, in: inDefault},
	{uri: "item:Subject", element: "Subject", tag: mapi.PidTagSubject, in: inDefault, set: setSubject},
	{uri: "item:Sensitivity", element: "Sensitivity", tag: mapi.PidTagSensitivity, in: inDefault, enum: sensitivities},
	{uri: "item:Body", element: "Body", tag: mapi.PidTagBody, in: inDefault | onlyGet | wantBody, write: writeBody, set: setBody, add: addBody},
	{uri: "item:Attachments", element: "Attachments", in: inDefault | onlyGet | wantAttached | noSearch, write: writeAttachments, set: setAttachments},
	{uri: "item:DateTimeReceived", element: "DateTimeReceived", tag: mapi.PidTagMessageDeliveryTime, in: readOnly},
	{uri: "item:Size", element: "Size", tag: mapi.PidTagMessageSize, in: inDefault | readOnly},
	{uri: "item:Categories", element: "Categories", tag: mapi.PidNameKeywords, write: writeStrings, set: setStrings},
	{uri: "item:Importance", element: "Importance", tag: mapi.PidTagImportance, in: inDefault, enum: importances},
	{uri: "item:InReplyTo", element: "InReplyTo", tag: mapi.PidTagInReplyToID},
	{uri: "item:IsSubmitted", element: "IsSubmitted", bit: mapi.MsgFlagSubmitted, in: readOnly},
	{uri: "item:IsDraft", element: "IsDraft", bit: mapi.MsgFlagUnsent, in: readOnly},
	{uri: "item:IsFromMe", element: "IsFromMe", bit: mapi.MsgFlagFromMe, in: readOnly},
	{uri: "item:IsResend", element: "IsResend", bit: mapi.MsgFlagResend, in: readOnly},
	{uri: "item:IsUnmodified", element: "IsUnmodified", bit: mapi.MsgFlagUnmodified, in: readOnly},
	{uri: "item:InternetMessageHeaders", element: "InternetMessageHeaders", in: onlyGet | readOnly | noSearch,
		also: []mapi.Tag{mapi.PidTagTransportMessageHeaders}, write: writeHeaders},
	{uri: "item:DateTimeSent", element: "DateTimeSent", tag: mapi.PidTagClientSubmitTime, in: inDefault | readOnly},
	{uri: "item:DateTimeCreated", element: "DateTimeCreated", tag: mapi.PidTagCreationTime, in: inDefault | readOnly},
	{uri: "item:ResponseObjects", element: "ResponseObjects", also: []mapi.Tag{mapi.PidTagMessageFlags, mapi.PidLidMeetingType, mapi.PidLidAppointmentStateFlags}, in: stored | readOnly | noSearch, write: writeResponseObjects},
	{uri: "item:ReminderDueBy", element: "ReminderDueBy", tag: mapi.PidLidReminderTime},
	{uri: "item:ReminderIsSet", element: "ReminderIsSet", tag: mapi.PidLidReminderSet, or: false},
	{uri: "item:ReminderMinutesBeforeStart", element: "ReminderMinutesBeforeStart", tag: mapi.PidLidReminderDelta, or: int32(0)},
	{uri: "item:DisplayCc", element: "DisplayCc", tag: mapi.PidTagDisplayCc, in: readOnly, or: ""},
	{uri: "item:DisplayTo", element: "DisplayTo", tag: mapi.PidTagDisplayTo, in: readOnly, or: ""},
	{uri: "item:HasAttachments", element: "HasAttachments", tag: mapi.PidTagHasAttachments, in: inDefault | readOnly},
	{uri: "item:EffectiveRights", element: "EffectiveRights", in: stored | readOnly | noSearch, write: writeRights},
	{uri: "item:LastModifiedName", element: "LastModifiedName", tag: mapi.PidTagLastModifierName, in: readOnly},
	{uri: "item:LastModifiedTime", element: "LastModifiedTime", tag: mapi.PidTagLastModificationTime, in: readOnly},
	{uri: "item:IsAssociated", since: exchange2010, element: "IsAssociated", in: readOnly | noSearch, write: writeAssociated},
	{uri: "item:ConversationId", since: exchange2010, element: "ConversationId", tag: mapi.PidTagConversationID, in: readOnly | noSearch, write: writeConversationID},
	{uri: "item:UniqueBody", since: exchange2010, element: "UniqueBody", in: notAll | onlyGet | readOnly | noSearch | wantBody, write: writeUniqueBody},
	{uri: "item:Flag", since: exchange2013, element: "Flag", tag: mapi.PidTagFlagStatus, also: flagTags[1:], in: noSearch, write: writeFlag, set: setFlag},
	{uri: "item:StoreEntryId", since: exchange2010SP2, element: "StoreEntryId", in: stored | readOnly | noSearch, write: writeStoreEntryID},
	{uri: "item:InstanceKey", since: exchange2013, element: "InstanceKey", in: stored | readOnly | noSearch, write: writeInstanceKey},
	{uri: "item:NormalizedBody", since: exchange2013, element: "NormalizedBody", in: notAll | onlyGet | readOnly | noSearch | wantBody, write: writeNormalizedBody},
	{uri: "item:PolicyTag", since: exchange2013, element: "PolicyTag", tag: mapi.PidTagPolicyTag, in: readOnly | noSearch, write: writeRetentionTag},
	{uri: "item:ArchiveTag", since: exchange2013, element: "ArchiveTag", tag: mapi.PidTagArchiveTag, in: readOnly | noSearch, write: writeRetentionTag},
	{uri: "item:RetentionDate", since: exchange2013, element: "RetentionDate", tag: mapi.PidTagRetentionDate, in: readOnly | noSearch},
	{uri: "item:Preview", since: exchange2013, element: "Preview", in: notAll | onlyGet | readOnly | noSearch | wantBody, write: writePreview},
	{uri: "item:BlockStatus", since: exchange2013, element: "BlockStatus", in: notAll | onlyGet | readOnly | noSearch, write: writeBlockStatus},
	{uri: "item:HasBlockedImages", since: exchange2013, element: "HasBlockedImages", in: notAll | onlyGet | readOnly | noSearch | wantBody, write: writeBlockedImages},
	{uri: "item:TextBody", since: exchange2013, element: "TextBody", in: notAll | onlyGet | readOnly | noSearch | wantBody, write: writeTextBody},
	{uri: "item:IconIndex", since: exchange2013, element: "IconIndex", tag: mapi.PidTagIconIndex, in: readOnly | noSearch, write: writeIconIndex},

	{uri: "message:Sender", of: message | postItem, element: "Sender", in: inDefault, also: senderTags, write: writeAuthor, set: setSender},
	{uri: "message:ToRecipients", of: message, element: "ToRecipients", in: inDefault | onlyGet, rcpt: mapi.RecipientTo, write: writeRecipients, set: setRecipients, add: addRecipients},
	{uri: "message:CcRecipients", of: message, element: "CcRecipients", in: inDefault | onlyGet, rcpt: mapi.RecipientCc, write: writeRecipients, set: setRecipients, add: addRecipients},
	{uri: "message:BccRecipients", of: message, element: "BccRecipients", in: inDefault | onlyGet, rcpt: mapi.RecipientBcc, write: writeRecipients, set: setRecipients, add: addRecipients},
	{uri: "message:IsReadReceiptRequested", of: message, element: "IsReadReceiptRequested", tag: mapi.PidTagReadReceiptRequested, in: inDefault, or: false},
	{uri: "message:IsDeliveryReceiptRequested", of: message, element: "IsDeliveryReceiptRequested", tag: mapi.PidTagOriginatorDeliveryReport, in: inDefault, or: false},
	{uri: "message:ConversationIndex", of: message | postItem, element: "ConversationIndex", tag: mapi.PidTagConversationIndex, in: readOnly},
	{uri: "message:ConversationTopic", of: message | postItem, element: "ConversationTopic", tag: mapi.PidTagConversationTopic, in: readOnly},
	{uri: "message:From", of: message | postItem, element: "From", in: inDefault, also: fromTags, write: writeAuthor, set: setFrom},
	{uri: "message:InternetMessageId", of: message | postItem, element: "InternetMessageId", tag: mapi.PidTagInternetMessageID, in: inDefault},
	{uri: "message:IsRead", of: message | postItem, element: "IsRead", tag: mapi.PidTagRead, in: inDefault, set: setRead},
	{uri: "message:IsResponseRequested", of: message, element: "IsResponseRequested", tag: mapi.PidTagReplyRequested},
	{uri: "message:References", of: message | postItem, element: "References", tag: mapi.PidTagInternetReferences},
	{uri: "message:ReplyTo", of: message, element: "ReplyTo", in: onlyGet | noSearch,
		also: []mapi.Tag{mapi.PidTagReplyRecipientEntries, mapi.PidTagReplyRecipientNames}, write: writeReplyTo, set: setReplyTo, add: addReplyTo},
	{uri: "message:ReceivedBy", of: message, element: "ReceivedBy", in: readOnly | noSearch,
		also: []mapi.Tag{mapi.PidTagReceivedByName, mapi.PidTagReceivedByEmail}, write: writeReceived},
	{uri: "message:ReceivedRepresenting", of: message, element: "ReceivedRepresenting", in: readOnly | noSearch,
		also: []mapi.Tag{mapi.PidTagReceivedRepresentingName, mapi.PidTagReceivedRepresentingEmail}, write: writeReceived},
}

var (
	itemByURI      = make(map[string]*itemProperty)
	itemsByElement = make(map[string][]*itemProperty) // kinds share names: Mileage, Recurrence
)

func init() {
	itemProperties = slices.Concat(itemProperties, calendarProperties, contactProperties, distributionListProperties, taskProperties)
	for _, p := range itemProperties {
		itemByURI[p.uri] = p
		itemsByElement[p.element] = append(itemsByElement[p.element], p)
		for _, e := range p.entries {
			e.of = p
			entryByPath[indexedPath{e.uri, e.key}] = e
		}
	}
}

// itemByElement returns the property of a kind of item by its element, nil when there is none.
func itemByElement(k kinds, element string) *itemProperty {
	for _, p := range itemsByElement[element] {
		if p.of == 0 || p.of&k != 0 {
			return p
		}
	}
	return nil
}

// fieldPrefixes are those of the FieldURIs that the schema knows. Clients ask for
// the properties of every kind of item at once: what does not apply is left out.
var fieldPrefixes = map[string]bool{
	"folder": true, "item": true, "message": true, "meeting": true, "meetingRequest": true, "calendar": true, "task": true,
	"contacts": true, "distributionlist": true, "postitem": true, "conversation": true, "persona": true, "sharing": true, "role": true,
}
