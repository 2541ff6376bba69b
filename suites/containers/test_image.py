"""What was started: which image, how old, and for which processor."""

import pytest


@pytest.mark.requirement("CTR-044", refs=["CIS Docker 5.28"], hardening=True)
def test_images_are_pinned(containers):
    """A container SHOULD be created from an image reference that does not move: a digest, an id or a version.

    Why: with `latest` the next pull is another program, on one replica and not on the other.

    See: docker inspect --format '{{.Config.Image}} {{.Image}}' CONTAINER

    Fix: write `image: name:1.2.3@sha256:…` in compose, `docker run name@sha256:…`, or the same in `image:` of the pod spec;
    `docker images --digests` tells the digest.
    """
    assert containers.moving_images == []


@pytest.mark.requirement("CTR-045", needs="image")
def test_the_declared_image_runs(containers):
    """Every container of a service MUST run the declared image.

    Why: everything else that was said and tested is about that image.

    See: docker inspect --format '{{.Config.Image}} {{.Image}}' CONTAINER

    Fix: correct `image:` in compose, `docker run`, or the pod spec, pull, and recreate the container; `docker restart` keeps
    the old image. An image that was rebuilt under the same tag has another digest.
    """
    assert containers.other_images == []


@pytest.mark.requirement("CTR-046", refs=["Kubernetes: images, imagePullPolicy"])
def test_replicas_run_the_same_image(containers):
    """All containers of a service SHOULD run the very same image.

    Why: two versions at once, the rest of a roll-out that stopped half-way, answer differently from call to call.

    See: docker inspect --format '{{.Image}}' CONTAINER

    Fix: recreate the odd ones with `docker compose up -d --force-recreate SERVICE` or `docker run`, or finish the roll-out
    (`kubectl rollout status`); pin the digest in the pod spec so that it can't happen again.
    """
    assert containers.mixed_images == []


@pytest.mark.requirement("CTR-047", refs=["CIS Docker 4.4"], needs="image_max_age")
def test_images_are_fresh(containers):
    """The image of a container MUST NOT be older than declared.

    Why: an image gets no security update unless it is built again.

    See: docker image inspect --format '{{.Created}}' $(docker inspect --format '{{.Image}}' CONTAINER)

    Fix: rebuild on a current base with `docker build --pull --no-cache`, then recreate the container with `docker compose
    up -d`, `docker run`, or the new digest in the pod spec.
    """
    assert containers.aged_images == []


@pytest.mark.requirement("CTR-048", needs="platform")
def test_images_are_of_the_declared_platform(containers):
    """The image of a container MUST be for the declared platform.

    Why: the image for another processor fails, or runs many times slower.

    See: docker image inspect --format '{{.Os}}/{{.Architecture}}' $(docker inspect --format '{{.Image}}' CONTAINER)

    Fix: `platform:` in compose, `docker run --platform`, or `nodeSelector` with kubernetes.io/arch in the pod spec; build with
    `docker buildx build --platform`.
    """
    assert containers.other_platforms == []


@pytest.mark.requirement("CTR-049", refs=["Docker: multi-platform builds, emulation"])
def test_programs_run_on_their_own_processor(containers):
    """A container SHOULD NOT run under the emulation of another processor.

    Why: it is five to twenty times slower, and fails in ways that the real machine does not.

    See: docker inspect --format '{{.Image}} {{.State.Pid}}' CONTAINER, then readlink /proc/PID/exe

    Fix: build or pull the image for this machine (`docker buildx build --platform`, `platform:` in compose, `docker run
    --platform`), or put the service on a machine of its kind (`nodeSelector` in the pod spec).
    """
    assert containers.emulated == []
