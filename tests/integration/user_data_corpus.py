"""User-data in the forms that people and their tools write it: {name: bytes}. `A` is what the agent shall find where a
text has several."""
import base64
import gzip
import json
import quopri

PIN = "sha256:" + "a" * 64


def settings(server):
    return json.dumps({"sitePin": PIN, "enrolServers": [f"https://{server}:8443"], "token": "s3cret"})


A, B = settings("a"), settings("b")


def entry(text=A, **more):
    return json.dumps({"path": "/etc/muster/agent.json", "content": text, **more})


def config(*entries, head="#cloud-config\n", tail=""):
    return head + "write_files:\n" + "".join(f"- {one}\n" for one in entries or [entry()]) + tail


def part(text, kind="text/cloud-config", *headers, boundary="b"):
    lines = [f"Content-Type: {kind}"] if kind else []
    return f"--{boundary}\n" + "".join(line + "\n" for line in [*lines, *headers]) + "\n" + text + "\n"


def mime(*parts, head='MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="b"\n', boundary="b", end="--"):
    return head + "\n" + "".join(parts) + (f"--{boundary}{end}\n" if end is not None else "")


def b64(text, width=0):
    packed = base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()
    return "\n".join(packed[at:at + width] for at in range(0, len(packed), width)) if width else packed


def gz(text):
    return gzip.compress(text if isinstance(text, bytes) else text.encode(), mtime=0)


CONFIG = config()
OTHER = "#cloud-config\nwrite_files:\n- {path: /etc/motd, content: hi}\n"
IN_BASE64 = "Content-Transfer-Encoding: base64"
IN_QP = "Content-Transfer-Encoding: quoted-printable"
ARCHIVE = "#cloud-config-archive\n"
MERGE = "merge_how: 'list(append)+dict(recurse_list)+str()'\n"


def qp(text):
    return quopri.encodestring(text.encode()).decode()


