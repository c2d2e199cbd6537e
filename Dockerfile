# The build has two stages, so that the build tools are not in the image. Everything that is
# installed has a fixed hash, and the step that builds the wheel downloads nothing. The image runs
# with a read-only root file system and without privileges, and writes nothing to disk. It holds the
# daemon and the command line, without the servers of `--embedded`.
#
#   docker build --tag consumer .
#   docker run --read-only --cap-drop ALL --stop-timeout 50 --publish 127.0.0.1:9464:9464 \
#     --env CONSUMER__OPERATIONS__BIND=0.0.0.0:9464 \
#     --volume ./consumer.toml:/etc/consumer/consumer.toml:ro consumer
#
# --stop-timeout: by default, `docker stop` kills the process after 10 s. A drain may take 25 s, the
#   public port waits for 5 s before it, and closing the connections may take 15 s more.
# CONSUMER__OPERATIONS__BIND: the default, 127.0.0.1, can only be reached from inside the container.

# The digest decides which image is used. It is the digest of the index for all processor types.
# Change tag and digest together. This command prints the digest:
#   docker buildx imagetools inspect python:3.13.15-slim-trixie
FROM python:3.13.15-slim-trixie@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b AS base

FROM base AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_INPUT=1
COPY requirements/build.txt requirements/run.txt /build/requirements/
RUN python -m venv /build/venv \
    && /build/venv/bin/pip install --require-hashes --only-binary :all: \
        --requirement /build/requirements/build.txt
# nkeys only comes as source. Without isolation, the tools of the step before build it. With
# isolation, pip would download tools again, and without a hash.
RUN /build/venv/bin/pip wheel --require-hashes --only-binary :all: --no-binary nkeys \
        --no-build-isolation --wheel-dir /build/wheels --requirement /build/requirements/run.txt
COPY pyproject.toml README.md LICENSE /build/
COPY consumer /build/consumer
# --no-index: everything that is needed is here by now, so nothing may be downloaded any more.
RUN /build/venv/bin/pip wheel --no-index --no-deps --no-build-isolation \
        --wheel-dir /build/wheels /build \
    && python -m venv --without-pip /opt/consumer \
    && /build/venv/bin/pip --python /opt/consumer/bin/python install --no-index \
        --find-links /build/wheels consumer

FROM base
RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin consumer
COPY --from=build /opt/consumer /opt/consumer
ENV PATH=/opt/consumer/bin:$PATH PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /etc/consumer
EXPOSE 9464
# The health check asks /livez and not /readyz: the daemon waits for a broker that is away, and a
# restart would not bring the broker back.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:9464/livez', timeout=2)"]
ENTRYPOINT ["consumer"]
CMD ["run"]
