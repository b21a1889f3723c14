"""What scripts/quickstart refuses before it changes anything."""
import os

import pytest

import quickstart_preflight
from local_cluster import REPOSITORY

pytestmark = pytest.mark.release_build


@pytest.fixture
def tree(tmp_path):
    (tmp_path / "build" / "ci").mkdir(parents=True)
    return tmp_path


def made_for(tree, home):
    (tree / "build" / "ci" / "CMakeCache.txt").write_text(f"CMAKE_GENERATOR:INTERNAL=Ninja\nCMAKE_HOME_DIRECTORY:INTERNAL={home}\n")
    return quickstart_preflight.foreign_build(str(tree))


def test_a_build_folder_of_another_source_tree(tree):
    folder = os.path.join(str(tree), "build", "ci")
    assert made_for(tree, "/other") == [f"build: expected {folder} to be made for {tree}, found one made for /other, whose programs it would "
                                        f"start. Remove it: rm -r {folder}"]
    assert any("made for /other" in obstacle for obstacle in quickstart_preflight.obstacles(str(tree)))


def test_its_own_build_folder_by_any_name_and_none(tree, tmp_path_factory):
    assert quickstart_preflight.foreign_build(str(tree)) == []
    assert made_for(tree, str(tree)) == []
    link = tmp_path_factory.mktemp("links") / "link"
    link.symlink_to(tree)
    assert made_for(tree, str(link)) == []
    assert quickstart_preflight.foreign_build(REPOSITORY) == []
