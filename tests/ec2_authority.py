"""Stands in for AWS's signing certificate of a region: signs instance identity documents as EC2 does."""
import base64
import json
import os
import time

from metadata_machine import openssl


class Authority:
    """One region's RSA key and certificate, in a folder of its own."""

    def __init__(self, folder, region="eu-central-1"):
        os.makedirs(folder, exist_ok=True)
        self.region, self.key, self.certificate = region, os.path.join(folder, "key.pem"), os.path.join(folder, f"{region}.pem")
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/O=Test authority", "-days", "2", "-keyout", self.key, "-out", self.certificate)

    def document(self, instance, address, age=60, **fields):
        """As EC2 User Guide shows it; `fields` replace what it says."""
        launched = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - age))
        return json.dumps({"accountId": "123456789012", "architecture": "x86_64", "availabilityZone": self.region + "b", "billingProducts": None,
                           "devpayProductCodes": None, "marketplaceProductCodes": None, "imageId": "ami-5fb8c835", "instanceId": instance,
                           "instanceType": "t3.micro", "kernelId": None, "pendingTime": launched, "privateIp": address, "ramdiskId": None,
                           "region": self.region, "version": "2017-09-30", **fields}, indent=4)

    def sign(self, document, *options, digest="sha256", certificates=("-nocerts",)):
        """The text of /latest/dynamic/instance-identity/rsa2048: base64 in lines."""
        der = openssl("cms", "-sign", "-binary", "-nodetach", "-outform", "DER", "-md", digest, *certificates, *options,
                      "-signer", self.certificate, "-inkey", self.key, data=document.encode())
        return base64.encodebytes(der).decode()

    def identity(self, instance, address, age=60, **fields):
        return self.sign(self.document(instance, address, age, **fields))
