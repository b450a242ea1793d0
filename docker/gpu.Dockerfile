# `gan` for NVIDIA's accelerators: torch's wheels bring their CUDA libraries, the machine brings the driver.
#   make release
#   docker build --file docker/gpu.Dockerfile --tag ganforge:gpu .
#   docker run --rm --gpus all --ipc host --volume "$PWD:/data" ganforge:gpu train photos --minutes 10
FROM python:3.12-slim
COPY dist/*.whl /tmp/
RUN pip install --no-cache-dir "$(echo /tmp/*.whl)[all]" && rm /tmp/*.whl
RUN useradd --create-home person
USER person
WORKDIR /data
ENTRYPOINT ["gan"]
