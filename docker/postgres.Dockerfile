# PostgreSQL from Debian's packages, for hosts that reach no image registry; elsewhere the official image serves.
#   docker build -f docker/postgres.Dockerfile --build-arg BASE_IMAGE=segnas-base:bookworm -t segnas-postgres:15 docker
# It takes POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB and PGDATA, as the official image does.
ARG BASE_IMAGE=debian:bookworm-slim
FROM ${BASE_IMAGE}
RUN apt-get update \
    && apt-get install --yes --no-install-recommends postgresql \
    && rm -rf /var/lib/apt/lists/* /var/lib/postgresql/* \
    && install -d -o postgres -g postgres /var/lib/postgresql/data
COPY postgres-entrypoint.sh /usr/local/bin/
ENV PGDATA=/var/lib/postgresql/data
USER postgres
STOPSIGNAL SIGINT
EXPOSE 5432
ENTRYPOINT ["postgres-entrypoint.sh"]
