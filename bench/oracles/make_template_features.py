#!/usr/bin/env python3
"""Writes tests/data/template/features.jsonl: small templates, each with what jinja2 makes of it.

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


VARIABLES = {
    "s": "Hello, World",
    "u": "Grüße, ΣΊΣΥΦΟΣ und 日本 🙂",
    "ws": "  two \t words \n ",
    "n": 7,
    "neg": -7,
    "f": 2.5,
    "big": 12345678.9,
    "t": True,
    "no": None,
    "l": [3, 1, 2],
    "names": ["bob", "Alice", "carol", "alice"],
    "d": {"b": 1, "a": 2, "C": 3},
    "nested": {"x": {"y": [{"z": "deep"}]}, "items": "shadowed", "none": None},
    "users": [
        {"name": "Ann", "age": 30, "tags": ["x", "y"], "ok": True},
        {"name": "bob", "age": 25, "tags": [], "ok": False},
        {"name": "Cid", "age": 30, "tags": ["y"]},
    ],
    "html": "<a href=\"x\">Tom & 'Jerry'</a>",
    "tree": [{"v": 1, "c": [{"v": 2, "c": [{"v": 3, "c": []}]}]}, {"v": 4, "c": []}],
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello!"},
    ],
    "empty": "",
    "elist": [],
}

GROUPS = {}

GROUPS["whitespace"] = [
    "a\n{% if true %}\nb\n{% endif %}\nc\n",
    "a\n    {% if true %}\n  b\n    {% endif %}\nc",
    "  {{ n }}  \n  {{ n }}\n",
    "a {%- if true -%}  b  {%- endif -%}  c",
    "a\n  {%+ if true %}b{% endif +%}\nc",
    "x {# note #}\ny\n  {# note #}  \nz {#- strip -#} w",
    "{% raw %}{{ not }} {% parsed %}{% endraw %}!",
    "a\n  {%- raw -%}  {{ x }}  {%- endraw -%}  b",
    "  {% raw %}\n x {% endraw %}\n y",
    "one\r\ntwo\rthree\n{% if true %}\r\nfour{% endif %}",
    "ends with newlines\n\n",
    "\n\n{% set x = 1 %}\n{{ x }}\n\n",
    "{{- 'a' -}}   \n  {{- 'b' }}\n  {{ 'c' -}}  \nd",
    "\t {% set x = 1 %} \t{{ x }}",
    "a{% if true %} {% endif %}b\n\n  {% if true %}\n\n  c{% endif %}",
    "{%- for i in l %}\n  - {{ i }}\n{%- endfor %}\nend",
    "{% for i in l -%}\n  {{ i }},\n{%- endfor -%}\n",
    "{#\n multi\n line #}x{#--#}y{#+ z +#}\nw",
    "a\u00a0{%- set x = 1 -%}\u2003b",
    "line\n \u00a0 {% if true %}x{% endif %}",
    "{%if true%}tight{%endif%}{{n}}",
    "{% if true: %}colon{% endif %}",
    "{{ '{{' }}{{ '}}' }}{{ '%}' }}{{ \"{%\" }}",
    "{{ {'a': {'b': 1}}['a']['b'] }}{{ {}}}",
]

GROUPS["literals"] = [
    "{{ 1 }} {{ 1_000 }} {{ 0x1F }} {{ 0b101 }} {{ 0o17 }} {{ 0 }}",
    "{{ 1.5 }} {{ 1e3 }} {{ 1.5e-7 }} {{ 2E+16 }} {{ 1_0.5 }} {{ 123456789012345678.0 }}",
    "{{ 'a\\nb\\t\\'q\\' \\\\ \\x41 \\u00e9 \\U0001F642 \\101 \\q' }}",
    "{{ \"a\" 'b' \"c\" }}",
    "{{ 'multi\nline' }}",
    "{{ true }} {{ True }} {{ false }} {{ False }} {{ none }} {{ None }}",
    "{{ [1, 'a', none, true, 2.0, [1], (1,), {'k': 'v'}] }}",
    "{{ (1, 2) }} {{ (1,) }} {{ () }} {{ 1, 2 }}",
    "{{ {'a': 1, 2: 'b', none: 3, true: 4, 1.5: (1, 2)} }}",
    "{{ {'a': 1, 'a': 2} }} {{ {1: 'x', 1.0: 'y', true: 'z'} }}",
    "{{ [1, 2,] }} {{ {'a': 1,} }} {{ [] }} {{ {} }}",
    "{{ \"it's\" }} {{ [\"it's\"] }} {{ ['say \"hi\"'] }} {{ ['both \\' and \"'] }}",
    "{{ ['tab\\t', 'nl\\n', 'bs\\\\', '\\x00\\x1b\\x7f', 'é', '日本', '🙂', '\\u200b', '\\u00a0', '\\ue000'] }}",
    "{{ 007 }}",
    "{{ 1.2.3 }}",
    "{{ 'unclosed }}",
    "{{ '\\x4' }}",
]

GROUPS["arithmetic"] = [
    "{{ 7 // 2 }} {{ -7 // 2 }} {{ 7 // -2 }} {{ 7 % 3 }} {{ -7 % 3 }} {{ 7 % -3 }}",
    "{{ 7 / 2 }} {{ 6 / 3 }} {{ 7.5 // 2 }} {{ -7.5 // 2 }} {{ 7.5 % 2 }} {{ -7.5 % 2 }}",
    "{{ 2 ** 10 }} {{ 2 ** -1 }} {{ 2 ** 0.5 }} {{ 2 ** 3 ** 2 }} {{ -2 ** 2 }}",
    "{{ 1 + 2 * 3 - 4 }} {{ (1 + 2) * 3 }} {{ 10 - 2 - 3 }} {{ 100 / 10 / 2 }}",
    "{{ +3 }} {{ -3 }} {{ --3 }} {{ - 3 + 1 }} {{ -true }} {{ +true }}",
    "{{ 1 + true }} {{ true + true }} {{ 1.0 + 1 }} {{ 3 * 1.0 }} {{ true * 2.5 }}",
    "{{ 'ab' * 3 }} {{ 3 * 'ab' }} {{ 'ab' * 0 }} {{ 'ab' * -1 }} {{ [1, 2] * 2 }} {{ 2 * (1,) }}",
    "{{ 'a' + 'b' }} {{ [1] + [2] }} {{ (1,) + (2,) }}",
    "{{ 1 ~ 2 ~ 'x' ~ none ~ true ~ 1.0 ~ [1] ~ missing }}",
    "{{ '%s is %d' % ('x', 3) }} {{ '%s' % 'y' }} {{ '%(a)s-%(b)03d' % {'a': 1, 'b': 2} }}",
    "{{ '%5s|%-5s|%05d|%+d|%x|%X|%o|%e|%.2f|%g|%%|%r|%c' % ('a', 'b', 42, 5, 255, 255, 8, 12345.678, 2.345, 0.0001, 'q', 65) }}",
    "{{ '%.3s|%*d|%#x|% d' % ('abcdef', 5, 42, 255, 7) }}",
    "{{ 0.1 + 0.2 }} {{ 1e16 }} {{ 1e15 }} {{ 1e-4 }} {{ 1e-5 }} {{ 100.0 }} {{ 1e300 * 1e10 }} {{ -0.0 }}",
    "{{ big }} {{ 1/3 }} {{ 2/3 * 3 }} {{ 5e-324 }} {{ 1.7976931348623157e308 }} {{ 9007199254740993.0 }}",
    "{{ 1 / 0 }}",
    "{{ 1 % 0 }}",
    "{{ 1.0 // 0 }}",
    "{{ 0 ** -1 }}",
    "{{ 'a' + 1 }}",
    "{{ 1 + 'a' }}",
    "{{ [1] + (2,) }}",
    "{{ none + 1 }}",
    "{{ 'a' - 'b' }}",
    "{{ -'a' }}",
    "{{ '%d' % 'x' }}",
    "{{ '%s %s' % 'x' }}",
    "{{ '%s' % (1, 2) }}",
    "{{ missing + 1 }}",
    "{{ 'a' + missing }}",
    "{{ 'n: %s' % missing }}",
]

GROUPS["comparison"] = [
    "{{ 1 < 2 < 3 }} {{ 1 < 3 < 2 }} {{ 1 == 1.0 == true }} {{ 'a' < 'b' }} {{ 'Z' < 'a' }}",
    "{{ [1, 2] < [1, 3] }} {{ (1, 2) == (1, 2) }} {{ [1] == (1,) }} {{ {'a': 1} == {'a': 1.0} }}",
    "{{ 1 in [1, 2] }} {{ 3 not in [1, 2] }} {{ 'el' in s }} {{ 'a' in d }} {{ 'z' in d }} {{ 'x' not in s }}",
    "{{ none == false }} {{ none == none }} {{ missing == missing2 }} {{ missing == none }} {{ '' == missing }}",
    "{{ 1 != 2 }} {{ 'a' != 'a' }} {{ 2 >= 2 }} {{ 2 <= 1 }} {{ true == 1 }} {{ 'true' == true }}",
    "{{ not true }} {{ not not 1 }} {{ not [] }} {{ true and 0 }} {{ '' or 'x' }} {{ 1 and 2 or 3 }} {{ none or missing }}",
    "{{ 1 if t else 2 }} {{ 1 if no else 2 }} [{{ 1 if no }}] {{ 'a' if false else 'b' if false else 'c' }}",
    "{{ (1 if no) is defined }} {{ missing in [1] }} {{ 1 in missing }} {{ 'a' in () }}",
    "{{ 1 in range(3) }} {{ 2.0 in [1, 2] }} {{ '' in 'abc' }} {{ none in [none] }} {{ (1, 2) in [(1, 2)] }}",
    "{{ not 1 == 2 }} {{ 1 + 1 == 2 and 2 * 2 == 4 }} {{ 1 not in [2] and 2 in [2] }}",
    "{{ 9007199254740993 == 9007199254740992.0 }} {{ 1 < 1.5 }} {{ 3 > 2.9 }}",
    "{{ 1 < 'a' }}",
    "{{ none < 1 }}",
    "{{ [1] < (2,) }}",
    "{{ {} < {} }}",
    "{{ 1 in 'abc' }}",
    "{{ 'a' in none }}",
    "{{ 'a' in 5 }}",
    "{{ missing < 1 }}",
    "{{ [1] in d }}",
    "{{ missing in 'abc' }}",
    "{{ 'x' is defined is true }}",
]

GROUPS["access"] = [
    "{{ nested.x.y[0].z }} {{ nested['x']['y'][0]['z'] }} {{ nested.x.y.0.z }}",
    "{{ nested['items'] }} {{ nested.items is callable }} {{ nested.get('items') }} {{ d['get'] is callable }}",
    "[{{ missing }}] [{{ d.zzz }}] [{{ d['zzz'] }}] [{{ l[10] }}] [{{ s.zzz }}] [{{ n.foo }}]",
    "{{ l[0] }} {{ l[-1] }} {{ s[0] }} {{ s[-1] }} {{ u[3] }} {{ u[-1] }} {{ (1, 2)[1] }} {{ l[true] }}",
    "{{ s[1:4] }} {{ s[:3] }} {{ s[-3:] }} {{ s[::-1] }} {{ s[::2] }} {{ u[2:5] }} {{ u[::-1] }} {{ s[5:2] }} {{ s[100:] }}",
    "{{ l[1:] }} {{ l[:-1] }} {{ l[::-1] }} {{ l[::2] }} {{ l[-2:] }} {{ (1, 2, 3)[1:] }} {{ l[none:2] }} {{ range(10)[2:5]|list }} {{ l[2:0:-1] }} {{ l[:] }}",
    "{{ d.keys()|list }} {{ d.values()|list }} {{ d.items()|list }} {{ d.get('a') }} {{ d.get('q') }} {{ d.get('q', 'x') }} {{ d.copy() }}",
    "{{ d.keys() }} {{ d.values() }} {{ d.items() }}",
    "{{ l.index(1) }} {{ l.count(3) }} {{ l.copy() }} {{ (1, 2, 1).count(1) }}",
    "{{ d.update is defined }} {{ l.append is defined }} [{{ l.append }}] {{ s.__class__ is defined }}",
    "{{ (5).real }} {{ f.is_integer() }} {{ (2.0).is_integer() }} {{ n.bit_length() }}",
    "{{ {1: 'a'}[1] }} {{ {1: 'a'}[1.0] }} {{ {true: 'a'}[1] }} {{ {(1, 2): 'x'}[(1, 2)] }} {{ {'0': 'z'}.0 }}",
    "{{ users[0]['tags'][1] }} {{ users|length }} {{ users[1].tags|length }} {{ messages[-1].content[0] }}",
    "{{ l['0'] }}{{ l[1.0] }}{{ d[[1]] }}{{ s['upper']() }}",
    "{{ range(3) }} {{ range(2, 8, 3)|list }} {{ range(3, 0, -1)|list }} {{ range(0)|list }} {{ range(5)[-1] }} {{ range(4)|length }}",
    "{{ missing.x }}",
    "{{ d.zzz.y }}",
    "{{ none.x.y }}",
    "{{ l.append(1) }}",
    "{{ d.update({}) }}",
    "{{ d.pop('a') }}",
    "{{ s.__class__.__mro__ }}",
    "{{ l.index(99) }}",
    "{{ missing['x'] }}",
    "{{ missing() }}",
    "{{ n() }}",
    "{{ d[1:2] }}",
    "{{ l[::0] }}",
    "{{ l['a':] }}",
    "{{ range(100001) }}",
    "{{ range(1, 2, 0) }}",
]

GROUPS["strings"] = [
    "{{ s.upper() }} {{ s.lower() }} {{ s.title() }} {{ s.capitalize() }} {{ s.swapcase() }} {{ 'straße'.upper() }} {{ 'ß'.title() }} {{ 'ŉ ﬁ ǆ'.title() }}",
    "{{ u.lower() }} {{ u.upper() }} {{ 'ΑΣ ΑΣΑ Σ'.lower() }} {{ 'İ'.lower()|length }} {{ 'Straße'.casefold() }} {{ \"they're bill's\".title() }}",
    "{{ ws.strip() }}|{{ ws.lstrip() }}|{{ ws.rstrip() }}|{{ 'xxaxx'.strip('x') }}|{{ 'abcab'.lstrip('ab') }}|{{ 'abcab'.rstrip('ba') }}|{{ '\u3000x\u00a0'.strip() }}|{{ 'éaé'.strip('é') }}",
    "{{ 'a,b,,c'.split(',') }} {{ ws.split() }} {{ 'a b c d'.split(' ', 2) }} {{ 'a b c d'.split(maxsplit=1) }} {{ ''.split() }} {{ ''.split(',') }} {{ 'abc'.split('b') }}",
    "{{ 'a,b,,c'.rsplit(',', 1) }} {{ ' a  b c '.rsplit(none, 1) }} {{ 'a b c'.rsplit() }} {{ 'aXbXc'.rsplit('X') }} {{ 'a b c '.split(none, 1) }} {{ ' a b c'.rsplit(none, 5) }}",
    "{{ 'a\\nb\\r\\nc\\x0bd\\u2028e'.splitlines() }} {{ 'a\\nb\\n'.splitlines(true) }} {{ ''.splitlines() }} {{ '\\n'.splitlines() }}",
    "{{ s.startswith('He') }} {{ s.startswith(('x', 'H')) }} {{ s.endswith('ld') }} {{ s.endswith(()) }} {{ s.startswith('ello', 1) }} {{ s.endswith('llo', 0, 5) }} {{ s.startswith('') }} {{ u.startswith('ü', 2) }}",
    "{{ s.replace('l', 'L') }} {{ s.replace('l', 'L', 1) }} {{ 'abc'.replace('', '-') }} {{ 'abc'.replace('', '-', 2) }} {{ 'aaa'.replace('aa', 'b') }} {{ 'abc'.replace('x', 'y') }} {{ 'é'.replace('', '.') }}",
    "{{ s.find('o') }} {{ s.rfind('o') }} {{ s.find('z') }} {{ u.find('und') }} {{ u.rfind('🙂') }} {{ s.find('o', 5) }} {{ s.find('l', 3, 5) }} {{ s.find('', 3) }} {{ s.find('l', -3) }} {{ s.find('', 100) }}",
    "{{ s.index('W') }} {{ s.rindex('l') }} {{ s.count('l') }} {{ 'aaa'.count('aa') }} {{ 'abc'.count('') }} {{ s.count('l', 4) }} {{ u.count('Σ') }}",
    "{{ ', '.join(names) }} {{ ''.join(['a']) }} {{ '-'.join('abc') }} {{ '.'.join([]) }} {{ 'x'.join(d) }}",
    "{{ 'abc'.isalpha() }} {{ 'ab1'.isalnum() }} {{ '12'.isdigit() }} {{ '²'.isdigit() }} {{ '²'.isdecimal() }} {{ '½'.isnumeric() }} {{ ' \\t'.isspace() }} {{ ''.isalpha() }} {{ 'Ab'.isupper() }} {{ 'AB1'.isupper() }} {{ 'ab!'.islower() }} {{ 'Ab Cd'.istitle() }} {{ 'a_1'.isidentifier() }} {{ '1a'.isidentifier() }} {{ 'aé'.isascii() }} {{ 'a\\n'.isprintable() }} {{ ''.isprintable() }} {{ '日本'.isalpha() }}",
    "{{ 'prefix-x'.removeprefix('prefix-') }} {{ 'x.txt'.removesuffix('.txt') }} {{ 'x'.removeprefix('y') }} {{ 'x'.removesuffix('') }}",
    "{{ '42'.zfill(5) }} {{ '-42'.zfill(5) }} {{ '+4'.zfill(1) }} {{ 'ab'.ljust(5, '.') }}| {{ 'ab'.rjust(5) }} {{ 'ab'.center(5, '*') }} {{ 'abc'.center(6) }}| {{ 'é'.center(4, '日') }} {{ 'abc'.center(2) }}",
    "{{ 'a-b-c'.partition('-') }} {{ 'a-b-c'.rpartition('-') }} {{ 'abc'.partition('-') }} {{ 'abc'.rpartition('-') }}",
    "{{ 'a\\tbc\\td'.expandtabs() }} {{ 'a\\tb'.expandtabs(4) }} {{ 'a\\tb'.expandtabs(0) }}",
    "{{ '{} {}'.format(1, 'x') }} {{ '{1} {0}'.format('a', 'b') }} {{ '{a} {b[k]} {c.x}'.format(a=1, b={'k': 2}, c={'x': 3}) }} {{ '{{}}'.format() }} {{ '{0[1]}'.format([1, 2]) }}",
    "{{ '{:>6}|{:<6}|{:^6}|{:*^7}|{:06.2f}|{:+d}|{:,}|{:_}|{:x}|{:#x}|{:b}|{:e}|{:.1%}|{:g}|{:c}'.format('a', 'b', 'c', 'd', 3.14159, 5, 1234567, 1234567, 255, 255, 5, 12345.678, 0.256, 1e-7, 65) }}",
    "{{ '{:.3}|{:5.1}|{!r}|{!s}|{:{w}}|{:08,.1f}|{:=+6}|{: d}|{:.3}|{:n}|{:10}|'.format('abcdef', 'xyz', 'q', none, 'v', 12345.67, 42, 3, 2.0, 12, 5, w=4) }}",
    "{{ '{}'.format(true) }} {{ '{:d}'.format(true) }} {{ '{}'.format([1, 'a']) }} {{ '{}'.format(missing) }} {{ '{a}'.format_map({'a': 5}) }} {{ '{:5}|'.format(none) }}",
    "{{ s.split(',')[0].strip().lower().replace('h', 'j') ~ '!' }}",
    "{{ 'a'.join([1]) }}",
    "{{ s.index('zz') }}",
    "{{ s.split('') }}",
    "{{ s.startswith(1) }}",
    "{{ s.strip(1) }}",
    "{{ '{}'.format() }}",
    "{{ '{x}'.format(y=1) }}",
    "{{ '{:d}'.format('a') }}",
    "{{ s.upper(1) }}",
    "{{ s.nosuch() }}",
    "{{ 'a'.center(5, 'xy') }}",
]

GROUPS["filters: text"] = [
    "{{ s|upper }} {{ s|lower }} {{ s|capitalize }} {{ 'hello world-foo (bar) [x] <y>'|title }} {{ 5|upper }} {{ none|lower }} [{{ missing|upper }}]",
    "{{ ws|trim }}| {{ 'xxaxx'|trim('x') }} {{ 5|trim }} [{{ missing|trim }}]",
    "{{ s|replace('l', 'L') }} {{ s|replace('l', 'L', 2) }} {{ 55|replace(5, 6) }} {{ 'a'|replace('a', none) }}",
    "{{ 'ab'|center(6) }}| {{ 'ab'|center }}|",
    "{{ '%s and %s'|format('a', 1) }} {{ '%(x)s'|format(x=2) }} {{ 'plain'|format }}",
    "{{ [1, 2]|join(', ') }} {{ names|join }} {{ users|join('-', attribute='name') }} {{ [1, none, missing, 'x', 2.0]|join('|') }} {{ 'abc'|join('.') }} {{ elist|join(',') }} {{ users|join(attribute='age', d=';') }}",
    "{{ 'a\\nb\\n\\nc'|indent }} {{ 'a\\nb'|indent(2, true) }} {{ 'a\\n\\nb'|indent(2, blank=true) }} {{ 'a\\nb\\n'|indent('> ') }}| {{ 'a\\r\\nb'|indent(1) }} {{ ''|indent }} {{ 'x'|indent(first=true) }}",
    "{{ 'foo bar baz qux'|truncate(9) }} {{ 'foo bar baz qux'|truncate(9, true) }} {{ 'foo bar baz qux'|truncate(11) }} {{ 'foo bar baz qux'|truncate(11, false, '…', 0) }} {{ 'short'|truncate }} {{ 'abcdefghijkl'|truncate(5, leeway=0) }}",
    "{{ 'The quick brown fox jumped over'|wordwrap(10) }}",
    "{{ 'well-known state-of-the-art verylongwordindeed -- a--b x-1'|wordwrap(8) }}",
    "{{ 'abcdefghij klm'|wordwrap(4, false) }}|{{ 'a b\\n\\nc d e'|wordwrap(3, wrapstring='/') }}|{{ 'aaa-bbb ccc'|wordwrap(5, break_on_hyphens=false) }}",
    "{{ 'Hello, big-wide world! 42'|wordcount }} {{ ''|wordcount }} {{ u|wordcount }}",
    "{{ s|length }} {{ u|length }} {{ l|count }} {{ d|length }} {{ missing|length }} {{ ()|length }}",
    "{{ 5|string + '!' }} {{ none|string }} {{ [1, 'a']|string }} {{ missing|string is string }}",
    "{{ html|escape }} {{ html|e }} {{ html|safe }} {{ html|forceescape }} {{ html|e|e }} {{ html|e|forceescape }} {{ 5|e }} {{ none|e }}",
    "{{ '<b>x  <i>y</i>\\n z</b> &amp; &lt;q&gt; <!-- c --> w'|striptags }} {{ 'a < b'|striptags }}",
    "{{ 'a b/c?d=é&x'|urlencode }} {{ {'a': 1, 'b c': 'd&e/'}|urlencode }} {{ [('k', 'v w')]|urlencode }} {{ 5|urlencode }}",
    "{{ {'class': 'x', 'id': none, 'n': 5, 'q': '\"<'}|xmlattr }}| {{ {'a': 'b'}|xmlattr(false) }}|{{ {}|xmlattr }}|",
    "{{ s|list }} {{ u[:3]|list }} {{ s|first }} {{ s|last }} {{ s|reverse }} {{ u|reverse }}",
    "{{ '<a>'|safe + '<b>' }} {{ '<b>' + '<a>'|safe }} {{ ('<a>'|safe) ~ '<b>' }} {{ ['<a>'|safe] }} {{ ('<%s>'|safe) % '<x>' }} {{ ('<{}>'|safe).format('<x>') }} {{ ('<a>'|safe).upper() + '<' }} {{ ('x'|safe) * 2 + '<' }} {{ ('a,b'|safe).split(',') }} {{ (', '|safe).join(['<', '>']) }}",
    "{{ ('<a>'|safe)|replace('a', '<') }} {{ ('<a>'|safe).replace('a', '<') }} {{ ('<a>'|safe)|upper + '<' }} {{ ('a<'|safe)[1:] + '<' }} {{ ['<'|e, '>']|join }}",
    "{{ 'x'|center(-1) }} {{ 5|center(4) }}|",
    "{% filter upper %}abc {{ s }}{% endfilter %}",
    "{% filter replace('a', 'b')|upper|trim %}  banana {% endfilter %}|",
    "{{ 'a'|truncate(1) }}",
    "{{ 'abcdefghi'|truncate(2) }}",
    "{{ 5|indent }}",
    "{{ missing|indent }}",
    "{{ '%d'|format('x') }}",
    "{{ 5|length }}",
    "{{ {'a b': 1}|xmlattr }}",
    "{{ 'a'|nosuch }}",
    "{{ none|length }}",
]

GROUPS["filters: numbers"] = [
    "{{ '42'|int }} {{ ' 42 '|int }} {{ '42.7'|int }} {{ 'x'|int }} {{ 'x'|int(-1) }} {{ '0x1f'|int(base=16) }} {{ '1f'|int(0, 16) }} {{ '0b11'|int(0, 2) }} {{ 3.9|int }} {{ -3.9|int }} {{ none|int }} {{ true|int }} {{ '1_000'|int }} {{ ''|int }} {{ '-5'|int }} {{ '1e3'|int }} {{ [1]|int(9) }} {{ 'inf'|int }} {{ '0x1f'|int }}",
    "{{ '4.5'|float }} {{ 'x'|float }} {{ 'x'|float(1.5) }} {{ 3|float }} {{ '1e3'|float }} {{ none|float }} {{ 'inf'|float }} {{ '-nan'|float }} {{ ' 2 '|float }} {{ '.5'|float }} {{ '5.'|float }} {{ true|float }} {{ '1_0'|float }}",
    "{{ 42.55|round }} {{ 42.55|round(1) }} {{ 2.5|round }} {{ 3.5|round }} {{ 2.675|round(2) }} {{ 42.55|round(1, 'floor') }} {{ 42.51|round(0, 'ceil') }} {{ 7|round }} {{ 1234|round(-2) }} {{ 1250|round(-2) }} {{ 1234.5|round(-2) }} {{ -2.5|round }} {{ true|round }} {{ 42.55|round|int }}",
    "{{ neg|abs }} {{ -2.5|abs }} {{ true|abs }} {{ -5|abs }}",
    "{{ 1|filesizeformat }} {{ 999|filesizeformat }} {{ 13000|filesizeformat }} {{ 4100000|filesizeformat }} {{ 1024|filesizeformat(true) }} {{ 1e15|filesizeformat }} {{ '2048'|filesizeformat(true) }} {{ 0|filesizeformat }}",
    "{{ [1, 2, 3]|sum }} {{ [1, 2.5]|sum }} {{ elist|sum }} {{ [1]|sum(start=10) }} {{ users|sum(attribute='age') }} {{ users|sum('age') }} {{ [[1], [2]]|sum(start=[]) }}",
    "{{ l|min }} {{ l|max }} {{ names|min }} {{ names|max }} {{ names|max(true) }} [{{ elist|max }}] {{ (users|max(attribute='age')).name }} {{ (users|min(attribute='name')).name }} {{ names|min(case_sensitive=true) }}",
    "{{ missing|int }}",
    "{{ missing|float }}",
    "{{ 'a'|abs }}",
    "{{ 1e400|int }}",
    "{{ 'x'|round }}",
    "{{ ['a']|sum }}",
    "{{ [1, 'a']|max }}",
    "{{ 1|round(1, 'up') }}",
]

GROUPS["filters: sequences"] = [
    "{{ missing|default('x') }} {{ none|default('x') }} {{ none|default('x', true) }} {{ ''|d('y', true) }} {{ 0|d(5, boolean=true) }} {{ ''|d('z') }} [{{ missing|d }}] {{ d.q|default(d.a) }}",
    "{{ l|first }} {{ l|last }} {{ d|first }} {{ d|last }} [{{ elist|first }}] [{{ elist|last }}] {{ range(3)|last }} {{ d.items()|first }}",
    "{{ l|sort }} {{ l|sort(true) }} {{ names|sort }} {{ names|sort(case_sensitive=true) }} {{ users|sort(attribute='age')|map(attribute='name')|join(',') }} {{ users|sort(attribute='age,name', reverse=true)|map(attribute='name')|join(',') }} {{ d|sort }} {{ 'cab'|sort }} {{ [[2, 1], [1, 9]]|sort(attribute=1) }} {{ [1, 2.5, true]|sort }}",
    "{{ d|dictsort }} {{ d|dictsort(true) }} {{ d|dictsort(false, 'value') }} {{ d|dictsort(reverse=true) }} {{ d|dictsort(by='value', reverse=true) }}",
    "{{ l|reverse|list }} {{ d|reverse|list }} {{ range(3)|reverse|list }} {{ d.items()|reverse|list }} {{ (1, 2)|reverse|list }}",
    "{{ names|unique|list }} {{ names|unique(true)|list }} {{ users|unique(attribute='age')|map(attribute='name')|list }} {{ [1, 1.0, true, 2]|unique|list }}",
    "{{ l|list }} {{ d|list }} {{ 'abc'|list }} {{ range(2)|list }} {{ missing|list }} {{ d|items|list }} {{ missing|items|list }}",
    "{{ range(7)|batch(3)|list }} {{ range(7)|batch(3, 'x')|list }} {{ elist|batch(2)|list }} {{ range(7)|slice(3)|list }} {{ range(7)|slice(3, 'x')|list }} {{ range(2)|slice(4)|list }}",
    "{% for g in users|groupby('age') %}{{ g.grouper }}:{{ g.list|map(attribute='name')|join('+') }};{% endfor %} {% for k, v in users|groupby('ok', default=false) %}{{ k }}={{ v|length }} {% endfor %}{{ (names|groupby(0))|map('first')|list }} {{ ['a', 'B', 'A']|groupby('x', default='q')|length }}",
    "{% for g in names|map('upper')|groupby(0) %}{{ g }}{% endfor %}",
    "{{ users|map(attribute='name')|list }} {{ users|map(attribute='ok', default='?')|list }} {{ names|map('upper')|list }} {{ users|map(attribute='tags.0')|list }} {{ l|map('string')|join('+') }} {{ [' a ', 'b ']|map('trim')|list }} {{ names|map('replace', 'a', 'A')|list }} {{ missing|map('upper')|list }} {{ [[1, 2], [3]]|map('sum')|list }} {{ users|map('length')|list }}",
    "{{ range(6)|select('odd')|list }} {{ range(6)|reject('odd')|list }} {{ range(6)|select('divisibleby', 3)|list }} {{ [0, 1, '', 'a', none]|select|list }} {{ [0, 1, '']|reject|list }} {{ range(6)|select('>', 3)|list }} {{ names|select('in', ['bob'])|list }} {{ l|select('eq', 2)|list }}",
    "{{ users|selectattr('ok')|map(attribute='name')|list }} {{ users|rejectattr('ok')|map(attribute='name')|list }} {{ users|selectattr('age', 'equalto', 30)|list|length }} {{ users|selectattr('ok', 'defined')|list|length }} {{ users|rejectattr('age', '==', 30)|map(attribute='name')|first }} {{ users|selectattr('tags.0', 'defined')|list|length }} {{ messages|selectattr('role', 'equalto', 'user')|list }}",
    "{% set g = l|map('string') %}{{ g|list }}{{ g|list }} {% set r = l|reverse %}{{ r|list }}{{ r|list }}",
    "{{ l|map('nosuch') is defined }} {% if l|select('nosuch') %}lazy{% endif %} {{ elist|map('nosuch')|list }}",
    "{{ [3, 1]|sort|first }} {{ 'b a'.split()|sort|join }} {{ d.values()|sort|list }} {{ d.keys()|map('upper')|sort|join(',') }}",
    "{{ d|attr('keys') is callable }} [{{ d|attr('a') }}] {{ s|attr('upper')() }}",
    "{{ {'b': [1, {'y': 2, 'x': 1}], 'a': (1,)}|pprint }} {{ 'x'|pprint }}",
    "{{ l|map('nosuch')|list }}",
    "{{ l|select('nosuch')|list }}",
    "{{ 5|list }}",
    "{{ l|map('string')|last }}",
    "{{ l|map('string')|length }}",
    "{{ [1, 'a']|sort }}",
    "{{ [[1]]|unique|list }}",
    "{{ l|items|list }}",
    "{{ l|dictsort }}",
    "{{ users|map(attribute='name', foo=1)|list }}",
    "{{ l|map|list }}",
    "{{ users|selectattr|list }}",
    "{{ none|first }}",
    "{{ l|slice(0)|list }}",
]

GROUPS["tojson"] = [
    "{{ d|tojson }} {{ l|tojson }} {{ html|tojson }} {{ u|tojson }} {{ none|tojson }} {{ true|tojson }} {{ 1.0|tojson }} {{ 1e20|tojson }} {{ (1, 2)|tojson }} {{ {}|tojson }} {{ []|tojson }} {{ 'a\\n\\t\\x01\\\\\"/\\x7f\\u2028'|tojson }}",
    "{{ nested|tojson(indent=2) }}",
    "{{ {'a': [], 'b': {}, 'c': [1, [2]]}|tojson(indent=4) }}",
    "{{ d|tojson(sort_keys=true) }} {{ d|tojson(separators=(',', ':')) }} {{ u|tojson(ensure_ascii=true) }} {{ d|tojson(false, 1, none, true) }} {{ [1, 2]|tojson(indent='--') }} {{ [1]|tojson(indent=0) }} {{ [1, {'a': 2}]|tojson(indent=1, separators=(' ;', ' = ')) }}",
    "{{ {1: 'a', none: 'b', true: 'c', 1.5: 'd'}|tojson }} {{ 'inf'|float|tojson }} {{ ['<a>'|safe, '<a>'|e]|tojson }}",
    "{{ messages|tojson }} {{ users[0]|tojson|length }}",
    "{{ '🙂'|tojson(true) }} {{ '\\x7f'|tojson(ensure_ascii=true) }} {{ -0.0|tojson }} {{ 1e-7|tojson }}",
    "{{ missing|tojson }}",
    "{{ {'a': missing}|tojson }}",
    "{{ d.items()|tojson }}",
    "{{ range(3)|tojson }}",
    "{{ l|map('string')|tojson }}",
    "{{ {(1, 2): 3}|tojson }}",
    "{{ {1: 2, 'a': 3}|tojson(sort_keys=true) }}",
    "{{ namespace(a=1)|tojson }}",
]

GROUPS["tests"] = [
    "{{ n is defined }} {{ missing is defined }} {{ missing is undefined }} {{ missing is not defined }} {{ d.q is defined }} {{ none is defined }}",
    "{{ 1 is number }} {{ 1.0 is number }} {{ true is number }} {{ 1 is integer }} {{ true is integer }} {{ 1.0 is float }} {{ 1 is float }} {{ true is boolean }} {{ 1 is boolean }} {{ '1' is number }}",
    "{{ 's' is string }} {{ ('a'|safe) is string }} {{ l is string }} {{ d is mapping }} {{ l is mapping }} {{ namespace() is mapping }}",
    "{{ l is sequence }} {{ d is sequence }} {{ s is sequence }} {{ 5 is sequence }} {{ range(2) is sequence }} {{ missing is sequence }} {{ (l|map('string')) is sequence }} {{ d.keys() is sequence }} {{ none is sequence }}",
    "{{ l is iterable }} {{ s is iterable }} {{ 5 is iterable }} {{ missing is iterable }} {{ none is iterable }} {{ (l|map('string')) is iterable }} {{ d.items() is iterable }}",
    "{{ none is none }} {{ missing is none }} {{ true is true }} {{ 1 is true }} {{ false is false }} {{ 0 is false }} {{ none is not none }}",
    "{{ 3 is odd }} {{ 4 is even }} {{ 9 is divisibleby 3 }} {{ 9 is divisibleby(2) }} {{ -3 is odd }} {{ 2.0 is even }} {{ neg is odd }}",
    "{{ 1 is eq 1 }} {{ 1 is ne 2 }} {{ 1 is lt 2 }} {{ 1 is le 1 }} {{ 2 is gt 1 }} {{ 2 is ge 3 }} {{ 1 is equalto 1.0 }} {{ 1 is lessthan 2 }} {{ 1 is greaterthan 2 }} {{ 1 is eq(1) }}",
    "{{ 1 is in [1, 2] }} {{ 'a' is in 'abc' }} {{ 3 is not in [1] }} {{ 'a' is in d }}",
    "{{ 'abc' is lower }} {{ 'ABC' is upper }} {{ 'aB' is lower }} {{ 5 is lower }} {{ '' is upper }}",
    "{{ s.upper is callable }} {{ s is callable }} {{ range is callable }} {{ namespace is callable }} {{ missing is callable }} {{ raise_exception is callable }} {{ dict is callable }}",
    "{{ none is sameas none }} {{ l is sameas l }} {{ [] is sameas [] }} {{ true is sameas 1 }} {{ d.a is sameas 2 }}",
    "{{ 'upper' is filter }} {{ 'nosuch' is filter }} {{ 'odd' is test }} {{ 'nosuch' is test }} {{ ('a'|e) is escaped }} {{ 'a' is escaped }}",
    "{{ 1 is defined and 2 is defined }} {{ not missing is defined }} {{ n is odd or n is even }} {{ 'yes' if n is odd else 'no' }} {{ n is not none and n > 3 }}",
    "{{ 2 + 3 is odd }} {{ -1 is odd }} {{ l|length is eq 3 }} {{ l[0] is eq l[0] }} {{ 1 is eq d.b }} {{ s is string and s|length is gt 3 }}",
    "{{ s is nosuch }}",
    "{{ 'a' is odd }}",
    "{{ 1 is divisibleby 0 }}",
    "{{ missing is odd }}",
]

GROUPS["if and for"] = [
    "{% if n > 5 %}big{% elif n > 3 %}mid{% else %}small{% endif %} {% if no %}x{% elif elist %}y{% elif 0 %}z{% else %}w{% endif %}",
    "{% for i in l %}{{ loop.index }}/{{ loop.length }}:{{ i }}{% if not loop.last %}, {% endif %}{% endfor %}",
    "{% for i in l %}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }} {% endfor %}",
    "{% for i in l %}[{{ loop.previtem }}<{{ i }}>{{ loop.nextitem }}]{% endfor %} {% for i in l %}{{ loop.previtem is defined }}{{ loop.nextitem is defined }}{% endfor %}",
    "{% for i in l %}{{ loop.cycle('a', 'b') }}{% endfor %} {% for i in [1, 1, 2, 2, 1] %}{{ loop.changed(i) }} {% endfor %}",
    "{% for i in elist %}x{% else %}none{% endfor %} {% for i in missing %}x{% else %}undef{% endfor %} {% for i in l %}{{ i }}{% else %}e{% endfor %}",
    "{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %} {% for k in d %}{{ k }}{% endfor %} {% for a, (b, c) in [(1, (2, 3))] %}{{ a }}{{ b }}{{ c }}{% endfor %} {% for (x,) in [(1,)] %}{{ x }}{% endfor %}",
    "{% for i in range(10) if i is even %}{{ i }}{{ ',' if not loop.last }}{% endfor %} {% for u in users if u.ok %}{{ u.name }}{{ loop.length }}{% endfor %} {% for i in l if i > 9 %}x{% else %}empty{% endfor %} {% for a, b in d.items() if b > 1 %}{{ a }}{{ loop.index }}{% endfor %}",
    "{% for i in range(10) %}{% if i == 2 %}{% continue %}{% endif %}{% if i == 5 %}{% break %}{% endif %}{{ i }}{% endfor %}",
    "{% for i in range(3) %}{% for j in range(3) %}{% if j == 1 %}{% break %}{% endif %}{{ i }}{{ j }} {% endfor %}{{ loop.index }}{% endfor %}",
    "{% for i in [1] %}{% continue %}{% else %}else{% endfor %} {% for i in [1, 2] %}{% break %}{% else %}else{% endfor %} {% for i in [1, 2] %}{% if i == 2 %}{% break %}{% endif %}{% else %}else{% endfor %}",
    "{% for n in tree recursive %}{{ n.v }}[{{ loop.depth }}{{ loop.depth0 }}]{% if n.c %}({{ loop(n.c) }}){% endif %}{% endfor %}",
    "{% for n in tree recursive %}<{{ loop.index }}{{ loop(n.c) if n.c }}>{% else %}never{% endfor %}",
    "{% for n in tree if n.v != 3 recursive %}{{ n.v }}{{ loop(n.c) }}{% endfor %}",
    "{% for i in l %}{% set outer = loop %}{% for j in range(2) %}{{ outer.index }}{{ loop.index }} {% endfor %}{% endfor %}",
    "{% for c in 'héy' %}{{ c }}.{% endfor %} {% for x in (1, 2) %}{{ x }}{% endfor %} {% for p in d|dictsort %}{{ p[0] }}{{ p[1] }}{% endfor %} {% for x in l|sort|reverse %}{{ x }}{{ loop.length }}{% endfor %}",
    "{% for x in l|map('string') %}{{ x }}{{ loop.index }}{{ loop.length }}{{ loop.last }} {% endfor %} {% for x in l|select('odd') %}{{ loop.last }}{% endfor %}",
    "{% for x in 1, 2, 3 %}{{ x }}{% endfor %} {% for x in [[1, 2], [3, 4]] %}{{ x[0] }}{% endfor %}",
    "{% for i in range(3) %}{{ loop }}{% endfor %}",
    "{% for i in l %}{% if loop.first %}{{ loop.length }}{% endif %}{{ loop.nextitem|default('end') }} {% endfor %}",
    "{% if missing.x is defined %}a{% endif %}",
    "{% for i in 5 %}{% endfor %}",
    "{% for i in none %}{% endfor %}",
    "{% for a, b in [1] %}{% endfor %}",
    "{% for a, b in [(1, 2, 3)] %}{% endfor %}",
    "{% for a, b in ['x'] %}{% endfor %}",
    "{% for i in l %}{{ loop(l) }}{% endfor %}",
    "{% for i in l %}{{ loop.cycle() }}{% endfor %}",
    "{% for i in l %}{% set loop = 1 %}{% endfor %}",
    "{% break %}",
    "{% if true %}{% continue %}{% endif %}",
    "{% for i in l %}",
    "{% if true %}{% endfor %}",
    "{% endif %}",
    "{% nosuch %}",
    "{% do l.append(1) %}",
    "{% for i in l %}{% macro m() %}{% break %}{% endmacro %}{% endfor %}",
    "{% if false %}{{ 'x'|nosuch }}{% endif %}ok",
    "{% if true %}{{ 'x'|nosuch }}{% endif %}",
    "{{ 'x'|nosuch if false }}ok",
    "{% if false %}{% for i in l %}{{ 'x'|nosuch }}{% endfor %}{% endif %}",
    "{% if false %}{{ 1 is nosuch }}{% endif %}ok",
]

GROUPS["set, scope and with"] = [
    "{% set x = 1 %}{{ x }}{% set x = x + 1 %}{{ x }} {% set a, b = 1, 2 %}{{ a }}{{ b }} {% set a, b = b, a %}{{ a }}{{ b }} {% set t = 1, 2 %}{{ t }}",
    "{% set x = 0 %}{% for i in l %}{% set x = x + i %}{{ x }} {% endfor %}{{ x }}",
    "{% set ns = namespace(x=0) %}{% for i in l %}{% set ns.x = ns.x + i %}{% endfor %}{{ ns.x }} {{ ns.y is defined }} {{ ns }} {% set ns.y = 'q' %}{{ ns.y }}{{ ns['y'] }}",
    "{% set ns = namespace({'a': 1}, b=2) %}{{ ns.a }}{{ ns.b }} {% set ns.a, ns.c = 5, 6 %}{{ ns.a }}{{ ns.c }}",
    "{% if true %}{% set y = 5 %}{% endif %}{{ y }} {% if false %}{% set z = 5 %}{% endif %}[{{ z }}] {% if false %}{% set n = 99 %}{% endif %}{{ n }}",
    "{% for i in [1] %}{% set inner = i %}{% endfor %}[{{ inner }}] {% for n in [1] %}{{ n }}{% endfor %}{{ n }}",
    "{% set b %}block {{ n }}{% endset %}[{{ b }}] {% set c | upper | trim %}  cap {% endset %}[{{ c }}] {{ b is string }} {% set q %}{% for i in l %}{{ i }}{% endfor %}{% endset %}{{ q|length }}",
    "{% with %}{% set w = 1 %}{{ w }}{% endwith %}[{{ w }}] {% with a = 1, b = 2 %}{{ a }}{{ b }}{% endwith %} {% with n = 1 %}{{ n }}{% endwith %}{{ n }} {% with a = n, b = a %}{{ a }}[{{ b }}]{% endwith %}",
    "{% with a, b = (1, 2) %}{{ a }}{{ b }}{% endwith %}",
    "{% for m in l %}{{ n }}{% endfor %}{% set n = 5 %}{{ n }}",
    "{% for m in l %}[{{ s }}]{% set s = m %}{{ s }}{% endfor %}",
    "{% macro m() %}[{{ n }}]{% endmacro %}{{ m() }}{% set n = 1 %}{{ m() }}",
    "{% with %}[{{ n }}]{% endwith %}{% set n = 1 %}",
    "{{ n }}{% with %}[{{ n }}]{% endwith %}{% set n = 1 %}{{ n }}",
    "{% if n %}{% set q = n %}{% else %}{% set q = 0 %}{% endif %}{{ q }}{% if no %}{% set s = 'x' %}{% elif n == 7 %}{% set s = 'y' %}{% endif %}{{ s }}",
    "{% for i in l %}{% if loop.first %}{% set seen = true %}{% endif %}{{ seen is defined }} {% endfor %}",
    "{% set x = 1 %}{% for i in [1, 2] %}{{ x }}{% set x = 2 %}{{ x }}{% endfor %}{{ x }} {% set x %}{{ x }}{{ x }}{% endset %}{{ x }}",
    "{% set x = missing %}{{ x is defined }} {% set x = missing|default('q') %}{{ x }} {% set loop = 5 %}{{ loop }}",
    "{% set x = 1 %}{% if true %}{% if true %}{% set x = 2 %}{% endif %}{% endif %}{{ x }}",
    "{% set ns = namespace() %}{% set ns.list = [] %}{% for i in l %}{% set ns.list = ns.list + [i] %}{% endfor %}{{ ns.list }}",
    "{% set d2 = dict(d, z=9) %}{{ d2 }} {{ dict([('a', 1)]) }} {{ dict(a=1) }} {{ dict.fromkeys('ab', 0) }} {{ dict() }}",
    "{% filter upper %}{% set fx = 'in' %}{{ fx }}{% endfilter %}[{{ fx }}] {% set x = 'a' %}{% filter upper %}{{ x }}{% set x = 'b' %}{% endfilter %}{{ x }}",
    "{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.next() }}{{ c.next() }}{{ c.current }}{{ c.reset() }}{{ c.next() }} {% set j = joiner() %}{{ j() }}x{{ j() }}y {% set j = joiner('|') %}{{ j() }}x{{ j() }}",
    "{% set a = b = 1 %}",
    "{% set x.y = 1 %}",
    "{% set d.y = 1 %}",
    "{% set ns = namespace() %}{% set ns._x = 1 %}",
    "{{ namespace(_x=1) }}",
    "{% set a, b = 1 %}",
    "{% set a, b = 1, 2, 3 %}",
    "{% set 5 = 1 %}",
    "{% set true = 1 %}",
    "{% set x = %}",
    "{{ cycler() }}",
]

GROUPS["macros and calls"] = [
    "{% macro m(a, b=2) %}{{ a }}-{{ b }}{% endmacro %}{{ m(1) }} {{ m(1, 3) }} {{ m(b=5, a=4) }} {{ m() }} {{ m(1)|upper }} {{ m.name }} {{ m.arguments }}",
    "{% macro m(a, b=a ~ '!') %}{{ a }}{{ b }}{% endmacro %}{{ m('x') }} {% macro k(a=b, b=1) %}[{{ a }}]{{ b }}{% endmacro %}{{ k() }}",
    "{% macro m() %}{{ varargs }} {{ kwargs }}{% endmacro %}{{ m(1, 2, x=3) }} {% macro v(a) %}{{ a }}{{ varargs|length }}{% endmacro %}{{ v(1, 2, 3) }}",
    "{% macro box(t) %}<{{ t }}:{{ caller() }}>{% endmacro %}{% call box('x') %}body {{ n }}{% endcall %} {% macro each() %}{% for i in l %}{{ caller(i) }}{% endfor %}{% endmacro %}{% call(x) each() %}[{{ x }}]{% endcall %}",
    "{% macro opt() %}{% if caller %}{{ caller() }}{% else %}none{% endif %}{% endmacro %}{{ opt() }} {% call opt() %}yes{% endcall %}",
    "{% macro fact(k) %}{{ k * fact(k - 1)|int if k > 1 else 1 }}{% endmacro %}{{ fact(5) }}",
    "{% macro r(t) %}{{ t.v }}{% for c in t.c %}({{ r(c) }}){% endfor %}{% endmacro %}{{ r(tree[0]) }}",
    "{% macro outer() %}{% macro inner(x) %}<{{ x }}>{% endmacro %}{{ inner(1) }}{{ inner(2) }}{% endmacro %}{{ outer() }}",
    "{% macro m(a) %}{% set a = a ~ '?' %}{{ a }}{{ n }}{% endmacro %}{{ m(1) }}{{ a is defined }} {{ m }} {{ m is callable }}",
    "{% set x = 'out' %}{% macro m() %}{{ x }}{% endmacro %}{% for x in [1, 2] %}{{ m() }}{% endfor %} {% for i in l %}{% macro p() %}{{ i }}{% endmacro %}{{ p() }}{% endfor %}",
    "{% macro m(a, b) %}{{ a }}{{ b }}{% endmacro %}{{ m(*[1, 2]) }} {{ m(**{'a': 3, 'b': 4}) }} {{ m(*(5,), b=6) }} {{ m(1, *[2]) }}",
    "{% macro m() %}\n  text\n{% endmacro %}[{{ m() }}]",
    "{% macro m(x) %}{{ x is defined }}{{ x }}{% endmacro %}{{ m() }} {{ m(none) }} {{ m(missing) }}",
    "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}B{% endmacro %}{{ a() }}",
    "{% if true %}{% macro c() %}C{% endmacro %}{% endif %}{{ c() }} {% if false %}{% macro e() %}E{% endmacro %}{% endif %}{{ e is defined }}",
    "{% macro m(caller='c') %}{{ caller }}{% endmacro %}{{ m() }}",
    "{% call(a, b=2) (namespace(f=1)).g %}{% endcall %}",
    "{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}",
    "{% macro m(a) %}{% endmacro %}{{ m(b=2) }}",
    "{% macro m(a) %}{% endmacro %}{{ m(1, a=2) }}",
    "{% macro m(a=1, b) %}{% endmacro %}",
    "{% macro m(caller) %}{{ caller() }}{% endmacro %}",
    "{% macro loop_forever() %}{{ loop_forever() }}{% endmacro %}{{ loop_forever() }}",
    "{% macro m() %}{{ caller() }}{% endmacro %}{{ m() }}",
    "{{ f(a=1, 2) }}",
    "{{ f(*a, *b) }}",
    "{{ range(n, *[9])|list }} {{ dict(**{'x': 1}) }} {{ range(*[1, 3])|list }}",
    "{% call nosuch() %}{% endcall %}",
]

GROUPS["tags of transformers"] = [
    "{% for m in messages %}{{ m.role }}: {% generation %}{{ m.content }}{% endgeneration %}\n{% endfor %}",
    "{% set x = 1 %}{% generation %}{% set x = 2 %}{{ x }}{% endgeneration %}{{ x }}",
    "{%- for m in messages -%}\n  {%- if m.role == 'assistant' -%}\n    {%- generation -%}\n      {{ m.content }}\n    {%- endgeneration -%}\n  {%- else -%}\n    {{ m.content }}\n  {%- endif -%}\n{%- endfor -%}",
    "{% for m in messages %}{% generation %}{% if loop.last %}{{ m.content }}{% endif %}{% endgeneration %}{% endfor %}",
    "{% for i in l %}{% generation %}{% break %}{% endgeneration %}{% endfor %}",
    "{{ strftime_now('%Y-%m-%d %H:%M:%S') }} {{ strftime_now('%d %b %Y, %A %B %j %y %I:%M %p %a %U %w %W %%') }} {{ strftime_now('%-d/%-m %e %D %F %T %R %f %z%Z|%q') }}",
    "{{ raise_exception('no ' ~ n) }}",
    "{% if false %}{{ raise_exception('x') }}{% endif %}fine",
    "{{ 'a'|upper if raise_exception is defined else 'b' }}",
    "{% block title %}T{{ n }}{% endblock %} {% block other scoped %}O{% endblock other %}",
    "{% set x = 1 %}{% for i in l %}{% block inloop %}[{{ i }}{{ x }}]{% endblock %}{% endfor %}",
    "{% autoescape false %}{{ html }}{% set ax = 1 %}{% endautoescape %}[{{ ax }}]",
    "{% print n %}{% print 1, 2 %}",
    "{% if false %}{% include 'x' %}{% endif %}ok",
    "{% if false %}{% from 'x' import a, b as c with context %}{% import 'y' as z %}{% endif %}ok",
    "{% include 'x' %}",
    "{% extends 'x' %}",
    "{% block a %}{% endblock %}{% block a %}{% endblock %}",
    "{# unclosed",
    "{% raw %} unclosed",
    "{{ unclosed",
    "{{ }}",
    "{{ 1 2 }}",
    "{{ (1 }}",
    "{{ a b }}",
    "{{ 1 }",
    "{% if %}x{% endif %}",
    "{{ $ }}",
    "{{ a.'b' }}",
    "{{ a[ }}",
    "{% for x in %}{% endfor %}",
    "{% for x y in l %}{% endfor %}",
    "{% set %}",
    "text } and % and { alone {",
    "{{ undefined_function }}|",
]

GROUPS["precedence"] = [
    "{{ -1|abs }} {{ (-1)|abs }} {{ 2 * 3|string }} {{ 'a' ~ 'b'|upper }} {{ ('a' ~ 'b')|upper }} {{ 1 + 2|string|length }}",
    "{{ not false and true }} {{ not (false and true) }} {{ 1 or 2 and 0 }} {{ (1 or 2) and 0 }} {{ 1 if true else 0 + 5 }} {{ (1 if true else 0) + 5 }}",
    "{{ 'a' ~ 1 + 2 }} {{ 2 * 3 ~ 4 }} {{ 10 % 3 * 2 }} {{ 2 + 3 == 5 }} {{ 'x' in 'xy' ~ 'z' }} {{ 1 < 2 and 'a' in 'abc' }}",
    "{{ 2 ** 2 * 3 }} {{ -2 ** 2 }} {{ 2 ** -1 }} {{ (2 ** 3) ** 2 }} {{ 7 // 2 * 2 }} {{ 7 - 2 ~ '' }}",
    "{{ l[0] + l[1] * l[2] }} {{ l|first + 1 }} {{ s|length * 2 }} {{ -l|first }} {{ not l|length > 2 }} {{ l|length > 2 and 'y' or 'n' }}",
    "{{ d.a if d.a > 1 else d.b }} {{ ('x' if n else 'y') ~ 'z' }} {{ 'a' if 'b' else 'c' if 'd' else 'e' }} {{ x if x is defined else 'default' }}",
    "{{ s.lower()|upper|lower }} {{ s|upper|replace('L', 'x')|lower|title }} {{ (s|upper).lower() }} {{ 'a b'.split()|map('upper')|join('-')|lower }}",
    "{{ [1, 2, 3][1:]|first }} {{ {'a': [1, 2]}['a'][-1] }} {{ (1, 2)|last }} {{ 'abc'[1]|upper }} {{ users[0].name|upper ~ '!' }}",
    "{{ 1 == 1 is true }} {{ 3 is odd == true }}",
    "{{ 5 is odd and 4 is even or false }} {{ n is number and n is not string }}",
]


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
