"""What Debian's cloud-init leaves in a file after one user-data: reads a JSON list of texts in base64 on standard input,
prints a list of {"content"} (base64) or {} where nothing wrote it. Run by /usr/bin/python3, in a folder of its own.

usage: user_data_oracle.py FOLDER PATH
"""
import base64
import json
import logging
import os
import sys
from unittest import mock

from cloudinit import handlers, helpers, url_helper, user_data, util
from cloudinit.config import cc_write_files
from cloudinit.handlers import cloud_config, jinja_template
from cloudinit.settings import PER_INSTANCE

INCLUDED = b"#cloud-config\nhostname: included\n"


def written(files, path):
    """By cc_write_files, then by cc_write_files_deferred, into a dictionary."""
    left = {}

    def write_file(name, content, omode="wb", **_):
        content, name = util.encode_text(content), name.replace("//", "/", 1)
        left[name] = left.get(name, b"") + content if "a" in omode else content
    with mock.patch.multiple(util, write_file=write_file, chownbyname=lambda *_: None):
        for deferred in (False, True):
            try:
                chosen = [file for file in files if util.get_cfg_option_bool(file, "defer", False) == deferred]
                cc_write_files.write_files("write_files", chosen, "root:root")
            except Exception:  # cloud-init goes on with the next module
                pass
    return left.get(path)


def config_of(text, paths):
    """As Init.update and Init.consume_data have it."""
    message = user_data.UserDataProcessor(paths).process(text)
    part_handler = cloud_config.CloudConfigPartHandler(paths)
    jinja = jinja_template.JinjaTemplatePartHandler(paths, sub_handlers=[part_handler])
    known = helpers.ContentHandlers()
    for handler in (part_handler, jinja):
        known.register(handler)
    data = {"handlers": known, "handlerdir": "", "data": None, "frequency": PER_INSTANCE, "handlercount": 0, "excluded": []}
    handlers.call_begin(part_handler, None, PER_INSTANCE)
    handlers.walk(message, handlers.walker_callback, data)
    return part_handler.cloud_buf or {}


def main():
    folder, path = sys.argv[1:]
    os.chdir("/")
    logging.disable(logging.CRITICAL)
    paths = helpers.Paths({"cloud_dir": folder, "run_dir": folder})
    with open(os.path.join(folder, "instance-data-sensitive.json"), "w", encoding="ascii") as out:
        json.dump({"v1": {"region": "r1"}}, out)
    answers = []
    response = url_helper.StringResponse(INCLUDED)
    for text in json.load(sys.stdin):
        content = None
        try:
            with mock.patch.object(user_data, "read_file_or_url", return_value=response):
                content = written(config_of(base64.b64decode(text), paths).get("write_files") or [], path)
        except Exception:  # a boot without user-data
            pass
        answers.append({} if content is None else {"content": base64.b64encode(content).decode()})
    json.dump(answers, sys.stdout)


main()
