//go:build !linux

package server

import (
	"github.com/gowsgi/gowsgi/embed"
	"github.com/gowsgi/gowsgi/internal/config"
	"github.com/gowsgi/gowsgi/internal/exchange"
)

// openLane does nothing: there is no epoll.
func (s *Server) openLane(*embed.Application, config.Settings, exchange.Hooks, bool) error {
	return nil
}
