# A Ray node, head or worker, with torch: the drivers of searches and the trials run in it.
#   docker build -f docker/worker.Dockerfile -t segnas-worker:cpu .
#   docker build -f docker/worker.Dockerfile -t segnas-worker:cuda --build-arg TORCH_VARIANT=cuda .
# TORCH_VARIANT: cpu (PyTorch's own index), cuda (PyPI's build, which brings the CUDA libraries), or a name of
#   PyTorch's index such as cu126; "local" asks no index for torch but --build-context wheels=DIR.
# BASE_IMAGE needs Python >= 3.11 with venv (docker/make-base-image.sh makes one where no registry is reachable).
# --secret id=pip_conf,src=FILE gives pip a configuration of your own (mirror, certificate); it stays out of the image.
# NATIVE=0 leaves out the native kernels, and with them the compiler that the build installs by apt-get.
ARG BASE_IMAGE=python:3.11-slim-bookworm

# Wheels of your own; --build-context wheels=DIR puts a folder here.
FROM scratch AS wheels

FROM ${BASE_IMAGE} AS build
ARG TORCH_VARIANT=cpu
RUN python3 -m venv /opt/segnas
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore PIP_FIND_LINKS=/wheels
WORKDIR /src
# Every package but torch with the sha256 of its files (docker/lock.sh), those of the build's own tools too.
COPY constraints.txt docker/worker.lock docker/tools.lock ./
RUN --mount=from=wheels,target=/wheels --mount=type=secret,id=pip_conf,target=/etc/pip.conf \
    /opt/segnas/bin/pip install --no-deps --require-hashes -r worker.lock \
    && python3 -m venv /opt/tools && /opt/tools/bin/pip install --no-deps --require-hashes -r tools.lock
# torch last: PyTorch's index carries other packages too, which are there by now. CUDA's libraries come with it.
RUN --mount=from=wheels,target=/wheels --mount=type=secret,id=pip_conf,target=/etc/pip.conf \
    case "${TORCH_VARIANT}" in \
        cuda | local) index= ;; \
        *) index="--extra-index-url https://download.pytorch.org/whl/${TORCH_VARIANT}" ;; \
    esac \
    && /opt/segnas/bin/pip install -c constraints.txt ${index} torch
COPY pyproject.toml README.md LICENSE ./
COPY api api
COPY nas nas
COPY search_spaces search_spaces
COPY workers workers
RUN /opt/tools/bin/pip wheel --no-deps --no-index --no-build-isolation --wheel-dir /tmp/ours . \
    && /opt/segnas/bin/pip install --no-deps --no-index /tmp/ours/*.whl && /opt/segnas/bin/pip check
# `ray` here is Ray's command in the environment of workers/cluster/node.env, whoever starts the node.
RUN printf '#!/bin/sh\nexec /opt/segnas/bin/python -P -m workers.cluster.node "$@"\n' > /opt/segnas/bin/ray
# A list of the Python packages with their versions and licences (CycloneDX), for whoever has to look something up in it.
RUN /opt/tools/bin/cyclonedx-py environment --output-reproducible --output-file /opt/segnas/sbom.cdx.json \
    /opt/segnas/bin/python

# Native kernels for processors with AVX2 and with AVX-512: the image has no compiler, and nothing that a node may write to,
# but its volumes, can be executed.
FROM build AS kernels
ARG NATIVE=1
RUN if [ "${NATIVE}" = 1 ]; then \
        apt-get update && apt-get install --yes --no-install-recommends g++ && rm -rf /var/lib/apt/lists/* \
        && /opt/segnas/bin/python -P -m nas.models.layers.native; \
    fi

FROM ${BASE_IMAGE}
ARG BASE_IMAGE
ARG UID=1000
ARG REVISION=
LABEL org.opencontainers.image.title="segnas-worker" \
    org.opencontainers.image.description="A Ray node of Segnas: drivers of searches and trials" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.revision="${REVISION}" \
    org.opencontainers.image.base.name="${BASE_IMAGE}"
# The folders exist in the image because a new volume takes its owner from the folder it is mounted over.
RUN useradd --uid "${UID}" --create-home segnas \
    && install -d -o segnas -g segnas /home/segnas/home /home/segnas/home/artifacts /home/segnas/home/cache \
        /home/segnas/home/datasets /home/segnas/home/weights /data
COPY --from=kernels /opt/segnas /opt/segnas
ENV PATH=/opt/segnas/bin:$PATH PYTHONUNBUFFERED=1 SEGNAS_HOME=/home/segnas/home
USER segnas
# What this processor can run of the kernels must load here as well, where there is no compiler.
RUN python -P -m nas.models.layers.native --check
WORKDIR /home/segnas
CMD ["ray", "--help"]
