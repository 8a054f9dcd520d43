#!/usr/bin/env python3
"""Writes tests/data/template/features.jsonl: the templates of template_features.py, each with what jinja2 makes of it.

The environment is set up as transformers sets it up for chat templates (immutable sandbox,
trim_blocks, lstrip_blocks, loop controls, the tag `generation`, tojson without HTML escapes). Needs
jinja2 only:

    python bench/oracles/make_template_features.py tests/data/template/features.jsonl

A record has `template`, `variables` and either `expected` or `error` (the words of the reference; only
that it fails is checked). The first record names the versions.
"""

import datetime
import json
import platform
import sys

import jinja2
import jinja2.ext
import jinja2.sandbox
from jinja2.utils import Namespace

from template_features import GROUPS, VARIABLES

NOW = "2026-03-07T09:05:03"


class GenerationTag(jinja2.ext.Extension):
    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_render"), [], [], body).set_lineno(line)

    def _render(self, caller):
        return caller()


class GuardedNamespace(Namespace):
    def __init__(*args, **kwargs):
        self, args = args[0], args[1:]
        attributes = dict(*args, **kwargs)
        for name in attributes:
            GuardedNamespace._check(name)
        Namespace.__init__(self, attributes)

    def __setitem__(self, name, value):
        GuardedNamespace._check(name)
        Namespace.__setitem__(self, name, value)

    @staticmethod
    def _check(name):
        if isinstance(name, str) and name.startswith("_"):
            raise jinja2.exceptions.SecurityError(name)


class GuardedDict:
    def __call__(self, *args, **kwargs):
        return dict(*args, **kwargs)

    def fromkeys(self, *args, **kwargs):
        return dict.fromkeys(*args, **kwargs)


def make_environment():
    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[GenerationTag, jinja2.ext.loopcontrols]
    )

    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(
            x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
        )

    environment.filters["tojson"] = tojson
    environment.globals["raise_exception"] = raise_exception
    environment.globals["strftime_now"] = datetime.datetime.fromisoformat(NOW).strftime
    environment.globals["dict"] = GuardedDict()
    environment.globals["namespace"] = GuardedNamespace
    return environment


def render(environment, template, variables):
    try:
        return {"expected": environment.from_string(template).render(**variables)}
    except Exception as error:  # whatever the reference throws
        return {"error": f"{type(error).__name__}: {error}"[:200]}


def main():
    environment = make_environment()
    records = [
        {
            "jinja2": jinja2.__version__,
            "python": platform.python_version(),
            "now": NOW,
            "variables": VARIABLES,
        }
    ]
    for group, templates in GROUPS.items():
        for template in templates:
            record = {"group": group, "template": template}
            record.update(render(environment, template, VARIABLES))
            records.append(record)
    with open(sys.argv[1], "w", encoding="utf-8") as out:
        for record in records:
            out.write(json.dumps(record, ensure_ascii=False) + "\n")
    print(f"{len(records) - 1} templates")


if __name__ == "__main__":
    main()
