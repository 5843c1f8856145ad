"""Has the server send files, as Flask does with USE_X_SENDFILE.

Proves that send_from_directory's fields go with the file, and that what Flask itself
makes of conditions and ranges does not stand in the way. $DATA is the folder.
"""

import os

import flask

application = flask.Flask(__name__)
application.config["USE_X_SENDFILE"] = True


@application.get("/download/<name>")
def download(name):
    return flask.send_from_directory(os.environ["DATA"], name, as_attachment=True)
