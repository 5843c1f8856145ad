"""One view under two addresses, so that the template has something to reverse."""

from django.shortcuts import render
from django.urls import path

ARTICLES = [{"id": number, "title": f"Article <{number}>", "votes": number * 7} for number in range(10)]


def page(request, article=None):
    return render(request, "page.html", {"articles": ARTICLES, "article": article})


urlpatterns = [
    path("", page, name="index"),
    path("article/<int:article>/", page, name="article"),
]
