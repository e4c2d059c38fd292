"""For tests of Flotilla, of its engines, and of what is built on it. Not imported by it."""
