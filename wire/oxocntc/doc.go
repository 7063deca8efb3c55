// Package oxocntc has the packed forms of contact objects (MS-OXOCNTC): the
// members of a private distribution list.
//
// It refuses what it does not understand, and keeps nothing between calls. Start
// reading at Member.
package oxocntc
