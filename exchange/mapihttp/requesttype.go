package mapihttp

// needs is what a request type needs before it is served.
type needs int

const (
	needsNothing  needs = iota
	opensContext        // makes a session context
	needsContext        // a session context; runs beside sequenced requests
	needsSequence       // a session context and its newest sequence cookie
)

// requestType is a value of X-RequestType (MS-OXCMAPIHTTP 2.2.3.3.1).
type requestType struct {
	name  string
	needs needs
	// serve answers; s is nil for a type that opens a context.
	serve func(d *Door, q *request, s *session) answer
}

// requestTypes are what either endpoint knows, by name in lower case. A type
// whose content is not served yet is known all the same: its context and
// sequence are checked first, so that a client finds the same order everywhere.
var requestTypes = map[endpoint]map[string]requestType{
	emsmdb: {
		"ping":             {"PING", needsNothing, nil},
		"connect":          {"Connect", opensContext, connect},
		"disconnect":       {"Disconnect", needsSequence, disconnect},
		"execute":          {"Execute", needsSequence, unserved},
		"notificationwait": {"NotificationWait", needsContext, unserved},
	},
	nspi: {
		"ping":              {"PING", needsNothing, nil},
		"bind":              {"Bind", opensContext, bind},
		"unbind":            {"Unbind", needsSequence, unbind},
		"comparemids":       {"CompareMIds", needsSequence, unserved},
		"dntomid":           {"DNToMId", needsSequence, unserved},
		"getmatches":        {"GetMatches", needsSequence, unserved},
		"getproplist":       {"GetPropList", needsSequence, unserved},
		"getprops":          {"GetProps", needsSequence, unserved},
		"getspecialtable":   {"GetSpecialTable", needsSequence, unserved},
		"gettemplateinfo":   {"GetTemplateInfo", needsSequence, unserved},
		"modlinkatt":        {"ModLinkAtt", needsSequence, unserved},
		"modprops":          {"ModProps", needsSequence, unserved},
		"querycolumns":      {"QueryColumns", needsSequence, unserved},
		"queryrows":         {"QueryRows", needsSequence, unserved},
		"resolvenames":      {"ResolveNames", needsSequence, unserved},
		"resortrestriction": {"ResortRestriction", needsSequence, unserved},
		"seekentries":       {"SeekEntries", needsSequence, unserved},
		"updatestat":        {"UpdateStat", needsSequence, unserved},
		"getmailboxurl":     {"GetMailboxUrl", needsSequence, unserved},
		"getaddressbookurl": {"GetAddressBookUrl", needsSequence, unserved},
	},
}

// unserved refuses a type without content of ours: code 5 is the transport's own
// word for a type that a server does not serve, and unlike an error inside a
// ROP buffer it cannot be taken for an answer about mail.
func unserved(*Door, *request, *session) answer { return answer{code: codeInvalidRequestType} }
