// Package lzx compresses with LZX DELTA (MS-PATCH), the form inside the
// offline address book's files: without reference data, in chunks of 32 KiB
// that each begin with their compressed size.
//
// It refuses more than MaxInput bytes at once, which is what one window holds,
// and it writes no E8 translation and no aligned offset blocks. It does not
// decompress: a server only writes these files. Start reading at Compress.
package lzx
