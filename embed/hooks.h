/* The application's hooks into the life of a worker. */
#ifndef GOWSGI_EMBED_HOOKS_H
#define GOWSGI_EMBED_HOOKS_H

int gowsgi_hooks_start(void);
void gowsgi_hooks_stop(void);

#endif
