"""manage.py demo: someone who may sign in, and something to look at."""

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand

from notes.models import Note

NOTES = {
    "Welcome": "Sign in to write a note of your own, or change this one in the admin.",
    "Uploads": "A note may bring a file. Small or large, it is read before a Python thread is busy with it.",
    "Streams": "All notes are one CSV file, sent line by line while the database is read.",
}


class Command(BaseCommand):
    help = "Creates a demo superuser and a few notes, unless they are there."

    def add_arguments(self, parser):
        parser.add_argument("--user", default="demo")
        parser.add_argument("--password", default="demo")

    def handle(self, *args, user, password, **options):
        author = get_user_model().objects.filter(username=user).first()
        if author is None:
            author = get_user_model().objects.create_superuser(user, "", password)
            self.stdout.write(f"Sign in as {user}, password {password}.")
        if not Note.objects.exists():
            for title, text in NOTES.items():
                Note.objects.create(title=title, text=text, author=author)
