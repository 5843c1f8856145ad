"""A site that keeps 1.5 million short strings: what is loaded once and only read after that."""

WORDS = ["word number %d" % number for number in range(1_500_000)]


def application(environ, start_response):
    word = WORDS[hash(environ["PATH_INFO"]) % len(WORDS)].encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(word)))])
    return [word]
