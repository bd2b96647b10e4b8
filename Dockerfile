# The hub: API, scheduler and reactors (`hub serve`), or a worker (`hub worker`).
FROM python:3.11-slim

ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /opt/lms-hub

# Before the code, so that a change of the code does not install everything again.
COPY requirements.lock ./
RUN pip install --require-hashes -r requirements.lock

COPY pyproject.toml README.md ./
COPY schemas schemas
COPY hub hub
COPY connectors connectors
COPY projections projections
RUN pip install --no-deps --editable .

RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/hub hub
USER hub
WORKDIR /var/lib/hub
ENV HUB_HOME=/var/lib/hub
VOLUME /var/lib/hub
EXPOSE 8000
ENTRYPOINT ["hub"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]