TEXTS = {
    # one text
    "plain": CONFIG,
    "leading blank lines": "\n\n  \n" + CONFIG,
    "leading blanks on the line": "  #cloud-config\n  hostname: x\n" + CONFIG.replace("#cloud-config\n", "  "),
    "a tab before it": "\t" + CONFIG,
    "upper case": CONFIG.replace("#cloud-config", "#CLOUD-Config"),
    "words after it": CONFIG.replace("#cloud-config", "#cloud-config v2"),
    "a longer word": CONFIG.replace("#cloud-config", "#cloud-configuration"),
    "byte order mark": "\ufeff" + CONFIG,
    "CRLF": CONFIG.replace("\n", "\r\n"),
    "CR": CONFIG.replace("\n", "\r"),
    "no first line": CONFIG.replace("#cloud-config\n", ""),
    "a comment first": "# mine\n" + CONFIG,
    "umlaut": CONFIG + "# gr\u00fcn\n",
    "Latin-1": (CONFIG + "# gr\u00fcn\n").encode("latin-1"),
    "a NUL": CONFIG.encode() + b"# \0\n",
    "empty": "",
    "blank": "\n \n",
    "first line alone": "#cloud-config\n",
    "a list": "#cloud-config\n- a\n",
    "a script": "#!/bin/sh\necho\n",
    "a boothook": "#cloud-boothook\n#!/bin/sh\n",
    "a part-handler": "#part-handler\n",
    "broken YAML": config(tail="a: [\n"),
    "two documents": CONFIG + "---\na: 1\n",
    "one document, with its marks": config(head="#cloud-config\n---\n", tail="...\n"),
    "in JSON": "#cloud-config\n" + json.dumps({"write_files": [json.loads(entry())]}),
    "block text": "#cloud-config\nwrite_files:\n- path: /etc/muster/agent.json\n  content: |\n    " + A + "\n",
    "folded text": "#cloud-config\nwrite_files:\n- path: /etc/muster/agent.json\n  content: >-\n    " + A + "\n",
    # packed
    "gzip": gz(CONFIG),
    "gzip in two members": gz(CONFIG[:40]) + gz(CONFIG[40:]),
    "gzip, cut": gz(CONFIG)[:-9],
    "gzip, zeros after it": gz(CONFIG) + b"\0\0",
    "gzip in gzip": gz(gz(CONFIG)),
    "base64": b64(CONFIG),
    "gzip in base64": b64(gz(CONFIG)),
    "gzip of MIME": gz(mime(part(CONFIG))),
    "content in b64": config(entry(b64(A), encoding="b64")),
    "content in base64, upper case and blanks": config(entry(b64(A), encoding=" BASE64 ")),
    "content in base64, in lines": config(entry(b64(A, 40), encoding="base64")),
    "content in base64 without padding": config(entry(b64(A).rstrip("=")[:-1] + "=", encoding="b64")),
    "content in base64 with other letters": config(entry("*".join(b64(A)), encoding="b64")),
    "content in gz+b64": config(entry(b64(gz(A)), encoding="gz+b64")),
    "content in gzip+base64": config(entry(b64(gz(A)), encoding="gzip+base64")),
    "content in gz+b64, cut": config(entry(b64(gz(A)[:-9]), encoding="gz+b64")),
    "content as !!binary": "#cloud-config\nwrite_files:\n- path: /etc/muster/agent.json\n  content: !!binary " + b64(A) + "\n",
    "content as !!binary in gz": "#cloud-config\nwrite_files:\n- path: /etc/muster/agent.json\n  encoding: gz\n  content: !!binary " + b64(gz(A)) + "\n",
    "content of an unknown encoding": config(entry(encoding="rot13")),
    "content in b64 that is none": config(entry("s3cret", encoding="b64")),
    # keys and entries
    "duplicate write_files": config(entry(B)) + "write_files:\n- " + entry() + "\n",
    "duplicate write_files, the last without it": CONFIG + "write_files: []\n",
    "duplicate content": "#cloud-config\nwrite_files:\n- path: /etc/muster/agent.json\n  content: x\n  content: '" + A + "'\n",
    "the file twice": config(entry(B), entry()),
    "the file twice, the first deferred": config(entry(A, defer=True), entry(B)),
    "appended to": config(entry(A[:30]), entry(A[30:], append=True)),
    "another path to it": config(json.dumps({"path": "/etc//muster/../muster/./agent.json", "content": A})),
    "a path without a slash": config(json.dumps({"path": "etc/muster/agent.json", "content": A})),
    "two slashes first": config(json.dumps({"path": "//etc/muster/agent.json", "content": A})),
    "without content": config('{"path": "/etc/muster/agent.json"}'),
    "content null": config('{"path": "/etc/muster/agent.json", "content": null}'),
    "content a boolean": config('{"path": "/etc/muster/agent.json", "content": yes}'),
    "content a mapping": config('{"path": "/etc/muster/agent.json", "content": {"a": 1}}'),
    "an entry without path before it": config('{"content": "x"}', entry()),
    "a number before it": config("3", entry()),
    "a broken entry before it": config('{"path": "/a", "encoding": "b64", "content": "x"}', entry()),
    "an alias": "#cloud-config\nx: &it\n  path: /etc/muster/agent.json\n  content: '" + A + "'\nwrite_files: [*it]\n",
    "a merge key": "#cloud-config\nx: &it {path: /etc/muster/agent.json, content: nothing}\nwrite_files:\n- <<: *it\n  content: '" + A + "'\n",
    "write_files is a mapping": "#cloud-config\nwrite_files: " + entry() + "\n",
    "write_files is null": "#cloud-config\nwrite_files:\n",
    # MIME
    "MIME": mime(part(CONFIG)),
    "MIME, headers in the other order": mime(part(CONFIG), head='Content-Type: multipart/mixed; boundary="b"\nMIME-Version: 1.0\n'),
    "MIME, other headers first": mime(part(CONFIG), head='From: me\nX-Y: z\nContent-Type: multipart/mixed; boundary="b"\nMIME-Version: 1.0\n'),
    "MIME, names in upper case": mime(part(CONFIG, None, "CONTENT-TYPE: Text/Cloud-Config"), head='CONTENT-TYPE: MULTIPART/Mixed; BOUNDARY="b"\nMIME-VERSION: 1.0\n'),
    "MIME, mbox line": mime(part(CONFIG), head='From me\nContent-Type: multipart/mixed; boundary="b"\nMIME-Version: 1.0\n'),
    "MIME without MIME-Version": mime(part(CONFIG), head='Content-Type: multipart/mixed; boundary="b"\n'),
    "MIME-Version in a part alone": mime(part(CONFIG, "text/cloud-config", "MIME-Version: 1.0"), head='Content-Type: multipart/mixed; boundary="b"\n'),
    "MIME, blank line first": "\n" + mime(part(CONFIG)),
    "MIME, CRLF": mime(part(CONFIG)).replace("\n", "\r\n"),
    "MIME, no multipart": "MIME-Version: 1.0\nContent-Type: text/cloud-config\n\n" + CONFIG,
    "MIME, no type": "MIME-Version: 1.0\n\n" + CONFIG,
    "MIME, multipart without boundary": mime(part(CONFIG), head="MIME-Version: 1.0\nContent-Type: multipart/mixed\n"),
    "boundary without quotes": mime(part(CONFIG), head="MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n"),
    "boundary folded": mime(part(CONFIG), head='MIME-Version: 1.0\nContent-Type: multipart/mixed;\n\tboundary="b"\n'),
    "boundary after a semicolon in quotes": mime(part(CONFIG), head='MIME-Version: 1.0\nContent-Type: multipart/mixed; x="a;boundary=c"; boundary="b"\n'),
    "boundary with blanks and signs": mime(part(CONFIG, boundary="=_ (b)+?"),
                                           head='MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="=_ (b)+?"\n', boundary="=_ (b)+?"),
    "boundary of the delimiter with blanks after it": mime(part(CONFIG).replace("--b\n", "--b \t\n")),
    "a preamble and an epilogue": mime("This is a message.\n", part(CONFIG)) + "The end.\n",
    "cut before the closing delimiter": mime(part(CONFIG), end=None),
    "nested multipart": mime(part(part(CONFIG, boundary="c") + "--c--", 'multipart/mixed; boundary="c"')),
    "nested multipart without its end": mime(part(part(CONFIG, boundary="c"), 'multipart/mixed; boundary="c"')),
    "a message in it": mime(part("Content-Type: text/cloud-config\n\n" + CONFIG, "message/rfc822")),
    "charset parameter": mime(part(CONFIG, 'text/cloud-config; charset="us-ascii"', "Content-Transfer-Encoding: 7bit")),
    "charset utf-16 that is none": mime(part(CONFIG, "text/cloud-config; charset=utf-16")),
    "text/plain": mime(part(CONFIG, "text/plain")),
    "text/x-shellscript that is a cloud-config": mime(part(CONFIG, "text/x-shellscript")),
    "no type in the part": mime(part(CONFIG, None)),
    "a type without a slash": mime(part(CONFIG, "cloudconfig")),
    "another type": mime(part(CONFIG, "application/octet-stream")),
    "text/cloud-config without its first line": mime(part(CONFIG.replace("#cloud-config\n", ""))),
    "attachment with a file name alone": mime(part(CONFIG, None, 'Content-Disposition: attachment; filename="cloud-config.txt"')),
    "8bit, ASCII": mime(part(CONFIG, "text/cloud-config", "Content-Transfer-Encoding: 8bit")),
    "8bit, umlaut": mime(part(CONFIG + "# gr\u00fcn\n", "text/cloud-config", "Content-Transfer-Encoding: 8bit")),
    "8bit, Chinese": mime(part(CONFIG + "# \u4e2d\n", "text/cloud-config", "Content-Transfer-Encoding: 8bit")),
    "binary": mime(part(CONFIG, "text/cloud-config", "Content-Transfer-Encoding: binary")),
    "an umlaut in another part": mime(part("#!/bin/sh\n# gr\u00fcn\n", "text/x-shellscript"), part(CONFIG)),
    "base64 part": mime(part(b64(CONFIG, 76), "text/cloud-config", IN_BASE64)),
    "base64 part, umlaut": mime(part(b64(CONFIG + "# gr\u00fcn\n", 76), "text/cloud-config", IN_BASE64)),
    "base64 part, upper case": mime(part(b64(CONFIG), "text/cloud-config", IN_BASE64.upper())),
    "base64 part, a blank after the word": mime(part(b64(CONFIG), "text/cloud-config", IN_BASE64 + " ")),
    "base64 part without padding": mime(part(b64(CONFIG).rstrip("="), "text/cloud-config", IN_BASE64)),
    "base64 part with other letters": mime(part(b64(CONFIG, 30).replace("\n", "\n*"), "text/cloud-config", IN_BASE64)),
    "base64 that is none": mime(part("!", "text/cloud-config", IN_BASE64), part(CONFIG)),
    "quoted-printable part": mime(part(qp(CONFIG), "text/cloud-config", IN_QP)),
    "quoted-printable part, umlaut": mime(part(qp(CONFIG + "# gr\u00fcn\n"), "text/cloud-config", IN_QP)),
    "quoted-printable part, signs that are no escapes": mime(part(qp(CONFIG) + "# a=zz ==\n", "text/cloud-config", IN_QP)),
    "gzip part": mime(part(b64(gz(CONFIG)), "application/gzip", IN_BASE64)),
    "gzip part, x-gzip": mime(part(b64(gz(CONFIG), 60), "application/x-gzip", IN_BASE64)),
    "gzip part, damaged": mime(part(CONFIG), part(b64(gz(CONFIG)[:-9]), "application/gzip", IN_BASE64)),
    "gzip part of another type": mime(part(b64(gz(CONFIG)), "text/cloud-config", IN_BASE64)),
    "gzip part with a script": mime(part(b64(gz("#!/bin/sh\n")), "application/gzip", IN_BASE64), part(CONFIG)),
    # several parts
    "a script beside it": mime(part("#!/bin/sh\necho {\n", "text/x-shellscript"), part(CONFIG)),
    "a broken part beside it": mime(part("#cloud-config\na: [\n"), part(CONFIG)),
    "another part's files before it": mime(part(OTHER), part(CONFIG)),
    "another part's files after it": mime(part(CONFIG), part(OTHER)),
    "another part without files after it": mime(part(CONFIG), part("#cloud-config\nhostname: x\n")),
    "in two parts": mime(part(config(entry(B))), part(CONFIG)),
    "appended, by the later part": mime(part(CONFIG), part(OTHER + MERGE)),
    "appended, it is the later part": mime(part(OTHER), part(CONFIG + MERGE)),
    "prepended": mime(part(config(entry(B))), part(config(entry(A), tail="merge_how: 'list(prepend)+dict(recurse_list)'\n"))),
    "merge_type": mime(part(CONFIG), part(OTHER + "merge_type: 'list(append)+dict(recurse_array)+str()'\n")),
    "merge_how as a list": mime(part(CONFIG), part(OTHER + "merge_how:\n- {name: list, settings: [append]}\n- {name: dict, settings: [no_replace, recurse_list]}\n")),
    "merge_how that keeps": mime(part(CONFIG), part(config(entry(B), tail="merge_how: 'dict(no_replace)+list()'\n"))),
    "merge_how of lists by place": mime(part(config(entry(B), '{"path": "/x"}')), part(config(entry(A), tail="merge_how: 'dict(recurse_list)+list(replace)'\n"))),
    "merge_how that goes into entries": mime(part(CONFIG), part(config('{"permissions": "0600"}', tail="merge_how: 'dict(recurse_list)+list(recurse_dict)'\n"))),
    "merge_how without dict": mime(part(CONFIG), part(config(entry(B), tail="merge_how: 'list(append)'\n"))),
    "merge_how that nobody knows": mime(part(CONFIG), part(config(entry(B), tail="merge_how: 'tree()'\n"))),
    "merge_how in no form": mime(part(CONFIG), part(config(entry(B), tail="merge_how: append\n"))),
    "merge_how that deletes": mime(part(CONFIG), part("#cloud-config\nwrite_files: null\nmerge_how: 'dict(allow_delete)'\n")),
    "Merge-Type header": mime(part(CONFIG), part(OTHER, "text/cloud-config", "Merge-Type: list(append)+dict(recurse_list)+str()")),
    "X-Merge-Type header": mime(part(CONFIG), part(OTHER, "text/cloud-config", "X-Merge-Type: list(append)+dict(recurse_list)+str()")),
    "merge-type header in lower case": mime(part(CONFIG), part(OTHER, "text/cloud-config", "merge-type: list(append)+dict(recurse_list)+str()")),
    # archives
    "archive of mappings": ARCHIVE + json.dumps([{"type": "text/cloud-config", "content": CONFIG}]),
    "archive of texts": ARCHIVE + json.dumps(["#!/bin/sh\necho\n", CONFIG]),
    "archive without types": ARCHIVE + json.dumps([{"content": CONFIG.replace("#cloud-config\n", "")}]),
    "archive with a file name": ARCHIVE + json.dumps([{"content": CONFIG, "filename": "a", "launch-index": 0}]),
    "archive, a later entry replaces": ARCHIVE + json.dumps([CONFIG, OTHER]),
    "archive, a later entry appends": ARCHIVE + json.dumps([CONFIG, {"content": OTHER, "Merge-Type": "list(append)+dict(recurse_list)+str()"}]),
    "archive with umlaut": ARCHIVE + json.dumps([CONFIG + "# gr\u00fcn\n"]),
    "archive in binary": ARCHIVE + "- content: !!binary " + b64(CONFIG) + "\n",
    "archive of another type": ARCHIVE + json.dumps([{"type": "text/plain", "content": CONFIG}]),
    "archive in an archive": ARCHIVE + json.dumps([ARCHIVE + json.dumps([CONFIG])]),
    "archive with a number": ARCHIVE + json.dumps([3, CONFIG]),
    "archive whose content is a mapping": ARCHIVE + json.dumps([{"content": {"a": 1}}, CONFIG]),
    "archive that is a mapping": ARCHIVE + "a: 1\n",
    "archive in MIME": mime(part(ARCHIVE + json.dumps([CONFIG]), "text/cloud-config-archive")),
    "archive in MIME, by its first line": mime(part(ARCHIVE + json.dumps([CONFIG]), "text/plain")),
    "archive in gzip": gz(ARCHIVE + json.dumps([CONFIG])),
    "an include in an archive": ARCHIVE + json.dumps([CONFIG, "#include\nhttp://x/\n"]),
    # what is decided by others
    "template with nothing to fill in": "## template: jinja\n" + CONFIG,
    "template of a script": mime(part("## template: jinja\n#!/bin/sh\necho {{ region }}\n", "text/jinja2"), part(CONFIG)),
    "template, another engine": "## template: basic\n" + CONFIG,
    "template that writes no files": mime(part(CONFIG), part("## template: jinja\n#cloud-config\nhostname: n-{{ region }}\n", "text/jinja2")),
    "patch that touches no files": mime(part(CONFIG), part('#cloud-config-jsonp\n[{"op": "add", "path": "/x", "value": 1}]', "text/cloud-config-jsonp")),
    "patch that is none": mime(part(CONFIG), part("#cloud-config-jsonp\nx", "text/cloud-config-jsonp")),
    "include before it": mime(part("#include\nhttp://x/\n", "text/x-include-url"), part(CONFIG)),
    "include-once before it": mime(part("#include-once\nhttp://x/\n", "text/x-include-once-url"), part(CONFIG)),
    "template before it": mime(part("## template: jinja\n#cloud-config\nwrite_files: [{path: '/{{ region }}'}]\n", "text/jinja2"), part(CONFIG)),
}
# Refused for a reason, whatever cloud-init makes of it: (text, words).
DECIDED_ELSEWHERE = "expected a '#cloud-config' that writes /etc/muster/agent.json after it (in parts of MIME, without Merge-Type), found none"
REFUSED = {
    "cut before the closing delimiter": "line 10: expected MIME's closing delimiter, found the end: the text is cut",
    "nested multipart, cut": (mime(part(part(CONFIG, boundary="c"), 'multipart/mixed; boundary="c"'), end=None),
                              "expected MIME's closing delimiter, found the end: the text is cut"),
    "include alone": ("#include http://x/\n", "line 1: expected JSON, '#cloud-config' or MIME, found a list of URLs ('#include')"),
    "include-once after it": (mime(part(CONFIG), part("#include-once\nhttp://x/\n", "text/x-include-once-url")),
                              "'#include' fetches what may replace 'write_files': " + DECIDED_ELSEWHERE),
    "include after it": (mime(part(CONFIG), part("#include\nhttp://x/\n", "text/plain")), "'#include' fetches what may replace 'write_files': " + DECIDED_ELSEWHERE),
    "template that is filled in": ("## template: jinja\n#cloud-config\n# {{ region }}\n" + CONFIG,
                                   "a template with something to fill in writes files: " + DECIDED_ELSEWHERE),
    "patch of the files": (mime(part(CONFIG), part('#cloud-config-jsonp\n[{"op": "add", "path": "/write_files/0/owner", "value": "root"}]', "text/cloud-config-jsonp")),
                           "'#cloud-config-jsonp' changes 'write_files': " + DECIDED_ELSEWHERE),
    "an entry after it that is none": (config(entry(), '"x"'), "line 4: expected a mapping with 'path' and 'content' in 'write_files'"),
    "an entry after it at which cloud-init ends": (config(entry(), '{"path": "/a", "encoding": "b64", "content": "x"}'), "line 4: /a: expected base64, found it cut"),
}
REFUSED["cut before the closing delimiter"] = (TEXTS.pop("cut before the closing delimiter"), REFUSED["cut before the closing delimiter"])
