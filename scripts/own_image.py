"""Images of the definitions that the repository has, with what this cluster runs besides, built in the run that starts them."""
import json
import os
import shutil
import subprocess

from local_cluster import BUILD, CACHE, REPOSITORY


class OwnImage:
    def __init__(self, rack, name, folder, *options, store=None, edit=lambda text: text):
        """store: kept; edit: of the definition's text; options: of `muster image build`."""
        self.rack, self.name, self.options = rack, name, options
        # A store that is named is kept, with what was built and the key: the next run boots the same image.
        self.store = store or os.environ.get("MUSTER_IMAGE_STORE", os.path.join(folder, "store"))
        self.key, self.public = os.path.join(self.store, "image.key"), os.path.join(self.store, "image.pem")
        self.own, self.images = os.path.join(folder, "releases"), os.path.join(folder, "images")
        os.makedirs(self.store, exist_ok=True)
        version = subprocess.run([rack.program("muster-agent"), "--version"], capture_output=True, text=True, check=True).stdout.strip()
        subprocess.run([os.path.join(REPOSITORY, "scripts", "agent-release"), os.path.join(self.own, "muster-agent", version)], check=True,
                       env={**os.environ, "MUSTER_BUILD": BUILD})
        shutil.copytree(os.path.join(REPOSITORY, "images"), self.images)
        definition = os.path.join(self.images, f"{name}.yaml")
        with open(definition, encoding="utf-8") as stream:
            text = edit(stream.read().replace("  releases:\n", "  releases:\n    test-echo: 1.0.0\n"))
        with open(definition, "w", encoding="utf-8") as out:
            out.write(text)
        if not os.path.exists(self.public):
            made = rack.muster("document-key", "create", "--out", self.key).stdout
            with open(self.public, "w", encoding="ascii") as out:
                out.write(made)
        rack.muster("document-key", "add", self.public, "--scope", "image")

    def build(self):
        """What `muster image build` answers: folder, version, digest, built."""
        done = self.rack.muster("image", "--store", self.store, "build", self.name, "--images", self.images, "--image-key", self.key,
                                "--releases", os.path.join(CACHE, "releases"), "--releases", self.own, *self.options, "-o", "json", timeout=1800)
        return json.loads(done.stdout)
