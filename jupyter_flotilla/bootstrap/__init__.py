"""What runs first inside a container. Standard library only, Python 3.8 and later.

Nobody on the host imports this: engines read its source and ship it.
"""
