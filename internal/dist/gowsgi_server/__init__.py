"""gowsgi, a server for Python web applications: the command gowsgi."""
