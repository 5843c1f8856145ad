"""Reads metrics from standard input as Prometheus does, and prints a line for each sample."""

import sys

from prometheus_client import parser as plain
from prometheus_client.openmetrics import parser as openmetrics

FORMATS = {"plain": plain.text_string_to_metric_families, "open": openmetrics.text_string_to_metric_families}

seen = set()
for family in FORMATS[sys.argv[1]](sys.stdin.read()):
    if family.type not in ("counter", "gauge", "histogram") or not family.documentation:
        sys.exit(f"{family.name} is a {family.type}: {family.documentation!r}")
    for sample in family.samples:
        labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
        if (sample.name, labels) in seen:
            sys.exit(f"{sample.name} {labels} is there twice")
        seen.add((sample.name, labels))
        print(sample.name, labels, sample.value)
