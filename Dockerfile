# docker build -t steering . && docker run --rm -p 127.0.0.1:4567:4567 steering
# With an NVIDIA GPU and its container toolkit, several GB larger:
# docker build --build-arg REQUIREMENTS=requirements-gpu.txt -t steering:gpu .
# docker run --rm --gpus all -p 127.0.0.1:4567:4567 steering:gpu
FROM python:3.12-slim

RUN useradd --create-home --uid 1000 driver
WORKDIR /app
RUN mkdir recordings && chown driver recordings

ARG REQUIREMENTS=requirements.txt
COPY requirements.txt requirements-gpu.txt ./
RUN pip install --no-cache-dir -r $REQUIREMENTS

COPY protocol protocol
COPY models models
COPY inference inference
COPY film film
COPY server server
COPY simulator simulator
COPY training training

# Convert the shipped models once, so that a container is ready in two seconds and never imports TensorFlow for them
# (where there is a GPU it does: TensorFlow drives it).
USER driver
ENV STEERING_CACHE=/home/driver/cache PYTHONUNBUFFERED=1 NVIDIA_DRIVER_CAPABILITIES=compute,utility
RUN python -m inference.conversion models/*.h5

EXPOSE 4567
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD python -c "import urllib.request; urllib.request.urlopen('http://127.0.0.1:4567/healthz', timeout=2)"

# Inside the container every address must be listened on, so page and API ask for a token: `docker logs` shows it, or
# choose one with -e DRIVE_TOKEN=...; simulators need none, so publish the port to 127.0.0.1 only, as above.
ENTRYPOINT ["python", "server/drive.py", "--host", "0.0.0.0"]
CMD ["models/eff.h5"]
