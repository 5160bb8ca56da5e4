# docker build -t steering . && docker run --rm -p 127.0.0.1:4567:4567 steering
# For driving alone, without TensorFlow and the built-in simulator (0.3 GB above Python's image):
# docker build --target drive -t steering:drive .
# With an NVIDIA GPU and its container toolkit, several GB larger:
# docker build --build-arg REQUIREMENTS=requirements-gpu.txt -t steering:gpu .
# docker run --rm --gpus all -p 127.0.0.1:4567:4567 steering:gpu
FROM scratch AS code
COPY protocol /protocol
COPY models /models
COPY inference /inference
COPY film /film
COPY server /server
COPY simulator /simulator

# What drives a .tflite file, or a model that has its .tflite beside it, as the shipped ones have.
FROM python:3.12-slim AS base
RUN useradd --create-home --uid 1000 driver
WORKDIR /app
RUN mkdir recordings && chown driver recordings
COPY requirements-drive.txt ./
RUN pip install --no-cache-dir -r requirements-drive.txt

ENV STEERING_CACHE=/home/driver/cache PYTHONUNBUFFERED=1 NVIDIA_DRIVER_CAPABILITIES=compute,utility
EXPOSE 4567
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:4567/healthz', timeout=2)"]

# Inside the container every address must be listened on, so page and API ask for a token: `docker logs` shows it, or
# choose one with -e DRIVE_TOKEN=...; simulators need none, so publish the port to 127.0.0.1 only, as above.
ENTRYPOINT ["python", "server/drive.py", "--host", "0.0.0.0"]
CMD ["models/eff.h5"]

FROM base AS drive
COPY --from=code / ./
USER 1000

FROM base AS full
ARG REQUIREMENTS=requirements.txt
COPY requirements.txt requirements-gpu.txt ./
RUN pip install --no-cache-dir -r $REQUIREMENTS
COPY --from=code / ./
COPY training training
USER 1000
# Convert the shipped models once, for steering and for saliency, so that a container never imports TensorFlow for them
# (where there is a GPU, JAX drives it).
RUN python -m inference.conversion models/*.h5
