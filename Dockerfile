# Three stages: build the server, build the model pack with it, and copy both into an image without
# compiler and npm. All stages are Debian 13, so that they have the same C library.

FROM rust:1.95.0-slim-trixie AS build
# The image has the toolchain that rust-toolchain.toml names, without the components for developers.
ENV RUSTUP_TOOLCHAIN=1.95.0
WORKDIR /src
COPY . .
RUN cargo build --release --locked --package fourauthd --package fourauth-gateway
# A new volume that is mounted over this folder takes its owner and mode.
RUN mkdir --mode=0700 /empty

FROM node:24-trixie-slim AS models
COPY --from=build /src/target/release/fourauthd /usr/local/bin/
ENV FOURAUTH__FACE__PACKS_DIR=/models
# Downloads two npm packages, checks every file against hashes that are compiled in, and converts them.
RUN fourauthd models install && fourauthd models check

FROM debian:13-slim
COPY --from=build /src/target/release/fourauthd /src/target/release/fourauth-gateway /usr/local/bin/
COPY --from=models /models /usr/share/fourauth/models
# Certificate authorities for checkpoint sinks over HTTPS or syslog with TLS.
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
