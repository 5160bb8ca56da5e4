"""The files of deploy/ray and deploy/slurm: well-formed, and of the leaderboard's command as it is."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from lightkube.codecs import from_dict
from lightkube.models.core_v1 import PodTemplateSpec
from packaging.requirements import Requirement

from training.jobs.ray_cluster import CODE
from training.leaderboard.__main__ import _parse

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = ROOT / "deploy" / "slurm" / "leaderboard.sh"
JOB, POLICY = yaml.safe_load_all((ROOT / "deploy" / "ray" / "leaderboard.yaml").read_text())
CLUSTER = JOB["spec"]["rayClusterSpec"]
GROUPS: list[dict[str, Any]] = [CLUSTER["headGroupSpec"], *CLUSTER["workerGroupSpecs"]]
DOCKERFILE = (ROOT / "deploy" / "ray" / "Dockerfile").read_text()


@pytest.mark.skipif(sys.platform == "win32", reason="no bash")
def test_the_script_has_no_mistake_that_shellcheck_knows():
    subprocess.run(["bash", "-n", SCRIPT], check=True)
    program = Path(sys.executable).with_name("shellcheck")
    subprocess.run([shutil.which("shellcheck", path=program.parent) or program, SCRIPT], check=True)


def test_both_commands_are_the_leaderboards(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "submissions").mkdir()
    example = re.search(r"#     sbatch .* deploy/slurm/leaderboard\.sh (.+)\n", SCRIPT.read_text())
    assert example is not None
    call = re.search(r'^python -m training\.leaderboard "\$@" (.+) &$', SCRIPT.read_text(), re.MULTILINE)
    assert call is not None
    options = _parse([*shlex.split(example[1]), *shlex.split(call[1].replace("$host:$port", "10.0.0.1:6379"))])
    assert (options.out, options.ray) == (Path("board"), "10.0.0.1:6379")

    program, *arguments = shlex.split(JOB["spec"]["entrypoint"])
    assert [program, *arguments[:2]] == ["python", "-m", "training.leaderboard"]
    (volume,) = GROUPS[0]["template"]["spec"]["containers"][0]["volumeMounts"]
    options = _parse([text.replace(f"{volume['mountPath']}/", f"{tmp_path}/") for text in arguments[2:]])
    assert (options.submissions, options.out, options.ray) == (
        [tmp_path / "submissions"],
        tmp_path / "board",
        "auto",
    )


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.get("groupName", "head"))
def test_every_field_of_a_pod_is_one_of_kubernetes_and_of_its_type(group):
    template = group["template"]
    assert PodTemplateSpec.from_dict(template).to_dict() == template
    assert from_dict(POLICY).to_dict() == POLICY


def test_all_pods_have_the_same_image_which_has_the_code_and_its_ray():
    images = {container["image"] for group in GROUPS for container in group["template"]["spec"]["containers"]}
    (image,) = images
    assert f"-t {image} ." in DOCKERFILE
    base = re.search(r"^FROM rayproject/ray:([\d.]+)-", DOCKERFILE, re.MULTILINE)
    assert base is not None
    assert base[1] == CLUSTER["rayVersion"]
    lines = (ROOT / "requirements-cluster.txt").read_text().splitlines()
    (ray,) = (Requirement(line) for line in lines if line.startswith("ray"))
    assert ray.specifier.contains(CLUSTER["rayVersion"])
    assert tuple(re.findall(r"^COPY --chown=ray (\w+) \1$", DOCKERFILE, re.MULTILINE)) == CODE
    assert CLUSTER["authOptions"] == {"mode": "token"}
