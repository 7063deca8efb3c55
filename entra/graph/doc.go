// Package graph is the part of Microsoft Graph v1.0 that the Hybrid Modern
// Authentication how-to and its checks use: service principals (read, and
// PATCH of servicePrincipalNames and replyUrls), people, organisation, domains
// and consent, over the same directory that issues tokens.
//
// It answers callers with a token for Graph that this cloud signed, by scopes
// or app roles, and by directory role where something is changed. A collection
// in a PATCH replaces the stored collection, as in the real service: nothing
// here adds to a list. It refuses everything else with an OData error body.
//
// Start reading at New, then servicePrincipals in serviceprincipals.go;
// filter.go is the $filter language.
package graph
