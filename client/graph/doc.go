// Package graph speaks to Microsoft Graph, or to the cloud half's subset of it,
// from outside: it reads the service principal that holds the SPNs and reply
// URLs, replaces one of these two lists, and reads people, the organisation and
// its domains.
//
// It refuses to merge lists (whoever calls decides what the whole list is), to
// repeat a write, and to keep tokens. Start reading at New, then
// ServicePrincipal and Error.
package graph
