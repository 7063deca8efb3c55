// Package oabfile writes the files of an offline address book (MS-OXOAB): the
// version 4 full details file, the display template file, and the compressed
// container that both travel in.
//
// It refuses to know where people come from, and it makes no differential
// files. It does not read. Start reading at Full, then Pack.
package oabfile
