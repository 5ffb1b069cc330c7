"""Draft a data map from a live schema and sampled values. Pure: a store reads the samples."""

from upheld.datamap.scan.draft import Draft
from upheld.datamap.scan.inference import infer
from upheld.datamap.scan.samples import Answers, Sampled, Samples, Source, Target

__all__ = ["Answers", "Draft", "Sampled", "Samples", "Source", "Target", "infer"]
