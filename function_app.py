"""Everything that Firebreak exposes. Importing it reads policy.toml: a policy with an error stops the app here."""

import azure.durable_functions as df

from playbooks import (
    compromised_identity,
    foothold,
    holding,
    late_entities,
    renewing,
    restore_identity,
    rotations,
    shutting_out,
    signal_notices,
    surveying,
    telling_later,
    waves,
)
from playbooks.steps import (
    amending,
    cancelled,
    cluster_restores,
    consenting,
    containment,
    depths,
    eviction,
    evidence,
    gitops_pauses,
    levers,
    manifests,
    preflights,
    rebuilding,
    refederating,
    rejudging,
    reporting,
    restored,
    restoring,
    rewiring,
    rotating,
)
from responders import logs
from triggers import (
    app_api,
    intake,
    plan_api,
    reading_api,
    responder_api,
    restore_api,
    signal_senders,
)
from triggers.pages import all_pages

logs.configure()
intake.policy()

app = df.DFApp()
for module in (
    *signal_senders.MODULES,
    late_entities,
    signal_notices,
    responder_api,
    reading_api,
    plan_api,
    restore_api,
    app_api,
    *all_pages.MODULES,
    compromised_identity,
    surveying,
    telling_later,
    foothold,
    renewing,
    restore_identity,
    waves,
    holding,
    rotations,
    shutting_out,
    containment,
    depths,
    levers,
    evidence,
    amending,
    preflights,
    gitops_pauses,
    eviction,
    refederating,
    rotating,
    rebuilding,
    rejudging,
    manifests,
    rewiring,
    reporting,
    restoring,
    cluster_restores,
    restored,
    cancelled,
    consenting,
):
    app.register_functions(module.bp)
