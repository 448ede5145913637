"""Molva: a mesh messenger whose mail is carried by strangers and owned by nobody."""

__version__ = "0.1.0"
