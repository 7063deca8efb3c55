package shell

import (
	"os"
	"path/filepath"
	"strings"

	"hma/wire/psobject"
)

func getChildItem() *cmdlet {
	return &cmdlet{psobject.Command{Name: "Get-ChildItem", Synopsis: "Shows what is in a folder.",
		Params: []psobject.Parameter{at(0, named("Path", "string", "LiteralPath")), at(1, named("Filter", "string"))}}, func(c *call) (*stage, error) {
		return &stage{end: func() error {
			folder := "."
			if c.has("Path") {
				folder = strings.ReplaceAll(c.string("Path"), `\`, "/") // both separate names, on every system
			}
			entries, err := os.ReadDir(folder)
			if err != nil {
				return c.complain(c.fileFailure(c.source.Extent, c.name, err))
			}
			for _, e := range entries {
				if c.has("Filter") && !like(c.string("Filter"), e.Name(), false) {
					continue
				}
				info, err := e.Info()
				if err != nil {
					continue // gone since
				}
				full, err := filepath.Abs(filepath.Join(folder, e.Name()))
				if err != nil {
					return c.complain(c.fileFailure(c.source.Extent, c.name, err))
				}
				o := &object{typ: "System.IO.FileInfo", shown: full, properties: []property{{"Name", e.Name()}, {"FullName", full}, {"LastWriteTime", info.ModTime().UTC()}, {"Length", info.Size()}}}
				if e.IsDir() {
					o.typ, o.properties = "System.IO.DirectoryInfo", o.properties[:3]
				}
				if err := c.out(o); err != nil {
					return err
				}
			}
			return nil
		}}, nil
	}}
}
