// Keeps the support library linkable while it has no sources of its own.
