package oabfile

// TemplateVersion is that of a display template file (MS-OXOAB 2.2).
const TemplateVersion = 7

// Template returns a display template file without templates: clients that look
// for one find it, and use their own dialogs (MS-OXOAB 2.2: a header, seven
// entries of 32 bytes, a structure of names, and no data).
func Template() []byte {
	const entries, names, tail = 7 * 32, 16, 4
	out := appendUint32(nil, TemplateVersion, 0, 0)
	return append(out, make([]byte, entries+names+tail)...)
}
