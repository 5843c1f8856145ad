package config

import (
	"slices"
	"strings"
)

// check looks at what no setting can see alone: what is missing for the
// action, and what does not go together.
func (l *loader) check(action Action) {
	l.checkTarget(action)
	l.checkBind()
	l.checkPeers()
	l.checkPid()
}

// checkTarget asks for a target, unless it may stand in what could not be
// read. Whether it is well formed, and there, the worker finds out.
func (l *loader) checkTarget(action Action) {
	if action != Serve && action != CheckConfig || l.blind || l.refused["target"] {
		return
	}
	if strings.TrimSpace(l.settings.Target) == "" {
		l.complain("command line", "target", "no application given; name one, such as gowsgi myproject.wsgi:application")
	}
}

func (l *loader) checkBind() {
	seen := map[string]bool{}
	for _, a := range l.settings.Bind {
		if seen[a] && !strings.HasSuffix(a, ":0") { // port 0 is another free one each time
			l.complain(l.origin["bind"], "bind", shown(a)+" is given twice; once is enough")
		}
		seen[a] = true
	}
}

func (l *loader) checkPeers() {
	peers := l.settings.ForwardedAllowIPs
	if len(peers) > 1 && slices.Contains(peers, everyPeer) {
		l.complain(l.origin["forwarded_allow_ips"], "forwarded_allow_ips",
			"* trusts every address, the others say that only some are trusted; leave out one or the other")
	}
}

// checkPid keeps the pid file from writing over something else.
func (l *loader) checkPid() {
	s := l.settings
	if s.Pid == "" {
		return
	}
	clash := func(key string) {
		message := "the pid file is the same file as " + key
		if source := l.origin[key]; source != "" {
			message += " (" + source + ")"
		}
		l.complain(l.origin["pid"], "pid", message+"; give it another path")
	}
	if s.Pid == s.ErrorLogfile {
		clash("error_logfile")
	}
	if s.Pid == s.AccessLogfile {
		clash("access_logfile")
	}
	if slices.Contains(s.Bind, "unix:"+s.Pid) {
		clash("bind")
	}
}
