"""Meetings: who may enter, be seen and speak; lobby, consent, chat, matters; signs the grants that media checks."""
