# The service: HTTP and the store. No torch and no Ray: it speaks HTTP with the job server of the Ray cluster.
#   docker build -f docker/api.Dockerfile -t segnas-api .
# BASE_IMAGE needs Python >= 3.11 with venv (docker/make-base-image.sh makes one where no registry is reachable).
# --secret id=pip_conf,src=FILE gives pip a configuration of your own (mirror, certificate); it stays out of the image.
ARG BASE_IMAGE=python:3.11-slim-bookworm

# Wheels of your own; --build-context wheels=DIR puts a folder here.
FROM scratch AS wheels

FROM ${BASE_IMAGE} AS build
RUN python3 -m venv /opt/segnas
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore PIP_FIND_LINKS=/wheels
WORKDIR /src
# Every package with the sha256 of its files (docker/lock.sh), those of the build's own tools too.
COPY docker/api.lock docker/tools.lock ./
RUN --mount=from=wheels,target=/wheels --mount=type=secret,id=pip_conf,target=/etc/pip.conf \
    /opt/segnas/bin/pip install --no-deps --require-hashes -r api.lock \
    && python3 -m venv /opt/tools && /opt/tools/bin/pip install --no-deps --require-hashes -r tools.lock
COPY pyproject.toml README.md LICENSE ./
COPY api api
COPY nas nas
COPY search_spaces search_spaces
COPY workers workers
RUN /opt/tools/bin/pip wheel --no-deps --no-index --no-build-isolation --wheel-dir /tmp/ours . \
    && /opt/segnas/bin/pip install --no-deps --no-index /tmp/ours/*.whl && /opt/segnas/bin/pip check
# The service speaks HTTP with Ray's job server and must start without Ray and torch.
RUN /opt/segnas/bin/python -c "import api.app"
# A list of the Python packages with their versions and licences (CycloneDX), for whoever has to look something up in it.
RUN /opt/tools/bin/cyclonedx-py environment --output-reproducible --output-file /opt/segnas/sbom.cdx.json \
    /opt/segnas/bin/python

FROM ${BASE_IMAGE}
ARG BASE_IMAGE
ARG UID=1000
ARG REVISION=
LABEL org.opencontainers.image.title="segnas-api" \
    org.opencontainers.image.description="The service of Segnas: HTTP and the record of searches" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.revision="${REVISION}" \
    org.opencontainers.image.base.name="${BASE_IMAGE}"
# The folders exist in the image because a new volume takes its owner from the folder it is mounted over; and the home folder
# has its mode because a tmpfs takes the mode of that folder, with runc 1.1, and belongs to root.
RUN useradd --uid "${UID}" --create-home segnas \
    && install -d -o segnas -g segnas -m 1777 /home/segnas/home \
    && install -d -o segnas -g segnas /home/segnas/home/artifacts /home/segnas/home/cache \
        /home/segnas/home/datasets /home/segnas/home/weights /home/segnas/home/logs /data
COPY --from=build /opt/segnas /opt/segnas
ENV PATH=/opt/segnas/bin:$PATH PYTHONUNBUFFERED=1 SEGNAS_HOME=/home/segnas/home
USER segnas
WORKDIR /home/segnas
EXPOSE 8000
# Healthy is what can serve: the database and Ray answer. To restart what hangs, ask /healthz.
HEALTHCHECK --interval=10s --timeout=25s --start-period=180s \
    CMD ["python", "-P", "-m", "workers.cluster.probe", "http://127.0.0.1:8000/readyz"]
CMD ["python", "-P", "-m", "api"]
