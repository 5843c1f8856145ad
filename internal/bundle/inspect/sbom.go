package inspect

import (
	"io"
	"path"
	"strings"

	cyclonedx "github.com/CycloneDX/cyclonedx-go"

	"github.com/gowsgi/gowsgi/internal/bundle"
)

// writeSBOM writes what the bundle consists of as a CycloneDX document, without
// dates: the same bundle has the same.
func writeSBOM(site *bundle.Site, w io.Writer) error {
	document := cyclonedx.NewBOM()
	document.Metadata = &cyclonedx.Metadata{Component: &cyclonedx.Component{
		BOMRef: "site", Type: cyclonedx.ComponentTypeApplication, Name: site.Name,
		Hashes: hashes(site.Hash),
	}}
	components := []cyclonedx.Component{
		{
			BOMRef: "gowsgi", Type: cyclonedx.ComponentTypeApplication, Name: "gowsgi", Version: site.Gowsgi,
			PackageURL: "pkg:golang/github.com/gowsgi/gowsgi@" + site.Gowsgi, Licenses: licence("Apache-2.0"), Hashes: hashes(site.Program.SHA256),
		},
		{
			BOMRef: "cpython", Type: cyclonedx.ComponentTypePlatform, Name: "cpython", Version: site.Python.Version,
			PackageURL: "pkg:generic/cpython@" + site.Python.Version, Licenses: licence("PSF-2.0"),
		},
	}
	for _, p := range site.Packages {
		name := strings.ToLower(strings.NewReplacer("_", "-", ".", "-").Replace(p.Name))
		url := "pkg:pypi/" + name + "@" + p.Version
		components = append(components, cyclonedx.Component{
			BOMRef: url, Type: cyclonedx.ComponentTypeLibrary, Name: p.Name, Version: p.Version, PackageURL: url, Licenses: licence(p.Licence),
		})
	}
	for _, file := range site.Files {
		if path.Dir(file.Path) == bundle.LibrariesPath && file.Link == "" && strings.Contains(path.Base(file.Path), ".so") {
			components = append(components, cyclonedx.Component{
				BOMRef: file.Path, Type: cyclonedx.ComponentTypeFile, Name: path.Base(file.Path), Hashes: hashes(file.SHA256),
			})
		}
	}
	document.Components = &components
	encoder := cyclonedx.NewBOMEncoder(w, cyclonedx.BOMFileFormatJSON)
	encoder.SetPretty(true)
	return encoder.Encode(document)
}

func hashes(sum string) *[]cyclonedx.Hash {
	return &[]cyclonedx.Hash{{Algorithm: cyclonedx.HashAlgoSHA256, Value: sum}}
}

// licence is what a package says, which need not be one of SPDX's names.
func licence(text string) *cyclonedx.Licenses {
	if text == "" {
		return nil
	}
	return &cyclonedx.Licenses{{License: &cyclonedx.License{Name: text}}}
}
