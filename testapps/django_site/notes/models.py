"""What the site keeps."""

from django.conf import settings
from django.db import models


class Note(models.Model):
    """A note that a signed-in visitor left, with a file if he likes."""

    title = models.CharField(max_length=80)
    text = models.TextField(blank=True)
    attachment = models.FileField(upload_to="attachments/", blank=True)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    written = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-written", "-id"]

    def __str__(self):
        return self.title
