"""A small JSON answer through Flask: routing, one query argument, jsonify."""

from flask import Flask, jsonify, request

application = Flask(__name__)


@application.get("/")
def index():
    name = request.args.get("name", "World")
    return jsonify(
        message=f"Hello, {name}!",
        path=request.path,
        items=[{"id": number, "square": number * number} for number in range(10)],
    )
