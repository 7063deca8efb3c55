// Package aadsts is the one table of the cloud's sign-in error codes
// (AADSTS...): which OAuth 2.0 error and HTTP status a code goes with, what it
// means and how to put it right. The token service answers from it and `hma
// explain` reads from it. The texts are this project's own; clients branch on
// the error and suberror words, never on the number or the text.
//
// It decides nothing and knows no request. Start reading at Entry, then table.go.
package aadsts
