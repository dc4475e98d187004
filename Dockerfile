# OCEAN-Chat in a container: builds, annotates, releases and, with EXTRAS=all, trains.
#
#   docker build -t ocean-chat .
#   docker run --rm --user "$(id -u)" -v "$PWD:/data" ocean-chat oceanchat build --trait O --level high
#   docker run --rm --user "$(id -u)" -v "$PWD:/data" -p 8501:8501 ocean-chat oceanchat annotate --address 0.0.0.0
#
# Stores, releases and runs go to /data, the folder that is mounted there.
FROM python:3.11-slim

# Extras of pyproject.toml. `train` and `all` bring torch, and on x86 Linux CUDA with it: gigabytes.
ARG EXTRAS=app,excel,postgres,release,serve

WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY oceanchat oceanchat
COPY annotation_app annotation_app
COPY preact preact
COPY prompts prompts
RUN pip install --no-cache-dir --constraint constraints.txt ".[${EXTRAS}]"

# Any user may run it; what libraries cache goes with the container.
ENV HOME=/tmp
USER 1000
WORKDIR /data
EXPOSE 8501
CMD ["oceanchat", "--help"]
