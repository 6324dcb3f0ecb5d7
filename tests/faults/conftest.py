"""Each test starts without MNIST and without mirrors; the servers are real ones on this machine."""

from mnist_fixtures import arrays, cache, mirror, server, splittable  # noqa: F401 — fixtures
