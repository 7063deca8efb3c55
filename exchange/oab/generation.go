package oab

import (
	"crypto/sha1"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"time"

	"hma/exchange/addressbook"
	"hma/exchange/org"
	"hma/wire/guid"
	"hma/wire/oabfile"
)

// file is one file of a generation as it is served.
type file struct {
	name         string
	contentType  string
	data         []byte
	size         int    // uncompressed
	sha1         string // of data in hexadecimal: what a manifest names, and the ETag
	lastModified time.Time
}

// generation is the manifest and the files of one state of the address list: immutable.
type generation struct {
	organisation guid.GUID
	sequence     uint32
	manifest     *file
	files        map[string]*file
}

// kinds are what the file calls the types of recipients; the others are mail users.
var kinds = map[org.RecipientType]oabfile.Kind{org.TypeRoom: oabfile.Room, org.TypeEquipment: oabfile.Equipment,
	org.TypeDistributionGroup: oabfile.Group, org.TypeRoomList: oabfile.Group}

// generate makes the files of a list. Every server of the organisation makes the
// same bytes of the same list.
func generate(organisation guid.GUID, list *addressbook.List) (*generation, error) {
	id := addressbook.ListGUID(organisation)
	records := make([]oabfile.Record, len(list.Entries))
	for i, e := range list.Entries {
		proxies := []string{"SMTP:" + e.PrimarySMTP}
		for _, a := range e.Addresses {
			proxies = append(proxies, "smtp:"+a)
		}
		records[i] = oabfile.Record{
			Kind: kinds[e.Type], EmailAddress: e.LegacyDN, SMTPAddress: e.PrimarySMTP, DisplayName: e.DisplayName, Account: e.Alias,
			GivenName: e.GivenName, Surname: e.Surname, ProxyAddresses: proxies, ObjectGUID: e.GUID,
		}
	}
	full := oabfile.Full(oabfile.Book{Name: `\` + addressbook.Name, DN: "/", Sequence: list.Sequence, Container: id}, records)
	data, err := packed(fmt.Sprintf("%s-data-%d.lzx", id, list.Sequence), full, list.Made)
	if err != nil {
		return nil, err
	}
	template, err := packed(fmt.Sprintf("%s-lng0409-%d.lzx", id, oabfile.TemplateVersion), oabfile.Template(), list.Made)
	if err != nil {
		return nil, err
	}
	manifest, err := makeManifest(id, list, data, template)
	if err != nil {
		return nil, err
	}
	return &generation{organisation: organisation, sequence: list.Sequence, manifest: manifest,
		files: map[string]*file{data.name: data, template.name: template}}, nil
}

func packed(name string, raw []byte, made time.Time) (*file, error) {
	data, err := oabfile.Pack(raw)
	if err != nil {
		return nil, err
	}
	return newFile(name, "application/octet-stream", data, len(raw), made), nil
}

func newFile(name, contentType string, data []byte, size int, made time.Time) *file {
	sum := sha1.Sum(data) // the hash that the manifest's format has (MS-OXWOAB)
	return &file{name: name, contentType: contentType, data: data, size: size, sha1: hex.EncodeToString(sum[:]), lastModified: made}
}

// manifest is the document oab.xml (MS-OXWOAB).
type manifest struct {
	XMLName xml.Name `xml:"OAB"`
	OAL     struct {
		ID        string          `xml:"id,attr"`
		DN        string          `xml:"dn,attr"`
		Name      string          `xml:"name,attr"`
		Full      manifestFile    `xml:"Full"`
		Templates []manifestEntry `xml:"Template"`
	}
}

type manifestFile struct {
	Seq              uint32 `xml:"seq,attr"`
	Ver              int    `xml:"ver,attr"`
	Size             int    `xml:"size,attr"`
	UncompressedSize int    `xml:"uncompressedsize,attr"`
	SHA              string `xml:"SHA,attr"`
	Name             string `xml:",chardata"`
}

type manifestEntry struct {
	LangID string `xml:"langid,attr"`
	Type   string `xml:"type,attr"`
	manifestFile
}

func makeManifest(id guid.GUID, list *addressbook.List, data, template *file) (*file, error) {
	describe := func(f *file, seq uint32, version int) manifestFile {
		return manifestFile{Seq: seq, Ver: version, Size: len(f.data), UncompressedSize: f.size, SHA: f.sha1, Name: f.name}
	}
	var m manifest
	m.OAL.ID, m.OAL.DN, m.OAL.Name = id.String(), "/", `\`+addressbook.Name
	m.OAL.Full = describe(data, list.Sequence, oabfile.Version)
	for _, kind := range []string{"windows", "mac"} {
		// The template never changes: its sequence is its version.
		m.OAL.Templates = append(m.OAL.Templates, manifestEntry{LangID: "0409", Type: kind,
			manifestFile: describe(template, oabfile.TemplateVersion, oabfile.TemplateVersion)})
	}
	text, err := xml.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("make manifest of offline address book: %w", err)
	}
	text = append([]byte(xml.Header), text...)
	return newFile("oab.xml", "text/xml", text, len(text), list.Made), nil
}
