// Package mapi holds what both sides of a MAPI wire must know: property tags and
// their types, property bags and their packed form, named property
// identification, restrictions, 48-bit counters, entry ids, change keys and
// predecessor change lists.
//
// It is pure: it opens nothing, asks no clock and knows no database. It does not
// judge what a property means for mail; exchange/store and the doors do.
//
// Start reading at Tag, then Bag and Restriction. The structures are those of
// MS-OXCDATA (2.2 ids, 2.11 property types, 2.12 restrictions), MS-OXPROPS (the
// list of properties) and MS-OXCFXICS 2.2.2 (change keys, change lists); the
// packed form of a bag is this project's own.
package mapi
