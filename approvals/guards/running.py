def run_guards(document):
    pass
