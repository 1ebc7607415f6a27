# Three stages: build the server, build the model pack with it, and an image that holds these two and
# neither compiler nor npm. All stages are Debian 13, so that they agree on the C library.

FROM rust:1.95.0-slim-trixie AS build
# The image has the toolchain that rust-toolchain.toml names, without the components for developers.
ENV RUSTUP_TOOLCHAIN=1.95.0
WORKDIR /src
COPY . .
RUN cargo build --release --locked --package fourauthd
# A volume that is mounted here for the first time takes over the owner of this folder.
RUN mkdir --mode=0700 /empty

FROM node:24-trixie-slim AS models
COPY --from=build /src/target/release/fourauthd /usr/local/bin/
ENV FOURAUTH__FACE__PACKS_DIR=/models
# Fetches two npm packages, checks every file against the hashes that fourauthd carries, converts them.
RUN fourauthd models install && fourauthd models check

FROM debian:13-slim
COPY --from=build /src/target/release/fourauthd /usr/local/bin/
COPY --from=models /models /usr/share/fourauth/models
# Whom to trust with checkpoints that leave by HTTPS or syslog over TLS.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build --chown=65532:65532 /empty /var/lib/fourauth
ENV FOURAUTH__DATA_DIR=/var/lib/fourauth \
    FOURAUTH__FACE__PACKS_DIR=/usr/share/fourauth/models \
    FOURAUTH__FACE__INSTALL=false
USER 65532:65532
WORKDIR /var/lib/fourauth
VOLUME /var/lib/fourauth
EXPOSE 65432
HEALTHCHECK --interval=30s --timeout=10s --start-period=20s CMD ["fourauthd", "healthcheck"]
ENTRYPOINT ["fourauthd"]
