// Package watch tells when the files of an application change.
//
// It watches folders and not files: an editor saves by writing another file and
// renaming it, and what watched the old one would not hear of it. A folder that
// is gone, as in the middle of a git checkout, is waited for in the one above.
//
// One change is reported for a burst: a save is up to five events, a checkout
// thousands, and the application is loaded once. A change is one of
//
//   - a file of the set, or one that matches a pattern: written, renamed,
//     removed, made, or touched (its time has changed);
//   - a new .py file beside those of the set: the module that was missing. From
//     then on it counts as one of the set.
//
// What Python writes while it imports does not count.
//
// fsnotify listens to the kernel. Its peers poll (radovskyb/watcher) or are no
// longer kept (rjeczalik/notify). doublestar matches the patterns, since
// path.Match has no **.
package watch
