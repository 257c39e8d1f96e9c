# PostgreSQL from Debian's packages, for hosts that reach no image registry; elsewhere the official image serves.
#   docker build -f docker/postgres.Dockerfile --build-arg BASE_IMAGE=segnas-base:bookworm -t segnas-postgres:15 docker
# It takes POSTGRES_USER, POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE, POSTGRES_DB and PGDATA, as the official image does.
ARG BASE_IMAGE=debian:bookworm-slim
FROM ${BASE_IMAGE}
# runc 1.1 gives a tmpfs the mode of the folder that it is mounted over, and leaves it to root: hence 3777.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends postgresql \
    && rm -rf /var/lib/apt/lists/* /var/lib/postgresql/* \
    && install -d -o postgres -g postgres /var/lib/postgresql/data \
    && install -d -o postgres -g postgres -m 3777 /run/postgresql
COPY postgres-entrypoint.sh /usr/local/bin/
ENV PGDATA=/var/lib/postgresql/data
USER postgres
STOPSIGNAL SIGINT
EXPOSE 5432
ENTRYPOINT ["postgres-entrypoint.sh"]
