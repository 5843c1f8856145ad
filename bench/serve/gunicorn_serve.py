"""Gunicorn's command, for PyInstaller, which makes a program of a script."""

from gunicorn.app.wsgiapp import run

if __name__ == "__main__":
    run()
