"""Who else writes an object: named from the marks that Flux, Argo CD and Helm leave, and from nothing else."""

from typing import Any

import pytest

from responders import gitops


def owner(**metadata: Any) -> tuple[str, str | None, str] | None:
    found = gitops.owner_of({"name": "web", "namespace": "shop", **metadata})
    return None if found is None else (found["controller"], found["namespace"], found["name"])


def test_flux_says_which_kustomization_in_which_namespace() -> None:
    labels = {
        "kustomize.toolkit.fluxcd.io/name": "apps",
        "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
    }
    assert owner(labels=labels) == ("Flux Kustomization", "flux-system", "apps")


def test_what_a_helm_release_of_flux_made_belongs_to_flux() -> None:
    labels = {
        "helm.toolkit.fluxcd.io/name": "shop",
        "helm.toolkit.fluxcd.io/namespace": "apps",
        "app.kubernetes.io/managed-by": "Helm",
    }
    notes = {"meta.helm.sh/release-name": "shop", "meta.helm.sh/release-namespace": "apps"}
    assert owner(labels=labels, annotations=notes) == ("Flux HelmRelease", "apps", "shop")
    assert owner(annotations=notes) == ("Helm release", "apps", "shop")


@pytest.mark.parametrize(
    ("application", "expected"), [("shop", (None, "shop")), ("team-a_shop", ("team-a", "shop"))]
)
def test_argo_names_its_application_in_the_tracking_id(
    application: str, expected: tuple[str | None, str]
) -> None:
    notes = {"argocd.argoproj.io/tracking-id": f"{application}:apps/Deployment:shop/web"}
    assert owner(annotations=notes) == ("Argo CD application", *expected)


def test_a_tracking_id_that_was_copied_from_another_object_says_nothing() -> None:
    notes = {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/other"}
    assert owner(annotations=notes) is None


def test_the_label_that_everybody_uses_counts_where_argo_wrote_the_object() -> None:
    labels = {"app.kubernetes.io/instance": "shop"}
    assert owner(labels=labels) is None
    by_argo = [{"manager": "argocd-controller"}]
    assert owner(labels=labels, managedFields=by_argo) == ("Argo CD application", None, "shop")


def test_argo_without_a_name_is_still_an_owner() -> None:
    assert owner(annotations={"argocd.argoproj.io/sync-wave": "1"}) == (
        "Argo CD application",
        None,
        "",
    )


@pytest.mark.parametrize(
    "left_alone",
    [
        {"kustomize.toolkit.fluxcd.io/reconcile": "disabled"},
        {"kustomize.toolkit.fluxcd.io/ssa": "IfNotPresent"},
    ],
)
def test_what_flux_was_told_to_leave_alone_has_no_owner(left_alone: dict[str, str]) -> None:
    assert (
        owner(labels={"kustomize.toolkit.fluxcd.io/name": "apps"}, annotations=left_alone) is None
    )


def test_the_sentence_says_what_to_do_and_when_it_would_be_undone() -> None:
    flux = {"labels": {"kustomize.toolkit.fluxcd.io/name": "apps"}}
    helm = {"annotations": {"meta.helm.sh/release-name": "shop"}}
    assert gitops.remark(flux).endswith("in its source now, or it is undone")
    assert "next upgrade" in gitops.remark(helm)
    assert gitops.remark({}) == ""
