// Package authtest is what tests of everything behind the validator share: a
// key with its certificate, an organisation and its people in memory, tokens by
// their claims, and the table of hostile tokens.
//
// It is for tests alone. Start reading at Env, then Cases.
package authtest
