"""The record of an incident as people read it: a story made from the state and the log, a page, and Markdown."""
