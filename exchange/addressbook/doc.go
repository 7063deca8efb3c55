// Package addressbook holds what several doors need to know about names: the
// global address list, made from the organisation's people without those that
// are hidden, in an order and with ids that do not change, and with a sequence
// number that grows only when its content does (the offline address book is
// that list as a file).
//
// It refuses to know configuration objects, protocols and mail, and it never
// shows a client a person who is hidden from address lists. Start reading at
// Book, then List.
package addressbook
