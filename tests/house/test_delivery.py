"""What leaves the repository: the wheel, the image, the commands of the Makefile."""

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

from service.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Names of the files in a freshly built wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (built,) = folder.glob("goodfit-*.whl")
    with zipfile.ZipFile(built) as archive:
        return set(archive.namelist())


def test_the_wheel_holds_every_file_the_service_reads(wheel: set[str]) -> None:
    """Templates, pages and migrations travel with the code, not beside it."""
    needed = {
        str(file.relative_to(ROOT))
        for folder in ("service", "migrations")
        for file in (ROOT / folder).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert "service/py.typed" in needed
    assert needed - wheel == set()


def test_the_wheel_holds_nothing_but_the_service(wheel: set[str]) -> None:
    """Tests and guides stay at home."""
    tops = {name.split("/")[0] for name in wheel if ".dist-info/" not in name}
    assert tops == {"service", "migrations"}


def test_every_make_target_explains_itself() -> None:
    """`make` alone lists each target with a line of help."""
    makefile = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.+)$", makefile, flags=re.MULTILINE)
    assert phony
    listed = subprocess.run(["make"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    explained = set(re.findall(r"^  make (\w+) +\S", listed, flags=re.MULTILINE))
    assert explained == set(phony[1].split())


@pytest.mark.parametrize("script", [".ci/run", ".ci/install"])
def test_a_script_can_be_run_as_it_is(script: str) -> None:
    """The scripts are executable and bash can read them."""
    assert os.access(ROOT / script, os.X_OK)
    subprocess.run(["bash", "-n", str(ROOT / script)], check=True, stdin=subprocess.DEVNULL)


def test_the_image_never_runs_as_root() -> None:
    """The last USER of the image is a number other than 0, which an orchestrator can check."""
    *_, user = re.findall(r"^USER (\S+)$", DOCKERFILE, flags=re.MULTILINE)
    assert user == "10001:10001"


def test_the_image_is_built_from_the_constraints() -> None:
    """Every installation in the image uses the versions that were tested, or installs nothing."""
    installs = re.findall(r"pip install (.+?)(?: \\)?$", DOCKERFILE, flags=re.MULTILINE)
    assert installs
    assert all("-c constraints.txt" in line or "--no-deps" in line for line in installs)


def test_image_and_compose_listen_where_the_settings_say() -> None:
    """One port everywhere, published to this machine only."""
    port = Settings.model_fields["port"].default
    assert f"EXPOSE {port}" in DOCKERFILE
    assert f"http://127.0.0.1:{port}/readyz" in DOCKERFILE
    assert COMPOSE["services"]["service"]["ports"] == [f"127.0.0.1:{port}:{port}"]


def test_compose_waits_for_a_database_that_answers() -> None:
    """The service starts once Postgres 18 accepts connections, and both keep their data."""
    postgres, service = COMPOSE["services"]["postgres"], COMPOSE["services"]["service"]
    assert postgres["image"] == "postgres:18"
    assert service["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    volumes = [mount.split(":")[0] for mount in postgres["volumes"] + service["volumes"]]
    assert set(volumes) == set(COMPOSE["volumes"])
