"""The Jupyter server extension: routes, live changes, and a dispatcher that is looked after."""
