# Two stages: what builds stays behind. Runs with a read-only root file system and without
# privileges; it writes nothing to disk.
#
#   docker build --tag consumer .
#   docker run --read-only --cap-drop ALL --publish 127.0.0.1:9464:9464 \
#     --env CONSUMER__OPERATIONS__BIND=0.0.0.0:9464 \
#     --volume ./consumer.toml:/etc/consumer/consumer.toml:ro consumer

FROM python:3.13-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/consumer
COPY requirements/run.txt /build/requirements/run.txt
RUN /opt/consumer/bin/pip install --require-hashes \
    --requirement /build/requirements/run.txt
COPY pyproject.toml README.md LICENSE /build/
COPY consumer /build/consumer
RUN /opt/consumer/bin/pip install --no-deps /build

FROM python:3.13-slim
RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin consumer
COPY --from=build /opt/consumer /opt/consumer
ENV PATH=/opt/consumer/bin:$PATH PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /etc/consumer
EXPOSE 9464
# Alive, not ready: a broker that is away is waited for, and a restart would not bring it back.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:9464/livez', timeout=2)"]
ENTRYPOINT ["consumer"]
CMD ["run"]
