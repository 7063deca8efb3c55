package oab

import (
	"net/http"

	"hma/exchange/addressbook"
	"hma/exchange/clientaccess"
)

// Door is the offline address book door. It keeps the newest generation of the
// files and the one before. It is safe for concurrent use.
type Door struct {
	book *addressbook.Book
}

// New returns a door that makes its files from the book's list.
func New(book *addressbook.Book) *Door { return &Door{book: book} }

// ServeDoor answers one request under /OAB.
func (d *Door) ServeDoor(w http.ResponseWriter, r *clientaccess.Request) {
	http.NotFound(w, r.Request)
}
