"""Judges what verbs printed by the published schemas: schemas.py DOCUMENT SAID.

SAID is a list of {"words": what was typed, or null for a failure, "value": what was printed}. Every object is held to the members that its
schema names, and a member that is taken away must be missed: a schema that takes everything says nothing.
"""

import json
import sys

import jsonschema_rs

REFERENCES = "#/$defs/"


def merged(schema, inside=False):
    """The names of those that are parts of other objects."""
    names = set()
    if isinstance(schema, dict):
        if inside and "$ref" in schema:
            names.add(schema["$ref"].removeprefix(REFERENCES))
        for key, value in schema.items():
            names |= merged(value, key == "allOf")
    elif isinstance(schema, list):
        for value in schema:
            names |= merged(value, inside)
    return names


def closed(definitions):
    """The same with no members beside those that are named."""
    parts = merged(definitions)
    for name, schema in definitions.items():
        if name not in parts and ("properties" in schema or "allOf" in schema):
            schema.setdefault("unevaluatedProperties", False)
    return definitions


def verb(words, verbs):
    """The longest beginning of what was typed that is a verb."""
    return next(name for end in range(len(words), 0, -1) if (name := " ".join(words[:end])) in verbs)


def validator(schema, definitions):
    whole = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "$defs": definitions}
    jsonschema_rs.meta.validate(whole)
    return jsonschema_rs.Draft202012Validator(whole, validate_formats=True)


def lacking(value):
    """The value with one member less, for each member of the value or of its first item."""
    one = value[0] if isinstance(value, list) and value else value
    if not isinstance(one, dict):
        return
    for member in one:
        rest = {name: what for name, what in one.items() if name != member}
        yield [rest, *value[1:]] if isinstance(value, list) else rest


def main():
    with open(sys.argv[1]) as document, open(sys.argv[2]) as said:
        document, said = json.load(document), json.load(said)
    definitions = closed(document["$defs"])
    faults, seen = [], set()
    for one in said:
        name = "failure" if one["words"] is None else verb(one["words"], document["verbs"])
        schema = document["failure"] if one["words"] is None else document["verbs"][name]
        judge = validator(schema, definitions)
        for error in judge.iter_errors(one["value"]):
            faults.append(f"{name}: {list(error.instance_path)}: {error.message}")
        less = list(lacking(one["value"]))
        if less and all(judge.is_valid(value) for value in less):
            faults.append(f"{name}: its schema misses no member")
        seen.add(name)
    print("\n".join(faults))
    print(f"judged: {len(seen)}")
    sys.exit(bool(faults))


main()
