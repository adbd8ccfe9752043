"""`goodfit templates` and `goodfit new`: rule sets to start from."""

import sys
from typing import Annotated

import typer

from service.cli.screen import AsJson, print_json, refuse, say
from service.rules import load_rule_set, nearest
from service.rules.templates import read_template, template_names

TemplateName = Annotated[
    str, typer.Argument(metavar="TEMPLATE", help="A name from `goodfit templates`.")
]


def templates(*, as_json: AsJson = False) -> None:
    """List the rule sets to start from."""
    found = [(name, load_rule_set(read_template(name)).document) for name in template_names()]
    if as_json:
        print_json([
            {"name": name, "title": document.title, "description": document.description}
            for name, document in found
        ])  # fmt: skip
        return
    width = max(len(name) for name, _ in found)
    for name, document in found:
        say(f"  {name:<{width}}  {document.description}")
    say("\n`goodfit new NAME > my_rules.yaml` begins with one")


def new(template: TemplateName) -> None:
    """Print a template, to be redirected into a file of your own."""
    if template not in template_names():
        meant = nearest(template, template_names())
        hint = f"did you mean `{meant}`?" if meant else f"there are {', '.join(template_names())}"
        refuse(f"there is no template `{template}`; {hint}")
    sys.stdout.write(read_template(template))
