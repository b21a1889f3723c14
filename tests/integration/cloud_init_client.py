"""Debian's cloud-init as a client, in a process of its own: prints what a data source got as JSON. Nothing of this
machine is configured.

usage: cloud_init_client.py nocloud SEED_URL FOLDER | ec2 URL FOLDER | aws URL FOLDER
"""
import json
import logging
import sys
from unittest import mock

from cloudinit import helpers, sources
from cloudinit.sources import DataSourceEc2, DataSourceNoCloud


def nocloud(url, paths):
    # As the kernel's command line or the firmware would say it, where cloud-init looks first.
    source = DataSourceNoCloud.DataSourceNoCloudNet({"datasource": {"NoCloud": {"fs_label": None, "seedfrom": url}}}, None, paths)
    with mock.patch("cloudinit.util.get_cmdline", return_value="ds=nocloud"), mock.patch("cloudinit.dmi.read_dmi_data", return_value=None):
        found = source._get_data()
    return {"found": found, "meta-data": source.metadata, "user-data": (source.userdata_raw or b"").decode(),
            "vendor-data": (source.vendordata_raw or b"").decode(), "instance-id": source.get_instance_id() if found else None}


def ec2(url, paths, platform=DataSourceEc2.CloudNames.UNKNOWN):
    """UNKNOWN: a machine of a rack, no token. AWS: its firmware says EC2, a token first."""
    settings = {"datasource": {"Ec2": {"metadata_urls": [url], "strict_id": False, "max_wait": 5, "timeout": 5}}}
    source = DataSourceEc2.DataSourceEc2(sources.util.mergemanydict([settings]), None, paths)
    with mock.patch.object(DataSourceEc2, "identify_platform", return_value=platform):
        crawled = source.crawl_metadata()
    crawled["user-data"] = crawled.get("user-data", b"").decode()
    return {**crawled, "token": bool(source._api_token)}


def main():
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    how, url, folder = sys.argv[1:]
    paths = helpers.Paths({"cloud_dir": folder, "run_dir": folder})
    if how == "nocloud":
        found = nocloud(url, paths)
    else:
        found = ec2(url, paths, DataSourceEc2.CloudNames.AWS if how == "aws" else DataSourceEc2.CloudNames.UNKNOWN)
    json.dump(found, sys.stdout)


main()
