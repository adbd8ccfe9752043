# syntax=docker/dockerfile:1
# Two stages: the first has what building needs, the second only what serving needs.

FROM python:3.13-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build
RUN python -m venv /opt/goodfit
COPY pyproject.toml constraints.txt README.md LICENSE ./
# The libraries change seldom and the code often: installed first, they stay in the layer cache.
RUN /opt/goodfit/bin/python - > runtime.txt <<'PYTHON'
import tomllib
from pathlib import Path

print("\n".join(tomllib.loads(Path("pyproject.toml").read_text())["project"]["dependencies"]))
PYTHON
RUN /opt/goodfit/bin/pip install -c constraints.txt hatchling -r runtime.txt
COPY service service
COPY migrations migrations
# To check a file once keeps the tables of its language, which no process makes again.
RUN /opt/goodfit/bin/pip install --no-deps --no-build-isolation . \
 && /opt/goodfit/bin/pip uninstall --yes hatchling pathspec pluggy trove-classifiers \
 && /opt/goodfit/bin/pip check \
 && /opt/goodfit/bin/goodfit new fleet_leads > rules.yaml \
 && /opt/goodfit/bin/goodfit check rules.yaml

FROM python:3.13-slim
LABEL org.opencontainers.image.title="Goodfit" \
      org.opencontainers.image.licenses="Apache-2.0"
# A number, not only a name, so that an orchestrator can see that it is not root.
RUN groupadd --gid 10001 goodfit \
 && useradd --uid 10001 --gid goodfit --no-create-home --home-dir /var/lib/goodfit goodfit \
 && install --directory --owner goodfit --group goodfit --mode 0700 /var/lib/goodfit
COPY --from=build /opt/goodfit /opt/goodfit
ENV PATH=/opt/goodfit/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    GOODFIT_HOME=/var/lib/goodfit
USER 10001:10001
WORKDIR /var/lib/goodfit
# Used only where DATABASE_URL is not set: then Goodfit keeps its own Postgres here.
VOLUME /var/lib/goodfit
EXPOSE 8321
# Ready, not merely alive: the database answers and its schema is the one this code knows.
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8321/readyz', timeout=2)"]
# SIGTERM: stop accepting, answer what was accepted, close.
STOPSIGNAL SIGTERM
CMD ["goodfit", "serve", "--host", "0.0.0.0", "--port", "8321"]
