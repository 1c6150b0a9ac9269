# Two images of one program: `native` (the default) runs PySpark code without a JVM, `spark` on one.
#   docker build -t landfall .                        docker build -t landfall:spark --target spark .
# Any builder does, the classic one too: no BuildKit mounts, heredocs or automatic platform arguments.
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

# ---- What both start from: Python without installers, a user without rights, everything written under /tmp.
FROM ${PYTHON_IMAGE} AS base
RUN rm -rf /usr/local/lib/python3*/site-packages/* /usr/local/bin/pip* /usr/local/bin/wheel \
      /usr/local/lib/python3*/ensurepip /usr/lib/python3*/ensurepip /usr/share/python-wheels \
 && echo "landfall:x:10001:10001:landfall:/tmp:/usr/sbin/nologin" >> /etc/passwd \
 && echo "landfall:x:10001:" >> /etc/group
ENV PATH=/opt/landfall/bin:$PATH \
    HOME=/tmp \
    SPARK_LOCAL_DIRS=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    LANDFALL_CA_BUNDLE=/opt/certificates/rds.pem

# ---- The authorities that sign the certificates of RDS and Aurora.
FROM ${PYTHON_IMAGE} AS certificates
ARG RDS_CA_URL=https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem
ARG RDS_CA_SHA256=e5bb2084ccf45087bda1c9bffdea0eb15ee67f0b91646106e466714f9de3c7e3
COPY image/fetch_ca_bundle.py /build/
RUN python /build/fetch_ca_bundle.py "$RDS_CA_URL" "$RDS_CA_SHA256" /opt/certificates/rds.pem

# ---- Installing: an empty environment, filled from outside by a pip that stays behind.
FROM ${PYTHON_IMAGE} AS installer
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
COPY locks/build.txt image/trim_python.sh image/trim_jars.py /build/
RUN apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends binutils >/dev/null \
 && python -m pip install --quiet --require-hashes -r /build/build.txt \
 && python -m venv --without-pip /opt/landfall
WORKDIR /build

FROM installer AS libraries-native
COPY locks/native.txt /build/
RUN python -m pip wheel --quiet --no-build-isolation --use-pep517 --require-hashes -r native.txt -w wheels \
 && python -m pip --python /opt/landfall/bin/python install --quiet --no-compile --no-index --no-deps wheels/*.whl \
 && rm -rf wheels \
 && sh trim_python.sh /opt/landfall \
 && python -m compileall -q --invalidation-mode unchecked-hash /opt/landfall/lib

FROM installer AS program
COPY pyproject.toml LICENSE /build/
COPY pipeline /build/pipeline
RUN touch README.md \
 && python -m pip wheel --quiet --no-deps --no-build-isolation -w wheels . \
 && python -m pip --python /opt/landfall/bin/python install --quiet --no-compile --no-index --no-deps wheels/*.whl \
 && python -m compileall -q --invalidation-mode unchecked-hash /opt/landfall/lib

# ---- The image without a JVM.
FROM base AS native
COPY --from=certificates /opt/certificates /opt/certificates
COPY --from=libraries-native /opt/landfall /opt/landfall
COPY --from=program /opt/landfall/bin/landfall /opt/landfall/bin/landfall
COPY --from=program /opt/landfall/lib /opt/landfall/lib
ARG VERSION=0
ARG REVISION=
ARG CREATED=
ARG SOURCE=
LABEL org.opencontainers.image.title="landfall" \
      org.opencontainers.image.description="Files become validated rows in PostgreSQL; engine Sail" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.source="${SOURCE}"
WORKDIR /data
# Declared, so that an empty volume mounted there is writable for the user of the image, also on Fargate.
VOLUME /tmp
USER 10001:10001
ENTRYPOINT ["landfall"]
CMD ["--help"]

# ---- Java: Debian's OpenJDK 17, linked without tools, desktop and their libraries (half the size of the package).
FROM ${PYTHON_IMAGE} AS java
RUN mkdir -p /usr/share/man/man1 \
 && apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends openjdk-17-jdk-headless >/dev/null
RUN jlink --no-header-files --no-man-pages --output /opt/java --add-modules \
      java.se,jdk.charsets,jdk.crypto.ec,jdk.incubator.vector,jdk.jfr,jdk.management,jdk.naming.dns,jdk.net,jdk.security.auth,jdk.unsupported,jdk.zipfs \
 && /opt/java/bin/java -Xshare:dump >/dev/null

FROM installer AS libraries-spark
COPY locks/spark.txt /build/
RUN python -m pip wheel --quiet --no-build-isolation --use-pep517 --require-hashes -r spark.txt -w wheels \
 && python -m pip --python /opt/landfall/bin/python install --quiet --no-compile --no-index --no-deps wheels/*.whl \
 && rm -rf wheels \
 && sh trim_python.sh /opt/landfall \
 && python trim_jars.py /opt/landfall/lib/python3*/site-packages/pyspark \
 && python -m compileall -q --invalidation-mode unchecked-hash /opt/landfall/lib

# ---- The image with a JVM.
FROM base AS spark
COPY --from=java /opt/java /opt/java
COPY --from=certificates /opt/certificates /opt/certificates
COPY --from=libraries-spark /opt/landfall /opt/landfall
COPY --from=program /opt/landfall/bin/landfall /opt/landfall/bin/landfall
COPY --from=program /opt/landfall/lib /opt/landfall/lib
# The classes of a load, parsed once here instead of at each start. SPARK_SUBMIT_OPTS are the options of Spark's JVM.
ENV JAVA_HOME=/opt/java \
    LANDFALL_ENGINE=spark \
    SPARK_SUBMIT_OPTS="-XX:SharedArchiveFile=/opt/landfall/classes.jsa -Duser.home=/tmp"
COPY image/archive_classes.py /opt/landfall/share/
RUN python /opt/landfall/share/archive_classes.py /opt/landfall/classes.jsa && rm -rf /tmp/*
ARG VERSION=0
ARG REVISION=
ARG CREATED=
ARG SOURCE=
LABEL org.opencontainers.image.title="landfall" \
      org.opencontainers.image.description="Files become validated rows in PostgreSQL; engine Spark" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.source="${SOURCE}"
WORKDIR /data
VOLUME /tmp
USER 10001:10001
ENTRYPOINT ["landfall"]
CMD ["--help"]

# ---- The default: a build without --target makes the last stage.
FROM native
