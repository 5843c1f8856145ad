#ifndef GOWSGI_GIL_FORK_H
#define GOWSGI_GIL_FORK_H

/* 1 in a child process made by fork(): Go does not run there, and no thread exists
 * but the one that forked. */
extern int gowsgi_forked;

/* From now on forks are noticed. GIL: either. An errno, 0 is success. */
int gowsgi_watch_forks(void);

#endif
