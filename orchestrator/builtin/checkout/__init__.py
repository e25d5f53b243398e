"""The program that checks a git repository out; the `git` adapter starts it as its process.

    python -I -S -E orchestrator/builtin/checkout/__main__.py ORDER

It outlives the daemon as every tool does. Standard library only.
"""
