// Package jwt is what Exchange asks of a token by the token alone: its form and
// lifetime, the audience that it names, what kind of token it is, and the permissions
// that each protocol wants of it (reference: OAuthHttpModule in the front end's
// configuration). The validator of the on-premises half and whoever explains a token offline judge by
// it, so that they cannot disagree.
//
// It verifies no signature and knows no organisation, no key and no person. Start
// reading at Parse, then Demand.
package jwt
