package sqldb

import "fmt"

// Owned is where Scan puts raw bytes without another copy. What both drivers give is made
// anew for each row, so that it can be kept; TestOwned holds that it is.
type Owned []byte

// Scan implements sql.Scanner.
func (o *Owned) Scan(src any) error {
	switch v := src.(type) {
	case []byte:
		*o = v
	case nil:
		*o = nil
	default:
		return fmt.Errorf("%T is no raw bytes", src)
	}
	return nil
}
