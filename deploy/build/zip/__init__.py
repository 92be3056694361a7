"""ZIP files as bases: made from folders, or checked as the app's build left them."""
