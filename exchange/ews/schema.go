package ews

import (
	"hma/exchange/store"
	"hma/wire/soap"
)

// schema is a version of the service's schema: what a request may hold and what its
// answer does (MS-OXWSCDATA 2.2.5.12, ExchangeVersionType). Later ones hold all of the
// earlier ones. The zero value is the first, so that a row of a table that names none
// was there from the beginning.
type schema int

const (
	exchange2007 schema = iota // and its service pack 1, from which nothing here differs
	exchange2010
	exchange2010SP1
	exchange2010SP2
	exchange2013
	exchange2013SP1
	exchange2016 // and later
)

// schemaNames are where the versions begin, in the order of their text.
var schemaNames = []string{exchange2010: "Exchange2010", exchange2010SP1: "Exchange2010_SP1", exchange2010SP2: "Exchange2010_SP2",
	exchange2013: "Exchange2013", exchange2013SP1: "Exchange2013_SP1", exchange2016: "Exchange2015"}

// schemaOf returns the schema of a name that validVersion admits. The V of the dated names
// of later ones sorts after the E of Exchange.
func schemaOf(name string) schema {
	v := exchange2007
	for i, begins := range schemaNames {
		if begins != "" && name >= begins {
			v = schema(i)
		}
	}
	return v
}

// errSchemaVersion is what a request is told that only a later schema than its own has:
// the library that reads it asks again as a later version.
var errSchemaVersion = &soap.Fault{Code: "ErrorIncorrectSchemaVersion",
	Message: "The request is valid, but not in the version of the schema that its RequestServerVersion header names."}

// elementsSince are the elements of requests, beside those of properties, that the first
// schema does not have.
var elementsSince = map[string]schema{
	// MS-OXWSCDATA 2.2.4.41, ItemResponseShapeType
	"FilterHtmlContent": exchange2010, "ConvertHtmlCodePageToUTF8": exchange2010SP1, "InlineImageUrlTemplate": exchange2013,
	"BlockExternalImages": exchange2013, "AddBlankTargetToLinks": exchange2013, "MaximumBodySize": exchange2013,
	"UniqueBodyType": exchange2013, "NormalizedBodyType": exchange2013,
	// MS-OXWSSRCH 3.1.4.2, MS-OXWSSYNC 3.1.4.2, MS-OXWSNTIF 3.1.4.3, MS-OXWSATT 2.2.4.13
	"QueryString": exchange2010, "SyncScope": exchange2010, "StreamingSubscriptionRequest": exchange2010SP1, "ReferenceAttachment": exchange2013,
}

// attributesSince are attributes that the first schema does not have.
var attributesSince = map[string]schema{"SuppressReadReceipts": exchange2013}

// foldersSince are the distinguished folders that the first schema does not know
// (MS-OXWSFOLD 2.2.5.3). "archive" is in none of them and known by all.
var foldersSince = map[store.Role]schema{
	store.RoleRecoverableRoot: exchange2010SP1, store.RoleRecoverableDeletions: exchange2010SP1, store.RoleRecoverableVersions: exchange2010SP1,
	store.RoleRecoverablePurges: exchange2010SP1, store.RoleSyncIssues: exchange2013, store.RoleConflicts: exchange2013,
	store.RoleLocalFailures: exchange2013, store.RoleServerFailures: exchange2013, store.RoleRecipientCache: exchange2013,
	store.RoleConversationHistory: exchange2013, "directory": exchange2013SP1,
	"archiveroot": exchange2010SP1, "archivemsgfolderroot": exchange2010SP1, "archivedeleteditems": exchange2010SP1, "archiveinbox": exchange2013SP1,
}

// has tells whether a request, or a part of one, holds nothing that is newer than the schema.
func (v schema) has(e *soap.Element) bool {
	if elementsSince[e.Name.Local] > v {
		return false
	}
	// Kinds of item share the names of elements: the earliest counts.
	if rows := itemsByElement[e.Name.Local]; len(rows) > 0 {
		earliest := exchange2016
		for _, p := range rows {
			earliest = min(earliest, p.since)
		}
		if earliest > v {
			return false
		}
	}
	for _, a := range e.Attrs {
		since := attributesSince[a.Name.Local]
		switch {
		case a.Name.Local == "FieldURI":
			since = uriSince(a.Value)
		case a.Name.Local == "Id" && e.Name.Local == "DistinguishedFolderId":
			since = foldersSince[store.Role(a.Value)]
		case a.Name.Local == "Traversal" && a.Value == "Associated":
			since = exchange2010
		}
		if since > v {
			return false
		}
	}
	for _, child := range e.Children {
		if !v.has(child) {
			return false
		}
	}
	return true
}

// uriSince returns the first schema that knows a FieldURI.
func uriSince(uri string) schema {
	if p := itemByURI[uri]; p != nil {
		return p.since
	}
	for _, p := range folderProperties {
		if p.uri == uri {
			return p.since
		}
	}
	if uri == "distributionlist:Members:Member" {
		return exchange2010
	}
	return exchange2007
}
