# syntax=docker/dockerfile:1
# The service and its workers in one image: docker build -t darkroom .
# docs/serve.md says how to run it, compose.yaml runs it with all that it may stand on.

# The page, which is part of the wheel.
FROM node:22-bookworm-slim AS page
WORKDIR /build
COPY package.json package-lock.json ./
COPY clients/typescript/package.json clients/typescript/
COPY web/package.json web/
RUN npm ci --no-audit --no-fund
COPY clients/typescript clients/typescript
COPY web web
RUN npm run build -w web

# The wheel, and a virtual environment with it and the versions that were tested.
FROM python:3.11-slim-bookworm AS wheel
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /build
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY src src
COPY --from=page /build/src/darkroom/server/page src/darkroom/server/page
RUN pip wheel --no-deps --wheel-dir /wheels . \
    && python -m venv /opt/darkroom \
    && /opt/darkroom/bin/pip install --constraint constraints.txt "$(ls /wheels/*.whl)[scale,telemetry]" \
    && /opt/darkroom/bin/darkroom --version

FROM python:3.11-slim-bookworm
LABEL org.opencontainers.image.title="Darkroom" \
      org.opencontainers.image.description="A private media studio: cut out, enlarge, crop and clean up pictures." \
      org.opencontainers.image.licenses="MIT"
RUN groupadd --gid 10001 darkroom \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin darkroom \
    && install -d -o 10001 -g 10001 -m 0700 /data /config /cache
COPY --from=wheel /opt/darkroom /opt/darkroom
# Each in a darkroom/ of its own below: models, database and files; settings; compiled networks and uploads on their way.
ENV PATH=/opt/darkroom/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    XDG_DATA_HOME=/data \
    XDG_CONFIG_HOME=/config \
    XDG_CACHE_HOME=/cache
VOLUME ["/data", "/config", "/cache"]
WORKDIR /data
USER 10001:10001
EXPOSE 8765
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as http; http.urlopen('http://127.0.0.1:' + os.environ.get('DARKROOM_SERVER__PORT', '8765') + '/health', timeout=4)"]
ENTRYPOINT ["darkroom"]
CMD ["serve", "--host", "0.0.0.0"]
