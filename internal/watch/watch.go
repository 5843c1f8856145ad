package watch

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/fsnotify/fsnotify"
)

// Watcher watches files until it is closed.
type Watcher struct {
	// A burst is over when nothing has happened for this long, or when it has
	// lasted for that long.
	quiet, longest time.Duration

	log     *slog.Logger
	kernel  *fsnotify.Watcher
	changes chan string
	ended   chan struct{} // run has returned

	mu   sync.Mutex // guards what follows
	set  set
	dirs map[string]bool      // that the kernel watches
	seen map[string]time.Time // when files that matter were changed last
}

// New returns a watcher of nothing. The error is one sentence.
func New(log *slog.Logger) (*Watcher, error) {
	return newWatcher(log, 75*time.Millisecond, 500*time.Millisecond)
}

func newWatcher(log *slog.Logger, quiet, longest time.Duration) (*Watcher, error) {
	kernel, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, refusal(err)
	}
	w := &Watcher{
		quiet: quiet, longest: longest,
		log: log, kernel: kernel, changes: make(chan string, 1), ended: make(chan struct{}),
		dirs: map[string]bool{}, seen: map[string]time.Time{},
	}
	go w.run()
	return w, nil
}

// Changes gets a path for each burst of changes, the first that changed. One
// burst is kept until somebody looks; it is never closed.
func (w *Watcher) Changes() <-chan string { return w.changes }

// Close ends the watcher.
func (w *Watcher) Close() {
	w.kernel.Close()
	<-w.ended
}

// Watch replaces what is watched: files, and patterns such as conf/**/*.yaml,
// of which relative ones count from here. They need not exist yet. missed is one
// of them that was written after since, when perhaps nobody was watching it; ""
// for none. The error is one sentence; what can be watched is watched even then.
func (w *Watcher) Watch(files, patterns []string, since time.Time) (missed string, err error) {
	next, err := newSet(files, patterns)
	if err != nil {
		return "", err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.set = next
	_, err = w.follow()
	for path, written := range w.seen {
		if written.After(since) && w.set.has(path) {
			missed = path
		}
	}
	return missed, err
}

// follow makes the kernel watch the folders where the set is. It returns a file
// that has come or gone with its folder.
func (w *Watcher) follow() (changed string, err error) {
	// Folders may be made in one before it is watched: until there are no more.
	for added := true; added; {
		added = false
		wanted := w.set.locate()
		for dir := range w.dirs {
			if !wanted[dir] {
				_ = w.kernel.Remove(dir) // it may be gone
				delete(w.dirs, dir)
				changed = cmp.Or(changed, w.lost(dir))
			}
		}
		for dir := range wanted {
			if w.dirs[dir] {
				continue
			}
			if addErr := w.kernel.Add(dir); addErr != nil {
				if !errors.Is(addErr, os.ErrNotExist) {
					err = refusal(addErr)
				}
				continue
			}
			w.dirs[dir], added = true, true
			changed = cmp.Or(changed, w.look(dir))
		}
	}
	return changed, err
}

// lost returns a file of the set that has gone with its folder.
func (w *Watcher) lost(dir string) string {
	for file := range w.set.files {
		if filepath.Dir(file) == dir && w.note(file) {
			return file
		}
	}
	return ""
}

// look notes the times of a folder's files, and returns one that has changed
// since they were noted last.
func (w *Watcher) look(dir string) (changed string) {
	entries, _ := os.ReadDir(dir) // if it is gone again, the kernel says so
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		if !w.set.has(path) && !isModule(path) {
			continue
		}
		if w.note(path) && w.set.has(path) {
			changed = path
		}
	}
	return changed
}

// note remembers the time of a file and tells whether it is another one.
func (w *Watcher) note(path string) (another bool) {
	before := w.seen[path]
	info, err := os.Stat(path)
	if err != nil {
		delete(w.seen, path)
		return !before.IsZero()
	}
	w.seen[path] = info.ModTime()
	return !info.ModTime().Equal(before)
}

// run turns events into changes.
func (w *Watcher) run() {
	defer close(w.ended)
	var changed string // in the present burst
	var calm, end <-chan time.Time
	add := func(path string) {
		if path == "" {
			return
		}
		if changed == "" {
			changed, end = path, time.After(w.longest)
		}
		calm = time.After(w.quiet)
	}
	for {
		select {
		case event, open := <-w.kernel.Events:
			if !open {
				return
			}
			add(w.happened(event))
			continue
		case err, open := <-w.kernel.Errors:
			switch {
			case !open:
				return
			case errors.Is(err, fsnotify.ErrEventOverflow):
				add("more files than the system can tell")
			default:
				w.complain(err)
			}
			continue
		case <-calm:
		case <-end:
		}
		select {
		case w.changes <- changed:
		default: // the one before was not looked at yet
		}
		changed, calm, end = "", nil, nil
	}
}

// happened returns the path that an event changed, or "" if it does not matter.
func (w *Watcher) happened(event fsnotify.Event) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	path := event.Name
	gone := event.Has(fsnotify.Remove) || event.Has(fsnotify.Rename)
	made := event.Has(fsnotify.Create)
	switch {
	case gone && w.dirs[path]:
		delete(w.dirs, path) // the kernel has forgotten it
		lost := w.lost(path)
		return cmp.Or(lost, w.catchUp())
	case made && isDir(path):
		if isDull(filepath.Base(path)) {
			return "" // Python makes many when it first imports
		}
		return w.catchUp()
	case w.set.has(path):
		if another := w.note(path); event.Op == fsnotify.Chmod && !another {
			return "" // its mode, or its number of links
		}
		return path
	case made && isModule(path) && w.seen[path].IsZero():
		w.note(path)
		w.set.add(path)
		return path
	}
	return ""
}

// catchUp is follow when folders have come and gone.
func (w *Watcher) catchUp() (changed string) {
	changed, err := w.follow()
	if err != nil {
		w.complain(err)
	}
	return changed
}

func (w *Watcher) complain(err error) {
	w.log.Warn("some files cannot be watched", "event", "reload.blind", "error", err.Error())
}

func isDir(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.IsDir()
}

// refusal says what the system's error means here and what to do.
func refusal(err error) error {
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return errors.New("this user may watch no more folders: raise fs.inotify.max_user_watches with sysctl, or start without --reload")
	case errors.Is(err, syscall.EMFILE):
		return errors.New("this user may have no more watchers: raise fs.inotify.max_user_instances with sysctl, or start without --reload")
	}
	return fmt.Errorf("files cannot be watched: %w: start without --reload", err)
}
