package auth

import (
	"context"
	"encoding/base64"
	"strings"
)

// maxBasic bounds a Basic credential in bytes of base64.
const maxBasic = 2048

// basic checks a Basic credential (RFC 7617) where the virtual directory takes it.
func (a *Authenticator) basic(ctx context.Context, f *Facts, credential string) (*Identity, *Denial) {
	if !f.VirtualDirectory.Basic() {
		return nil, a.legacy(f, "Basic where the virtual directory does not take it")
	}
	if len(credential) > maxBasic {
		return nil, a.legacy(f, "Basic credential too long")
	}
	plain, err := base64.StdEncoding.DecodeString(credential)
	if err != nil {
		return nil, a.legacy(f, "Basic credential is no base64")
	}
	login, password, _ := strings.Cut(string(plain), ":")
	person, denial := a.check(ctx, f, login, password)
	if denial != nil {
		return nil, denial
	}
	return a.proven(f, person, "Basic*")
}
