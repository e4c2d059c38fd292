"""Jobs in containers of a Docker daemon on this machine.

The daemon belongs to nobody of ours: it keeps a container alive whatever is killed here. Inside,
`runner.container` sees the attempt through; its folder is mounted, so both sides read one set of
files. A container is named by its launch key, which is what makes a repeated launch harmless.
"""
