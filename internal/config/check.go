package config

import (
	"slices"
	"strconv"
	"strings"
)

// check looks at what no setting can see alone: what is missing for the
// action, and what does not go together.
func (l *loader) check(action Action) {
	l.checkTarget(action)
	l.checkMounts()
	l.checkHosts()
	l.checkBind()
	l.checkPeers()
	l.checkPid()
	l.checkJitter()
	l.checkDebug()
	l.checkInitgroups()
	l.checkWarmup()
	l.checkOwnPaths()
	l.checkTmpDir()
	l.checkTLS()
	l.checkFiles()
	l.checkResponses()
	l.checkAccess()
	l.checkACME()
}

// checkTarget asks for a target, unless it may stand in what could not be
// read. Whether it is well formed, and there, the worker finds out.
func (l *loader) checkTarget(action Action) {
	if action != Serve && action != CheckConfig || l.blind || l.refused["target"] {
		return
	}
	if strings.TrimSpace(l.settings.Target) == "" && len(l.settings.Mounts) > 0 {
		return
	}
	if strings.TrimSpace(l.settings.Target) == "" {
		l.complain(wholeLine, "target", "no application given; name one, such as gowsgi "+exampleTarget)
		return
	}
	l.checkWord()
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

// checkJitter: who asks for jitter believes that something is limited.
func (l *loader) checkJitter() {
	s := l.settings
	missing := func(jitter, limit string) {
		l.complain(l.origin[jitter], jitter, "has nothing to add to, since "+limit+" is 0; set that, too, or leave this out")
	}
	if s.MaxRequestsJitter > 0 && s.MaxRequests == 0 && !l.refused["max_requests"] {
		missing("max_requests_jitter", "max_requests")
	}
	if s.MaxLifetimeJitter > 0 && s.MaxLifetime == 0 && !l.refused["max_lifetime"] {
		missing("max_lifetime_jitter", "max_lifetime")
	}
}

// checkDebug: --debug over a file with workers = 4 is how an application is
// debugged; asking for several workers where debug was asked for is a mistake.
func (l *loader) checkDebug() {
	for _, several := range []struct {
		key    string
		number int
	}{{"workers", l.settings.Workers}, {"threads", l.settings.Threads}} {
		source := l.origin[several.key]
		if !l.settings.Debug || several.number == 1 || source == "" ||
			strength(source) == strengthPlatform || strength(source) < strength(l.origin["debug"]) {
			continue
		}
		l.complain(l.origin["debug"], "debug", "there is one worker with one thread, but "+several.key+" ("+source+") says "+
			strconv.Itoa(several.number)+"; leave out one or the other")
	}
}

// settleDebug makes the settings what debug says they are.
func (l *loader) settleDebug() {
	if s := &l.settings; s.Debug {
		s.Workers, s.Threads = 1, 1
		s.Timeout, s.QueueTimeout, s.StartupTimeout, s.DeadlockTimeout, s.SlowRequestThreshold = 0, 0, 0, 0, 0
	}
}

// How much a source counts, weakest first.
const (
	strengthFile = iota
	strengthPlatform
	strengthGunicorn
	strengthVariable
	strengthCommandLine
)

func strength(source string) int {
	switch {
	case strings.HasPrefix(source, "$"+gunicornVariable):
		return strengthGunicorn
	case strings.HasPrefix(source, "$"+variablePrefix):
		return strengthVariable
	case strings.HasPrefix(source, "$"):
		return strengthPlatform
	case strings.HasPrefix(source, "-"):
		return strengthCommandLine
	default:
		return strengthFile
	}
}

// heartbeats is where Gunicorn's documentation puts the files by which its workers
// show that they live. In containers there is next to no room for anything else.
const heartbeats = "/dev/shm"

func (l *loader) checkTmpDir() {
	if l.settings.WorkerTmpDir == heartbeats {
		l.settings.WorkerTmpDir = ""
		l.notes = append(l.notes, Note{Text: l.origin["worker_tmp_dir"] + ": " + heartbeats + " is for Gunicorn's heartbeat files and has no meaning here: " +
			"temporary files go to $TMPDIR or /tmp, unless a folder on a disk is named"})
	}
}

func (l *loader) checkInitgroups() {
	if l.settings.Initgroups && l.settings.User == "" && !l.refused["user"] {
		l.complain(l.origin["initgroups"], "initgroups", "is for the groups of user, and there is none; name one, or leave this out")
	}
}

// checkWarmup: what is below no mount is answered with a 404, and no worker would
// ever start.
func (l *loader) checkWarmup() {
	warmup := l.settings.Warmup
	if warmup == "" {
		return
	}
	path, _, _ := strings.Cut(warmup, "?")
	all := l.settings.Applications()
	for _, m := range all {
		if m.Path == "" || path == m.Path || strings.HasPrefix(path, m.Path+"/") {
			return
		}
	}
	mount := all[0].Path
	l.complain(l.origin["warmup"], "warmup", shown(warmup)+" is not below the mount; write "+shown(mount+warmup))
}
