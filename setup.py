"""Which packages there are; everything else is in pyproject.toml, which cannot put found packages under a prefix.

Every folder of the tree is one, so that a new file, of code or data, is in the wheel without a line here.
"""

from setuptools import find_namespace_packages, setup

FOLDERS = ("cascade", "models", "lsp")


def packages(folder: str) -> list[str]:
    found = find_namespace_packages(folder, exclude=["*__pycache__*"])
    return [f"rung.{folder}", *(f"rung.{folder}.{name}" for name in found)]


setup(
    packages=[name for folder in FOLDERS for name in packages(folder)],
    package_dir={f"rung.{folder}": folder for folder in FOLDERS},
    package_data={"": ["*"]},
    exclude_package_data={"": ["*.pyc", "*.pyo"]},
)
