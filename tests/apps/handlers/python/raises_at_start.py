def start():
    raise LookupError("no start")


start()
