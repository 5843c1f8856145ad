package tally

import "maps"

// Sum is what workers that are gone have done, by the mounts that they served. The zero
// value is empty.
type Sum struct {
	Mounts map[string]*Figures
	Events map[string]uint64
}

// Fold adds a worker's page; mounts are what its applications are called, by number.
func (s *Sum) Fold(mounts []string, p *Page) {
	if s.Mounts == nil {
		s.Mounts, s.Events = map[string]*Figures{}, map[string]uint64{}
	}
	for application, mount := range mounts {
		if s.Mounts[mount] == nil {
			s.Mounts[mount] = &Figures{}
		}
		if p != nil {
			s.Mounts[mount].Fold(p.Of(application))
		}
	}
	p.Events(s.Events)
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
