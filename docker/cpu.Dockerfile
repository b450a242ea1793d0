# `gan` for the processor alone: torch's own wheels without CUDA are a tenth of the size.
#   make release
#   docker build --file docker/cpu.Dockerfile --tag ganforge:cpu .
#   docker run --rm --volume "$PWD:/data" ganforge:cpu train photos --minutes 10
FROM python:3.12-slim
COPY dist/*.whl constraints.txt /tmp/
RUN pip install --no-cache-dir --constraint /tmp/constraints.txt torch --index-url https://download.pytorch.org/whl/cpu
RUN pip install --no-cache-dir --constraint /tmp/constraints.txt "$(echo /tmp/*.whl)[all]" && rm /tmp/*.whl
RUN useradd --create-home person
USER person
WORKDIR /data
ENTRYPOINT ["gan"]
