"""Lints a chart and renders it with the engine of Helm itself, and holds each manifest against the schemas of Kubernetes, strictly.

usage: render_chart.py CHART VALUES…, where later values are laid over earlier ones, JSON being YAML too

Prints what was rendered as a JSON list. Ends with a sentence where Helm's linter finds more than advice, where Helm refuses the values,
or where a manifest is no manifest.
"""

import json
import sys

import helm_python as helm
import kubernetes_validate
import yaml

# The oldest that the chart is for, and the newest that the schemas know.
VERSIONS = ["1.27", kubernetes_validate.latest_version()]


def laid_over(below, above):
    """Maps are merged, all else is replaced: as Helm lays values over each other."""
    if not (isinstance(below, dict) and isinstance(above, dict)):
        return above
    return below | {key: laid_over(below.get(key), value) for key, value in above.items()}


def main(chart_path, *values_paths):
    values = {}
    for path in values_paths:
        with open(path, encoding="utf-8") as file:
            values = laid_over(values, yaml.safe_load(file))
    with helm.Chart.load(chart_path) as chart:
        chart.validate_schema(chart.merge_values(values))
        rendered = chart.render(values, name="pki", namespace="smart-metering")
    documents = []
    for name, text in sorted(rendered.items()):
        if name.endswith(".yaml"):
            documents.extend(one for one in yaml.safe_load_all(text) if one)
    for one in documents:
        # The schema of a custom resource is its operator's.
        if one["apiVersion"] == "monitoring.coreos.com/v1":
            continue
        for version in VERSIONS:
            kubernetes_validate.validate(one, version, strict=True)
    print(json.dumps(documents))


try:
    found = helm.lint(sys.argv[1])
    # 1 is advice, such as that of an icon.
    faults = found["errors"] + [one for one in found["messages"] if one["severity"] > 1]
    if faults:
        sys.exit(f"{sys.argv[1]}: {faults}")
    main(*sys.argv[1:])
except (helm.HelmError, kubernetes_validate.ValidationError) as fault:
    sys.exit(f"{sys.argv[1]}: {fault}")
