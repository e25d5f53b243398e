"""The plugin modules that every installation has, each with one adapter."""

from orchestrator.builtin import approval, command, git

MODULES = (command, approval, git)
