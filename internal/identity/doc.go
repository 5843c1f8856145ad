// Package identity turns --user, --group, --initgroups and --umask into what
// starts a worker as that user.
//
// Gowsgi itself stays who it is: it opens low ports again at a reload, writes
// its pid file and removes its sockets. Workers are another user from their
// first instruction on, before Python or the application's files are touched,
// because the kernel changes them between fork and exec (syscall.Credential).
//
// Compared with Gunicorn:
//
//   - The group is the user's own unless --group says otherwise. Gunicorn leaves
//     the group of whoever starts it, which is root's.
//   - Without --initgroups a worker has no groups but that one. Gunicorn leaves
//     it those of root.
//   - HOME, USER and LOGNAME are the user's, as systemd and su make them.
//     Gunicorn leaves root's, and what looks for ~/.cache fails on /root.
//   - The umask is that of whoever starts gowsgi unless --umask sets it.
//     Gunicorn's default is 0.
//
// # Names
//
// gowsgi is built without cgo, so os/user reads /etc/passwd and /etc/group and
// asks no LDAP or SSSD. Their users can be given as numbers, with --group.
package identity
