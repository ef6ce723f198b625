"""Says which packages a wheel holds; all else stands in pyproject.toml.

The data lies at the top of the repository, where people look for it, and is installed inside the
packages that read it (package-dir): no other name then appears among the installed packages.
"""

from setuptools import find_namespace_packages, setup

DATA = ("voicecli.profiles", "voicecli.recordings", "telephony_sim.lines")

setup(
    packages=[
        *find_namespace_packages(include=["voicecli*", "pipelines*", "telephony_sim*"]),
        *DATA,
    ]
)
