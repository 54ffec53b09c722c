"""Projects, their state, and the dbt project composed from the core and the project."""

from .compose import compose
from .layout import Home, Project, core_root, find_project, home_of, load_project

__all__ = ["Home", "Project", "compose", "core_root", "find_project", "home_of", "load_project"]
