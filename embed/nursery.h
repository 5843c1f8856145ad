/* The nursery: CPython and the application before Go. What Go asks of it in a
 * worker that was forked from one. */
#ifndef GOWSGI_EMBED_NURSERY_H
#define GOWSGI_EMBED_NURSERY_H

int gowsgi_nursery_inherited(const int **fds);
int gowsgi_nursery_adopt(void);

#endif
