"""The site's pages."""

import csv
import os
import platform
import threading

import django
from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import FileResponse, Http404, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from notes.models import Note


class NoteForm(forms.ModelForm):
    class Meta:
        model = Note
        fields = ["title", "text", "attachment"]


def home(request):
    """Show the newest notes and what serves this page."""
    request.session["visits"] = request.session.get("visits", 0) + 1
    facts = {
        "Django": django.get_version(),
        "Python": platform.python_version(),
        "Server": request.META.get("SERVER_SOFTWARE", ""),
        "Protocol": request.META["SERVER_PROTOCOL"],
        "Process": os.getpid(),
        "Thread": threading.current_thread().name,
        "Your visits": request.session["visits"],
    }
    notes = Note.objects.select_related("author")[:20]
    return render(request, "notes/home.html", {"notes": notes, "facts": facts})


@login_required
def new(request):
    """Write a note."""
    form = NoteForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        form.instance.author = request.user
        note = form.save()
        messages.success(request, "Your note was kept.")
        return redirect("note", note.id)
    return render(request, "notes/new.html", {"form": form})


def note(request, number):
    """Show one note."""
    return render(request, "notes/note.html", {"note": get_object_or_404(Note, id=number)})


def attachment(request, number):
    """Send a note's file."""
    note = get_object_or_404(Note, id=number)
    if not note.attachment:
        raise Http404
    return FileResponse(note.attachment.open(), as_attachment=True)


class Line:
    """What csv.writer writes to: it returns the line instead of keeping it."""

    def write(self, line):
        return line


def table(request):
    """Send all notes as one line each, while they are read from the database."""
    writer = csv.writer(Line())
    notes = Note.objects.order_by("id").values_list("id", "title", "author__username")
    lines = (writer.writerow(row) for row in notes.iterator())
    return StreamingHttpResponse(lines, content_type="text/csv")
