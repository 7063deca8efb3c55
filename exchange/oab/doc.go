// Package oab is the offline address book door (MS-OXWOAB): the manifest
// oab.xml and the files that it names (MS-OXOAB), made from the global address
// list when somebody asks and kept until the list changes.
//
// It refuses to decide who is in the list (addressbook does) and to make
// differential files: a client without the newest full file loads it whole.
// Start reading at Door.ServeDoor, then generation.
package oab
