package store

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"hma/exchange/store/query"
	"hma/wire/guid"
	"hma/wire/mapi"
	"hma/wire/oxocfg"
)

// A configuration is an associated item of a folder, known by its class (MS-OXOCFG
// 2.2.2): IPM.Configuration and a name. A folder has one of a name.
const configurationClass = "IPM.Configuration."

// MaxAssociated is how many associated items a folder can have before no
// configuration is added: looking for one reads them all.
const MaxAssociated = 1000

// Configuration returns a folder's configuration with all its properties, long
// ones resolved. The list of categories in the Calendar is there from the
// beginning: who asks for it first has it made.
func (m *Mailbox) Configuration(ctx context.Context, folder FolderID, name string) (*Item, error) {
	it, err := m.configuration(ctx, folder, name)
	if errors.Is(err, ErrNotFound) && folder.Folder == fixed(RoleCalendar) && strings.EqualFold(name, "CategoryList") {
		props := mapi.Bag{mapi.PidTagRoamingDatatypes: mapi.RoamingXML, mapi.PidTagRoamingXMLStream: oxocfg.DefaultCategories(m.store.opts.Now(), guid.New)}
		if _, err := m.CreateConfiguration(ctx, folder, "CategoryList", props); err != nil && !errors.Is(err, ErrExists) && !errors.Is(err, ErrDenied) {
			return nil, err
		}
		it, err = m.configuration(ctx, folder, name)
	}
	if err != nil {
		return nil, fmt.Errorf("configuration %q of %v: %w", clean(name), folder, err)
	}
	return it, nil
}

func (m *Mailbox) configuration(ctx context.Context, folder FolderID, name string) (*Item, error) {
	page, err := m.List(ctx, Query{Folder: folder, View: AssociatedView, Limit: 1, Want: Want{All: true},
		Where: mapi.Property{Op: mapi.EQ, Tag: mapi.PidTagMessageClass, Value: configurationClass + name}})
	if err != nil {
		return nil, err
	}
	if len(page.Items) == 0 {
		return nil, ErrNotFound
	}
	it := page.Items[0]
	return it, m.Resolve(ctx, it.Props, resolveLimit)
}

// CreateConfiguration adds a configuration to a folder. One that is there is
// ErrExists, more associated items than MaxAssociated are ErrTooMany.
func (m *Mailbox) CreateConfiguration(ctx context.Context, folder FolderID, name string, props mapi.Bag) (Stamp, error) {
	class := clean(configurationClass + name)
	item := NewItem{Folder: folder, Associated: true, Read: true, Props: mapi.Bag{}}
	for tag, v := range props {
		item.Props[tag] = v
	}
	item.Props[mapi.PidTagMessageClass] = class
	stamps, err := m.createItems(ctx, []NewItem{item}, nil, func(w *writer) error {
		var same, all int
		err := w.QueryRow("SELECT COUNT(*) FROM item WHERE mailbox = $1 AND fid = $2 AND assoc = 1 AND class_fold = $3", w.m.id, folder.Folder, query.Fold(class)).Scan(&same)
		if err == nil {
			err = w.QueryRow("SELECT fai_count FROM folder WHERE mailbox = $1 AND fid = $2", w.m.id, folder.Folder).Scan(&all)
		}
		switch {
		case err != nil:
			return noRow(err)
		case same > 0:
			return ErrExists
		case all >= MaxAssociated:
			return ErrTooMany
		}
		return nil
	})
	if err != nil {
		return Stamp{}, fmt.Errorf("configuration %q: %w", clean(name), err)
	}
	return stamps[0], nil
}
