package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/gowsgi/gowsgi/internal/config"
	"github.com/gowsgi/gowsgi/internal/identity"
)

// planRows are the effective settings in the order in which people ask for
// them: a name each, and its values.
func planRows(plan found, invocation config.Invocation) [][]string {
	s := plan.settings
	folder := s.Chdir
	if folder == "" {
		folder, _ = os.Getwd() // no folder is no news here
	}
	rows := append(applications(s, folder), [][]string{
		{"CPython", plan.python.Version + ", " + plan.python.Prefix, "found by " + plan.python.From},
		append([]string{"listening on"}, addresses(s)...),
		{"workers", workers(s)},
		{"user", account(s, plan.who)},
		{"log", logs(s)},
		{"timeouts", timeouts(s)},
		{"settings from", sources(invocation.ConfigFile)},
	}...)
	if files := servedFiles(s); len(files) > 0 {
		rows = append(rows, append([]string{"files"}, files...))
	}
	if len(s.ServerName) > 0 {
		rows = append(rows, []string{"certificates", "obtained for " + strings.Join(s.ServerName, ", ") + " from " + s.ACMEDirectory + ", whose terms of service are agreed to", "kept in " + s.ACMEStorage})
	}
	if plan.who.Warning != "" {
		rows = append(rows, []string{"note", plan.who.Warning})
	}
	for _, note := range invocation.Notes {
		rows = append(rows, []string{"note", note.Text})
	}
	return rows
}

// servedFiles are the files that the application has no part in.
func servedFiles(s config.Settings) (all []string) {
	for _, item := range s.Static {
		path, folder := config.Mapping(item)
		if path == "" {
			all = append(all, "where Django's settings say")
			continue
		}
		all = append(all, path+"/… from "+folder)
	}
	for _, m := range s.Mounts {
		for _, item := range m.Static {
			path, folder := config.Mapping(item)
			all = append(all, strings.TrimSuffix(m.Name(), "/")+path+"/… from "+folder)
		}
	}
	if s.DocumentRoot != "" {
		all = append(all, "/… from "+s.DocumentRoot+", else the application")
	}
	for _, item := range s.SendfileRoot {
		path, folder := config.Mapping(item)
		if path == "" {
			all = append(all, "below "+folder+" with X-Sendfile")
			continue
		}
		all = append(all, path+"/… from "+folder+" with X-Accel-Redirect")
	}
	return all
}

// applications are what is served, and for which hosts.
func applications(s config.Settings, folder string) [][]string {
	var rows [][]string
	if s.Target != "" {
		rows = append(rows, []string{"application", s.Target + below(s.Mount), "in " + folder})
	}
	mounts := []string{"mounts"}
	for _, m := range s.Mounts {
		mounts = append(mounts, m.Name()+": "+m.Target)
	}
	if len(mounts) > 1 {
		rows = append(rows, mounts)
	}
	if len(s.AllowedHosts) > 0 {
		rows = append(rows, []string{"hosts", strings.Join(s.AllowedHosts, ", ")})
	}
	return rows
}

func below(mount string) string {
	if mount == "" {
		return ""
	}
	return " below " + mount
}

func addresses(s config.Settings) []string {
	var all []string
	scheme := "http://"
	if s.TLS() {
		scheme = "https://"
	}
	for _, bind := range s.Bind {
		if !strings.HasPrefix(bind, "unix:") && !strings.HasPrefix(bind, "fd://") {
			bind = scheme + bind
		}
		all = append(all, bind)
	}
	for _, bind := range s.RedirectBinds() {
		all = append(all, "http://"+bind+", which redirects to https")
	}
	return all
}

func workers(s config.Settings) string {
	return count(s.Workers, "worker") + " with " + count(s.Threads, "thread") + " each"
}

// count is a number of things.
func count(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return strconv.Itoa(n) + " " + thing
}

func account(s config.Settings, who identity.Identity) string {
	if who.Credential == nil {
		return "whoever starts gowsgi, now number " + strconv.Itoa(os.Geteuid())
	}
	text := fmt.Sprintf("number %d, group %d", who.UID, who.GID)
	if s.User != "" && s.User != strconv.Itoa(who.UID) {
		text = s.User + ", " + text
	}
	if s.Initgroups {
		text += " and all groups of the user"
	}
	return text
}

func logs(s config.Settings) string {
	to := file(s.ErrorLogfile, "standard error")
	if s.LogSyslog {
		to = "syslog at " + s.LogSyslogTo
	}
	access := "no access log"
	if s.AccessLogfile != "" {
		access = "access log to " + file(s.AccessLogfile, "standard output")
	}
	return s.LogFormat + " from level " + s.LogLevel + " to " + to + "; " + access
}

// file is a log file for people; - is a stream.
func file(path, stream string) string {
	if path == "-" {
		return stream
	}
	return path
}

func timeouts(s config.Settings) string {
	var all []string
	for _, t := range []struct {
		name string
		time time.Duration
	}{
		{"start", s.StartupTimeout},
		{"queue", s.QueueTimeout},
		{"request", s.Timeout},
		{"header", s.HeaderTimeout},
		{"body", s.BodyTimeout},
		{"write", s.WriteTimeout},
		{"keep-alive", s.KeepAlive},
		{"stop", s.GracefulTimeout},
	} {
		text := "none"
		if t.time > 0 || t.name == "keep-alive" || t.name == "stop" { // there 0 is no time at all
			text = strconv.FormatFloat(t.time.Seconds(), 'g', -1, 64) + " s"
		}
		all = append(all, t.name+" "+text)
	}
	return strings.Join(all, ", ")
}

func sources(configFile string) string {
	if configFile == "" {
		return "environment and command line; there is no file"
	}
	return configFile + ", environment and command line"
}
