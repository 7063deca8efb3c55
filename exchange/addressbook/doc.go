// Package addressbook holds what several doors need to know about names: the
// global address list, made from the organisation's recipients without those that
// are hidden, in an order and with ids that do not change, and with a sequence
// number that grows only when its content does (the offline address book is
// that list as a file). It resolves what somebody typed to entries of the list,
// and groups to their members.
//
// It refuses to know configuration objects, protocols and mail, and it never
// shows a client a recipient that is hidden from address lists. Start reading at
// Book, then List and List.Find; Expand.
package addressbook
