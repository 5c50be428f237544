# Colloque in a container: nothing of the build in it, no root, and no writing outside of /var/lib/colloque.
# docs/operate.md says how to run it; compose.yaml runs it with everything around it.
FROM python:3.11-slim-bookworm AS build
WORKDIR /build
RUN python -m venv /opt/colloque
COPY pyproject.toml README.md LICENSE ./
COPY bridge bridge
RUN /opt/colloque/bin/pip install --no-cache-dir --no-compile .

FROM python:3.11-slim-bookworm
LABEL org.opencontainers.image.title="Colloque" \
      org.opencontainers.image.description="One patient, one practitioner: e-mail to Matrix and back" \
      org.opencontainers.image.licenses="AGPL-3.0-or-later"
RUN useradd --system --uid 10001 --home-dir /var/lib/colloque --create-home --shell /usr/sbin/nologin colloque
COPY --from=build /opt/colloque /opt/colloque
ENV PATH=/opt/colloque/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 10001
WORKDIR /var/lib/colloque
VOLUME /var/lib/colloque
# 29330: the homeserver's transactions and the probes; 2524: mail from your mail server.
EXPOSE 29330 2524
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:29330/_matrix/mau/live', timeout=4)"]
ENTRYPOINT ["colloque"]
CMD ["run", "-c", "/etc/colloque/config.yaml"]
