package tally

import "maps"

// Sum is what workers that are gone have done, by the path under which they
// served. The zero value is empty.
type Sum struct {
	Mounts map[string]*Figures
	Events map[string]uint64
}

// Fold adds a worker's page.
func (s *Sum) Fold(mount string, p *Page) {
	if s.Mounts == nil {
		s.Mounts, s.Events = map[string]*Figures{}, map[string]uint64{}
	}
	if s.Mounts[mount] == nil {
		s.Mounts[mount] = &Figures{}
	}
	if p != nil {
		s.Mounts[mount].Fold(p.Figures)
		p.Events(s.Events)
	}
}

// Clone is a copy to which live workers can be added.
func (s *Sum) Clone() Sum {
	c := Sum{Mounts: map[string]*Figures{}, Events: map[string]uint64{}}
	for mount, figures := range s.Mounts {
		copied := *figures
		c.Mounts[mount] = &copied
	}
	maps.Copy(c.Events, s.Events)
	return c
}
