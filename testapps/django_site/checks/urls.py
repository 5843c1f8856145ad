"""Where the checks are; see site_parts."""

from django.urls import path

from checks import views

urlpatterns = [
    path("whoami/<int:number>", views.who_am_i),
    path("flavour", views.flavour),
    path("login", views.login),
    path("me", views.me),
    path("logout", views.logout),
    path("form", views.form),
    path("upload", views.upload),
    path("body", views.body),
    path("stream/<int:count>", views.stream),
    path("lockstep", views.lockstep),
    path("download", views.download),
    path("broken", views.broken),
    path("connection", views.connection),
]
