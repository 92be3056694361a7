"""Runtime clients: programs that run a handler, one for each language; the deploy imports none of them."""
