package main

import (
	"cmp"
	"context"
	"os"
	"slices"
	"time"

	"github.com/gowsgi/gowsgi/internal/bundle"
	"github.com/gowsgi/gowsgi/internal/config"
	"github.com/gowsgi/gowsgi/internal/control"
	"github.com/gowsgi/gowsgi/internal/identity"
	"github.com/gowsgi/gowsgi/internal/python"
	"github.com/gowsgi/gowsgi/internal/supervisor"
)

// found is what the settings lead to on this machine.
type found struct {
	settings config.Settings // with absolute paths, and in Env what the user brings
	who      identity.Identity
	python   control.Python
	folder   *bundle.Folder // of a bundle; else nil
}

// find looks up who the workers are to be and which Python the application has.
// There is a worker for that Python. Nothing is opened or written, but a bundle is
// unpacked. late is told if it takes its time.
func find(ctx context.Context, site *bundle.Site, settings config.Settings, late func(interpreter string, patience time.Duration)) (found, error) {
	who, err := identity.Resolve(settings)
	if err != nil {
		return found{}, config.Wrong(err)
	}
	if site != nil {
		plan, err := findInBundle(ctx, site, settings, who)
		if err != nil {
			return plan, err
		}
		plan.settings.Env = slices.Concat(who.Env, plan.settings.Env)
		plan.settings, err = withFolders(plan.settings)
		return plan, err
	}
	if settings, err = withFolders(settings); err != nil {
		return found{}, err
	}
	where := python.Where{Venv: settings.Venv, Program: os.Args[0], Folder: cmp.Or(settings.Chdir, "."), Late: late}
	asked, err := python.FindAs(ctx, where, who.Credential, who.Env)
	if err != nil {
		return found{}, err
	}
	if err := python.Inside().Check(asked); err != nil {
		return found{}, err
	}
	settings.Env = slices.Concat(who.Env, settings.Env) // what the user says with --env is stronger
	return found{settings: settings, who: who, python: asked}, nil
}

func (f found) deployment(program *python.Program) supervisor.Deployment {
	return supervisor.Deployment{Settings: f.settings, Python: f.python, Program: program, Identity: f.who}
}
