"""Where the notes are."""

from django.urls import path

from notes import views

urlpatterns = [
    path("", views.home, name="home"),
    path("notes/new/", views.new, name="new"),
    path("notes/<int:number>/", views.note, name="note"),
    path("notes/<int:number>/attachment/", views.attachment, name="attachment"),
    path("notes.csv", views.table, name="table"),
]
