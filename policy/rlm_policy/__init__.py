"""The decision at a node (read, search, map or recurse): explicit, priced and logged. Imports none of our packages."""

from rlm_policy.action import Action
from rlm_policy.artifact import Artifact, Manifest, Policies, Promotion
from rlm_policy.calibration import Labelled, Reliability, fit, reliability
from rlm_policy.cost import Cost, expected_costs
from rlm_policy.decision import Decision
from rlm_policy.errors import ArtifactError, NotBetterError, PolicyError
from rlm_policy.fixed import Direct, Forced, Recurse
from rlm_policy.gate import Interval, Report, objections
from rlm_policy.named import NAMES, named
from rlm_policy.policy import Policy
from rlm_policy.price import Dial, price_biases, read_price
from rlm_policy.priors import DOUBTED, Confidence, Odds, Priors, Readings, priors_of, readings_of, share
from rlm_policy.prompted import Prompted
from rlm_policy.rules import Rules
from rlm_policy.state import State

__all__ = [
    "DOUBTED",
    "NAMES",
    "Action",
    "Artifact",
    "ArtifactError",
    "Confidence",
    "Cost",
    "Decision",
    "Dial",
    "Direct",
    "Forced",
    "Interval",
    "Labelled",
    "Manifest",
    "NotBetterError",
    "Odds",
    "Policies",
    "Policy",
    "PolicyError",
    "Priors",
    "Promotion",
    "Prompted",
    "Readings",
    "Recurse",
    "Reliability",
    "Report",
    "Rules",
    "State",
    "expected_costs",
    "fit",
    "named",
    "objections",
    "price_biases",
    "priors_of",
    "read_price",
    "readings_of",
    "reliability",
    "share",
]
