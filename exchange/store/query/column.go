package query

import "hma/wire/mapi"

// Kind is how a column keeps its property.
type Kind int

// The kinds of column.
const (
	Text  Kind = iota // string; TEXT
	Int               // int16, int32, int64; BIGINT
	Bool              // bool; BIGINT 0 or 1
	Time              // time.Time; BIGINT, microseconds
	Bytes             // []byte; raw bytes
)

// Column is a property that has its own column in the item table.
type Column struct {
	Tag  mapi.Tag
	Name string
	Kind Kind
	// Fold is the shadow column with the text's Fold; every Text column has one.
	Fold string
	// Sort is a shadow column with the first SortLetters letters of the fold, never NULL; "" when the list has no such order.
	Sort string
	// Always tells that every item has the property: the column is never NULL.
	Always bool
	// Computed tells that the store makes the value and clients cannot set it.
	Computed bool
}

// SortLetters is how much of a text its order looks at, so that index entries stay small.
const SortLetters = 64

// Columns are the properties of an item that have a column, in the order of the table.
var Columns = [...]Column{
	{Tag: mapi.PidTagMessageClass, Name: "class", Kind: Text, Fold: "class_fold", Sort: "class_sort", Always: true},
	{Tag: mapi.PidTagSubject, Name: "subject", Kind: Text, Fold: "subject_fold", Sort: "subject_sort"},
	{Tag: mapi.PidTagNormalizedSubject, Name: "norm_subject", Kind: Text, Fold: "norm_subject_fold"},
	{Tag: mapi.PidTagSentRepresentingName, Name: "from_name", Kind: Text, Fold: "from_name_fold", Sort: "from_name_sort"},
	{Tag: mapi.PidTagSentRepresentingEmail, Name: "from_addr", Kind: Text, Fold: "from_addr_fold"},
	{Tag: mapi.PidTagDisplayTo, Name: "display_to", Kind: Text, Fold: "display_to_fold", Sort: "display_to_sort"},
	{Tag: mapi.PidTagDisplayCc, Name: "display_cc", Kind: Text, Fold: "display_cc_fold"},
	{Tag: mapi.PidTagInternetMessageID, Name: "internet_msg_id", Kind: Text, Fold: "internet_msg_id_fold"},
	{Tag: mapi.PidTagMessageDeliveryTime, Name: "received", Kind: Time, Always: true},
	{Tag: mapi.PidTagClientSubmitTime, Name: "sent", Kind: Time},
	{Tag: mapi.PidTagCreationTime, Name: "ctime", Kind: Time, Always: true},
	{Tag: mapi.PidTagLastModificationTime, Name: "mtime", Kind: Time, Always: true, Computed: true},
	{Tag: mapi.PidTagMessageSize, Name: "size", Kind: Int, Always: true, Computed: true},
	{Tag: mapi.PidTagImportance, Name: "importance", Kind: Int, Always: true},
	{Tag: mapi.PidTagSensitivity, Name: "sensitivity", Kind: Int, Always: true},
	{Tag: mapi.PidTagHasAttachments, Name: "has_attach", Kind: Bool, Always: true, Computed: true},
	{Tag: mapi.PidTagRead, Name: "is_read", Kind: Bool, Always: true, Computed: true},
	{Tag: mapi.PidTagMessageFlags, Name: "msg_flags", Kind: Int, Always: true},
	{Tag: mapi.PidTagMessageStatus, Name: "msg_status", Kind: Int, Always: true},
	{Tag: mapi.PidTagFlagStatus, Name: "flag_status", Kind: Int},
	{Tag: mapi.PidTagIconIndex, Name: "icon", Kind: Int},
	{Tag: mapi.PidTagConversationID, Name: "conversation_id", Kind: Bytes},
	{Tag: mapi.PidTagConversationIndex, Name: "conversation_index", Kind: Bytes},
	{Tag: mapi.PidLidAppointmentStartWhole, Name: "start_time", Kind: Time},
	{Tag: mapi.PidLidAppointmentEndWhole, Name: "end_time", Kind: Time},
	{Tag: mapi.PidLidTaskDueDate, Name: "due_time", Kind: Time},
	{Tag: mapi.PidTagSearchKey, Name: "search_key", Kind: Bytes, Always: true},
	{Tag: mapi.PidTagInternetArticleNumber, Name: "imap_uid", Kind: Int, Always: true, Computed: true},
}

var byID = func() map[uint16]int {
	index := make(map[uint16]int, len(Columns))
	for i, c := range Columns {
		index[c.Tag.ID()] = i
	}
	return index
}()

// Find returns the column of a property, looked up by its id.
func Find(tag mapi.Tag) (Column, bool) {
	i, ok := byID[tag.ID()]
	if !ok {
		return Column{}, false
	}
	return Columns[i], true
}
